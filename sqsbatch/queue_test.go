package sqsbatch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// fakeQueue is a queue of SQS with its clock, and its dead-letter queue. A FIFO
// queue hands out nothing of a group of which a message is hidden.
type fakeQueue struct {
	arn        string
	now        func() time.Time
	visibility time.Duration

	mu       sync.Mutex
	fail     func(op string) error // before an effect
	messages []*stored
	receipts int
	dead     []*sqs.SendMessageInput
}

type stored struct {
	id, group, body string
	attributes      map[string]events.SQSMessageAttribute
	visibleAt       time.Time
	receives        int
	receipt         string
}

const (
	standardARN = "arn:aws:sqs:eu-west-1:123456789012:orders"
	fifoARN     = standardARN + ".fifo"
	dlqARN      = "arn:aws:sqs:eu-west-1:123456789012:orders-dlq"
	fifoDLQARN  = dlqARN + ".fifo"
)

func newQueue(arn string, now func() time.Time) *fakeQueue {
	return &fakeQueue{arn: arn, now: now, visibility: 90 * time.Minute}
}

// send puts a message into the queue. Its id is unique.
func (q *fakeQueue) send(group, body string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	id := fmt.Sprintf("m%d", len(q.messages)+1)
	q.messages = append(q.messages, &stored{id: id, group: group, body: body})
	return id
}

func (q *fakeQueue) fifo() bool { return q.arn == fifoARN }

// receive hands out up to n messages that are visible.
func (q *fakeQueue) receive(n int) events.SQSEvent {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	held := map[string]bool{}
	for _, m := range q.messages {
		if q.fifo() && m != nil && now.Before(m.visibleAt) {
			held[m.group] = true
		}
	}
	var out events.SQSEvent
	for _, m := range q.messages {
		if m == nil || now.Before(m.visibleAt) || held[m.group] || len(out.Records) == n {
			continue
		}
		q.receipts++
		m.receives++
		m.receipt, m.visibleAt = "r"+strconv.Itoa(q.receipts), now.Add(q.visibility)
		attributes := map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.receives)}
		if m.group != "" {
			attributes["MessageGroupId"] = m.group
		}
		out.Records = append(out.Records, events.SQSMessage{MessageId: m.id, ReceiptHandle: m.receipt, Body: m.body, EventSourceARN: q.arn, EventSource: "aws:sqs", Attributes: attributes, MessageAttributes: m.attributes})
	}
	return out
}

// settle does with a batch what Lambda does: deletes what is not named.
func (q *fakeQueue) settle(batch events.SQSEvent, response events.SQSEventResponse) {
	again := failures(response)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range batch.Records {
		if slices.Contains(again, m.MessageId) {
			continue
		}
		for i, s := range q.messages {
			if s != nil && s.receipt == m.ReceiptHandle {
				q.messages[i] = nil
			}
		}
	}
}

func failures(response events.SQSEventResponse) []string {
	var ids []string
	for _, f := range response.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

// next is when a message becomes visible that is hidden now; false when none is.
func (q *fakeQueue) next() (time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var at time.Time
	for _, m := range q.messages {
		if m != nil && q.now().Before(m.visibleAt) && (at.IsZero() || m.visibleAt.Before(at)) {
			at = m.visibleAt
		}
	}
	return at, !at.IsZero()
}

// hidden is for how long a message is hidden from now on.
func (q *fakeQueue) hidden(id string) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if m != nil && m.id == id {
			return m.visibleAt.Sub(q.now())
		}
	}
	return -1
}

func (q *fakeQueue) letters() []*sqs.SendMessageInput {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.dead)
}

func (q *fakeQueue) failing(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if q.fail != nil {
		return q.fail(op)
	}
	return nil
}

// ChangeMessageVisibility implements sqsbatch.SQS.
func (q *fakeQueue) ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	if err := q.failing(ctx, "hide"); err != nil {
		return nil, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.messages {
		if m != nil && m.receipt == *in.ReceiptHandle && q.now().Before(m.visibleAt) {
			m.visibleAt = q.now().Add(time.Duration(in.VisibilityTimeout) * time.Second)
			return &sqs.ChangeMessageVisibilityOutput{}, nil
		}
	}
	return nil, &types.MessageNotInflight{}
}

// SendMessage implements sqsbatch.SQS for the dead-letter queue.
func (q *fakeQueue) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if err := q.failing(ctx, "send"); err != nil {
		return nil, err
	}
	if len(in.MessageAttributes) > 10 {
		return nil, errors.New("more than 10 message attributes")
	}
	for name, a := range in.MessageAttributes {
		if a.DataType == nil || (a.StringValue == nil || *a.StringValue == "") && len(a.BinaryValue) == 0 {
			return nil, fmt.Errorf("attribute %s has no type or no value", name)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.dead = append(q.dead, in)
	return &sqs.SendMessageOutput{}, nil
}
