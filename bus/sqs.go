package bus

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// sqsQueue is the Queue of a function. A queue's URL is computed from the ARN in
// each message: asking SQS for it would cost a call and a permission.
type sqsQueue struct {
	client   *sqs.Client
	endpoint string // where queues are when not in AWS; empty otherwise
}

// newQueue makes the Queue of a function. The SQS client is linked by Start
// alone: nothing else that a function does needs it.
func newQueue(cfg aws.Config) *sqsQueue {
	q := &sqsQueue{client: sqs.NewFromConfig(cfg)}
	if cfg.BaseEndpoint != nil {
		q.endpoint = strings.TrimSuffix(*cfg.BaseEndpoint, "/")
	}
	return q
}

var _ Queue = (*sqsQueue)(nil)

// ChangeVisibility implements [Queue].
func (q *sqsQueue) ChangeVisibility(ctx context.Context, queueARN, receiptHandle string, d time.Duration) error {
	arn, err := parseQueue(queueARN)
	if err != nil {
		return err
	}
	_, err = q.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl:          aws.String(arn.url(q.endpoint, arn.name)),
		ReceiptHandle:     aws.String(receiptHandle),
		VisibilityTimeout: int32(seconds(d) / time.Second),
	})
	return err
}

// SendToDeadLetter implements [Queue].
func (q *sqsQueue) SendToDeadLetter(ctx context.Context, m DeadLetter) error {
	arn, err := parseQueue(m.SourceARN)
	if err != nil {
		return err
	}
	in := &sqs.SendMessageInput{
		QueueUrl:          aws.String(arn.url(q.endpoint, m.Queue)),
		MessageBody:       aws.String(m.Body),
		MessageAttributes: make(map[string]types.MessageAttributeValue, len(m.Attributes)),
	}
	for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
		in.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(m.Attributes[name])}
	}
	_, err = q.client.SendMessage(ctx, in)
	return err
}

// queueARN is arn:<partition>:sqs:<region>:<account>:<name>.
type queueARN struct{ partition, region, account, name string }

func parseQueue(arn string) (queueARN, error) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || slices.Contains(parts, "") {
		return queueARN{}, fmt.Errorf("queue ARN %q: it is arn:<partition>:sqs:<region>:<account>:<name>; the function must be invoked by an SQS event source", arn)
	}
	return queueARN{partition: parts[1], region: parts[3], account: parts[4], name: parts[5]}, nil
}

// url is the URL of a queue in the same region and account.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
// https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
func (a queueARN) url(endpoint, name string) string {
	if endpoint == "" {
		domain := "amazonaws.com"
		if a.partition == "aws-cn" {
			domain = "amazonaws.com.cn"
		}
		endpoint = "https://sqs." + a.region + "." + domain
	}
	return endpoint + "/" + a.account + "/" + name
}
