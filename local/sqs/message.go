package sqs

import (
	"strconv"
	"time"
)

// Attribute is a message attribute. DataType is String, Number or Binary, each
// perhaps followed by a dot and a label of the sender's own.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
type Attribute struct {
	DataType    string
	StringValue string // of String and Number
	BinaryValue []byte // of Binary
}

// Outgoing is a message to send.
type Outgoing struct {
	Body       string // at least one character, up to the queue's MaxMessageSize with the attributes
	Attributes map[string]Attribute
	// Delay hides the message from receivers at first, up to 15 minutes; nil means
	// the queue's own delay.
	Delay *time.Duration
	// SenderID is who sent it; empty means the account.
	SenderID string
	// TraceHeader is the system attribute AWSTraceHeader.
	TraceHeader string
	// GroupID is the MessageGroupId. A FIFO queue needs it. It makes a standard
	// queue a fair queue: there it is handed on and has no effect on the order.
	GroupID string
	// DeduplicationID is the MessageDeduplicationId, of FIFO queues only. Empty
	// means the SHA-256 of the body, if the queue has ContentBasedDeduplication.
	DeduplicationID string
}

// ReceiveOptions say what a [Service.Receive] takes.
type ReceiveOptions struct {
	Max int // messages at most, 1 to 10,000; 0 means 1. Over the wire 10 is the most.
	// VisibilityTimeout hides what is received, up to 12 hours; nil means the queue's own.
	VisibilityTimeout *time.Duration
	// Wait is how long to wait for the first message; nil means the queue's own.
	Wait *time.Duration
	// AttemptID is the ReceiveRequestAttemptId, of FIFO queues only: another receive
	// with it within 5 minutes gets the same messages and receipt handles, hidden
	// anew, unless one of them was deleted, changed or became visible since.
	AttemptID string
}

// Message is a received message.
type Message struct {
	ID              string
	ReceiptHandle   string // of this receive; it dies with the next one
	Body            string
	MD5OfBody       string // in hex
	Attributes      map[string]Attribute
	SentAt          time.Time // a message in a dead-letter queue keeps its first
	FirstReceivedAt time.Time
	ReceiveCount    int // with this receive
	SenderID        string
	TraceHeader     string
	GroupID         string
	// DeduplicationID and SequenceNumber are a FIFO queue's. A message that was moved
	// to a dead-letter queue has its own id as DeduplicationID, as in AWS.
	DeduplicationID string
	SequenceNumber  string
	// DeadLetterSourceARN is the queue that it was moved from, when it was.
	DeadLetterSourceARN string
}

// SystemAttributes are the message's attributes as ReceiveMessage and Lambda
// name them.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func (m *Message) SystemAttributes() map[string]string {
	a := map[string]string{
		"SenderId":                         m.SenderID,
		"SentTimestamp":                    strconv.FormatInt(m.SentAt.UnixMilli(), 10),
		"ApproximateReceiveCount":          strconv.Itoa(m.ReceiveCount),
		"ApproximateFirstReceiveTimestamp": strconv.FormatInt(m.FirstReceivedAt.UnixMilli(), 10),
	}
	for _, o := range [...]struct{ name, value string }{
		{"AWSTraceHeader", m.TraceHeader}, {"MessageGroupId", m.GroupID}, {"DeadLetterQueueSourceArn", m.DeadLetterSourceARN},
		{"MessageDeduplicationId", m.DeduplicationID}, {"SequenceNumber", m.SequenceNumber},
	} {
		if o.value != "" {
			a[o.name] = o.value
		}
	}
	return a
}

// MD5OfAttributes is the digest of the attributes, empty when there are none.
func (m *Message) MD5OfAttributes() string { return digestAttributes(m.Attributes) }
