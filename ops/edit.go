package ops

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// EditedKind is the error kind that delivery records show of an event that is for
// another subscription only, and of one in whose place another was sent.
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
// The new event takes the old one's place: in the same transaction the old one is
// recorded as ignored for the subscription, in each generation of its read model that is
// live, so that neither a message about it that is
// still on its way nor a [Ops.Replay] makes its effects beside the new one's. Where it
// has succeeded before, its record stays as it is. Its dead letters are then taken out
// of the queue. When it blocks the stream of an ordered subscription, it is skipped.
//
// Nobody but the consumer knows what data it takes: what it cannot read is in its
// dead-letter queue soon.
//
// The error is of [KindUnknown] without such a subscription or event, of [KindInvalid]
// when the data is no JSON object or is that of the old event, when the subscription
// does not ask for an event with it, or when the context names no Actor, of
// [KindRefused] while a run is at the old event, or the log's, the store's or the
// queues'. With one of the queues the new event's metadata is returned:
// it is committed.
func (o *Ops) Edit(ctx context.Context, subscription, eventID string, data json.RawMessage, reason string) (event.Metadata, error) {
	s, err := o.withQueues("edit", subscription)
	if err != nil {
		return event.Metadata{}, err
	}
	if err := errors.Join(actor(ctx, "edit", s.Name), s.inLog("edit")); err != nil {
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
	namespaces, err := o.live(ctx, s)
	if err != nil {
		return event.Metadata{}, err
	}
	var blocked []string // the namespaces in which it blocks its stream
	records := []string{eventID}
	for _, namespace := range namespaces {
		recordID := bus.RecordID(eventID, namespace)
		records = append(records, recordID)
		blocks, err := o.blocks(ctx, s, eventID, namespace)
		if err != nil {
			return event.Metadata{}, err
		}
		var more []orm.Write
		if blocks {
			blocked = append(blocked, namespace)
			more, err = bus.Skipping(o.store, s.Name, recordID, "sent anew as "+e.ID)
		} else {
			more, err = o.replaced(ctx, s, old, recordID, e.ID)
		}
		if err != nil {
			return event.Metadata{}, err
		}
		writes = append(writes, more...)
	}
	c, err := o.log.Commit(about(ctx, &old), eventlog.Changes{Writes: writes, Events: []event.Record{
		{Type: old.Type, SchemaVersion: old.SchemaVersion, Stream: stream, Expected: event.New, Data: data},
		Edited.At(Stream(s.Name), event.Append).Record(EditedEvent{Subscription: s.Name, Event: eventID, By: e.ID, Reason: reason}),
	}})
	if err != nil {
		switch {
		case len(blocked) > 0:
			err = bus.SkipError(err, s.Name, eventID)
		case errors.Is(err, orm.KindConditionFailed), errors.Is(err, orm.KindAlreadyExists):
			err = &Error{Kind: KindRefused, Op: "edit", Subscription: s.Name, Reason: "a run was at event " + eventID + " meanwhile: see what became of it, and try again", Err: err}
		}
		return event.Metadata{}, err
	}
	for _, namespace := range blocked {
		if err := o.look(ctx, s.Name, namespace, old); err != nil {
			return c.Events[0], err
		}
	}
	return c.Events[0], o.remove(ctx, o.names.DeadLetterQueue(s.Name), records...)
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
			writes = append(writes, bus.Deliveries.Put(ignored(e, other.Name, now, "sent anew for subscription "+s.Name+" only")))
		}
	}
	return writes, nil
}

// ignored is the record of an event that a subscription has never met and is not to
// handle.
func ignored(e event.Envelope, subscription string, now time.Time, why string) bus.Delivery {
	return bus.Delivery{
		EventID: e.ID, Subscription: subscription, Status: bus.Ignored, FirstAt: now, LastAt: now,
		ErrorKind: EditedKind, ErrorMessage: why,
		EventType: e.Type, CorrelationID: e.CorrelationID, ExpiresAt: now.Add(editedRetention).Unix(),
	}
}

// replaced are the writes after which the subscription does not handle an event any
// more, in whose place another one was sent.
func (o *Ops) replaced(ctx context.Context, s *subscription, old event.Envelope, recordID, by string) ([]orm.Write, error) {
	records, err := o.records(ctx, []orm.Pair[string, string]{orm.Key(recordID, s.Name)})
	if err != nil {
		return nil, err
	}
	now, why := o.now().UTC(), "sent anew as "+by
	switch d := records[0]; {
	case d == nil:
		old.ID = recordID
		return []orm.Write{bus.Deliveries.Insert(ignored(old, s.Name, now, why))}, nil
	case d.Status == bus.Succeeded, d.Status == bus.Ignored:
		return nil, nil
	case d.Status == bus.Processing && !d.Stuck(now):
		return nil, wrong(KindRefused, "edit", s.Name, "a run is at event %s until %s at the latest: see then what became of it", old.ID, d.LeaseUntil.UTC().Format(time.RFC3339))
	default:
		return []orm.Write{bus.PassOver(o.store, *d, EditedKind, why)}, nil
	}
}

// blocks reports whether an event blocks its stream.
func (o *Ops) blocks(ctx context.Context, s *subscription, eventID, namespace string) (bool, error) {
	if !s.Ordered {
		return false, nil
	}
	stream, _, err := event.ParseID(eventID)
	if err != nil {
		return false, err
	}
	c, err := bus.ReadCheckpoint(ctx, o.store, bus.RecordID(s.Name, namespace), stream)
	return err == nil && c.BlockedBy == eventID, err
}
