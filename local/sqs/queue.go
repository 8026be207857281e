package sqs

import (
	"container/heap"
	"sync"
	"time"
)

// item is what the index knows of a message: all but its contents.
type item struct {
	seq  uint64
	sent int64 // Unix milliseconds
	progress
	place int // in the heap
}

// queue is the index of one queue's messages: all of them in one heap by the
// time at which they become visible, which is in the past for those that are.
type queue struct {
	id  uint64 // never used twice, so that handles and keys of a deleted queue of the same name stay dead
	arn string

	mu       sync.Mutex
	active   bool // false: its messages are stored, but nothing configures it
	config   QueueConfig
	created  time.Time
	modified time.Time
	purged   time.Time
	items    map[uint64]*item
	order    order
	changed  chan struct{} // closed when something may have become visible, or the queue is gone
}

func newQueue(id uint64, arn string) *queue {
	return &queue{id: id, arn: arn, items: map[uint64]*item{}, changed: make(chan struct{})}
}

// All methods below want q.mu held.

func (q *queue) add(it *item) {
	q.items[it.seq] = it
	heap.Push(&q.order, it)
}

func (q *queue) remove(it *item) {
	delete(q.items, it.seq)
	heap.Remove(&q.order, it.place)
}

// set changes when and how often a message was received, and its place with it.
func (q *queue) set(it *item, p progress) {
	it.progress = p
	heap.Fix(&q.order, it.place)
}

// wake tells all who wait for a message to look again.
func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *queue) expired(it *item, now time.Time) bool {
	return now.Sub(time.UnixMilli(it.sent)) > q.config.MessageRetention
}

// spent reports whether the message was received as often as the queue allows.
func (q *queue) spent(it *item) bool {
	return q.config.DeadLetterARN != "" && it.count >= q.config.MaxReceiveCount
}

// counts are the approximate numbers of the queue's attributes.
func (q *queue) counts(now time.Time) (visible, inFlight, delayed int) {
	at := now.UnixNano()
	for _, it := range q.items {
		switch {
		case q.expired(it, now):
		case it.visible <= at:
			visible++
		case it.count == 0:
			delayed++
		default:
			inFlight++
		}
	}
	return visible, inFlight, delayed
}

// order is a heap by time of visibility, then by sequence.
type order []*item

func (o order) Len() int { return len(o) }
func (o order) Less(i, j int) bool {
	if o[i].visible != o[j].visible {
		return o[i].visible < o[j].visible
	}
	return o[i].seq < o[j].seq
}
func (o order) Swap(i, j int) {
	o[i], o[j] = o[j], o[i]
	o[i].place, o[j].place = i, j
}
func (o *order) Push(x any) {
	it := x.(*item)
	it.place = len(*o)
	*o = append(*o, it)
}
func (o *order) Pop() any {
	old := *o
	it := old[len(old)-1]
	old[len(old)-1] = nil
	*o = old[:len(old)-1]
	return it
}
