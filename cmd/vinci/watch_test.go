package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vinci-go/vinci/internal/moduletest"
)

// A folder that comes or goes as a whole is a change, although no event names
// the files in it.
func TestWatchFolders(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	moduletest.Write(t, filepath.Join(elsewhere, "count", "deep", "main.go"), "package main")
	changes, err := watch(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	move := func(from, to, want string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
		select {
		case got := <-changes:
			if got != want {
				t.Errorf("changed %q, want %q", got, want)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s to %s: no change was seen", from, to)
		}
	}
	here := filepath.Join(dir, "count")
	move(filepath.Join(elsewhere, "count"), here, "count/deep/main.go")
	move(here, filepath.Join(dir, "total"), "count, total/deep/main.go")
	move(filepath.Join(dir, "total"), filepath.Join(elsewhere, "total"), "total")
}

func TestList(t *testing.T) {
	if got := list([]string{"a", "b"}); got != "a, b" {
		t.Error(got)
	}
	if got := list([]string{"a", "b", "c", "d", "e", "f", "g"}); got != "a, b, c, d, e and 2 more" {
		t.Error(got)
	}
}
