package sqs

import (
	"encoding/binary"
	"sync"
)

// bucket is one of the tables of the store.
type bucket uint8

const (
	queuesBucket   bucket = iota // ARN -> queueRecord
	messagesBucket               // queue number, sequence -> record
	progressBucket               // queue number, sequence -> progress
	dedupBucket                  // queue number, deduplication key -> dedupEntry
	attemptsBucket               // queue number, receive request attempt id -> attempt
	tasksBucket                  // queue number, task id -> taskRecord
	deletedBucket                // ARN -> when DeleteQueue was called, Unix nanoseconds
	buckets
)

// op is one write. A nil value deletes the key.
type op struct {
	bucket bucket
	key    []byte
	value  []byte
}

// store keeps key-value pairs. A write is all or nothing.
type store interface {
	write(ops []op) error
	// read calls f with the value of each key of a bucket, nil for one that is
	// absent. The value is valid during the call only.
	read(b bucket, keys [][]byte, f func(i int, value []byte) error) error
	// scan calls f for all pairs of a bucket in the order of keys.
	scan(b bucket, f func(key, value []byte) error) error
	close() error
}

func messageKey(queue, seq uint64) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), queue)
	return binary.BigEndian.AppendUint64(b, seq)
}

// namedKey is the key of what a queue has by name.
func namedKey(queue uint64, name string) []byte {
	return append(binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(name)), queue), name...)
}

func splitNamedKey(key []byte) (queue uint64, name string, ok bool) {
	if len(key) < 8 {
		return 0, "", false
	}
	return binary.BigEndian.Uint64(key), string(key[8:]), true
}

func splitKey(key []byte) (queue, seq uint64, ok bool) {
	if len(key) != 16 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(key), binary.BigEndian.Uint64(key[8:]), true
}

// committer joins writes that come while another is under way into one, so that
// many callers share the cost of a transaction. commit returns when its writes
// have reached the store.
type committer struct {
	store   store
	writing sync.Mutex // held by the leader that writes

	mu      sync.Mutex
	pending *joint
}

type joint struct {
	ops  []op
	done chan struct{}
	err  error
}

func (c *committer) commit(ops ...op) error {
	if len(ops) == 0 {
		return nil
	}
	c.mu.Lock()
	if g := c.pending; g != nil {
		g.ops = append(g.ops, ops...)
		c.mu.Unlock()
		<-g.done
		return g.err
	}
	// The first of a group leads it: it waits for the write before its own, and
	// until then others join.
	g := &joint{ops: ops, done: make(chan struct{})}
	c.pending = g
	c.mu.Unlock()

	c.writing.Lock()
	c.mu.Lock()
	c.pending = nil
	c.mu.Unlock()
	g.err = c.store.write(g.ops)
	c.writing.Unlock()
	close(g.done)
	return g.err
}
