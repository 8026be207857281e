package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/capturing"
)

// Changes is what package capture is made with: a [Consumer] that is given the
// changes of a table one by one, by whoever reads them. Their records, leases,
// transactions, attempts, time-outs, log lines and metrics are those of events. A
// program uses package capture.
type Changes struct{ c *Consumer }

// NewChanges makes one. Of the subscription, name, place and access count: it asks
// for no events. Of the parts, only middleware is allowed. The queue is asked for
// nothing but to take dead letters, whose SourceARN is the stream's.
func NewChanges(o ConsumerOptions, h capturing.Handler[*Tx]) (*Changes, error) {
	handler := &Handler{place: h.Place, tx: h.Tx}
	handler.run = func(ctx context.Context, _ event.Envelope, tx *Tx) error {
		err := h.Run(ctx, attemptOf(ctx).change.Value, tx)
		var undecodable *capturing.Undecodable
		if errors.As(err, &undecodable) {
			return &decodeError{err}
		}
		return err
	}
	if o.Subscription == nil {
		return nil, o.Subscription.Err()
	}
	if len(sorted(o.Parts).handlers) > 0 {
		return nil, &Error{Kind: KindDefinition, Op: "changes of", Subscription: o.Subscription.Name, Reason: "there is a handler for an event among the parts: a change's is made with package capture"}
	}
	if h.Tx && o.Log == nil {
		return nil, &Error{Kind: KindDefinition, Op: "changes of", Subscription: o.Subscription.Name, Reason: fmt.Sprintf("ConsumerOptions.Log is nil, and the handler at %s is transactional: what it writes goes through the log", h.Place)}
	}
	o.changes = handler
	c, err := NewConsumer(o)
	if err != nil {
		return nil, err
	}
	return &Changes{c}, nil
}

// Begin begins the work of one invocation. Its error is [ErrOverrun].
func (s *Changes) Begin(ctx context.Context) (*ChangeBatch, error) {
	if s.c.runner.Overrunning() {
		return nil, ErrOverrun
	}
	return &ChangeBatch{c: s.c, inv: s.c.invocation(ctx)}, nil
}

// ChangeBatch is the work of one invocation on the changes that it was given. Its
// methods are safe for concurrent use.
type ChangeBatch struct {
	c   *Consumer
	inv *invocation
}

// Settle brings one change to its end, or one step further. again: it must come
// again, after the wait, which is not zero.
func (b *ChangeBatch) Settle(ctx context.Context, ch *capturing.Change) (again bool, wait time.Duration) {
	d := b.c.accept(b.inv, ch.Event)
	d.change, d.handler = ch, b.c.changes
	r := b.c.settle(ctx, d)
	return r.again, max(r.hide, time.Second)
}

// Left is how long handlers may still begin.
func (b *ChangeBatch) Left() time.Duration { return time.Until(b.inv.window.Soft) }

// Wait waits, or returns the context's error.
func (b *ChangeBatch) Wait(ctx context.Context, d time.Duration) error { return b.c.sleep(ctx, d) }

// End writes the metrics of the batch.
func (b *ChangeBatch) End() { b.c.measure(b.inv) }
