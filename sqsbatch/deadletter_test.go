package sqsbatch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/vinci-go/vinci/sqsbatch"
)

func TestPermanent(t *testing.T) {
	k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error {
		return fmt.Errorf("check: %w", sqsbatch.Permanent(errors.New("no such \x00 customer")))
	}, sqsbatch.DeadLetterQueue(dlqARN))
	k.queue.send("", "body")
	k.queue.messages[0].attributes = map[string]events.SQSMessageAttribute{
		"trace":      {DataType: "String.id", StringValue: aws.String("t1")},
		"raw":        {DataType: "Binary", BinaryValue: []byte{0, 1}},
		"ERROR_KIND": {DataType: "String", StringValue: aws.String("of an earlier time")},
	}
	if again := k.deliver(); len(again) > 0 {
		t.Fatalf("again %v", again)
	}
	k.want(sqsbatch.OutcomeDead)
	sent := k.queue.letters()
	if len(sent) != 1 || *sent[0].QueueUrl != "https://sqs.eu-west-1.amazonaws.com/123456789012/orders-dlq" || *sent[0].MessageBody != "body" || sent[0].MessageGroupId != nil {
		t.Fatalf("sent %+v", sent)
	}
	for name, want := range map[string]string{
		"trace": "t1", sqsbatch.AttrErrorKind: "permanent", sqsbatch.AttrErrorMessage: "check: no such \uFFFD customer",
		sqsbatch.AttrAttempts: "1", sqsbatch.AttrMessageID: "m1", sqsbatch.AttrSourceQueue: standardARN,
	} {
		if a, ok := sent[0].MessageAttributes[name]; !ok || aws.ToString(a.StringValue) != want {
			t.Errorf("attribute %s is %q, want %q", name, aws.ToString(a.StringValue), want)
		}
	}
	if a := sent[0].MessageAttributes["raw"]; *a.DataType != "Binary" || string(a.BinaryValue) != "\x00\x01" || *sent[0].MessageAttributes["trace"].DataType != "String.id" {
		t.Errorf("its own attributes are not as they were: %+v", sent[0].MessageAttributes)
	}
}

// Its own attributes stay, and of the reasons what there is room for.
func TestRoomForAttributes(t *testing.T) {
	for own, want := range map[int]int{4: 5, 5: 5, 7: 3, 9: 1, 10: 0} {
		k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { return sqsbatch.Permanent(errBoom) }, sqsbatch.DeadLetterQueue(dlqARN))
		k.queue.send("", "body")
		k.queue.messages[0].attributes = map[string]events.SQSMessageAttribute{}
		for i := range own {
			k.queue.messages[0].attributes[fmt.Sprint("own", i)] = events.SQSMessageAttribute{DataType: "String", StringValue: aws.String("x")}
		}
		k.deliver()
		k.want(sqsbatch.OutcomeDead)
		got := k.queue.letters()[0].MessageAttributes
		if len(got) != own+want {
			t.Errorf("%d of its own: %d in all", own, len(got))
		}
		if _, ok := got[sqsbatch.AttrErrorMessage]; ok != (want > 0) {
			t.Errorf("%d of its own: the message is there: %t", own, ok)
		}
	}
}

func TestMaxAttempts(t *testing.T) {
	k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { return errBoom }, sqsbatch.DeadLetterQueue(dlqARN), sqsbatch.MaxAttempts(3))
	k.queue.send("", "x")
	for _, want := range []sqsbatch.Outcome{sqsbatch.OutcomeFailed, sqsbatch.OutcomeFailed, sqsbatch.OutcomeDead} {
		k.deliver()
		k.want(want)
		k.clock.advance(time.Hour)
	}
	if sent := k.queue.letters(); len(sent) != 1 || *sent[0].MessageAttributes[sqsbatch.AttrErrorKind].StringValue != "failed" {
		t.Errorf("sent %+v", sent)
	}
}

// Without a dead-letter queue nothing is dropped: the redrive policy decides.
func TestNoDeadLetterQueue(t *testing.T) {
	k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { return sqsbatch.Permanent(errBoom) })
	k.queue.send("", "x")
	for range 20 {
		if again := k.deliver(); len(again) != 1 {
			t.Fatalf("again %v", again)
		}
		k.want(sqsbatch.OutcomeFailed)
		k.clock.advance(time.Hour)
	}
}

// What cannot be sent away stays.
func TestDeadLetterQueueFails(t *testing.T) {
	for _, fail := range []error{errors.New("AccessDenied"), nil} {
		k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { return sqsbatch.Permanent(errBoom) }, sqsbatch.DeadLetterQueue(dlqARN))
		k.queue.fail = func(op string) error {
			if op != "send" {
				return nil
			}
			if fail == nil {
				panic("oh")
			}
			return fail
		}
		id := k.queue.send("", "x")
		if again := k.deliver(); len(again) != 1 || k.queue.hidden(id) != time.Second {
			t.Errorf("again %v, hidden for %v", again, k.queue.hidden(id))
		}
		k.want(sqsbatch.OutcomeFailed)
		if err := k.results[0].Err; !errors.Is(err, errBoom) || !strings.Contains(err.Error(), "dead") {
			t.Error(err)
		}
		k.queue.fail = nil
		k.clock.advance(time.Hour)
		k.deliver()
		k.want(sqsbatch.OutcomeDead)
	}
}

// Types of queues that SQS does not mix are a mistake that names both.
func TestDeadLetterQueueOfOtherType(t *testing.T) {
	k := newKit(t, fifoARN).run(func(context.Context, events.SQSMessage) error { return sqsbatch.Permanent(errBoom) }, sqsbatch.DeadLetterQueue(dlqARN))
	k.queue.send("g", "x")
	if again := k.deliver(); len(again) != 1 || !strings.Contains(k.results[0].Err.Error(), "orders.fifo and its dead-letter queue orders-dlq must both") {
		t.Errorf("again %v, %v", again, k.results[0].Err)
	}
}
