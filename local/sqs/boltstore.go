package sqs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// fileName is the queues' database in the data folder.
const fileName = "queues.db"

type boltStore struct{ db *bolt.DB }

var bucketNames = [buckets][]byte{
	[]byte("queues"), []byte("messages"), []byte("progress"), []byte("deduplication"), []byte("attempts"), []byte("tasks"), []byte("deleted"),
}

// openBolt opens the database in dir.
//
// It writes without fsync. When a write returns, its pages are the kernel's: the
// death of this process loses nothing and leaves nothing half written, because
// bbolt makes a transaction visible by one last page. The death of the machine
// may lose the newest transactions or the file, which is the price for a local
// runtime that does not wait for the disk.
func openBolt(dir string) (*boltStore, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the queues' data folder: %w", err)
	}
	path := filepath.Join(dir, fileName)
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
		for _, name := range bucketNames {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("preparing %s: %w", path, err), db.Close())
	}
	return &boltStore{db: db}, nil
}

func (s *boltStore) write(ops []op) error {
	err := s.db.Update(func(tx *bolt.Tx) error {
		for _, o := range ops {
			b := tx.Bucket(bucketNames[o.bucket])
			var err error
			if o.value == nil {
				err = b.Delete(o.key)
			} else {
				err = b.Put(o.key, o.value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("writing queue data: %w", closed(err))
	}
	return nil
}

func (s *boltStore) read(b bucket, keys [][]byte, f func(int, []byte) error) error {
	return closed(s.db.View(func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketNames[b])
		for i, key := range keys {
			if err := f(i, bucket.Get(key)); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (s *boltStore) scan(b bucket, f func(key, value []byte) error) error {
	return s.db.View(func(tx *bolt.Tx) error { return tx.Bucket(bucketNames[b]).ForEach(f) })
}

func (s *boltStore) close() error { return s.db.Close() }

func closed(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}
