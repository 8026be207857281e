package sqsqueue

import (
	"context"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// API is what is used of *sqs.Client.
type API interface {
	ChangeMessageVisibility(ctx context.Context, in *sqs.ChangeMessageVisibilityInput, options ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
	SendMessage(ctx context.Context, in *sqs.SendMessageInput, options ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

var _ API = (*sqs.Client)(nil)

// Queue asks SQS. A queue's URL is computed from its ARN: asking SQS for it would
// cost a call and a permission. It is safe for concurrent use when its API is.
type Queue struct {
	api      API
	endpoint string // where queues are when not in AWS; empty otherwise
}

// New takes the endpoint from the client's options, where it has some.
func New(api API) *Queue {
	q := &Queue{api: api}
	if c, ok := api.(interface{ Options() sqs.Options }); ok {
		if url := c.Options().BaseEndpoint; url != nil {
			q.endpoint = strings.TrimSuffix(*url, "/")
		}
	}
	return q
}

// MaxVisibility is the longest that SQS hides a message, counted from when it
// was received.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
const MaxVisibility = 12 * time.Hour

// Hide hides a message that was received from the queue for d from now on,
// rounded up to whole seconds, at most [MaxVisibility].
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
func (q *Queue) Hide(ctx context.Context, queueARN, receiptHandle string, d time.Duration) error {
	arn, err := ParseARN(queueARN)
	if err != nil {
		return err
	}
	_, err = q.api.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl:          aws.String(arn.URL(q.endpoint)),
		ReceiptHandle:     aws.String(receiptHandle),
		VisibilityTimeout: int32((min(max(d, 0), MaxVisibility) + time.Second - 1) / time.Second),
	})
	return err
}

// Message is one to be sent.
type Message struct {
	Body       string
	Attributes map[string]types.MessageAttributeValue
	// Of a FIFO queue; empty otherwise.
	GroupID, DeduplicationID string
}

// Send returns once the queue has the message.
func (q *Queue) Send(ctx context.Context, to ARN, m Message) error {
	in := &sqs.SendMessageInput{
		QueueUrl:          aws.String(to.URL(q.endpoint)),
		MessageBody:       aws.String(m.Body),
		MessageAttributes: maps.Clone(m.Attributes),
	}
	if m.GroupID != "" {
		in.MessageGroupId = aws.String(m.GroupID)
	}
	if m.DeduplicationID != "" {
		in.MessageDeduplicationId = aws.String(m.DeduplicationID)
	}
	_, err := q.api.SendMessage(ctx, in)
	return err
}

// String is a message attribute that holds text.
func String(s string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(s)}
}
