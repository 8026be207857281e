package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// invocation is one call of the function and the time it has.
//
//	|<------ handlers run ------>|<-- waited for -->|<-- recorded -->|
//	start                       soft               hard           deadline
type invocation struct {
	requestID            string
	soft, hard, deadline time.Time
	timeout              time.Duration // when the deadline is our own
	tally                tally
}

// What is kept of a function's time for ending well: a tenth of it, at most two
// seconds. Half of that a handler has for returning once its context has ended.
const (
	reservePart = 10
	reserveMost = 2 * time.Second
)

// leaseMargin is what a lease lasts beyond the function's time-out, by which the
// process has been stopped: enough for clocks that differ.
const leaseMargin = 5 * time.Second

func (c *Consumer) invocation(ctx context.Context) *invocation {
	inv := &invocation{}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		inv.requestID = lc.AwsRequestID
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline, inv.timeout = time.Now().Add(c.timeout), c.timeout
	}
	reserve := min(max(time.Until(deadline), 0)/reservePart, reserveMost)
	inv.soft, inv.hard, inv.deadline = deadline.Add(-reserve), deadline.Add(-reserve/2), deadline
	return inv
}

// tooLate reports whether a handler that starts now would find its time over.
func (inv *invocation) tooLate() bool { return !time.Now().Before(inv.soft) }

// lease is how long a lease taken now must last. A deadline is the wall clock's,
// whatever clock writes the records.
func (inv *invocation) lease() time.Duration {
	if inv.timeout > 0 {
		return inv.timeout + leaseMargin // for the same clock the same lease
	}
	return max(time.Until(inv.deadline), 0) + leaseMargin
}

var errTooLate = errors.New("the function's time was up before its turn came: a longer time-out or a smaller batch lets all of a batch run")

// errOverran is the end of an attempt whose handler did not return.
var errOverran = &Error{Kind: KindUnfinished, Op: "handle", Reason: "the handler did not return when its context ended: it must give up then"}

// ErrOverrun is what [Consumer.Handle] fails with as long as a handler of an
// earlier invocation still runs, which did not return when its context had
// ended. Nobody can stop it but the end of the process: [Start] ends it then,
// and Lambda starts a new one.
var ErrOverrun = errors.New("a handler of an earlier invocation did not return when its context ended and still runs: the process must end to stop it")

// refuseOverrun gives the batch back at once.
func (c *Consumer) refuseOverrun(ctx context.Context, batch events.SQSEvent) error {
	for i := range batch.Records {
		m := &batch.Records[i]
		if err := c.queue.ChangeVisibility(ctx, m.EventSourceARN, m.ReceiptHandle, time.Second); err != nil {
			c.logger.WarnContext(ctx, "message not given back", "subscription", c.sub.Name, "message_id", m.MessageId, "error", err)
		}
	}
	return ErrOverrun
}

// The states of a handler's goroutine.
const (
	running int32 = iota
	returned
	abandoned
)

// call runs the handler of one event, with the middleware around it. done is
// false when it was left behind.
func (c *Consumer) call(ctx context.Context, d *delivery, tx *Tx) (err error, done bool) {
	d.ran = true
	return c.limited(d.flow(ctx), d.inv, func(ctx context.Context) error {
		return protect(ctx, d, func() error { return c.run(ctx, d, tx) })
	})
}

// limited runs f in a goroutine of its own, so that a handler that does not
// return holds nobody up. done is false when it was left behind.
func (c *Consumer) limited(ctx context.Context, inv *invocation, f func(context.Context) error) (err error, done bool) {
	ctx, cancel := context.WithDeadline(ctx, inv.soft)
	late := time.NewTimer(time.Until(inv.hard))
	defer late.Stop()
	var state atomic.Int32
	ended := make(chan error, 1)
	go func() {
		// Deferred, because runtime.Goexit, and so a test's t.Fatal, runs nothing
		// else.
		err := error(errExited)
		defer func() {
			cancel()
			ended <- err
			if !state.CompareAndSwap(running, returned) {
				c.overrunning.Add(-1)
			}
		}()
		err = f(ctx)
	}()
	select {
	case err := <-ended:
		return err, true
	case <-late.C:
	}
	if !state.CompareAndSwap(running, abandoned) {
		return <-ended, true // it returned just now
	}
	c.overrunning.Add(1)
	return errOverran, false
}

// errExited is the end of a handler that neither returned nor panicked.
var errExited = &Error{Kind: KindPanic, Op: "handle", Reason: "the handler ended its goroutine with runtime.Goexit"}

// protect turns a panic of a handler, or of its middleware, into an error.
func protect(ctx context.Context, d *delivery, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			d.logger.ErrorContext(ctx, "the handler panicked", append(d.attrs(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))...)
			err = &Error{Kind: KindPanic, Op: "handle", Reason: fmt.Sprint("the handler panicked: ", p)}
		}
	}()
	return f()
}
