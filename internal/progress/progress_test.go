package progress

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestStep(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name string
		took time.Duration
		err  error
		want string
	}{
		{"quick", 1900 * time.Millisecond, nil, ""},
		{"quick failure", time.Second, boom, ""},
		{"slow", 2500 * time.Millisecond, nil, "build ...\nbuild: done in 2.5s\n"},
		{"slow failure", 3 * time.Second, boom, "build ...\nbuild: failed after 3s\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				err := New(&out).Step("build", func() error {
					time.Sleep(tt.took) // the bubble's clock: no real time passes
					return tt.err
				})
				if !errors.Is(err, tt.err) {
					t.Errorf("error %v, want %v", err, tt.err)
				}
				if out.String() != tt.want {
					t.Errorf("printed %q, want %q", out.String(), tt.want)
				}
			})
		})
	}
}
