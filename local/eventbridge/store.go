package eventbridge

import (
	"bytes"
	"encoding/binary"
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

// bucket is one of the tables of the store.
type bucket uint8

const (
	definitions bucket = iota // kind and names -> what SDK calls made
	waiting                   // number -> delivery that is tried again
	archived                  // archive, second of the event, number -> event
	replayed                  // name -> replay
	buckets
)

var bucketNames = [buckets][]byte{[]byte("definitions"), []byte("waiting"), []byte("archived"), []byte("replayed")}

// op is one write. A nil value deletes the key.
type op struct {
	bucket     bucket
	key, value []byte
}

// store keeps key-value pairs. A write is all or nothing.
type store interface {
	write(ops ...op) error
	// scan calls f for the pairs of a bucket whose keys begin with prefix, from the
	// key from on, in the order of keys, until f reports false. Key and value are
	// valid during the call only; f must not use the store.
	scan(b bucket, prefix, from []byte, f func(key, value []byte) (bool, error)) error
	// durable reports whether the store outlives the process.
	durable() bool
	close() error
}

// fileName is the database in the data folder.
const fileName = "events.db"

type boltStore struct{ db *bolt.DB }

// openBolt opens the database in dir. It writes without fsync, as package sqs
// does: the death of the process loses nothing, that of the machine may.
func openBolt(dir string) (*boltStore, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the event buses' data folder: %w", err)
	}
	file := filepath.Join(dir, fileName)
	db, err := bolt.Open(file, 0o600, &bolt.Options{
		Timeout: time.Second, NoSync: true, NoGrowSync: true, NoFreelistSync: true, FreelistType: bolt.FreelistMapType,
	})
	if errors.Is(err, bolterrors.ErrTimeout) {
		return nil, fmt.Errorf("opening %s: another process has it open: stop the other local runtime or choose another data folder", file)
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", file, err)
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
		return nil, errors.Join(fmt.Errorf("preparing %s: %w", file, err), db.Close())
	}
	return &boltStore{db: db}, nil
}

func (s *boltStore) write(ops ...op) error {
	if len(ops) == 0 {
		return nil
	}
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
		return fmt.Errorf("writing event bus data: %w", closed(err))
	}
	return nil
}

func (s *boltStore) scan(b bucket, prefix, from []byte, f func(key, value []byte) (bool, error)) error {
	return closed(s.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketNames[b]).Cursor()
		start := prefix
		if bytes.Compare(from, prefix) > 0 {
			start = from
		}
		for k, v := c.Seek(start); k != nil && bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if more, err := f(k, v); err != nil || !more {
				return err
			}
		}
		return nil
	}))
}

func (s *boltStore) durable() bool { return true }
func (s *boltStore) close() error  { return s.db.Close() }

func closed(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrClosed
	}
	return err
}

// memStore keeps everything in memory: for tests, and for a service that needs no
// data folder.
type memStore struct {
	mu    sync.RWMutex
	pairs [buckets]map[string][]byte
}

func newMemStore() *memStore {
	s := &memStore{}
	for b := range s.pairs {
		s.pairs[b] = map[string][]byte{}
	}
	return s
}

func (s *memStore) write(ops ...op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range ops {
		if o.value == nil {
			delete(s.pairs[o.bucket], string(o.key))
		} else {
			s.pairs[o.bucket][string(o.key)] = bytes.Clone(o.value)
		}
	}
	return nil
}

func (s *memStore) scan(b bucket, prefix, from []byte, f func(key, value []byte) (bool, error)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, k := range slices.Sorted(maps.Keys(s.pairs[b])) {
		if k < string(from) || !bytes.HasPrefix([]byte(k), prefix) {
			continue
		}
		if more, err := f([]byte(k), s.pairs[b][k]); err != nil || !more {
			return err
		}
	}
	return nil
}

func (s *memStore) durable() bool { return false }
func (s *memStore) close() error  { return nil }

// number is a key that sorts as numbers do.
func number(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

// names is a key of texts.
func names(parts ...string) []byte {
	var b []byte
	for i, p := range parts {
		if i > 0 {
			b = append(b, 0)
		}
		b = append(b, p...)
	}
	return b
}
