package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vinci-go/vinci/event"
)

// inProcess is a consumer without a queue.
type inProcess struct {
	*Consumer
	bare    bool // nothing is recorded
	streams keyedLocks
}

// handle takes one event to its handler. The error says what became of it.
func (c *inProcess) handle(ctx context.Context, e event.Envelope, timeout time.Duration) error {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	if c.bare {
		return c.once(ctx, e)
	}
	inv := c.invocation(ctx)
	namespaces := []string{""}
	if c.sub.Rebuildable {
		g, err := c.generations(ctx)
		if err != nil {
			return err
		}
		namespaces = g.Live()
	}
	var errs []error
	for _, namespace := range namespaces {
		d := c.accept(inv, e)
		d.in(namespace, 0)
		var r result
		if c.sub.Ordered {
			r = c.inTurn(ctx, d)
		} else {
			r = c.settle(ctx, d)
		}
		errs = append(errs, r.asError(c.sub.Name))
	}
	c.measure(inv)
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}

// once runs the handler and keeps nothing. Without a deadline there is nobody who
// would stop it, and it runs in the goroutine of the publisher.
func (c *inProcess) once(ctx context.Context, e event.Envelope) error {
	d := &delivery{event: e, subscription: c.sub.Name, logger: c.logger, handler: c.handlers[e.Type], receives: 1, ran: true}
	if e.TraceParent != "" {
		d.runID = c.newID()
		d.trace = traceOf(e.TraceParent, d.runID)
	}
	began := c.now()
	r := result{outcome: outcomeSucceeded, attempt: 1}
	if _, limited := ctx.Deadline(); limited {
		d.inv = c.invocation(ctx)
		var returned bool
		if r.err, returned = c.call(ctx, d, nil); !returned {
			r.outcome = outcomeUnfinished
		}
	} else {
		d.inv = &invocation{}
		ctx = d.flow(ctx)
		r.err = protect(ctx, d, func() error { return c.run(ctx, d, nil) })
	}
	if r.err != nil && r.outcome == outcomeSucceeded {
		r.outcome = outcomeFailed
	}
	r.took = c.now().Sub(began)
	c.report(ctx, d, r)
	c.measure(d.inv)
	return r.err
}

// inTurn looks at the stream of an event, of which one look at a time is taken in
// this process.
func (c *inProcess) inTurn(ctx context.Context, d *delivery) result {
	stream := d.stream()
	ctx, unlock, err := c.streams.lock(ctx, stream)
	if err != nil {
		r := result{outcome: outcomeNotTried, again: true, err: err}
		c.report(ctx, d, r)
		return r
	}
	defer unlock()
	return c.look(ctx, []*delivery{d})[0]
}

// asError is what a result means for whoever published the event.
func (r result) asError(subscription string) error {
	wrong := func(kind Kind, reason string) error {
		return &Error{Kind: kind, Op: "publish", Subscription: subscription, Reason: reason}
	}
	switch {
	case r.outcome == outcomeDuplicate && r.was == Dead:
		return wrong(KindDead, "the event was given up earlier, see its delivery record")
	case r.outcome == outcomeSucceeded, r.outcome == outcomeDuplicate, r.outcome == outcomeIgnored:
		return nil
	case r.err != nil:
		return r.err
	case r.outcome == outcomeLeased:
		return wrong(KindContention, fmt.Sprintf("another run is at it: publish it again in %v", r.hide))
	default:
		return wrong(KindFailed, r.outcome)
	}
}

// keyedLocks are locks by name. The zero value is ready.
type keyedLocks struct {
	mu    sync.Mutex
	locks map[string]*keyedLock
}

type keyedLock struct {
	held  chan struct{} // has room for the one that holds it
	users int
}

// heldKey finds in a context what is held by those who wait for it.
type heldKey struct {
	locks *keyedLocks
	name  string
}

var errInside = errors.New("a handler that is at work on the stream publishes an event of it to its own ordered subscription, which comes when the handler is done: commit it to a log that the bus follows")

// lock waits for a lock, as long as ctx lasts. The context that it returns knows
// that it is held.
func (k *keyedLocks) lock(ctx context.Context, name string) (context.Context, func(), error) {
	key := heldKey{k, name}
	if ctx.Value(key) != nil {
		return ctx, nil, errInside
	}
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*keyedLock{}
	}
	l := k.locks[name]
	if l == nil {
		l = &keyedLock{held: make(chan struct{}, 1)}
		k.locks[name] = l
	}
	l.users++
	k.mu.Unlock()
	leave := func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.locks, name)
		}
	}
	select {
	case l.held <- struct{}{}:
		return context.WithValue(ctx, key, true), func() { <-l.held; leave() }, nil
	case <-ctx.Done():
		leave()
		return ctx, nil, ctx.Err()
	}
}
