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
	folders := map[string]bool{}
	if _, err := addFolders(w, dir, folders); err != nil {
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
		note := func(path string) {
			name, err := filepath.Rel(dir, path)
			if err != nil {
				name = path
			}
			if !slices.Contains(changed, name) {
				changed = append(changed, name)
			}
			timer.Reset(settle)
		}
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
						// Nothing reports what was written into it before the watch
						// began, or what it held when it was moved here.
						held, err := addFolders(w, event.Name, folders)
						for _, path := range held {
							note(path)
						}
						// A folder that vanished again meanwhile is no error.
						if err != nil && !errors.Is(err, fs.ErrNotExist) {
							changed = append(changed, err.Error())
							timer.Reset(settle)
						}
					}
				}
				if event.Has(fsnotify.Rename) && folders[event.Name] {
					// It was moved away: its files report nothing.
					delete(folders, event.Name)
					note(event.Name)
				}
				if event.Has(fsnotify.Chmod) || !isSource(event.Name) {
					continue
				}
				note(event.Name)
			case err := <-w.Errors:
				// The kernel's queue overflowed: something changed, nobody knows what.
				changed = append(changed, err.Error())
				timer.Reset(settle)
			case <-timer.C:
				if len(changed) == 0 {
					continue
				}
				select {
				case out <- list(changed):
				case <-ctx.Done():
					return
				}
				changed = nil
			}
		}
	}()
	return out, nil
}

// list names the first few: a checkout changes hundreds.
func list(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// addFolders watches dir and every folder below it that can hold sources, adds
// them to folders, and returns the source files that they hold.
func addFolders(w *fsnotify.Watcher, dir string, folders map[string]bool) (held []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("watch %s: %w", path, err)
		}
		if !d.IsDir() {
			if isSource(path) {
				held = append(held, path)
			}
			return nil
		}
		name := d.Name()
		if path == filepath.Join(dir, string(migrations)) {
			return filepath.SkipDir // programs of their own, no part of the application
		}
		if path != dir && (name == "node_modules" || name == "cdk.out" || name == "testdata" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if err := w.Add(path); err != nil {
			return fmt.Errorf("watch %s (the limit is fs.inotify.max_user_watches): %w", path, err)
		}
		folders[path] = true
		return nil
	})
	return held, err
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
