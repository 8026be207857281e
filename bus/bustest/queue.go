package bustest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/vinci-go/vinci/bus"
)

// queue remembers what a consumer did to it.
type queue struct {
	mu     sync.Mutex
	fail   func(op string) error
	hidden map[string]time.Duration // by receipt handle
	dead   []bus.DeadLetter
}

var _ bus.Queue = (*queue)(nil)

func (q *queue) ChangeVisibility(ctx context.Context, _, receiptHandle string, d time.Duration) error {
	return q.do(ctx, "hide", func() { q.hidden[receiptHandle] = d })
}

func (q *queue) SendToDeadLetter(ctx context.Context, m bus.DeadLetter) error {
	return q.do(ctx, "dead letter", func() { q.dead = append(q.dead, m) })
}

func (q *queue) do(ctx context.Context, op string, effect func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.mu.Lock()
	fail := q.fail
	q.mu.Unlock()
	if fail != nil {
		if err := fail(op); err != nil {
			return err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	effect()
	return nil
}

func (q *queue) failWith(f func(op string) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fail = f
}

func (q *queue) hiddenFor(receiptHandle string) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.hidden[receiptHandle]
}

func (q *queue) deadLetters() []bus.DeadLetter {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.dead)
}
