package capture

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/internal/capturing"
	"github.com/vinci-go/vinci/internal/sqsqueue"
	"github.com/vinci-go/vinci/internal/streamimage"
)

// Failure is the body of a message in the failure queue, as JSON: which change was
// given up. Why is in the message's attributes, which are those of package bus
// ([bus.AttrErrorKind] and so on). It has no images: they may be larger than a
// message, and the item is in its table.
type Failure struct {
	Handler   string    `json:"handler"`
	Table     string    `json:"table"`
	Operation Operation `json:"operation"`
	// Item is the key for people, as errors have it.
	Item string `json:"item"`
	// Key is the key as DynamoDB writes it in JSON. It is left out when the table's
	// definition keeps an attribute of it out of errors and logs.
	Key            map[string]events.DynamoDBAttributeValue `json:"key,omitempty"`
	ID             string                                   `json:"id"` // the RecordID
	SequenceNumber string                                   `json:"sequence_number"`
	EventID        string                                   `json:"event_id"`
	StreamARN      string                                   `json:"stream_arn"`
	At             time.Time                                `json:"at"`
}

// letter makes what package bus handles of a record.
func (c *Consumer) letter(r *record) *capturing.Change {
	return &capturing.Change{
		Event: r.envelope(c.def.tenant), Sequence: r.sequence, Source: r.streamARN, Value: r,
		Letter: func() string {
			f := Failure{
				Handler: c.def.Name, Table: r.table, Operation: r.op, Item: c.schema.KeyText(r.key),
				ID: r.id, SequenceNumber: r.sequence, EventID: r.eventID, StreamARN: r.streamARN, At: r.at,
			}
			if !c.secretKey() {
				f.Key = streamimage.Image(r.key)
			}
			body, err := json.Marshal(f)
			if err != nil { // of a value that no stream has
				f.Key = nil
				body, _ = json.Marshal(f)
			}
			return string(body)
		},
	}
}

// secretKey reports whether an attribute of the key stays out of errors and logs.
func (c *Consumer) secretKey() bool {
	for _, name := range []string{c.schema.Hash, c.schema.Sort} {
		if a, _ := c.schema.Attribute(name); a.Hidden || a.Masked {
			return true
		}
	}
	return false
}

// sqsFailures is the failure queue of a function.
type sqsFailures struct{ *sqsqueue.Queue }

// Send implements [FailureQueue]. A function is not told its account, but the
// stream that it is called with is of the same one.
func (q sqsFailures) Send(ctx context.Context, m bus.DeadLetter) error {
	a, err := arn.Parse(m.SourceARN)
	if err != nil || a.Region == "" || a.AccountID == "" {
		return fmt.Errorf("queue %s: its account and region are those of the stream, whose ARN is %q and cannot be read", m.Queue, m.SourceARN)
	}
	attributes := make(map[string]types.MessageAttributeValue, len(m.Attributes))
	for name, value := range m.Attributes {
		attributes[name] = sqsqueue.String(value)
	}
	to := sqsqueue.ARN{Partition: a.Partition, Region: a.Region, Account: a.AccountID, Name: m.Queue}
	return q.Queue.Send(ctx, to, sqsqueue.Message{Body: m.Body, Attributes: attributes})
}
