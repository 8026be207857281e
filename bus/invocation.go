package bus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/vinci-go/vinci/internal/bounded"
)

// invocation is one call of the function and the time it has.
type invocation struct {
	requestID string
	window    bounded.Window
	tally     tally
}

func (c *Consumer) invocation(ctx context.Context) *invocation {
	inv := &invocation{window: bounded.WindowOf(ctx, c.timeout)}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		inv.requestID = lc.AwsRequestID
	}
	return inv
}

// tooLate reports whether a handler that starts now would find its time over.
func (inv *invocation) tooLate() bool { return inv.window.Over() }

// lease is how long a lease taken now must last.
func (inv *invocation) lease() time.Duration { return inv.window.Lease() }

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

// call runs the handler of one event, with the middleware around it. done is
// false when it was left behind.
func (c *Consumer) call(ctx context.Context, d *delivery, tx *Tx) (err error, done bool) {
	d.ran = true
	return c.limited(d.flow(ctx), d.inv, func(ctx context.Context) error {
		return protect(ctx, d, func() error { return c.run(ctx, d, tx) })
	})
}

// limited runs f within the time of an invocation. done is false when it was left
// behind.
func (c *Consumer) limited(ctx context.Context, inv *invocation, f func(context.Context) error) (err error, done bool) {
	err, done = c.runner.Run(ctx, inv.window, f)
	switch {
	case !done:
		return errOverran, false
	case errors.Is(err, bounded.ErrExited):
		return errExited, true
	default:
		return err, true
	}
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
