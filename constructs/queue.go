package constructs

import (
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// How long queues keep messages. A dead-letter queue counts from the time a
// message was first sent, so it has to keep longer than the queue before it:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
const (
	queueRetention      = 4 * 24 * time.Hour
	deadLetterRetention = 14 * 24 * time.Hour

	// maxReceiveCount is a backstop: the consumer counts its own attempts and
	// moves a message away much earlier.
	maxReceiveCount = 10
	// orderedReceiveCount is SQS's most. A message of an ordered subscription comes
	// again while others are at its stream, which may be long, and while an earlier
	// event of it fails; crashes are counted by the consumer.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
	orderedReceiveCount = 1000
)

// queueProps describe a standard queue with encryption at rest (SSE-SQS) that
// refuses requests without TLS.
type queueProps struct {
	name       string
	retention  time.Duration
	visibility time.Duration   // zero: SQS's default
	deadLetter awssqs.CfnQueue // nil: none
	receives   int             // until a message goes there; zero: maxReceiveCount
}

func newQueue(scope cdk.Construct, id string, p queueProps) awssqs.CfnQueue {
	props := &awssqs.CfnQueueProps{
		QueueName:              jsii.String(p.name),
		MessageRetentionPeriod: seconds(p.retention),
		SqsManagedSseEnabled:   jsii.Bool(true),
	}
	if p.visibility > 0 {
		props.VisibilityTimeout = seconds(p.visibility)
	}
	if p.deadLetter != nil {
		props.RedrivePolicy = map[string]any{
			"deadLetterTargetArn": p.deadLetter.AttrArn(),
			"maxReceiveCount":     orInt(p.receives, maxReceiveCount),
		}
	}
	return awssqs.NewCfnQueue(scope, &id, props)
}

// newQueuePolicy refuses requests without TLS and, when rule is not empty,
// lets that EventBridge rule send. The roles of functions in the same account
// need no entry here.
func newQueuePolicy(scope cdk.Construct, id string, queue awssqs.CfnQueue, rule string) {
	statements := []any{map[string]any{
		"Sid":       "TLSOnly",
		"Effect":    "Deny",
		"Principal": "*",
		"Action":    "sqs:*",
		"Resource":  queue.AttrArn(),
		"Condition": map[string]any{"Bool": map[string]any{"aws:SecureTransport": "false"}},
	}}
	if rule != "" {
		statements = append(statements, map[string]any{
			"Sid":       "Rule",
			"Effect":    "Allow",
			"Principal": map[string]any{"Service": "events.amazonaws.com"},
			"Action":    "sqs:SendMessage",
			"Resource":  queue.AttrArn(),
			"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule}},
		})
	}
	awssqs.NewCfnQueuePolicy(scope, &id, &awssqs.CfnQueuePolicyProps{
		Queues:         &[]*string{queue.Ref()},
		PolicyDocument: policyDocument(statements),
	})
}

func policyDocument(statements []any) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

func seconds(d time.Duration) *float64 { return jsii.Number(d.Seconds()) }
