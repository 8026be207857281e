package local

import (
	"errors"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/chaos"
)

func TestChaosConfigIsChecked(t *testing.T) {
	if _, err := Start(t.Context(), Config{Assembly: "none", Chaos: &chaos.Config{Throttle: 2, Pause: 1}}); !errors.Is(err, chaos.ErrConfig) {
		t.Errorf("%v", err)
	}
}

// Throttled at rate 1 an HTTP API lets nobody through, and tells each decision.
func TestChaosReachesTheAPI(t *testing.T) {
	harsh, err := chaos.Parse("1,all=0,throttle=1")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan chaos.Decision, 100)
	r := start(t, Config{Assembly: app(t), Chaos: &harsh, ChaosLog: func(d chaos.Decision) {
		select {
		case told <- d:
		default:
		}
	}})
	if status, body := call(t, r, "POST", "/items", "x"); status != 503 || !strings.Contains((<-told).What, "503") {
		t.Errorf("status %d: %s", status, body)
	}
}
