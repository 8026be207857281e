package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/event"
)

// Next is the rest of the way to a handler: further middleware, then the handler
// itself. Its error is the attempt's.
type Next func(ctx context.Context, e event.Envelope) error

// Middleware puts something around every run of a subscription's handlers. It is
// called once, when the consumer is made, and what it returns is called for each
// run, by several goroutines at once:
//
//	func slow(next bus.Next) bus.Next {
//		return func(ctx context.Context, e event.Envelope) error {
//			began := time.Now()
//			err := next(ctx, e)
//			bus.Logger(ctx).Info("handled", "in", time.Since(began))
//			return err
//		}
//	}
//
// The way of an event is the same for every consumer. From the outside: recover
// for the consumer itself, log line and metrics of the event, its record, the
// time-out, recover for the handler, trace and flow in the context, the middleware
// in the order in which [Use] names it, the handler. So middleware sees an event
// only when it is to be handled, has the event's ids in its context, cannot
// outlive the function's time, and its panic is a failed attempt of one event.
//
// What it may do:
//
//   - Hand on another context, made from the one it got, and no other: the
//     consumer finds its own things in it.
//   - Return without calling next: nil means that the event has been handled.
//   - Call next again after an error. A transactional handler then begins anew
//     with an empty [Tx].
//   - Return an error in place of nil, or another error; [Permanent] counts.
//
// It must call next in its own goroutine, and not return before next has.
//
// The error of a handler made with [OnTx] cannot be turned into nil: what the
// handler had written by then is not the whole, so the attempt has failed with
// it. With [On] and [OnBatch] it can, and the event has then been handled.
//
// A function given to [OnBatch] gets many events in one call: each goes through
// the middleware of its own, one inside the other, and the innermost next returns
// when the one call has. Middleware that lets in a limited number of events at
// once would wait for itself there.
type Middleware func(next Next) Next

// Use adds middleware. The first named is the outermost; several Use count in the
// order in which they stand among the parts.
func Use(mw ...Middleware) Part { return use(mw) }

type use []Middleware

func (u use) addTo(p *parts) {
	for i, mw := range u {
		if mw == nil {
			p.problem("middleware %d of bus.Use is nil", i)
			continue
		}
		p.use = append(p.use, mw)
	}
}

func (p *parts) problem(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// attempt is one run of one event's handler. It goes through the middleware inside
// the context: it is that context, with itself as a value, which saves what
// context.WithValue and a closure would allocate for each event.
type attempt struct {
	context.Context
	*delivery
	tx    *Tx   // nil unless the handler was made with OnTx
	own   error // of the handler's last run
	enter Next  // in place of the handler; nil: the handler
}

// Value implements [context.Context].
func (a *attempt) Value(key any) any {
	if key == any(attemptKey{}) {
		return a
	}
	return a.Context.Value(key)
}

// handle runs the handler.
func (a *attempt) handle(ctx context.Context, e event.Envelope) error {
	if a.enter != nil {
		return a.enter(ctx, e)
	}
	if a.tx != nil {
		a.tx.restart()
	}
	a.own = a.handler.run(ctx, e, a.tx)
	return a.own
}

// attemptKey is its own type, so that no other package's context value can
// collide.
type attemptKey struct{}

func (a *attempt) in(ctx context.Context) context.Context {
	a.Context = ctx
	return a
}

func attemptOf(ctx context.Context) *attempt {
	a, _ := ctx.Value(attemptKey{}).(*attempt)
	return a
}

var errForeignContext = errors.New("middleware called next with a context that is not made from the one it got: hand that one on, or one made from it")

// chain puts middleware around the handlers, whichever the event's is.
func chain(use []Middleware) (Next, error) {
	next := Next(func(ctx context.Context, e event.Envelope) error {
		a := attemptOf(ctx)
		if a == nil {
			return errForeignContext
		}
		return a.handle(ctx, e)
	})
	for i := len(use) - 1; i >= 0; i-- {
		if next = use[i](next); next == nil {
			return nil, fmt.Errorf("middleware %d returned nil: it must return what is called for each event", i)
		}
	}
	return next, nil
}

// run takes one event through the middleware to its handler. tx is nil unless
// the handler was made with OnTx.
func (c *Consumer) run(ctx context.Context, d *delivery, tx *Tx) error {
	a := &attempt{delivery: d, tx: tx}
	err := c.next(a.in(ctx), d.event)
	if err == nil && tx != nil {
		return a.own
	}
	return err
}
