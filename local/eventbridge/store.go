package eventbridge

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/vinci-go/vinci/internal/boltfile"
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

// openBolt opens the database in dir.
func openBolt(dir string) (*boltStore, error) {
	db, err := boltfile.Open(boltfile.Options{Dir: dir, Mode: 0o755, Name: fileName, Owner: "the event buses'", Buckets: bucketNames[:]})
	if err != nil {
		return nil, err
	}
	return &boltStore{db: db}, nil
}

func (s *boltStore) write(ops ...op) error {
	if len(ops) == 0 {
		return nil
	}
	if err := boltfile.Write(s.db, ops, func(o op) (bucket, key, value []byte) { return bucketNames[o.bucket], o.key, o.value }); err != nil {
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
	if boltfile.IsClosed(err) {
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
