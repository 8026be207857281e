package bus

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/internal/sqsqueue"
)

// sqsQueue is the Queue of a function.
type sqsQueue struct{ *sqsqueue.Queue }

// newQueue makes the Queue of a function. The SQS client is linked by Start
// alone: nothing else that a function does needs it.
func newQueue(cfg aws.Config) sqsQueue { return sqsQueue{sqsqueue.New(sqs.NewFromConfig(cfg))} }

var _ Queue = sqsQueue{}

// ChangeVisibility implements [Queue].
func (q sqsQueue) ChangeVisibility(ctx context.Context, queueARN, receiptHandle string, d time.Duration) error {
	return q.Hide(ctx, queueARN, receiptHandle, consume.Seconds(d))
}

// SendToDeadLetter implements [Queue].
func (q sqsQueue) SendToDeadLetter(ctx context.Context, m DeadLetter) error {
	to, err := sqsqueue.ParseARN(m.SourceARN)
	if err != nil {
		return err
	}
	to.Name = m.Queue
	attributes := make(map[string]types.MessageAttributeValue, len(m.Attributes))
	for name, value := range m.Attributes {
		attributes[name] = sqsqueue.String(value)
	}
	return q.Send(ctx, to, sqsqueue.Message{Body: m.Body, Attributes: attributes})
}
