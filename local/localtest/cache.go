package localtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// KeptAssemblies is how many assemblies stay in the cache: those used last, and
// any that is in use.
const KeptAssemblies = 3

const (
	lockSuffix   = ".lock"
	buildingMark = ".building-"
)

// cache is a folder of assemblies. Beside each is a lock file: who uses the
// assembly holds it with others, who makes or deletes it holds it alone. The
// kernel lets go of the locks of a process that ends, however it ends. Processes
// share the folder, and so do the goroutines of one.
type cache struct {
	dir   string
	build func(ctx context.Context, out string) error // makes an assembly in a new folder
}

// get returns the assembly of that key, made if it is missing, and how to let go
// of it. Until then nobody deletes it.
func (c cache) get(ctx context.Context, key string) (assembly string, release func() error, err error) {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return "", nil, fmt.Errorf("make the folder of assemblies: %w", err)
	}
	assembly = filepath.Join(c.dir, key)
	for {
		lock, err := lockFile(ctx, assembly+lockSuffix, syscall.LOCK_SH)
		if err != nil {
			return "", nil, err
		}
		if _, err := os.Stat(assembly); err == nil {
			// For prune; that it was used is no reason to fail.
			now := time.Now()
			_ = os.Chtimes(assembly, now, now)
			return assembly, lock.Close, nil
		}
		if err := lock.Close(); err != nil {
			return "", nil, err
		}
		if err := c.make(ctx, assembly); err != nil {
			return "", nil, err
		}
		// Between the two locks somebody may delete it: then once more.
	}
}

// make builds the assembly unless somebody else has meanwhile.
func (c cache) make(ctx context.Context, assembly string) error {
	lock, err := lockFile(ctx, assembly+lockSuffix, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer lock.Close()
	if _, err := os.Stat(assembly); err == nil {
		return nil
	}
	// Whoever finds the folder finds all of it: it gets its name when it is complete.
	building, err := os.MkdirTemp(c.dir, buildingMark)
	if err != nil {
		return fmt.Errorf("make a folder for the assembly: %w", err)
	}
	if err := c.build(ctx, building); err != nil {
		return errors.Join(err, os.RemoveAll(building))
	}
	if err := os.Rename(building, assembly); err != nil {
		return fmt.Errorf("keep the assembly: %w", err)
	}
	return c.prune()
}

// prune deletes all but the assemblies used last, and what a build left that was
// killed. What is in use stays.
func (c cache) prune() error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return fmt.Errorf("prune the assemblies: %w", err)
	}
	type old struct {
		path string
		used time.Time
	}
	var assemblies []old
	var errs []error
	for _, e := range entries {
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted by another process
		}
		path := filepath.Join(c.dir, e.Name())
		switch {
		case err != nil:
			errs = append(errs, err)
		case strings.HasPrefix(e.Name(), buildingMark):
			// Others may build now; nothing builds for an hour.
			if time.Since(info.ModTime()) > time.Hour {
				errs = append(errs, os.RemoveAll(path))
			}
		case e.IsDir():
			assemblies = append(assemblies, old{path, info.ModTime()})
		}
	}
	slices.SortFunc(assemblies, func(a, b old) int { return cmp.Or(b.used.Compare(a.used), strings.Compare(a.path, b.path)) })
	for _, a := range assemblies[min(KeptAssemblies, len(assemblies)):] {
		errs = append(errs, discard(a.path))
	}
	return errors.Join(errs...)
}

// discard deletes an assembly and its lock file, unless it is in use.
func discard(assembly string) error {
	f, err := tryLock(assembly+lockSuffix, syscall.LOCK_EX)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	// The folder first: whoever gets another lock file of this name finds none.
	return errors.Join(os.RemoveAll(assembly), os.Remove(assembly+lockSuffix))
}

// lockInterval is how often a lock is tried that somebody else has: the system
// tells nobody that a lock is free in a way that ctx could end.
const lockInterval = 5 * time.Millisecond

// lockFile takes a lock, and waits for it until ctx ends.
func lockFile(ctx context.Context, path string, how int) (*os.File, error) {
	tick := time.NewTicker(lockInterval)
	defer tick.Stop()
	for {
		f, err := tryLock(path, how)
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return f, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another test that synthesizes (%s): %w", path, ctx.Err())
		case <-tick.C:
		}
	}
}

// tryLock fails with EWOULDBLOCK when somebody else has the lock.
func tryLock(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	// A lock on a file that discard has removed locks nothing.
	locked, err := f.Stat()
	if err == nil {
		var there os.FileInfo
		if there, err = os.Stat(path); err == nil && os.SameFile(locked, there) {
			return f, nil
		}
	}
	f.Close()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("lock: %w", err)
	}
	return nil, syscall.EWOULDBLOCK // try again, with the file that is there now
}
