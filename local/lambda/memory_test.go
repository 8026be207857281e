package lambda

import (
	"strings"
	"testing"
)

func TestOutOfMemory(t *testing.T) {
	t.Run("held", func(t *testing.T) { // found while it runs
		s, logs := start(t, Options{}, echo())
		r := invoke(t, s, request{Do: "memory", N: 256, MS: 20_000})
		wantOutOfMemory(t, r, logs)
	})
	t.Run("quick", func(t *testing.T) { // found when it answers
		s, logs := start(t, Options{}, echo())
		r := invoke(t, s, request{Do: "memory", N: 256})
		wantOutOfMemory(t, r, logs)
		if a, _ := call(t, s, request{Do: "memory", N: 16}); a.Calls != 1 {
			t.Error("the process that took too much lives on")
		}
	})
	t.Run("start", func(t *testing.T) {
		s, logs := start(t, Options{}, echo(env("INIT", "memory")))
		if d := describe(t, invoke(t, s, request{})); d.ErrorType != outOfMemory {
			t.Errorf("error type is %s", d.ErrorType)
		}
		logs.wait(t, "INIT_REPORT", 1)
	})
}

func wantOutOfMemory(t *testing.T, r Result, logs *sink) {
	t.Helper()
	if d := describe(t, r); d.ErrorType != outOfMemory || d.ErrorMessage != "RequestId: "+r.RequestID+" Error: Runtime exited with error: signal: killed" {
		t.Errorf("got %+v", d)
	}
	report := logs.wait(t, "REPORT RequestId: "+r.RequestID, 1).Text
	if !strings.Contains(report, "Memory Size: 128 MB\tMax Memory Used: 128 MB\t") || !strings.HasSuffix(report, "Status: error\tError Type: Runtime.OutOfMemory") {
		t.Errorf("the report is %q", report)
	}
}

func TestResidentMemory(t *testing.T) {
	for text, want := range map[string]int64{"100 25 3 4 0 5 0\n": 25 * 4096, "": 0, "1": 0, "1 x": 0} {
		if got := residentMemory([]byte(text), 4096); got != want {
			t.Errorf("%q: %d; want %d", text, got, want)
		}
	}
}
