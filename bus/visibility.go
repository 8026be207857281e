package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/internal/sqsqueue"
)

// EnvVisibilityTimeout is the environment variable that holds the visibility
// time-out of the subscription's queue in whole seconds. The constructs set it.
const EnvVisibilityTimeout = "VINCI_VISIBILITY_TIMEOUT"

// MaxVisibility is the longest that SQS hides a message.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
const MaxVisibility = sqsqueue.MaxVisibility

// ErrVisibility is what [Consumer.Handle] fails with, before it does anything, when
// its handlers may run longer than the queue hides the messages: another consumer
// would get them while they are still worked on.
var ErrVisibility = errors.New("the queue hides messages for less than the handlers may run")

// visibilityFromEnv reads [EnvVisibilityTimeout]; 0 when it is not set.
func visibilityFromEnv(getenv func(string) string) (time.Duration, error) {
	text := getenv(EnvVisibilityTimeout)
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > int(MaxVisibility/time.Second) {
		return 0, fmt.Errorf("environment variable %s is %q: it is the queue's visibility time-out in whole seconds, 1 to %d", EnvVisibilityTimeout, text, int(MaxVisibility/time.Second))
	}
	return time.Duration(n) * time.Second, nil
}

// checkVisibility finds settings with which a second run could begin while the
// first still runs.
func (o *ConsumerOptions) checkVisibility() error {
	switch {
	case o.Visibility < 0 || o.Visibility > MaxVisibility:
		return fmt.Errorf("visibility time-out %v: allowed is up to %v, which is the most that SQS knows, and 0 when it is not known", o.Visibility, MaxVisibility)
	case o.Heartbeat < 0:
		return fmt.Errorf("heartbeat every %v: it cannot be negative", o.Heartbeat)
	case o.Heartbeat > 0 && o.Visibility == 0:
		return fmt.Errorf("a heartbeat every %v, and Visibility is not set: it is what each beat hides the messages for", o.Heartbeat)
	case o.Heartbeat > o.Visibility/2:
		return fmt.Errorf("heartbeat every %v with a visibility time-out of %v: allowed is up to half of it, or one late beat lets a message be handed out again", o.Heartbeat, o.Visibility)
	case o.Heartbeat == 0 && o.Visibility > 0 && o.Timeout > o.Visibility:
		return fmt.Errorf("a run may last %v, and the queue hides a message for %v: shorten Timeout, raise the queue's visibility time-out, or set Heartbeat", o.Timeout, o.Visibility)
	case o.Heartbeat > 0 && o.Timeout > MaxVisibility:
		return fmt.Errorf("a run may last %v: SQS hides a message for %v in all, however often it is asked", o.Timeout, MaxVisibility)
	}
	return nil
}

// runsTooLong reports that this invocation may outlast the queue's time-out.
func (c *Consumer) runsTooLong(inv *invocation) error {
	if c.visibility == 0 || c.heartbeat > 0 {
		return nil
	}
	if left := time.Until(inv.window.Deadline); left > c.visibility {
		return &Error{Kind: KindDefinition, Op: "consume", Subscription: c.sub.Name, Err: ErrVisibility,
			Reason: fmt.Sprintf("the function has %v left, and the queue hides its messages for %v: shorten the function's time-out, or raise the queue's visibility time-out to six times that", left.Round(time.Second), c.visibility)}
	}
	return nil
}

// keepHidden hides the messages of a batch anew for as long as they are worked on,
// or wait for their turn. The function that it returns ends that, and returns when
// no beat is on its way any more.
func (c *Consumer) keepHidden(ctx context.Context, as []*arrival) (stop func()) {
	if c.heartbeat == 0 {
		return func() {}
	}
	for _, a := range as {
		a.hiding = make(chan struct{}, 1)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(c.heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				c.parallel(len(as), func(i int) { c.beat(ctx, as[i]) })
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// beat hides one message anew, unless it is done with. A message whose result
// hides it must not be hidden for another time afterwards: see finish.
func (c *Consumer) beat(ctx context.Context, a *arrival) {
	a.hiding <- struct{}{}
	defer func() { <-a.hiding }()
	if a.done || ctx.Err() != nil {
		return
	}
	if err := c.hide(ctx, a.message, c.visibility); err != nil && ctx.Err() == nil {
		// The lease, or the transaction's condition, still keeps a second run away.
		c.logger.WarnContext(ctx, "message not kept hidden", append(a.first.attrs(), "error", err.Error())...)
	}
}

// hide asks the queue, and makes an error of a panic: it is not the handler's,
// and may cost no other message.
func (c *Consumer) hide(ctx context.Context, m *events.SQSMessage, d time.Duration) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Kind: KindPanic, Op: "hide", Subscription: c.sub.Name, Reason: fmt.Sprint("the queue panicked: ", p)}
		}
	}()
	return c.queue.ChangeVisibility(ctx, m.EventSourceARN, m.ReceiptHandle, d)
}

// finish takes the result of a delivery. When it is the last one of its message it
// does to the message what its results ask for.
func (c *Consumer) finish(ctx context.Context, d *delivery, one result) {
	a := d.arrival
	r, settled := a.settle(d.place, one)
	if !settled {
		return
	}
	if a.hiding != nil {
		a.hiding <- struct{}{}
		defer func() { <-a.hiding }()
	}
	a.done, a.again = true, r.again
	if !r.again || r.hide <= 0 {
		return
	}
	if err := c.hide(ctx, d.message, r.hide); err != nil {
		// It then comes again when the queue's own time-out ends.
		c.logger.WarnContext(ctx, "message not hidden", append(d.attrs(), slog.String("for", r.hide.String()), slog.String("error", err.Error()))...)
	}
}
