package boltfile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Options say which file it is.
type Options struct {
	Dir     string      // the folder, made when it is missing
	Mode    os.FileMode // of a folder that is made
	Name    string      // of the file in it
	Owner   string      // whose data it is, in errors: "the queues'"
	Buckets [][]byte    // made when they are missing
}

// Open opens the file. Of two processes only one can have it open: the other gets an
// error after a second that says so.
func Open(o Options) (*bolt.DB, error) {
	if err := os.MkdirAll(o.Dir, o.Mode); err != nil {
		return nil, fmt.Errorf("making %s data folder: %w", o.Owner, err)
	}
	path := filepath.Join(o.Dir, o.Name)
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout: time.Second, NoSync: true, NoGrowSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("opening %s: another process has it open: stop the other local runtime or choose another data folder", path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, name := range o.Buckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing %s: %w", path, err), db.Close())
	}
	return db, nil
}

// Write makes all writes in one transaction. of says which bucket, key and value a
// write has; a nil value deletes the key.
func Write[W any](db *bolt.DB, writes []W, of func(W) (bucket, key, value []byte)) error {
	return db.Update(func(tx *bolt.Tx) error {
		for _, w := range writes {
			bucket, key, value := of(w)
			b := tx.Bucket(bucket)
			var err error
			if value == nil {
				err = b.Delete(key)
			} else {
				err = b.Put(key, value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// IsClosed reports whether a call failed because the database is closed.
func IsClosed(err error) bool { return errors.Is(err, bolterrors.ErrDatabaseNotOpen) }
