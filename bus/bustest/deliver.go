package bustest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
)

// Receipt says what the consumer did with one message.
type Receipt struct {
	EventID string
	Again   bool          // the message comes again
	Hidden  time.Duration // not before, as the consumer asked; 0: it did not ask
}

// Deliver delivers events in one batch, each for the first time, and says what
// became of them, in their order.
func (k *Kit) Deliver(es ...event.Envelope) []Receipt {
	k.t.Helper()
	return k.DeliverIn(k.t.Context(), 1, es...)
}

// DeliverIn is [Kit.Deliver] within a context, whose deadline is the function's
// time-out, and with the number of times that SQS has handed the messages out.
func (k *Kit) DeliverIn(ctx context.Context, receives int, es ...event.Envelope) []Receipt {
	k.t.Helper()
	messages := make([]events.SQSMessage, len(es))
	for i, e := range es {
		messages[i] = k.Message(e, receives)
	}
	receipts, err := k.handle(ctx, messages)
	if err != nil {
		k.t.Fatalf("bustest: deliver: %v", err)
	}
	for i := range receipts {
		receipts[i].EventID = es[i].ID
	}
	return receipts
}

// DeliverParallel delivers one event n times, each in a batch of its own and all
// at once, and says how many of the messages come again.
func (k *Kit) DeliverParallel(n int, e event.Envelope) (again int) {
	k.t.Helper()
	es := make([]event.Envelope, n)
	for i := range es {
		es[i] = e
	}
	return k.DeliverEach(es...)
}

// DeliverEach delivers events, each in a batch of its own and all at once, and
// says how many of the messages come again.
func (k *Kit) DeliverEach(es ...event.Envelope) (again int) {
	k.t.Helper()
	receipts := make([][]Receipt, len(es))
	errs := make([]error, len(es))
	var wg sync.WaitGroup
	for i := range es {
		m := k.Message(es[i], 1)
		wg.Go(func() { receipts[i], errs[i] = k.handle(k.t.Context(), []events.SQSMessage{m}) })
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			k.t.Fatalf("bustest: deliver: %v", err)
		}
		if receipts[i][0].Again {
			again++
		}
	}
	return again
}

// Settle delivers an event as SQS does, again and again while the consumer wants
// it to come again, moving the clock by the time it is hidden, and returns the
// record. The test fails when it has not ended after the 10 times that a queue
// hands a message out.
func (k *Kit) Settle(e event.Envelope) bus.Delivery {
	k.t.Helper()
	const most = 10
	for receives := 1; receives <= most; receives++ {
		r := k.DeliverIn(k.t.Context(), receives, e)[0]
		if !r.Again {
			return k.Delivery(e.ID)
		}
		k.Advance(r.Hidden)
	}
	k.t.Fatalf("bustest: %s is not settled after %d deliveries: %+v", e.ID, most, k.Delivery(e.ID))
	return bus.Delivery{}
}

// Message is what a rule of EventBridge makes of an event in a queue.
func (k *Kit) Message(e event.Envelope, receives int) events.SQSMessage {
	k.t.Helper()
	body, err := bus.MessageBody(e)
	if err != nil {
		k.t.Fatalf("bustest: %v", err)
	}
	return k.Raw(string(body), receives)
}

// Raw is a message with any body.
func (k *Kit) Raw(body string, receives int) events.SQSMessage {
	n := k.messages.Add(1)
	return events.SQSMessage{
		MessageId:      fmt.Sprintf("message-%d", n),
		ReceiptHandle:  fmt.Sprintf("receipt-%d", n),
		Body:           body,
		Attributes:     map[string]string{"ApproximateReceiveCount": strconv.Itoa(receives)},
		EventSource:    "aws:sqs",
		EventSourceARN: queueARN,
		AWSRegion:      "us-east-1",
	}
}

// Handle delivers messages in one batch and says what became of them, in their
// order. The error is the consumer's.
func (k *Kit) Handle(ctx context.Context, messages ...events.SQSMessage) ([]Receipt, error) {
	return k.handle(ctx, messages)
}

func (k *Kit) handle(ctx context.Context, messages []events.SQSMessage) ([]Receipt, error) {
	response, err := k.Consumer.Handle(ctx, events.SQSEvent{Records: messages})
	if err != nil {
		return nil, err
	}
	again := make(map[string]bool, len(response.BatchItemFailures))
	for _, f := range response.BatchItemFailures {
		again[f.ItemIdentifier] = true
	}
	receipts := make([]Receipt, len(messages))
	for i, m := range messages {
		receipts[i] = Receipt{Again: again[m.MessageId], Hidden: k.queue.hiddenFor(m.ReceiptHandle)}
	}
	return receipts, nil
}
