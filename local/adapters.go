package local

import (
	"context"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/lambda"
	"github.com/vinci-go/vinci/local/sqs"
)

// queues is SQS as event source mappings see it. The services do not know each
// other's types.
type queues struct{ *sqs.Service }

var _ lambda.Queues = queues{}

func (q queues) Receive(ctx context.Context, queueARN string, max int, wait time.Duration) ([]lambda.Message, error) {
	received, err := q.Service.Receive(ctx, queueARN, sqs.ReceiveOptions{Max: max, Wait: &wait})
	messages := make([]lambda.Message, 0, len(received))
	for _, m := range received {
		messages = append(messages, lambda.Message{
			ID: m.ID, ReceiptHandle: m.ReceiptHandle, Body: m.Body, MD5OfBody: m.MD5OfBody,
			Attributes: m.SystemAttributes(), MessageAttributes: messageAttributes(m.Attributes),
			MD5OfMessageAttributes: m.MD5OfAttributes(),
		})
	}
	return messages, err
}

func messageAttributes(in map[string]sqs.Attribute) map[string]lambda.MessageAttribute {
	out := make(map[string]lambda.MessageAttribute, len(in))
	for name, a := range in {
		out[name] = lambda.MessageAttribute(a)
	}
	return out
}

// SendWith is Send with attributes of the sender's.
func (q queues) SendWith(ctx context.Context, queueARN, body string, attributes map[string]lambda.MessageAttribute) error {
	out := make(map[string]sqs.Attribute, len(attributes))
	for name, a := range attributes {
		out[name] = sqs.Attribute(a)
	}
	_, err := q.Service.Send(ctx, queueARN, sqs.Outgoing{Body: body, Attributes: out})
	return err
}

func (q queues) Send(ctx context.Context, queueARN, body string) error {
	_, err := q.Service.Send(ctx, queueARN, sqs.Outgoing{Body: body})
	return err
}

// buses is EventBridge as destinations of functions see it.
type buses struct{ *eventbridge.Service }

func (b buses) PutEvent(ctx context.Context, busARN string, e lambda.BusEvent) error {
	results, err := b.PutEvents(ctx, []eventbridge.Entry{{
		Source: e.Source, DetailType: e.DetailType, Detail: string(e.Detail), Resources: e.Resources, EventBusName: busARN,
	}})
	if err == nil && results[0].ErrorCode != "" {
		err = fmt.Errorf("%s: %s", results[0].ErrorCode, results[0].ErrorMessage)
	}
	return err
}

// streams is DynamoDB's streams as event source mappings see them.
type streams struct{ *dynamodb.Service }

var _ lambda.Streams = streams{}

func (s streams) ReadStream(ctx context.Context, tableName, from string, max int, wait time.Duration) ([]lambda.StreamRecord, string, error) {
	read, next, err := s.Service.ReadStream(ctx, tableName, from, max, wait)
	records := make([]lambda.StreamRecord, len(read))
	for i, r := range read {
		records[i] = lambda.StreamRecord{SequenceNumber: r.SequenceNumber, CreatedAt: r.CreatedAt, JSON: r.JSON}
	}
	return records, next, err
}

// LatestPosition reads the stream to its end: no table here has so many records
// that it matters.
func (s streams) LatestPosition(ctx context.Context, tableName string) (string, error) {
	position := ""
	for {
		records, next, err := s.Service.ReadStream(ctx, tableName, position, 1000, 0)
		if err != nil || len(records) == 0 {
			return position, err
		}
		position = next
	}
}
