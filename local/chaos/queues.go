package chaos

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/vinci-go/vinci/local/lambda"
)

// heldFor is how long a message may wait in hand for the next poller. One that
// waits longer is left to its visibility time-out.
const heldFor = 5 * time.Second

// Queues are the queues of mappings, as harsh as the configuration says.
func (p *Plan) Queues(inner lambda.Queues) lambda.Queues {
	if p == nil {
		return inner
	}
	return &mappedQueues{Queues: inner, plan: p, queues: map[string]*mappedQueue{}}
}

type mappedQueues struct {
	lambda.Queues
	plan *Plan

	mu     sync.Mutex
	queues map[string]*mappedQueue
}

// mappedQueue has what is in hand of a queue: received, and to be handed out by
// another receive, because a batch was split or a message comes twice.
type mappedQueue struct {
	mu       sync.Mutex
	held     []heldMessage
	waiting  map[int]context.CancelFunc // receivers that wait for the queue
	last     int
	received *recent[string, delivery] // by receipt handle
}

type heldMessage struct {
	lambda.Message
	until time.Time
}

func (q *mappedQueues) queue(arn string) *mappedQueue {
	q.mu.Lock()
	defer q.mu.Unlock()
	m := q.queues[arn]
	if m == nil {
		m = &mappedQueue{waiting: map[int]context.CancelFunc{}, received: newRecent[string, delivery](remembered)}
		q.queues[arn] = m
	}
	return m
}

// Receive implements [lambda.Queues].
func (q *mappedQueues) Receive(ctx context.Context, queueARN string, most int, wait time.Duration) ([]lambda.Message, error) {
	m := q.queue(queueARN)
	if isFIFO(queueARN) {
		messages, err := q.Queues.Receive(ctx, queueARN, most, wait)
		q.took(queueARN, m, messages)
		if len(messages) > 0 {
			q.plan.pause(ctx, deliveryOf(messages[0]).String())
		}
		return messages, err
	}
	held, receive, done := m.begin(ctx, most)
	if len(held) > 0 {
		return held, nil
	}
	messages, err := q.Queues.Receive(receive, queueARN, most, wait)
	woken := receive.Err() != nil && ctx.Err() == nil
	done()
	switch {
	case woken && len(messages) == 0:
		return m.take(most), nil
	case woken: // for something that another must take now
		m.wake()
	}
	if len(messages) == 0 {
		return messages, err
	}
	q.took(queueARN, m, messages)
	messages = q.plan.deliver(m, messages)
	q.plan.pause(ctx, deliveryOf(messages[0]).String())
	return messages, err
}

// took notes what was received.
func (q *mappedQueues) took(queueARN string, m *mappedQueue, messages []lambda.Message) {
	for _, message := range messages {
		d := deliveryOf(message)
		q.plan.inHand(queueARN, d)
		m.mu.Lock()
		m.received.put(message.ReceiptHandle, d)
		m.mu.Unlock()
	}
}

// begin takes what is in hand, or makes a context for waiting that ends when
// something comes into hand, until done is called.
func (m *mappedQueue) begin(ctx context.Context, most int) (held []lambda.Message, receive context.Context, done func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if held := m.takeLocked(most); len(held) > 0 {
		return held, ctx, func() {}
	}
	receive, cancel := context.WithCancel(ctx)
	m.last++
	id := m.last
	m.waiting[id] = cancel
	return nil, receive, func() {
		m.mu.Lock()
		delete(m.waiting, id)
		m.mu.Unlock()
		cancel()
	}
}

func (m *mappedQueue) take(most int) []lambda.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.takeLocked(most)
}

// takeLocked takes from hand what one batch may hold: never one message twice.
func (m *mappedQueue) takeLocked(most int) (out []lambda.Message) {
	now := time.Now()
	m.held = slices.DeleteFunc(m.held, func(h heldMessage) bool {
		if now.After(h.until) {
			return true
		}
		if len(out) == most || slices.ContainsFunc(out, func(o lambda.Message) bool { return o.ID == h.ID }) {
			return false
		}
		out = append(out, h.Message)
		return true
	})
	if len(m.held) > 0 {
		m.wakeLocked()
	}
	return out
}

// wake wakes one receiver that waits.
func (m *mappedQueue) wake() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wakeLocked()
}

func (m *mappedQueue) wakeLocked() {
	for id, wake := range m.waiting {
		wake()
		delete(m.waiting, id)
		return
	}
}

// hold puts messages into hand and wakes a waiting receiver for them.
func (m *mappedQueue) hold(messages []lambda.Message) {
	until := time.Now().Add(heldFor)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, message := range messages {
		m.held = append(m.held, heldMessage{message, until})
	}
	m.wakeLocked()
}

func deliveryOf(m lambda.Message) delivery {
	n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"])
	if err != nil {
		n = 1 // whoever does not count makes every receive the first
	}
	return delivery{id: m.ID, count: n}
}

// deliver decides about a batch and returns what of it is handed out now.
func (p *Plan) deliver(m *mappedQueue, messages []lambda.Message) []lambda.Message {
	var twice []lambda.Message
	for _, message := range messages {
		d := deliveryOf(message)
		if _, yes := p.ask(Duplicate, d.String()); yes {
			p.tell(Duplicate, d.String(), "twice at once")
			twice = append(twice, message)
		}
	}
	first := deliveryOf(messages[0]).String()
	if _, yes := p.ask(Shuffle, first); yes && len(messages) > 1 {
		messages = reorder(messages, p.shuffle(first, len(messages)))
	}
	for i := 1; i < len(messages); i++ {
		d := deliveryOf(messages[i])
		if _, yes := p.ask(Split, d.String()); yes {
			p.tell(Split, d.String(), "a batch of %d begins with it", len(messages)-i)
			m.hold(messages[i:])
			messages = slices.Clip(messages[:i])
			break
		}
	}
	if len(twice) > 0 {
		m.hold(twice)
	}
	return messages
}

// changer is what queues can do that messages come again soon.
type changer interface {
	ChangeVisibility(ctx context.Context, queueARN, receiptHandle string, d time.Duration) error
}

// Delete implements [lambda.Queues]. It leaves some messages, which come once more.
func (q *mappedQueues) Delete(ctx context.Context, queueARN string, receiptHandles ...string) error {
	m := q.queue(queueARN)
	var gone []string
	for _, handle := range receiptHandles {
		m.mu.Lock()
		d, known := m.received.get(handle)
		m.mu.Unlock()
		switch {
		case d.spared:
		case known && !isFIFO(queueARN) && q.plan.spares(d) && q.again(ctx, queueARN, handle, d):
			d.spared = true
			m.mu.Lock()
			m.received.put(handle, d)
			m.mu.Unlock()
		default:
			q.plan.outOfHand(queueARN, d)
			gone = append(gone, handle)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return q.Queues.Delete(ctx, queueARN, gone...)
}

// again makes a message come once more, soon if the queues can do that.
func (q *mappedQueues) again(ctx context.Context, queueARN, handle string, d delivery) bool {
	if c, ok := q.Queues.(changer); ok {
		after := q.plan.length(q.plan.roll(Duplicate, d.String()+" delete"), showWithin)
		if err := c.ChangeVisibility(ctx, queueARN, handle, after); err != nil {
			return false // it is not in flight any more
		}
	}
	q.plan.tell(Duplicate, d.String(), "comes once more after it is deleted")
	return true
}
