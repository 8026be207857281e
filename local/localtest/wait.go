package localtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/local"
	"github.com/vinci-go/vinci/orm"
)

const (
	// Patience is how long a wait may take when its context has no deadline.
	Patience = 30 * time.Second
	// backstop is how often a condition is looked at when no function does anything:
	// what the test itself does, and what queues do, gives no sign.
	backstop = 50 * time.Millisecond
	// explainWithin bounds how long it may take to find out why a wait was in vain.
	explainWithin = 5 * time.Second
)

// pulse wakes everybody who waits for the next one.
type pulse struct {
	mu   sync.Mutex
	next chan struct{}
}

// wait is closed by the next pulse. Take it before looking: a change between the
// look and the waiting is then not missed.
func (p *pulse) wait() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next == nil {
		p.next = make(chan struct{})
	}
	return p.next
}

func (p *pulse) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next != nil {
		close(p.next)
		p.next = nil
	}
}

// until looks until ok says true or an error, or ctx ends; then it returns
// context.Cause(ctx).
func (a *App) until(ctx context.Context, ok func(context.Context) (bool, error)) error {
	tick := time.NewTicker(backstop)
	defer tick.Stop()
	for {
		next := a.changed.wait()
		yes, err := ok(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx) // what the look says is of no worth
		}
		if yes || err != nil {
			return err
		}
		select {
		case <-next:
		case <-tick.C:
		case <-a.runtime.Done():
			return fmt.Errorf("the local runtime stopped: %w", a.runtime.Err())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// patient is ctx, with a deadline.
func patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, Patience)
}

// Until waits until ok says so. It calls ok again whenever a function has called
// AWS or logged something, and every 50 ms. The test ends when ok returns an error
// or ctx ends; what says in the message what was waited for.
func (a *App) Until(ctx context.Context, t testing.TB, what string, ok func(context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := patient(ctx)
	defer cancel()
	if err := a.until(ctx, ok); err != nil {
		t.Fatalf("wait for %s: %v", what, err)
	}
}

// Logged waits for a line of a function, by its short name, that holds the text,
// and returns the first one. Lines from before the call count.
func (a *App) Logged(ctx context.Context, t testing.TB, function, text string) local.LogLine {
	t.Helper()
	ctx, cancel := patient(ctx)
	defer cancel()
	var found local.LogLine
	err := a.until(ctx, func(context.Context) (bool, error) {
		for _, l := range a.runtime.Lines(function) {
			if strings.Contains(l.Text, text) {
				found = l
				return true, nil
			}
		}
		return false, nil
	})
	if err != nil {
		t.Fatalf("function %s did not log %q: %v (there are the functions %s)", function, text, err, strings.Join(a.runtime.Functions(), ", "))
	}
	return found
}

// Handled waits until the subscription has handled the event with success, and
// returns the record of it. eventID is that of the envelope, or event.EventID of
// stream and version. When the event is given up, or ignored because no handler is
// for its type, or nothing comes of it, the test ends with what happened instead.
func (a *App) Handled(ctx context.Context, t testing.TB, eventID string, sub *bus.Definition) bus.Delivery {
	t.Helper()
	d, err := a.outcome(ctx, eventID, sub)
	if err == nil && d.Status != bus.Succeeded {
		err = errors.New(describe(d))
	}
	if err != nil {
		t.Fatalf("event %s was not handled by %s: %v", eventID, sub.Name, err)
	}
	return d
}

// Outcome waits until it is settled what becomes of the event at the subscription:
// bus.Succeeded, bus.Dead or bus.Ignored, and returns the record of it. The test
// ends when it is not settled in time.
func (a *App) Outcome(ctx context.Context, t testing.TB, eventID string, sub *bus.Definition) bus.Delivery {
	t.Helper()
	d, err := a.outcome(ctx, eventID, sub)
	if err != nil {
		t.Fatalf("event %s has no outcome at %s: %v", eventID, sub.Name, err)
	}
	return d
}

func (a *App) outcome(ctx context.Context, eventID string, sub *bus.Definition) (bus.Delivery, error) {
	if a.store == nil {
		return bus.Delivery{}, errNotVinci
	}
	ctx, cancel := patient(ctx)
	defer cancel()
	var last bus.Delivery
	err := a.until(ctx, func(ctx context.Context) (bool, error) {
		d, err := bus.Deliveries.Get(ctx, a.store, orm.Key(bus.ForeignID(sub.From, eventID), sub.Name))
		if errors.Is(err, orm.KindNotFound) {
			return false, nil
		}
		if err == nil {
			last = d
		}
		return d.Status.Settled(), err
	})
	if err == nil || ctx.Err() == nil {
		return last, err
	}
	why := describe(last)
	if last.Status == "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), explainWithin)
		defer cancel()
		why = a.explain(ctx, eventID, sub)
	}
	return last, fmt.Errorf("%w: %s", err, why)
}

// describe says what became of a delivery.
func describe(d bus.Delivery) string {
	attempts := fmt.Sprintf("%d attempts", d.Attempts)
	if d.Attempts == 1 {
		attempts = "1 attempt"
	}
	text := fmt.Sprintf("it is %s after %s", d.Status, attempts)
	if d.Status == bus.Ignored {
		text = fmt.Sprintf("it is ignored: no handler is for %s", d.EventType)
	}
	if d.ErrorKind != "" || d.ErrorMessage != "" {
		text += fmt.Sprintf(": %s: %s", d.ErrorKind, d.ErrorMessage)
	}
	return text
}

// explain says where an event is that no subscription has met.
func (a *App) explain(ctx context.Context, eventID string, sub *bus.Definition) string {
	e, err := a.log.Get(ctx, eventID)
	switch {
	case errors.Is(err, orm.KindNotFound):
		return "the log has no such event"
	case err != nil:
		return fmt.Sprintf("the log cannot be asked for it: %v", err)
	case !sub.Matches(e.Type):
		return fmt.Sprintf("it is %s, for which the subscription does not ask", e.Type)
	}
	d := a.deployment()
	client := sqs.NewFromConfig(a.config)
	text := fmt.Sprintf("it is %s and in the log, and the subscription has not met it", e.Type)
	for _, queue := range []string{d.RelayFailedQueue(), d.UndeliveredQueue(sub.Name), d.Queue(sub.Name), d.DeadLetterQueue(sub.Name)} {
		text += "; " + depth(ctx, client, queue)
	}
	return text
}

// depth says what a queue holds.
func depth(ctx context.Context, client *sqs.Client, queue string) string {
	url, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(queue)})
	if err != nil {
		return fmt.Sprintf("queue %s: %v", queue, err)
	}
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}})
	if err != nil {
		return fmt.Sprintf("queue %s: %v", queue, err)
	}
	return fmt.Sprintf("queue %s has %s messages and %s in flight", queue,
		out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)], out.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)])
}
