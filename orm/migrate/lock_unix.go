//go:build unix

package migrate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lock takes the checkpoint for this process. The kernel lets go of it when the
// process ends, however it ends, so a lock file left behind locks nothing.
func lock(checkpoint string) (release func() error, err error) {
	path := checkpoint + ".lock"
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the checkpoint's folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the checkpoint: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: another process uses %s: wait for it or stop it", ErrRunning, checkpoint)
		}
		return nil, fmt.Errorf("lock the checkpoint with %s: %w", path, err)
	}
	return f.Close, nil
}
