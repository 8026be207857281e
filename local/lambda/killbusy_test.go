package lambda

import (
	"path/filepath"
	"testing"
)

// Of two functions the busy process of the one that is named dies, and no idle one.
func TestKillBusy(t *testing.T) {
	s, logs := start(t, Options{}, echo(), echo(named("other")))
	first := func(int) int { return 0 }
	idle, _ := call(t, s, request{Do: "echo"})
	for _, f := range []string{"echo", "nobody"} {
		if s.KillBusy(f, first) {
			t.Errorf("killed a process of %s, which runs nothing", f)
		}
	}
	gate := filepath.Join(t.TempDir(), "never")
	result := make(chan Result, 1)
	go func() {
		r, err := s.Invoke(t.Context(), "other", []byte(`{"Do":"wait","Text":"`+gate+`"}`))
		if err != nil {
			t.Error(err)
		}
		result <- r
	}()
	logs.wait(t, "waiting", 1)
	if s.KillBusy("other", func(n int) int { return n }) {
		t.Error("killed a process although the choice was none of them")
	}
	if !s.KillBusy("other", first) {
		t.Fatal("the busy process lives")
	}
	if d := describe(t, <-result); d.ErrorType != "Runtime.ExitError" {
		t.Errorf("error type is %s", d.ErrorType)
	}
	if a, _ := call(t, s, request{Do: "echo"}); a.PID != idle.PID {
		t.Error("the idle process of the other function is gone")
	}
}
