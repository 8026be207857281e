package lambda

import (
	"path/filepath"
	"testing"
)

func TestKillOne(t *testing.T) {
	s, logs := start(t, Options{}, echo(), echo(named("other")))
	first := func(int) int { return 0 }
	if f, ok := s.KillOne(func(int) int { t.Error("asked to choose among none"); return 0 }); ok {
		t.Errorf("killed %q, which has no process", f)
	}

	idle, _ := call(t, s, request{Do: "echo"})
	if f, ok := s.KillOne(func(n int) int { return n }); ok {
		t.Errorf("killed %q although the choice was none of them", f)
	}
	if f, ok := s.KillOne(first); !ok || f != "echo" {
		t.Fatalf("KillOne = %q, %v", f, ok)
	}
	awaitDeath(t, idle.PID)
	if a, _ := call(t, s, request{Do: "echo"}); a.PID == idle.PID {
		t.Error("a dead process answered")
	}

	// A busy one: its invocation fails, as on AWS.
	gate := filepath.Join(t.TempDir(), "never")
	result := make(chan Result, 1)
	go func() { result <- invoke(t, s, request{Do: "wait", Text: gate}) }()
	logs.wait(t, "waiting", 1)
	if f, ok := s.KillOne(first); !ok || f != "echo" {
		t.Fatalf("KillOne = %q, %v", f, ok)
	}
	if d := describe(t, <-result); d.ErrorType != "Runtime.ExitError" {
		t.Errorf("error type is %s", d.ErrorType)
	}
}
