package sqs

import (
	"bytes"
	"maps"
	"slices"
	"sync"
)

// memStore keeps everything in memory: for tests, and for a runtime that needs
// no data folder.
type memStore struct {
	mu     sync.RWMutex
	pairs  [buckets]map[string][]byte
	closed bool
}

func newMemStore() *memStore {
	s := &memStore{}
	for b := range s.pairs {
		s.pairs[b] = map[string][]byte{}
	}
	return s
}

func (s *memStore) write(ops []op) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	for _, o := range ops {
		if o.value == nil {
			delete(s.pairs[o.bucket], string(o.key))
		} else {
			s.pairs[o.bucket][string(o.key)] = bytes.Clone(o.value)
		}
	}
	return nil
}

func (s *memStore) read(b bucket, keys [][]byte, f func(int, []byte) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	for i, key := range keys {
		if err := f(i, s.pairs[b][string(key)]); err != nil {
			return err
		}
	}
	return nil
}

func (s *memStore) scan(b bucket, f func(key, value []byte) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, key := range slices.Sorted(maps.Keys(s.pairs[b])) {
		if err := f([]byte(key), s.pairs[b][key]); err != nil {
			return err
		}
	}
	return nil
}

func (s *memStore) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
