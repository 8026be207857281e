package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// bookmark is the file that says how far a replay has come, so that it can be gone on
// with after Ctrl-C, an error, or kill -9.
type bookmark struct {
	path string
}

// bookmarkOf is the bookmark of what is replayed in a deployment: a subscription, or
// the whole bus.
func bookmarkOf(dir, deployment, what string) bookmark {
	return bookmark{filepath.Join(dir, ".vinci", "replays", deployment, what+".json")}
}

// read reads the bookmark into v; false: there is none.
func (b bookmark) read(v any) (bool, error) {
	text, err := os.ReadFile(b.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find out where the last run ended: %w", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return false, fmt.Errorf("find out where the last run ended: %s: %w: delete the file to begin anew", b.path, err)
	}
	return true, nil
}

// write replaces the bookmark: half a file is never seen.
func (b bookmark) write(v any) (err error) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("keep where this run is: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(b.path), 0o755); err != nil {
		return fmt.Errorf("keep where this run is: %w", err)
	}
	temp := b.path + ".new"
	if err := os.WriteFile(temp, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("keep where this run is: %w", err)
	}
	if err := os.Rename(temp, b.path); err != nil {
		return fmt.Errorf("keep where this run is: %w", err)
	}
	return nil
}

func (b bookmark) remove() error {
	if err := os.Remove(b.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget where the last run ended: %w", err)
	}
	return nil
}

// going are the flags of what can be gone on with.
type going struct{ resume, discard bool }

// errUnfinished says what to do about a run that did not end.
func errUnfinished(b bookmark, what string, at time.Time) error {
	return fmt.Errorf("%s did not end on %s: go on with it by --resume, or forget it by --discard (%s)", what, clock(at), b.path)
}
