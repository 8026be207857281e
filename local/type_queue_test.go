package local

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/sqs"
)

// queueApp is the test's assembly with more queues.
func queueApp(t *testing.T, queues string) (map[string]sqs.QueueConfig, error) {
	t.Helper()
	p, err := planOf(t, app(t, `"Bus": {"Type"`, queues+`, "Bus": {"Type"`))
	if err != nil {
		return nil, err
	}
	byName := map[string]sqs.QueueConfig{}
	for _, q := range p.queues {
		byName[q.Name] = q
	}
	return byName, nil
}

// TestQueueProperties: every property of AWS::SQS::Queue that has an effect
// reaches the service.
func TestQueueProperties(t *testing.T) {
	const arn = "arn:aws:sqs:us-east-1:000000000000:"
	queues, err := queueApp(t, `
		"Orders": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders.fifo", "FifoQueue": true, "ContentBasedDeduplication": true,
			"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId", "DelaySeconds": 5, "MaximumMessageSize": 2048,
			"MessageRetentionPeriod": 600, "ReceiveMessageWaitTimeSeconds": 20, "VisibilityTimeout": 90,
			"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadOrders", "Arn"]}, "maxReceiveCount": 3},
			"Tags": [{"Key": "team", "Value": "a"}], "SqsManagedSseEnabled": true}},
		"DeadOrders": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders_dlq.fifo", "FifoQueue": true,
			"RedriveAllowPolicy": {"redrivePermission": "byQueue", "sourceQueueArns": ["`+arn+`orders.fifo"]}}},
		"Unnamed": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": true}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := sqs.QueueConfig{Name: "orders.fifo", ARN: arn + "orders.fifo", FIFO: true, ContentBasedDeduplication: true,
		DeduplicationScope: "messageGroup", FifoThroughputLimit: "perMessageGroupId", Delay: 5 * time.Second, MaxMessageSize: 2048,
		MessageRetention: 10 * time.Minute, ReceiveWait: 20 * time.Second, VisibilityTimeout: 90 * time.Second,
		DeadLetterARN: arn + "orders_dlq.fifo", MaxReceiveCount: 3, Tags: map[string]string{"team": "a"}}
	if got := queues["orders.fifo"]; !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v; want %+v", got, want)
	}
	if got := queues["orders_dlq.fifo"].RedriveAllow; got == nil || !reflect.DeepEqual(*got, sqs.RedriveAllow{Permission: "byQueue", Sources: []string{arn + "orders.fifo"}}) {
		t.Errorf("RedriveAllowPolicy %+v", got)
	}
	unnamed := 0
	for name, q := range queues {
		if strings.HasSuffix(name, ".fifo") && q.FIFO {
			unnamed++
		}
	}
	if unnamed != 3 {
		t.Errorf("%d FIFO queues, want 3: one has a name that was made for it", unnamed)
	}
}

func TestQueuePropertyErrors(t *testing.T) {
	const dead = `"RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["D", "Arn"]}, "maxReceiveCount": 3}`
	for name, tt := range map[string]struct{ queues, want string }{
		"scope without FIFO": {`"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q", "DeduplicationScope": "queue"}}`, "are for FIFO queues only"},
		"throughput and scope": {`"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q.fifo", "FifoQueue": true, "FifoThroughputLimit": "perMessageGroupId"}}`,
			"allowed only with the DeduplicationScope messageGroup"},
		"delay": {`"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q", "DelaySeconds": 901}}`, "Delay is 15m1s"},
		"standard dead-letter queue of a FIFO queue": {`"D": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "d"}},
			"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q.fifo", "FifoQueue": true, ` + dead + `}}`, "must be a FIFO queue"},
		"redrive not allowed": {`"D": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "d", "RedriveAllowPolicy": {"redrivePermission": "denyAll"}}},
			"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q", ` + dead + `}}`, "property RedrivePolicy.deadLetterTargetArn: the RedriveAllowPolicy of t-data/D does not allow this queue"},
		"redrive permission": {`"D": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "d", "RedriveAllowPolicy": {"redrivePermission": "some"}}}`, `the redrivePermission is "some"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := queueApp(t, tt.queues); !errors.Is(err, ErrAssembly) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v; want one with %q", err, tt.want)
			}
		})
	}
}
