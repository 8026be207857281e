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
	MessageGroupId          *string
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
	SequenceNumber               string `json:",omitempty"`
}

func (f *sendFields) outgoing(c gateway.Caller) (Outgoing, error) {
	m := Outgoing{Body: f.MessageBody, SenderID: sender(c), Delay: seconds(f.DelaySeconds)}
	for _, id := range [...]struct {
		parameter string
		value     *string
		into      *string
	}{{"MessageGroupId", f.MessageGroupId, &m.GroupID}, {"MessageDeduplicationId", f.MessageDeduplicationId, &m.DeduplicationID}} {
		if id.value == nil {
			continue
		}
		if *id.into = *id.value; *id.value == "" {
			return m, errFIFOID(id.parameter, "")
		}
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

// answer is what the sender is told of a message that was stored.
func (p *post) answer() sendFieldsOutput {
	out := sendFieldsOutput{MessageId: p.id, MD5OfMessageBody: digest(p.m.Body), MD5OfMessageAttributes: digestAttributes(p.m.Attributes)}
	if p.m.TraceHeader != "" {
		out.MD5OfMessageSystemAttributes = digestAttributes(map[string]Attribute{"AWSTraceHeader": {DataType: "String", StringValue: p.m.TraceHeader}})
	}
	if p.q.fifo {
		out.SequenceNumber = sequenceNumber(p.seq)
	}
	return out
}

func (s *Service) sendMessage(_ context.Context, c gateway.Caller, in sendMessageInput) (sendFieldsOutput, error) {
	q, config, err := s.byURL(in.QueueUrl)
	if err != nil {
		return sendFieldsOutput{}, err
	}
	m, err := in.outgoing(c)
	if err != nil {
		return sendFieldsOutput{}, err
	}
	posts := [1]post{{q: q, config: config, m: &m}}
	s.deliver(posts[:])
	if posts[0].err != nil {
		return sendFieldsOutput{}, posts[0].err
	}
	return posts[0].answer(), nil
}

// byURL finds a queue and its configuration.
func (s *Service) byURL(queueURL string) (*queue, *QueueConfig, error) {
	arn, err := s.arnOf(queueURL)
	if err != nil {
		return nil, nil, err
	}
	return s.find(arn)
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

// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html
func (s *Service) sendMessageBatch(_ context.Context, c gateway.Caller, in sendMessageBatchInput) (batchOutput[sendBatchResult], error) {
	var out batchOutput[sendBatchResult]
	q, config, err := s.byURL(in.QueueUrl)
	if err != nil {
		return out, err
	}
	if err := checkBatch(in.Entries, "SendMessageBatchRequestEntry"); err != nil {
		return out, err
	}
	posts := make([]post, len(in.Entries))
	total := 0
	for i := range in.Entries {
		p := &posts[i]
		p.q, p.config = q, config
		m, err := in.Entries[i].outgoing(c)
		p.m, p.err, p.batch = &m, err, true
		total += m.size()
		if err == nil {
			err = m.batchWide(config)
		}
		if err != nil && p.err == nil {
			return out, err
		}
	}
	if total > maxMessageSize {
		return out, errModelled("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageSize, total)
	}
	s.deliver(posts)
	for i := range posts {
		p := &posts[i]
		result := sendBatchResult{Id: in.Entries[i].Id}
		if p.err == nil {
			result.sendFieldsOutput = p.answer()
		}
		out.report(result.Id, result, p.err)
	}
	return out, nil
}

// batchWide refuses a whole batch because an entry for a FIFO queue has no group
// or no deduplication id, as AWS does. Everything else is the entry's own failure.
func (m *Outgoing) batchWide(c *QueueConfig) error {
	switch {
	case !c.FIFO:
		return nil
	case m.GroupID == "":
		return errValue("The request must contain the parameter MessageGroupId.")
	case m.DeduplicationID == "" && !c.ContentBasedDeduplication:
		return errNoDedup()
	}
	return nil
}

// seconds turns the API's numbers into durations; a number that is out of any
// range stays out of range.
func seconds(n *int) *time.Duration {
	if n == nil {
		return nil
	}
	d := time.Duration(min(max(*n, -1), 1<<30)) * time.Second
	return &d
}
