package dynamodb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// No file has the descriptor -1: that flushing it succeeds shows that the call
// was left out.
func TestSkipFlushesIsOfOneThread(t *testing.T) {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // for good
		done <- func() error {
			if err := skipFlushes(); err != nil {
				return err
			}
			return errors.Join(unix.Fsync(-1), unix.Fdatasync(-1))
		}()
	}()
	if err := <-done; err != nil {
		t.Errorf("on the thread: %v", err)
	}
	for what, flush := range map[string]func(int) error{"fsync": unix.Fsync, "fdatasync": unix.Fdatasync} {
		if err := flush(-1); !errors.Is(err, unix.EBADF) {
			t.Errorf("%s on another thread: %v; want EBADF", what, err)
		}
	}
}

func TestEngineRunsWithoutFlushes(t *testing.T) {
	engine, err := FindEngine(".")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Start(t.Context(), Options{Engine: engine, File: filepath.Join(t.TempDir(), "dynamodb.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.EnginePID()))
	if err != nil {
		t.Fatal(err)
	}
	// 2 is a filter: proc_pid_status(5).
	if !regexp.MustCompile(`(?m)^Seccomp:\s+2$`).Match(status) {
		t.Errorf("the engine has no filter:\n%s", status)
	}
}
