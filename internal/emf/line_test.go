package emf

import (
	"strings"
	"testing"
	"time"
)

func TestIsLine(t *testing.T) {
	var b strings.Builder
	if err := Write(&b, Record{Namespace: Namespace, Time: time.UnixMilli(1), Values: []Value{Count("Handled", 1)}}); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]bool{
		b.String():                     true,
		"":                             false,
		`{"level":"INFO","_aws":"no"}`: false,
		"about " + b.String():          false,
	} {
		if IsLine(line) != want {
			t.Errorf("IsLine(%q) is %v", line, !want)
		}
	}
}
