package ops

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/internal/backoff"
)

// Limits of one request: entries, and bytes of all their bodies and attributes.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const (
	maxEntries = 10
	maxBytes   = 1 << 20
	// sendTries is how often entries are sent that SQS did not take by its own fault,
	// and sendWait the longest wait before the second try.
	sendTries = 4
	sendWait  = 50 * time.Millisecond
)

// longPoll is how long a receive waits. It must not be zero: only a receive that
// waits asks all of SQS's servers, so that none really means none.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
const longPoll = 1

// NewSQS is Amazon SQS as [Queues]. The credentials need sqs:GetQueueUrl,
// ReceiveMessage, SendMessage, DeleteMessage, ChangeMessageVisibility and
// GetQueueAttributes on the queues of the deployment.
func NewSQS(cfg aws.Config) Queues {
	return &sqsQueues{client: sqs.NewFromConfig(cfg), urls: map[string]string{}}
}

type sqsQueues struct {
	client *sqs.Client
	mu     sync.Mutex
	urls   map[string]string // by queue name
}

func (q *sqsQueues) url(ctx context.Context, queue string) (*string, error) {
	q.mu.Lock()
	url, ok := q.urls[queue]
	q.mu.Unlock()
	if ok {
		return &url, nil
	}
	out, err := q.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		var absent *types.QueueDoesNotExist
		if errors.As(err, &absent) {
			return nil, &Error{Kind: KindUnknown, Op: "queue", Reason: "the deployment has no queue " + queue, Err: err}
		}
		return nil, fmt.Errorf("find queue %s: %w", queue, err)
	}
	q.mu.Lock()
	q.urls[queue] = *out.QueueUrl
	q.mu.Unlock()
	return out.QueueUrl, nil
}

// Receive implements [Queues].
func (q *sqsQueues) Receive(ctx context.Context, queue string, hide time.Duration) ([]Message, error) {
	url, err := q.url(ctx, queue)
	if err != nil {
		return nil, err
	}
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: maxEntries, WaitTimeSeconds: longPoll, VisibilityTimeout: int32(hide / time.Second),
		MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateReceiveCount,
			types.MessageSystemAttributeNameDeadLetterQueueSourceArn,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("receive from queue %s: %w", queue, err)
	}
	messages := make([]Message, len(out.Messages))
	for i, m := range out.Messages {
		messages[i] = Message{
			ID: aws.ToString(m.MessageId), Receipt: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
			Attributes: map[string]string{}, SourceARN: m.Attributes[string(types.MessageSystemAttributeNameDeadLetterQueueSourceArn)],
		}
		if ms, err := strconv.ParseInt(m.Attributes[string(types.MessageSystemAttributeNameSentTimestamp)], 10, 64); err == nil {
			messages[i].Sent = time.UnixMilli(ms).UTC()
		}
		if n, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]); err == nil {
			messages[i].Receives = n
		}
		for name, a := range m.MessageAttributes {
			if a.StringValue != nil {
				messages[i].Attributes[name] = *a.StringValue
			}
		}
	}
	return messages, nil
}

// Send implements [Queues].
func (q *sqsQueues) Send(ctx context.Context, queue string, messages []Outgoing) error {
	url, err := q.url(ctx, queue)
	if err != nil {
		return err
	}
	for len(messages) > 0 {
		n := fitting(messages)
		if err := q.sendBatch(ctx, url, queue, messages[:n]); err != nil {
			return err
		}
		messages = messages[n:]
	}
	return nil
}

// fitting is how many messages one request takes, at least one.
func fitting(messages []Outgoing) int {
	bytes := 0
	for i, m := range messages {
		bytes += len(m.Body)
		for name, value := range m.Attributes {
			bytes += len(name) + len("String") + len(value)
		}
		if i > 0 && (i == maxEntries || bytes > maxBytes) {
			return i
		}
	}
	return len(messages)
}

func (q *sqsQueues) sendBatch(ctx context.Context, url *string, queue string, messages []Outgoing) error {
	entries := make([]types.SendMessageBatchRequestEntry, len(messages))
	for i, m := range messages {
		entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &m.Body, MessageAttributes: map[string]types.MessageAttributeValue{}}
		for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
			entries[i].MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(m.Attributes[name])}
		}
	}
	for try := 1; ; try++ {
		out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: url, Entries: entries})
		if err != nil {
			return fmt.Errorf("send %d messages to queue %s: %w", len(entries), queue, err)
		}
		if len(out.Failed) == 0 {
			return nil
		}
		if again := retryable(out.Failed); len(again) == len(out.Failed) && try < sendTries {
			if err := backoff.Sleep(ctx, backoff.Jitter(backoff.Exponential(sendWait, time.Second, try))); err != nil {
				return fmt.Errorf("send to queue %s: %w", queue, errors.Join(failures(out.Failed), err))
			}
			entries = slices.DeleteFunc(entries, func(e types.SendMessageBatchRequestEntry) bool { return !slices.Contains(again, *e.Id) })
			continue
		}
		return fmt.Errorf("send to queue %s: %w", queue, failures(out.Failed))
	}
}

// retryable are the ids of entries that failed by SQS's fault and not by ours.
func retryable(failed []types.BatchResultErrorEntry) []string {
	var ids []string
	for _, f := range failed {
		if !f.SenderFault {
			ids = append(ids, aws.ToString(f.Id))
		}
	}
	return ids
}

func failures(failed []types.BatchResultErrorEntry) error {
	errs := make([]error, len(failed))
	for i, f := range failed {
		errs[i] = fmt.Errorf("a message was not taken: %s: %s", aws.ToString(f.Code), aws.ToString(f.Message))
	}
	return errors.Join(errs...)
}

// Delete implements [Queues].
func (q *sqsQueues) Delete(ctx context.Context, queue string, messages []Message) error {
	url, err := q.url(ctx, queue)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(messages, maxEntries) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(some))
		for i, m := range some {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &m.Receipt}
		}
		out, err := q.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: entries})
		if err != nil {
			return fmt.Errorf("delete %d messages of queue %s: %w", len(entries), queue, err)
		}
		if len(out.Failed) > 0 {
			return fmt.Errorf("delete messages of queue %s: %w", queue, failures(out.Failed))
		}
	}
	return nil
}

// Release implements [Queues].
func (q *sqsQueues) Release(ctx context.Context, queue string, messages []Message) error {
	url, err := q.url(ctx, queue)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(messages, maxEntries) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(some))
		for i, m := range some {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &m.Receipt, VisibilityTimeout: 0}
		}
		// What fails is one by one: a message that is gone, or visible already.
		if _, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: entries}); err != nil {
			return fmt.Errorf("release %d messages of queue %s: %w", len(entries), queue, err)
		}
	}
	return nil
}

// Depth implements [Queues].
func (q *sqsQueues) Depth(ctx context.Context, queue string) (Depth, error) {
	url, err := q.url(ctx, queue)
	if err != nil {
		return Depth{}, err
	}
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: names})
	if err != nil {
		return Depth{}, fmt.Errorf("look at queue %s: %w", queue, err)
	}
	var n [3]int
	for i, name := range names {
		if n[i], err = strconv.Atoi(out.Attributes[string(name)]); err != nil {
			return Depth{}, fmt.Errorf("look at queue %s: attribute %s: %w", queue, name, err)
		}
	}
	return Depth{Waiting: n[0], InFlight: n[1], Delayed: n[2]}, nil
}
