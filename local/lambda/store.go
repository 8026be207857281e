package lambda

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/vinci-go/vinci/internal/boltfile"
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
	replace(b bucket, key string, value []byte) error // put, where there is one already; else nothing
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

// boltStore is a file.
type boltStore struct{ db *bolt.DB }

var bucketNames = [buckets][]byte{[]byte("functions"), []byte("mappings"), []byte("async")}

func openBolt(dir string) (*boltStore, error) {
	db, err := boltfile.Open(boltfile.Options{Dir: dir, Mode: 0o700, Name: "lambda.db", Owner: "the functions'", Buckets: bucketNames[:]})
	if err != nil {
		return nil, err
	}
	return &boltStore{db: db}, nil
}

func (s *boltStore) put(b bucket, key string, value []byte) error {
	return storeError(s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketNames[b]).Put([]byte(key), value) }))
}

func (s *boltStore) replace(b bucket, key string, value []byte) error {
	return storeError(s.db.Update(func(tx *bolt.Tx) error {
		in := tx.Bucket(bucketNames[b])
		if in.Get([]byte(key)) == nil {
			return nil
		}
		return in.Put([]byte(key), value)
	}))
}

func (s *boltStore) delete(b bucket, key string) error {
	return storeError(s.db.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketNames[b]).Delete([]byte(key)) }))
}

func (s *boltStore) get(b bucket, key string) (value []byte, err error) {
	err = s.db.View(func(tx *bolt.Tx) error {
		value = slices.Clone(tx.Bucket(bucketNames[b]).Get([]byte(key)))
		return nil
	})
	return value, storeError(err)
}

// scan gives f values that are good until it returns.
func (s *boltStore) scan(b bucket, f func(string, []byte) error) error {
	return storeError(s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketNames[b]).ForEach(func(k, v []byte) error { return f(string(k), v) })
	}))
}

func (s *boltStore) close() error { return s.db.Close() }

func storeError(err error) error {
	switch {
	case err == nil:
		return nil
	case boltfile.IsClosed(err):
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

func (s *memoryStore) replace(b bucket, key string, value []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.values[b][key]; ok {
		s.values[b][key] = value
	}
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
