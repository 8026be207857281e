package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// EditedKind is the error kind that delivery records show of an event that is for
// another subscription only.
const EditedKind = "edited"

// editedRetention is how long those records are kept: no less than any other.
const editedRetention = bus.DefaultRetention

// Edit sends an event anew with other data, to one subscription only: a new event of
// the same type and schema version, in a stream of its own, ops/<subscription>/…, so
// that the history of the old one's aggregate stays as it is. Its cause is the old
// event. It is in the log and goes over the bus like any other; in the same
// transaction it is recorded as ignored for every other subscription that asks for
// such an event, so that none of those handles it, and no [Ops.Replay] sends it to
// them. It is internal: nothing of it leaves the application.
//
// The dead letters of the old event are then taken out of the queue. When it blocks
// the stream of an ordered subscription, it is skipped in the same transaction.
//
// Nobody but the consumer knows what data it takes: what it cannot read is in its
// dead-letter queue soon.
//
// The error is of [KindUnknown] without such a subscription or event, of [KindInvalid]
// when the data is no JSON object or is that of the old event, when the subscription
// does not ask for an event with it, or when the context names no Actor, or the
// log's or the queues'. With one of the queues the new event's metadata is returned:
// it is committed.
func (o *Ops) Edit(ctx context.Context, subscription, eventID string, data json.RawMessage, reason string) (event.Metadata, error) {
	s, err := o.withQueues("edit", subscription)
	if err != nil {
		return event.Metadata{}, err
	}
	if err := actor(ctx, "edit", s.Name); err != nil {
		return event.Metadata{}, err
	}
	old, err := o.event(ctx, "edit", eventID)
	if err != nil {
		return event.Metadata{}, err
	}
	stream := editedStream(s.Name, o.newID())
	e := old
	e.ID, e.Subject, e.CausationID, e.Data = event.EventID(stream, 1), stream, old.ID, data
	if err := o.checkEdit(s, old, e); err != nil {
		return event.Metadata{}, err
	}
	writes, err := o.onlyFor(s, e)
	if err != nil {
		return event.Metadata{}, err
	}
	blocks, err := o.blocks(ctx, s, eventID)
	if err != nil {
		return event.Metadata{}, err
	}
	if blocks {
		skipping, err := bus.Skipping(o.store, s.Name, eventID, "sent anew as "+e.ID)
		if err != nil {
			return event.Metadata{}, err
		}
		writes = append(writes, skipping...)
	}
	c, err := o.log.Commit(about(ctx, &old), eventlog.Changes{Writes: writes, Events: []event.Record{
		{Type: old.Type, SchemaVersion: old.SchemaVersion, Stream: stream, Expected: event.New, Data: data},
		Edited.At(Stream(s.Name), event.Append).Record(EditedEvent{Subscription: s.Name, Event: eventID, By: e.ID, Reason: reason}),
	}})
	if err != nil {
		if blocks {
			err = bus.SkipError(err, s.Name, eventID)
		}
		return event.Metadata{}, err
	}
	if blocks {
		if err := o.look(ctx, s.Name, "", old); err != nil {
			return c.Events[0], err
		}
	}
	return c.Events[0], o.remove(ctx, o.names.DeadLetterQueue(s.Name), eventID)
}

func (o *Ops) checkEdit(s *subscription, old, e event.Envelope) error {
	bad := func(format string, args ...any) error {
		return wrong(KindInvalid, "edit", s.Name, format, args...)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(e.Data, &object); err != nil || object == nil {
		return &Error{Kind: KindInvalid, Op: "edit", Subscription: s.Name, Reason: "the data must be a JSON object, as that of the event is", Err: err}
	}
	var was, is bytes.Buffer
	if err := errors.Join(json.Compact(&was, old.Data), json.Compact(&is, e.Data)); err != nil {
		return bad("%v", err)
	}
	if bytes.Equal(was.Bytes(), is.Bytes()) {
		return bad("the data is that of the event: redrive it instead")
	}
	wants, err := s.wants(e)
	if err != nil {
		return err
	}
	if !wants {
		return bad("it does not ask for a %s with this data, so it would never get it", e.Type)
	}
	return nil
}

// onlyFor are the records by which every other subscription takes an event for one
// that it is done with.
func (o *Ops) onlyFor(s *subscription, e event.Envelope) ([]orm.Write, error) {
	now := o.now().UTC()
	var writes []orm.Write
	for _, other := range o.subscriptions {
		if other == s {
			continue
		}
		asks, err := other.asks(e)
		if err != nil {
			return nil, err
		}
		if asks {
			writes = append(writes, bus.Deliveries.Put(bus.Delivery{
				EventID: e.ID, Subscription: other.Name, Status: bus.Ignored, FirstAt: now, LastAt: now,
				ErrorKind: EditedKind, ErrorMessage: "sent anew for subscription " + s.Name + " only",
				EventType: e.Type, CorrelationID: e.CorrelationID, ExpiresAt: now.Add(editedRetention).Unix(),
			}))
		}
	}
	return writes, nil
}

// blocks reports whether an event blocks its stream.
func (o *Ops) blocks(ctx context.Context, s *subscription, eventID string) (bool, error) {
	if !s.Ordered {
		return false, nil
	}
	stream, _, err := event.ParseID(eventID)
	if err != nil {
		return false, err
	}
	c, err := bus.ReadCheckpoint(ctx, o.store, s.Name, stream)
	return err == nil && c.BlockedBy == eventID, err
}
