package dynamodb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// childAttributes ties a child to its owner: see launch.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// lockFile takes the lock beside the database file. It is held as long as this
// process lives, whatever its end, and the engine does not inherit it. So whoever
// holds it knows that an engine which still runs on the file is stale: its owner
// is gone.
func lockFile(file string) (*os.File, error) {
	path := file + ".lock"
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the database file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		owner := "another process"
		if b, err := os.ReadFile(path); err == nil && len(bytes.TrimSpace(b)) > 0 {
			owner = "process " + string(bytes.TrimSpace(b))
		}
		return nil, fmt.Errorf("%w: %s is used by %s: end that one, or choose another data folder", ErrInUse, file, owner)
	}
	if err := f.Truncate(0); err == nil {
		// For the message above only; without it the message is less helpful.
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())), 0)
	}
	return f, nil
}

// endStale ends engines that still run on the database file and returns their
// process ids. Call it with the lock held.
func endStale(ctx context.Context, file string) ([]int, error) {
	pids, err := enginesOn(file)
	if err != nil {
		return nil, fmt.Errorf("look for a stale DynamoDB engine: %w", err)
	}
	for _, pid := range pids {
		if err := end(ctx, pid, file); err != nil {
			return nil, fmt.Errorf("end the stale DynamoDB engine, process %d, on %s: %w", pid, file, err)
		}
	}
	return pids, nil
}

// enginesOn finds the processes that serve the file, by their command line: an
// engine whose owner was killed leaves nothing else behind to find it by.
func enginesOn(file string) ([]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if serves(pid, file) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func serves(pid int, file string) bool {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
	if err != nil {
		return false // ended in the meantime, or not ours to look at
	}
	args := strings.Split(strings.TrimRight(string(raw), "\x00"), "\x00")
	if filepath.Base(args[0]) != engineName {
		return false
	}
	for i := 1; i < len(args)-1; i++ {
		if args[i] == "--db-path" && args[i+1] == file {
			return true
		}
	}
	return false
}

// end sends SIGTERM, then SIGKILL, and returns when the process is gone.
func end(ctx context.Context, pid int, file string) error {
	for _, step := range []struct {
		signal syscall.Signal
		within time.Duration
	}{{syscall.SIGTERM, 2 * time.Second}, {syscall.SIGKILL, 2 * time.Second}} {
		if err := syscall.Kill(pid, step.signal); err != nil {
			if errors.Is(err, syscall.ESRCH) {
				return nil
			}
			return err
		}
		wait, cancel := context.WithTimeout(ctx, step.within)
		gone := waitGone(wait, pid, file)
		cancel()
		if gone {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return errors.New("it survived SIGKILL")
}

// waitGone polls, because only a parent may wait for a process. A zombie has no
// command line left: it counts as gone.
func waitGone(ctx context.Context, pid int, file string) bool {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if !serves(pid, file) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}
