package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// settle is how long a burst of saves may pause before it counts as over. An
// editor writes a file in several steps, and a checkout many files.
const settle = 150 * time.Millisecond

// watch reports, once a burst, which source files below dir changed. The channel
// is closed when ctx ends.
func watch(ctx context.Context, dir string) (<-chan string, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", dir, err)
	}
	if err := addFolders(w, dir); err != nil {
		w.Close()
		return nil, err
	}
	out := make(chan string)
	go func() {
		defer close(out)
		defer w.Close()
		var changed []string
		timer := time.NewTimer(settle)
		timer.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case event, ok := <-w.Events:
				if !ok {
					return
				}
				if event.Has(fsnotify.Create) {
					if info, err := os.Stat(event.Name); err == nil && info.IsDir() {
						// A folder that vanished again meanwhile is no error.
						if err := addFolders(w, event.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
							changed = append(changed, err.Error())
						}
					}
				}
				if event.Has(fsnotify.Chmod) || !isSource(event.Name) {
					continue
				}
				name, err := filepath.Rel(dir, event.Name)
				if err != nil {
					name = event.Name
				}
				if !slices.Contains(changed, name) {
					changed = append(changed, name)
				}
				timer.Reset(settle)
			case err := <-w.Errors:
				// The kernel's queue overflowed: something changed, nobody knows what.
				changed = append(changed, err.Error())
				timer.Reset(settle)
			case <-timer.C:
				if len(changed) == 0 {
					continue
				}
				select {
				case out <- strings.Join(changed, ", "):
				case <-ctx.Done():
					return
				}
				changed = nil
			}
		}
	}()
	return out, nil
}

// addFolders watches dir and every folder below it that can hold sources.
func addFolders(w *fsnotify.Watcher, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("watch %s: %w", path, err)
		}
		if !d.IsDir() {
			return nil
		}
		name := d.Name()
		if path != dir && (name == "node_modules" || name == "cdk.out" || name == "testdata" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if err := w.Add(path); err != nil {
			return fmt.Errorf("watch %s (the limit is fs.inotify.max_user_watches): %w", path, err)
		}
		return nil
	})
}

// isSource reports whether a change of the file can change the application.
func isSource(path string) bool {
	switch base := filepath.Base(path); base {
	case "go.mod", "go.sum", "cdk.json", "cdk.context.json":
		return true
	default:
		return filepath.Ext(base) == ".go" && !strings.HasSuffix(base, "_test.go")
	}
}
