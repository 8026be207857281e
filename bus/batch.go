package bus

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/place"
)

// OnBatch handles all events of one type that one batch of messages has, in one
// call: for a service that takes many at once. As with [On] each is handled at
// least once, under a lease of its own; those that are settled already, or that
// another run has, are not among them.
//
// fn returns nil when all went well, or one error for each event, in their order
// and nil for those that went well. A slice of another length, and a panic, is a
// failure of all. The others of a batch do not suffer from one that failed. fn may
// be called for several batches at once.
//
// The context is the batch's: it has no correlation id, for it belongs to no single
// request. [EventContext] makes the one of an event, for what is committed or
// logged because of it.
//
// How many events there are depends on the queue: BatchSize and BatchingWindow of
// the subscription's construct. Where events come one by one (in an ordered
// subscription, in one process) fn is called with each alone.
func OnBatch[T any](def *event.Definition[T], fn func(context.Context, []event.Event[T]) []error) Handler {
	h := Handler{place: place.Caller()}
	if def != nil {
		h.eventType = def
	}
	if fn != nil && def != nil {
		h.batch = func() collector { return &collected[T]{def: def, fn: fn} }
		h.run = func(ctx context.Context, e event.Envelope, _ *Tx) error {
			b := h.batch()
			if err := b.add(e); err != nil {
				return err
			}
			return callBatch(ctx, b, []string{e.ID}, []context.Context{ctx})[0]
		}
	}
	return h
}

// EventContext returns, within a function given to [OnBatch], the context of one
// of its events: ctx with the event's flow, [Logger] and [IdempotencyKey], and with
// what middleware has put into it. For an event that is none of the batch, and
// everywhere else, it is ctx.
func EventContext(ctx context.Context, eventID string) context.Context {
	if of, ok := ctx.Value(batchKey{}).(map[string]context.Context); ok && of[eventID] != nil {
		return eventContext{ctx, of[eventID]}
	}
	return ctx
}

type batchKey struct{}

// eventContext ends with the batch's context, and has the values of the event's.
type eventContext struct {
	context.Context
	values context.Context
}

func (c eventContext) Value(key any) any {
	if v := c.values.Value(key); v != nil {
		return v
	}
	return c.Context.Value(key)
}

// collector gathers the events for one call of a function given to OnBatch.
type collector interface {
	add(event.Envelope) error
	call(context.Context) []error
	len() int
}

type collected[T any] struct {
	def    *event.Definition[T]
	fn     func(context.Context, []event.Event[T]) []error
	events []event.Event[T]
}

func (b *collected[T]) len() int { return len(b.events) }

func (b *collected[T]) call(ctx context.Context) []error { return b.fn(ctx, b.events) }

func (b *collected[T]) add(e event.Envelope) error {
	ev, err := b.def.Decode(e)
	if err != nil {
		return &decodeError{err}
	}
	b.events = append(b.events, ev)
	return nil
}

// callBatch makes the one call. ids and contexts are those of the events.
func callBatch(ctx context.Context, b collector, ids []string, contexts []context.Context) []error {
	of := make(map[string]context.Context, len(ids))
	for i, id := range ids {
		of[id] = contexts[i]
	}
	errs := b.call(context.WithValue(ctx, batchKey{}, of))
	if errs == nil {
		return make([]error, b.len())
	}
	if len(errs) != b.len() {
		return all(b.len(), &Error{Kind: KindFailed, Op: "handle", Reason: fmt.Sprintf("the function of bus.OnBatch returned %d errors for %d events: it returns nil, or one for each, nil for those that went well", len(errs), b.len())})
	}
	return errs
}

func all(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

// settleBatch is settle for events of one type with a handler made with OnBatch.
func (c *Consumer) settleBatch(ctx context.Context, ds []*delivery) []result {
	results := make([]result, len(ds))
	records := make([]Delivery, len(ds))
	claimed := make([]bool, len(ds))
	c.parallel(len(ds), func(i int) {
		results[i] = c.guard(ctx, ds[i], func() result {
			if r, done := c.unhandled(ctx, ds[i]); done {
				return r
			}
			var r result
			records[i], r, claimed[i] = c.open(ctx, ds[i])
			return r
		})
	})
	var runs []*delivery
	var at []int // of runs in ds
	for i, d := range ds {
		if claimed[i] {
			runs, at = append(runs, d), append(at, i)
		}
	}
	if len(runs) > 0 {
		errs, took, done := c.callAll(ctx, runs)
		c.parallel(len(runs), func(n int) {
			i := at[n]
			results[i] = c.guard(ctx, ds[i], func() result {
				return c.conclude(ctx, ds[i], records[i], errs[n], done, took)
			})
		})
	}
	for i, d := range ds {
		results[i] = c.guard(ctx, d, func() result {
			c.report(ctx, d, results[i])
			return results[i]
		})
	}
	return results
}

// callAll runs the handler for all of a batch, with the time limit of the
// invocation. done is false when it was left behind.
func (c *Consumer) callAll(ctx context.Context, ds []*delivery) (errs []error, took time.Duration, done bool) {
	run := &batchRun{c: c, ds: ds, errs: all(len(ds), errExited), b: ds[0].handler.batch()}
	for _, d := range ds {
		d.ran = true
	}
	began := c.now()
	err, done := c.limited(ctx, ds[0].inv, func(ctx context.Context) error {
		run.ctx = ctx
		run.step(0)
		return nil
	})
	took = c.now().Sub(began)
	if !done {
		return all(len(ds), err), took, false
	}
	return run.errs, took, true
}

// batchRun takes the events of a batch through the middleware, one inside the
// other, to one call of the handler.
type batchRun struct {
	c        *Consumer
	ctx      context.Context // the batch's
	ds       []*delivery
	errs     []error // of each of ds
	b        collector
	ids      []string // of those that arrived, in the order of b
	contexts []context.Context
	answers  []error
}

// step enters the middleware of event i, and inside it that of the next ones.
func (r *batchRun) step(i int) {
	if i == len(r.ds) {
		r.call()
		return
	}
	d := r.ds[i]
	arrived := false
	a := &attempt{delivery: d, enter: func(ctx context.Context, e event.Envelope) error {
		if arrived {
			return d.handler.run(ctx, e, nil) // the middleware tries again: alone
		}
		if err := r.b.add(e); err != nil {
			return err
		}
		arrived = true
		mine := len(r.ids)
		r.ids, r.contexts = append(r.ids, e.ID), append(r.contexts, ctx)
		r.step(i + 1)
		return r.answers[mine]
	}}
	ctx := a.in(d.flow(r.ctx))
	r.errs[i] = protect(ctx, d, func() error { return r.c.next(ctx, d.event) })
	if !arrived {
		r.step(i + 1) // its middleware did not call next: the others go on
	}
}

func (r *batchRun) call() {
	if r.b.len() == 0 {
		return
	}
	r.answers = all(r.b.len(), errExited)
	if err := protect(r.ctx, r.ds[0], func() error {
		r.answers = callBatch(r.ctx, r.b, r.ids, r.contexts)
		return nil
	}); err != nil {
		r.answers = all(r.b.len(), err)
	}
}

// parallel calls f for 0 to n-1, at most Concurrency at once.
func (c *Consumer) parallel(n int, f func(i int)) {
	if n == 1 || c.concurrency == 1 {
		for i := range n {
			f(i)
		}
		return
	}
	slots := make(chan struct{}, c.concurrency)
	var running sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			f(i)
		})
	}
	running.Wait()
}
