package bustest

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"

	"github.com/aws/aws-lambda-go/events"
)

// Commit commits events to the kit's log, in one transaction, and returns them as
// they are there. An ordered subscription handles only what the log has.
func (k *Kit) Commit(records ...event.Record) []event.Envelope {
	k.t.Helper()
	c, err := k.Log.Commit(k.t.Context(), eventlog.Changes{Events: records})
	if err != nil {
		k.t.Fatalf("bustest: commit: %v", err)
	}
	es := make([]event.Envelope, len(c.Events))
	for i, m := range c.Events {
		es[i] = event.Envelope{Metadata: m, Data: records[i].Data}
	}
	return es
}

// Redriven is the message of a dead letter that somebody has moved back to the
// subscription's queue.
func (k *Kit) Redriven(l bus.DeadLetter) events.SQSMessage {
	m := k.Raw(l.Body, 1)
	m.MessageAttributes = map[string]events.SQSMessageAttribute{}
	for name, value := range l.Attributes {
		m.MessageAttributes[name] = events.SQSMessageAttribute{DataType: "String", StringValue: &value}
	}
	return m
}

// Checkpoint is the kit's subscription's place in a stream.
func (k *Kit) Checkpoint(stream string) bus.Checkpoint {
	k.t.Helper()
	c, err := bus.ReadCheckpoint(k.t.Context(), k.Store, k.sub.Name, stream)
	if err != nil {
		k.t.Fatalf("bustest: %v", err)
	}
	return c
}
