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
	placeName       = "place" // the account and the region whose ARNs the rest holds
	placeNew        = ".new"  // behind placeName, while it is written
)

// ours says whether an entry of the data folder is the runtime's. The engine has
// files beside its own: of the write-ahead log, and our lock.
func ours(name string) bool {
	return slices.Contains([]string{lockName, placeName, placeName + placeNew, queuesFolder, functionsFolder, eventsFolder}, name) ||
		name == tablesFile || strings.HasPrefix(name, tablesFile+"-") || strings.HasPrefix(name, tablesFile+".")
}

// ErrPlace: the data folder belongs to another account or region.
var ErrPlace = errors.New("the data folder belongs to another account or region")

// checkPlace keeps a data folder to one account and region: queues, rules and mappings
// are stored under their ARNs, which hold both. The folder is locked by us.
func checkPlace(dir, account, region string) error {
	path := filepath.Join(dir, placeName)
	here := account + " " + region
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		// In one step: half a line would keep the folder from ever being used again.
		b = []byte(here)
		err = errors.Join(os.WriteFile(path+placeNew, append(b, '\n'), 0o600), os.Rename(path+placeNew, path))
	}
	if err != nil {
		return fmt.Errorf("the data folder's account and region: %w", err)
	}
	was := strings.Fields(string(b))
	if len(was) != 2 {
		return fmt.Errorf("the data folder's account and region: %s holds %q, want an account and a region: reset the folder", path, b)
	}
	if was[0] != account || was[1] != region {
		return fmt.Errorf("%w: %s was made for account %s and region %s, and this start says %s and %s: say the same, name another folder, or reset this one",
			ErrPlace, dir, was[0], was[1], account, region)
	}
	return nil
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
