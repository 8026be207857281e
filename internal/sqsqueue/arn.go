package sqsqueue

import (
	"fmt"
	"slices"
	"strings"
)

// ARN is arn:<partition>:sqs:<region>:<account>:<name>.
type ARN struct{ Partition, Region, Account, Name string }

// ParseARN takes the ARN of a queue apart.
func ParseARN(arn string) (ARN, error) {
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "sqs" || slices.Contains(parts, "") {
		return ARN{}, fmt.Errorf("queue ARN %q: it is arn:<partition>:sqs:<region>:<account>:<name>; the function must be invoked by an SQS event source", arn)
	}
	return ARN{Partition: parts[1], Region: parts[3], Account: parts[4], Name: parts[5]}, nil
}

// FIFO reports whether the queue is a FIFO queue, which its name's end says.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queue-message-identifiers.html
func (a ARN) FIFO() bool { return strings.HasSuffix(a.Name, ".fifo") }

// URL is the URL of the queue. endpoint is where queues are when not in AWS,
// empty otherwise.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html
// https://docs.aws.amazon.com/general/latest/gr/sqs-service.html
func (a ARN) URL(endpoint string) string {
	if endpoint == "" {
		domain := "amazonaws.com"
		if a.Partition == "aws-cn" {
			domain = "amazonaws.com.cn"
		}
		endpoint = "https://sqs." + a.Region + "." + domain
	}
	return endpoint + "/" + a.Account + "/" + a.Name
}
