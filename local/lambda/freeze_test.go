package lambda

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// awaitState waits until the kernel says that the process is in a state: T for a
// stopped one.
func awaitState(t *testing.T, pid int, want string) {
	t.Helper()
	last := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		if last = rest[:1]; last == want {
			return
		}
	}
	t.Fatalf("process %d is in state %s; want %s", pid, last, want)
}

// TestFreeze: what a function left running makes no progress between invocations,
// and goes on in the next.
func TestFreeze(t *testing.T) {
	s, _ := start(t, Options{}, echo())
	file := filepath.Join(t.TempDir(), "progress")
	size := func() int64 {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	a, _ := call(t, s, request{Do: "background", Text: file})
	awaitState(t, a.PID, "T")
	before := size()
	time.Sleep(100 * time.Millisecond) // it would write a hundred times
	if after := size(); after != before {
		t.Errorf("a frozen process went on: from %d to %d", before, after)
	}
	b, _ := call(t, s, request{Do: "sleep", MS: 50})
	if b.PID != a.PID || b.Calls != 2 {
		t.Errorf("the environment was not used again: %+v after %+v", b, a)
	}
	if after := size(); after <= before {
		t.Errorf("a thawed process does not go on: from %d to %d", before, after)
	}
	// Frozen again, it dies as a running one does.
	awaitState(t, a.PID, "T")
	if err := s.Apply(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	awaitDeath(t, a.PID)
}

// TestFreezeAndTermination: a frozen process that registered for SIGTERM is thawed
// for it.
func TestFreezeAndTermination(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	s, _ := start(t, Options{}, echo(env("SIGTERM_MARK", mark)))
	a, _ := call(t, s, request{Do: "echo"})
	awaitState(t, a.PID, "T")
	if err := s.Apply(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	awaitDeath(t, a.PID)
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("it did not get SIGTERM: %v", err)
	}
}

func TestTemporaryFiles(t *testing.T) {
	state := t.TempDir()
	s, _ := start(t, Options{StateDir: state}, echo(), echo(named("other")))
	a, _ := call(t, s, request{Do: "temp"})
	if !strings.HasPrefix(a.Text, filepath.Join(state, "tmp")+"/") {
		t.Errorf("a temporary file is %s", a.Text)
	}
	if b, _ := call(t, s, request{Do: "temp"}); filepath.Dir(b.Text) != filepath.Dir(a.Text) {
		t.Error("an environment has two folders")
	}
	if err := s.Apply(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(filepath.Dir(a.Text)); errors.Is(err, fs.ErrNotExist) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("the folder outlives its environment")
		}
	}
}
