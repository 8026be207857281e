package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// NewFailureQueue keeps failures in an SQS queue of the function's own account
// and region, by its name. It takes failures of stream records only: the stream's
// ARN says account and region.
func NewFailureQueue(client *sqs.Client, name string) FailureQueue {
	return &failureQueue{client: client, name: name}
}

type failureQueue struct {
	client *sqs.Client
	name   string
}

func (q *failureQueue) Send(ctx context.Context, f Failure) error {
	url, err := queueURL(f.StreamARN, q.name)
	if err != nil {
		return err
	}
	body, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode the failure of event %s: %w", f.EventID, err)
	}
	text := string(body)
	if _, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &text}); err != nil {
		return fmt.Errorf("send to queue %s: %w", q.name, err)
	}
	return nil
}

// queueURL makes a queue's URL. A function is not told its account, but the
// stream that it is called with is of the same one; asking SQS would be another
// call and another permission.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
func queueURL(streamARN, name string) (string, error) {
	a, err := arn.Parse(streamARN)
	if err != nil || a.Region == "" || a.AccountID == "" {
		return "", fmt.Errorf("queue %s: its account and region are those of the stream, whose ARN is %q and cannot be read", name, streamARN)
	}
	suffix := "amazonaws.com"
	if strings.HasPrefix(a.Partition, "aws-cn") {
		suffix = "amazonaws.com.cn"
	}
	return fmt.Sprintf("https://sqs.%s.%s/%s/%s", a.Region, suffix, a.AccountID, name), nil
}
