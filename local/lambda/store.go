package lambda

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// bucket is one of the kinds of things that a store keeps.
type bucket int

const (
	inFunctions bucket = iota // made by SDK calls, by name
	inMappings                // made by SDK calls, by UUID
	inAsync                   // asynchronous invocations that are not over, by request id
	buckets
)

// store keeps what must outlive this process.
type store interface {
	put(b bucket, key string, value []byte) error
	delete(b bucket, key string) error
	get(b bucket, key string) ([]byte, error) // nil when it is not there
	scan(b bucket, f func(key string, value []byte) error) error
	close() error
}

// openStore opens the store in dir, or one in memory.
func openStore(dir string) (store, error) {
	if dir == "" {
		s := &memoryStore{}
		for i := range s.values {
			s.values[i] = map[string][]byte{}
		}
		return s, nil
	}
	return openBolt(dir)
}

// boltStore is a file. It writes without fsync, as the queues' does: when a write
// returns its pages are the kernel's, so the death of this process loses nothing;
// that of the machine may.
type boltStore struct{ db *bolt.DB }

func bucketName(b bucket) []byte {
	return []byte([buckets]string{"functions", "mappings", "async"}[b])
}

func openBolt(dir string) (*boltStore, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the functions' data folder: %w", err)
	}
	path := filepath.Join(dir, "lambda.db")
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout: time.Second, NoSync: true, NoGrowSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("open %s: another process has it open: stop the other local runtime or choose another data folder", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for b := range buckets {
			if _, err := tx.CreateBucketIfNotExists(bucketName(b)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", path, err), db.Close())
	}
	return &boltStore{db: db}, nil
}

func (s *boltStore) put(b bucket, key string, value []byte) error {
	return storeError(s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketName(b)).Put([]byte(key), value) }))
}

func (s *boltStore) delete(b bucket, key string) error {
	return storeError(s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketName(b)).Delete([]byte(key)) }))
}

func (s *boltStore) get(b bucket, key string) (value []byte, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		value = slices.Clone(tx.Bucket(bucketName(b)).Get([]byte(key)))
		return nil
	})
	return value, storeError(err)
}

// scan gives f values that are good until it returns.
func (s *boltStore) scan(b bucket, f func(string, []byte) error) error {
	return storeError(s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketName(b)).ForEach(func(k, v []byte) error { return f(string(k), v) })
	}))
}

func (s *boltStore) close() error { return s.db.Close() }

func storeError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		return ErrClosed
	}
	return fmt.Errorf("functions' data: %w", err)
}

// memoryStore is for a service that keeps nothing.
type memoryStore struct {
	mu     sync.Mutex
	values [buckets]map[string][]byte
}

func (s *memoryStore) put(b bucket, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values[b][key] = value
	return nil
}

func (s *memoryStore) delete(b bucket, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values[b], key)
	return nil
}

func (s *memoryStore) get(b bucket, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[b][key], nil
}

func (s *memoryStore) scan(b bucket, f func(string, []byte) error) error {
	s.mu.Lock()
	all := maps.Clone(s.values[b])
	s.mu.Unlock()
	for key, value := range all {
		if err := f(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (s *memoryStore) close() error { return nil }
