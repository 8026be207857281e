package sqs

import (
	"context"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

// The requests and responses have the names and the order of AWS's API model.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html

type wireAttribute struct {
	StringValue      *string  `json:",omitempty"`
	BinaryValue      []byte   `json:",omitempty"`
	StringListValues []string `json:",omitempty"`
	BinaryListValues [][]byte `json:",omitempty"`
	DataType         *string  `json:",omitempty"`
}

type sendFields struct {
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]wireAttribute
	MessageSystemAttributes map[string]wireAttribute
	MessageDeduplicationId  *string
	MessageGroupId          string
}

type sendMessageInput struct {
	QueueUrl string
	sendFields
}

type sendFieldsOutput struct {
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
	MessageId                    string
}

func (f *sendFields) outgoing(c gateway.Caller) (Outgoing, error) {
	m := Outgoing{Body: f.MessageBody, SenderID: sender(c), GroupID: f.MessageGroupId}
	if f.MessageDeduplicationId != nil {
		return m, errValue("Value %s for parameter MessageDeduplicationId is invalid. Reason: The request includes a parameter that is not valid for this queue type.", *f.MessageDeduplicationId)
	}
	if f.DelaySeconds != nil {
		d := time.Duration(*f.DelaySeconds) * time.Second
		m.Delay = &d
	}
	for name, a := range f.MessageAttributes {
		if a.StringListValues != nil || a.BinaryListValues != nil {
			return m, errModelled("UnsupportedOperation", "Message attribute list values in SendMessage operation are not supported.")
		}
		if m.Attributes == nil {
			m.Attributes = make(map[string]Attribute, len(f.MessageAttributes))
		}
		m.Attributes[name] = Attribute{DataType: value(a.DataType), StringValue: value(a.StringValue), BinaryValue: a.BinaryValue}
	}
	for name, a := range f.MessageSystemAttributes {
		if name != "AWSTraceHeader" {
			return m, errValue("Message system attribute name '%s' is invalid. The following attribute names are supported: AWSTraceHeader.", name)
		}
		if value(a.DataType) != "String" || value(a.StringValue) == "" {
			return m, errValue("The message system attribute 'AWSTraceHeader' must be a non-empty String.")
		}
		m.TraceHeader = *a.StringValue
	}
	return m, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// send sends one message, alone or as a batch's entry.
func (s *Service) send(q *queue, config QueueConfig, c gateway.Caller, f *sendFields) (sendFieldsOutput, error) {
	m, err := f.outgoing(c)
	if err == nil {
		err = m.check(config.MaxMessageSize)
	}
	if err != nil {
		return sendFieldsOutput{}, err
	}
	id, err := s.put(q, config, m)
	if err != nil {
		return sendFieldsOutput{}, err
	}
	out := sendFieldsOutput{MessageId: id, MD5OfMessageBody: digest(m.Body), MD5OfMessageAttributes: digestAttributes(m.Attributes)}
	if m.TraceHeader != "" {
		out.MD5OfMessageSystemAttributes = digestAttributes(map[string]Attribute{"AWSTraceHeader": {DataType: "String", StringValue: m.TraceHeader}})
	}
	return out, nil
}

func (s *Service) sendMessage(_ context.Context, c gateway.Caller, in sendMessageInput) (sendFieldsOutput, error) {
	q, config, err := s.byURL(in.QueueUrl)
	if err != nil {
		return sendFieldsOutput{}, err
	}
	return s.send(q, config, c, &in.sendFields)
}

// byURL finds a queue and its configuration.
func (s *Service) byURL(queueURL string) (*queue, QueueConfig, error) {
	arn, err := s.arnOf(queueURL)
	if err != nil {
		return nil, QueueConfig{}, err
	}
	q, err := s.open(arn)
	if err != nil {
		return nil, QueueConfig{}, err
	}
	defer q.mu.Unlock()
	return q, q.config, nil
}

type sendBatchEntry struct {
	Id string
	sendFields
}

type sendMessageBatchInput struct {
	QueueUrl string
	Entries  []sendBatchEntry
}

type sendBatchResult struct {
	Id string
	sendFieldsOutput
}

func (e sendBatchEntry) id() string { return e.Id }

func (s *Service) sendMessageBatch(_ context.Context, c gateway.Caller, in sendMessageBatchInput) (batchOutput[sendBatchResult], error) {
	q, config, err := s.byURL(in.QueueUrl)
	if err != nil {
		return batchOutput[sendBatchResult]{}, err
	}
	if err := checkBatch(in.Entries); err != nil {
		return batchOutput[sendBatchResult]{}, err
	}
	total := 0
	for i := range in.Entries {
		// What an entry has wrong is its own failure, below.
		if m, err := in.Entries[i].outgoing(c); err == nil {
			total += m.size()
		}
	}
	if total > maxMessageSize {
		return batchOutput[sendBatchResult]{}, errModelled("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageSize, total)
	}
	return runBatch(in.Entries, func(e sendBatchEntry) (sendBatchResult, error) {
		out, err := s.send(q, config, c, &e.sendFields)
		return sendBatchResult{Id: e.Id, sendFieldsOutput: out}, err
	}), nil
}
