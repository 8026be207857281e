package sqs

import (
	"sync"
	"sync/atomic"
	"time"
)

// item is what the index knows of a message: all but its contents.
type item struct {
	seq  uint64
	sent int64 // Unix milliseconds
	progress
	place int    // in the heap of a standard queue
	group *group // in a FIFO queue
}

// fresh reports whether the message was never received, here or in the queue that
// it was moved from.
func (it *item) fresh() bool { return it.count == 0 }

// queue is the index of one queue's messages.
type queue struct {
	id   uint64 // never used twice, so that handles and keys of a deleted queue of the same name stay dead
	arn  string
	fifo bool // follows from the name: it never changes

	// sending makes the sends of a FIFO queue one after the other, so that their
	// sequence is the order in which they are there. It guards dedup and is taken
	// before mu.
	sending sync.Mutex
	dedup   dedupTable

	mu       sync.Mutex
	active   atomic.Bool // false: its messages are stored, but nothing configures it
	sdk      bool        // made by CreateQueue, not by Apply
	config   *QueueConfig
	applied  *QueueConfig // what Apply gave; config differs when SetQueueAttributes changed it since
	created  time.Time
	modified time.Time
	purged   time.Time
	items    map[uint64]*item
	shelf    shelf
	received int // of items: those that were received before
	attempts map[string]*attempt
	changed  chan struct{} // closed when something may have become visible, or the queue is gone; nil when nobody waits
}

// shelf is the order of a queue's messages. Its methods want q.mu held.
type shelf interface {
	add(it *item)
	remove(it *item)
	// moved finds the message's new place after its visibility changed.
	moved(it *item)
	// retimed finds all places anew.
	retimed()
	// pick shows judge the messages that may be received at that time, in order,
	// until it says stop or there are no more.
	pick(at int64, judge func(*item) verdict)
	// next is when the first message becomes visible.
	next() (at int64, ok bool)
}

// verdict is what becomes of a message that pick shows.
type verdict int

const (
	stays verdict = iota // on the shelf; its visibility may have changed
	goes                 // from the shelf
	stop                 // it stays as it is, and nothing more is shown
)

func newQueue(id uint64, arn string) *queue {
	q := &queue{id: id, arn: arn, fifo: isFIFOName(arn), items: map[uint64]*item{}, config: &QueueConfig{}}
	if q.fifo {
		q.shelf = &groups{byID: map[string]*group{}}
	} else {
		q.shelf = &heapShelf{}
	}
	return q
}

// All methods below want q.mu held.

func (q *queue) add(it *item) {
	q.items[it.seq] = it
	if !it.fresh() {
		q.received++
	}
	q.shelf.add(it)
}

func (q *queue) remove(it *item) {
	q.shelf.remove(it)
	q.forget(it)
}

// forget is for a message that has left the shelf.
func (q *queue) forget(it *item) {
	delete(q.items, it.seq)
	if !it.fresh() {
		q.received--
	}
}

// set changes when and how often a message was received, without its place.
func (q *queue) set(it *item, p progress) {
	was := it.fresh()
	it.progress = p
	switch {
	case was && !it.fresh():
		q.received++
	case !was && it.fresh():
		q.received--
	}
}

// wake tells all who wait for a message to look again.
func (q *queue) wake() {
	if q.changed != nil {
		close(q.changed)
		q.changed = nil
	}
}

// change is closed at the next wake.
func (q *queue) change() <-chan struct{} {
	if q.changed == nil {
		q.changed = make(chan struct{})
	}
	return q.changed
}

// configure puts a configuration in force.
func (q *queue) configure(c *QueueConfig) {
	retime := q.fifo && (!q.active.Load() || c.Delay != q.config.Delay)
	q.config = c
	q.active.Store(true)
	if retime {
		// Of a FIFO queue the delay counts for the messages that are there, too.
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-delay-queues.html
		for _, it := range q.items {
			if it.fresh() {
				it.visible = fifoVisible(it, c)
			}
		}
		q.shelf.retimed()
	}
	q.wake()
}

// fifoVisible is when a message of a FIFO queue becomes visible for the first time.
func fifoVisible(it *item, c *QueueConfig) int64 {
	return it.sent*int64(time.Millisecond) + int64(c.Delay)
}

func (q *queue) expired(it *item, now time.Time) bool {
	return now.Sub(time.UnixMilli(it.sent)) > q.config.MessageRetention
}

// spent reports whether the message was received as often as the queue allows.
func (q *queue) spent(it *item) bool {
	return q.config.DeadLetterARN != "" && it.count >= q.config.MaxReceiveCount
}

// length is how many messages the queue holds, in whatever state.
func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// counts are the approximate numbers of the queue's attributes.
func (q *queue) counts(now time.Time) (visible, inFlight, delayed int) {
	at := now.UnixNano()
	for _, it := range q.items {
		switch {
		case q.expired(it, now):
		case it.visible <= at:
			visible++
		case it.fresh():
			delayed++
		default:
			inFlight++
		}
	}
	return visible, inFlight, delayed
}

// full reports whether as many messages are in flight as SQS allows.
func (q *queue) full(now time.Time) bool {
	if q.received < maxInFlight {
		return false // the usual case, without counting
	}
	_, inFlight, _ := q.counts(now)
	return inFlight >= maxInFlight
}
