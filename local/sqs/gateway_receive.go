package sqs

import (
	"context"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
)

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html

type receiveMessageInput struct {
	QueueUrl                    string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
	AttributeNames              []string
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	ReceiveRequestAttemptId     *string
}

type wireMessage struct {
	MessageId              string
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string        `json:",omitempty"`
	MD5OfMessageAttributes string                   `json:",omitempty"`
	MessageAttributes      map[string]wireAttribute `json:",omitempty"`
}

type receiveMessageOutput struct {
	Messages []wireMessage `json:",omitempty"`
}

// systemAttributes are the names that ReceiveMessage takes.
var systemAttributes = []string{"All", "SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp",
	"SequenceNumber", "MessageDeduplicationId", "MessageGroupId", "AWSTraceHeader", "DeadLetterQueueSourceArn"}

func (s *Service) receiveMessage(ctx context.Context, _ gateway.Caller, in receiveMessageInput) (receiveMessageOutput, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err != nil {
		return receiveMessageOutput{}, err
	}
	o := ReceiveOptions{Max: 1, VisibilityTimeout: seconds(in.VisibilityTimeout), Wait: seconds(in.WaitTimeSeconds)}
	if in.MaxNumberOfMessages != nil {
		if o.Max = *in.MaxNumberOfMessages; o.Max < 1 || o.Max > 10 {
			return receiveMessageOutput{}, errRange("MaxNumberOfMessages", o.Max, 1, 10)
		}
	}
	names := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for _, name := range names {
		if !slices.Contains(systemAttributes, name) {
			return receiveMessageOutput{}, errAttributeName("Unknown Attribute %s.", name)
		}
	}
	if id := in.ReceiveRequestAttemptId; id != nil {
		if o.AttemptID = *id; !validFIFOID(*id) {
			return receiveMessageOutput{}, errFIFOID("ReceiveRequestAttemptId", *id)
		}
	}
	messages, err := s.Receive(ctx, arn, o)
	if err != nil {
		return receiveMessageOutput{}, err
	}
	var out receiveMessageOutput
	for i := range messages {
		out.Messages = append(out.Messages, wire(&messages[i], names, in.MessageAttributeNames))
	}
	return out, nil
}

// wire is a message with those attributes that the caller asked for.
func wire(m *Message, system, named []string) wireMessage {
	w := wireMessage{MessageId: m.ID, ReceiptHandle: m.ReceiptHandle, MD5OfBody: m.MD5OfBody, Body: m.Body}
	if len(system) > 0 {
		w.Attributes = m.SystemAttributes()
		if !slices.Contains(system, "All") {
			for name := range w.Attributes {
				if !slices.Contains(system, name) {
					delete(w.Attributes, name)
				}
			}
		}
	}
	if len(m.Attributes) == 0 || len(named) == 0 {
		return w
	}
	asked := map[string]Attribute{}
	for name, a := range m.Attributes {
		if !slices.ContainsFunc(named, func(pattern string) bool { return picks(pattern, name) }) {
			continue
		}
		if w.MessageAttributes == nil {
			w.MessageAttributes = map[string]wireAttribute{}
		}
		asked[name] = a
		wa := wireAttribute{DataType: &a.DataType, BinaryValue: a.BinaryValue}
		if a.BinaryValue == nil {
			wa.StringValue = &a.StringValue
		}
		w.MessageAttributes[name] = wa
	}
	w.MD5OfMessageAttributes = digestAttributes(asked)
	return w
}

// picks is the rule for MessageAttributeNames: a name, All, *, .* or prefix.*
func picks(pattern, name string) bool {
	if pattern == "*" {
		return true
	}
	if prefix, ok := strings.CutSuffix(pattern, ".*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == "All" || pattern == name
}

type deleteMessageInput struct{ QueueUrl, ReceiptHandle string }

func (s *Service) deleteMessage(ctx context.Context, _ gateway.Caller, in deleteMessageInput) (struct{}, error) {
	arn, err := s.arnOf(in.QueueUrl)
	if err != nil {
		return struct{}{}, err
	}
	if in.ReceiptHandle == "" {
		return struct{}{}, errMissing("ReceiptHandle")
	}
	return struct{}{}, s.Delete(ctx, arn, in.ReceiptHandle)
}

type deleteBatchEntry struct{ Id, ReceiptHandle string }

type deleteMessageBatchInput struct {
	QueueUrl string
	Entries  []deleteBatchEntry
}

type batchResult struct{ Id string }

func (e deleteBatchEntry) id() string { return e.Id }

func (s *Service) deleteMessageBatch(_ context.Context, _ gateway.Caller, in deleteMessageBatchInput) (batchOutput[batchResult], error) {
	var out batchOutput[batchResult]
	arn, err := s.batchQueue(in.QueueUrl)
	if err == nil {
		err = checkBatch(in.Entries, "DeleteMessageBatchRequestEntry")
	}
	if err != nil {
		return out, err
	}
	handles := make([]string, len(in.Entries))
	for i, e := range in.Entries {
		handles[i] = e.ReceiptHandle
	}
	errs, err := s.deleteAll(arn, handles)
	if err != nil {
		return out, err
	}
	for i, e := range in.Entries {
		out.report(e.Id, batchResult{e.Id}, errs[i])
	}
	return out, nil
}

// batchQueue finds the queue before a batch's entries are looked at, because that
// it does not exist is no entry's failure.
func (s *Service) batchQueue(queueURL string) (string, error) {
	q, _, err := s.byURL(queueURL)
	if err != nil {
		return "", err
	}
	return q.arn, nil
}

type changeMessageVisibilityInput struct {
	QueueUrl, ReceiptHandle string
	VisibilityTimeout       *int
}

func (s *Service) changeMessageVisibility(ctx context.Context, _ gateway.Caller, in changeMessageVisibilityInput) (struct{}, error) {
	arn, err := s.arnOf(in.QueueUrl)
	switch {
	case err != nil:
	case in.ReceiptHandle == "":
		err = errMissing("ReceiptHandle")
	case in.VisibilityTimeout == nil:
		err = errMissing("VisibilityTimeout")
	default:
		err = s.ChangeVisibility(ctx, arn, in.ReceiptHandle, *seconds(in.VisibilityTimeout))
	}
	return struct{}{}, err
}

type changeBatchEntry struct {
	Id, ReceiptHandle string
	VisibilityTimeout *int
}

type changeMessageVisibilityBatchInput struct {
	QueueUrl string
	Entries  []changeBatchEntry
}

func (e changeBatchEntry) id() string { return e.Id }

func (s *Service) changeMessageVisibilityBatch(_ context.Context, _ gateway.Caller, in changeMessageVisibilityBatchInput) (batchOutput[batchResult], error) {
	var out batchOutput[batchResult]
	arn, err := s.batchQueue(in.QueueUrl)
	if err == nil {
		err = checkBatch(in.Entries, "ChangeMessageVisibilityBatchRequestEntry")
	}
	if err != nil {
		return out, err
	}
	changes := make([]change, len(in.Entries))
	for i, e := range in.Entries {
		changes[i] = change{handle: e.ReceiptHandle}
		if e.VisibilityTimeout != nil {
			changes[i].timeout = *seconds(e.VisibilityTimeout)
		}
	}
	errs, err := s.changeAll(arn, changes)
	if err != nil {
		return out, err
	}
	for i, e := range in.Entries {
		out.report(e.Id, batchResult{e.Id}, errs[i])
	}
	return out, nil
}
