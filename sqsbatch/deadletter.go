package sqsbatch

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/internal/sqsqueue"
)

// The message attributes that a dead letter gets beside its own: why it is there.
// A message may have ten; where there is no room for all of these, its own stay
// and the last of these are left out.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
const (
	AttrErrorMessage = "ERROR_MESSAGE" // at most 1,024 bytes
	AttrErrorKind    = "ERROR_KIND"    // see Kind
	AttrAttempts     = "ATTEMPTS"
	AttrMessageID    = "MESSAGE_ID" // in the queue it came from
	AttrSourceQueue  = "SOURCE_QUEUE"
)

var reasons = []string{AttrErrorMessage, AttrErrorKind, AttrAttempts, AttrMessageID, AttrSourceQueue}

const maxAttributes = 10

// deadLetter gives a message up: it returns once the dead-letter queue has it.
func (b *batch) deadLetter(ctx context.Context, m *events.SQSMessage, attempts int, cause error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &Error{Kind: KindPanic, Op: "dead letter", Reason: fmt.Sprint("the client panicked: ", p)}
		}
	}()
	out := sqsqueue.Message{Body: m.Body, Attributes: b.deadAttributes(m, attempts, cause)}
	if isFIFO(m) != b.dlq.FIFO() {
		return &Error{Kind: KindDefinition, Op: "dead letter", Reason: fmt.Sprintf("%s and its dead-letter queue %s must both be FIFO or both be standard", queueName(m.EventSourceARN), b.dlq.Name)}
	}
	if b.dlq.FIFO() {
		// The message's own id, so that one that is sent again because the answer was
		// lost is there once.
		out.GroupID, out.DeduplicationID = m.Attributes["MessageGroupId"], m.MessageId
	}
	if err := b.queue.Send(ctx, b.dlq, out); err != nil {
		return fmt.Errorf("send to the dead-letter queue %s: %w", b.dlq.Name, err)
	}
	return nil
}

func (b *batch) deadAttributes(m *events.SQSMessage, attempts int, cause error) map[string]types.MessageAttributeValue {
	out := make(map[string]types.MessageAttributeValue, maxAttributes)
	for name, a := range m.MessageAttributes {
		if !slices.Contains(reasons, name) { // those are of an earlier time in the dead-letter queue
			out[name] = types.MessageAttributeValue{DataType: aws.String(a.DataType), StringValue: a.StringValue, BinaryValue: a.BinaryValue}
		}
	}
	for _, name := range reasons {
		if len(out) >= maxAttributes {
			break
		}
		var value string
		switch name {
		case AttrErrorMessage:
			value = orNone(messageOf(cause))
		case AttrErrorKind:
			value = string(kindOf(cause))
		case AttrAttempts:
			value = strconv.Itoa(attempts)
		case AttrMessageID:
			value = m.MessageId
		case AttrSourceQueue:
			value = m.EventSourceARN
		}
		out[name] = sqsqueue.String(value)
	}
	return out
}
