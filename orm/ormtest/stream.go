package ormtest

import (
	"sync"

	"github.com/vinci-go/vinci/orm"
)

// Record is one change of one item, as a table's stream has it.
type Record struct {
	Table    *orm.Schema
	Event    string // INSERT, MODIFY or REMOVE
	Sequence uint64 // rises with each record of the store
	Key      orm.Item
	Old, New orm.Item // nil for INSERT and REMOVE respectively
}

// Subscribe calls f with every change of the tables that have their stream
// switched on, in order, one at a time. A write that changes nothing makes no
// record, as in DynamoDB. f may use the store.
//
// A write returns after its records are delivered, but for one that is made
// while records are being delivered, by f itself or by another goroutine: its
// records come after those. Subscribe before the first write.
func (m *Memory) Subscribe(f func(Record)) {
	m.stream.mu.Lock()
	defer m.stream.mu.Unlock()
	m.stream.subscribers = append(m.stream.subscribers, f)
}

type stream struct {
	mu          sync.Mutex
	subscribers []func(Record)
	sequence    uint64
	waiting     []Record
	delivering  bool
}

// record notes an effect. The store's lock is held, so records are in order.
func (s *stream) record(e effect) {
	if !e.table.schema.Stream {
		return
	}
	change := "MODIFY"
	switch {
	case e.old == nil && e.new == nil:
		return
	case e.old == nil:
		change = "INSERT"
	case e.new == nil:
		change = "REMOVE"
	case sameItem(e.old, e.new):
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sequence++
	if len(s.subscribers) > 0 {
		s.waiting = append(s.waiting, Record{
			Table: e.table.schema, Event: change, Sequence: s.sequence,
			Key: cloneItem(e.table.schema.KeyOf(e.key)), Old: cloneItem(e.old), New: cloneItem(e.new),
		})
	}
}

// deliver hands over what waits, without a lock held.
func (s *stream) deliver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.delivering {
		return
	}
	s.delivering = true
	defer func() { s.delivering = false }()
	for len(s.waiting) > 0 {
		r := s.waiting[0]
		s.waiting = s.waiting[1:]
		subscribers := s.subscribers
		s.mu.Unlock()
		func() {
			defer s.mu.Lock() // also when a subscriber panics
			for _, f := range subscribers {
				f(r)
			}
		}()
	}
}

func sameItem(a, b orm.Item) bool {
	if len(a) != len(b) {
		return false
	}
	for name, v := range a {
		w, ok := b[name]
		if !ok || !equal(v, w) {
			return false
		}
	}
	return true
}
