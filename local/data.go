package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// What the data folder holds. Whatever a service keeps has its name here: Reset
// deletes nothing else.
const (
	lockName        = "lock"
	tablesFile      = "dynamodb.db"
	queuesFolder    = "queues"
	functionsFolder = "lambda"
	eventsFolder    = "events"
)

// ours says whether an entry of the data folder is the runtime's. The engine has
// files beside its own: of the write-ahead log, and our lock.
func ours(name string) bool {
	return slices.Contains([]string{lockName, queuesFolder, functionsFolder, eventsFolder}, name) ||
		name == tablesFile || strings.HasPrefix(name, tablesFile+"-") || strings.HasPrefix(name, tablesFile+".")
}

// Cleared is what [Reset] did.
type Cleared struct {
	Deleted []string // entries of the folder, sorted
	Kept    []string // those that no runtime made
	Bytes   int64    // what was deleted, in bytes
}

// Reset empties a data folder: tables, queues, and everything else that a runtime
// kept there. What no runtime made is left alone. A folder that is not there, or
// that no runtime ever used, is empty already.
//
// It fails with [ErrInUse] while a runtime uses the folder, and then deletes
// nothing.
func Reset(dir string) (Cleared, error) {
	var c Cleared
	if _, err := os.Stat(filepath.Join(dir, lockName)); errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	lock, err := lockData(dir)
	if err != nil {
		return c, err
	}
	// The lock is let go of at the very end, so that no runtime begins on half of it.
	defer lock.Close()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return c, fmt.Errorf("empty the data folder: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case !ours(e.Name()):
			c.Kept = append(c.Kept, e.Name())
			continue
		case e.Name() == lockName:
			// Deleted, a runtime that starts now would lock another file of that name.
			continue
		}
		size, err := sizeOf(path)
		if err == nil {
			err = os.RemoveAll(path)
		}
		if err != nil {
			return c, fmt.Errorf("empty the data folder: %w", err)
		}
		c.Deleted = append(c.Deleted, e.Name())
		c.Bytes += size
	}
	return c, nil
}

// sizeOf adds up the files below a path.
func sizeOf(path string) (int64, error) {
	var total int64
	err := filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
