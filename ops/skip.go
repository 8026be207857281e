package ops

import (
	"context"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
)

// Skip lets an ordered subscription pass over an event that blocks its stream, as
// [bus.Skip] does, in one transaction with the event that says who did it. Then it
// sends a message by which the stream goes on, and takes the event's dead letters out
// of the queue. In a namespace of a replay eventID is the [bus.RecordID]; of a read model that has
// generations the current one is meant when it names none.
//
// The error is of [KindUnknown] without such a subscription or event, of
// [KindRefused] for a subscription that is not ordered, of bus.KindNotBlocked when
// the event blocks nothing, of [KindInvalid] when the context names no Actor, or the
// log's or the queues'. After one of the queues the event is skipped all the same;
// the next message about the stream makes it go on.
func (o *Ops) Skip(ctx context.Context, subscription, eventID, reason string) error {
	s, err := o.withQueues("skip", subscription)
	if err != nil {
		return err
	}
	if err := actor(ctx, "skip", s.Name); err != nil {
		return err
	}
	if !s.Ordered {
		return wrong(KindRefused, "skip", s.Name, "it is not ordered, so no event blocks another: purge the dead letter instead")
	}
	if eventID, err = o.recordID(ctx, s, eventID); err != nil {
		return err
	}
	id, namespace := bus.SplitRecordID(eventID)
	e, err := o.event(ctx, "skip", id)
	if err != nil {
		return err
	}
	writes, err := bus.Skipping(o.store, s.Name, eventID, reason)
	if err != nil {
		return err
	}
	_, err = o.log.Commit(about(ctx, &e), eventlog.Changes{Writes: writes, Events: []event.Record{
		Skipped.At(Stream(s.Name), event.Append).Record(SkippedEvent{Subscription: s.Name, Event: eventID, Reason: reason}),
	}})
	if err != nil {
		return bus.SkipError(err, s.Name, eventID)
	}
	if err := o.look(ctx, s.Name, namespace, e); err != nil {
		return err
	}
	return o.remove(ctx, o.names.DeadLetterQueue(s.Name), eventID)
}

// look sends a message that makes an ordered subscription look at a stream.
func (o *Ops) look(ctx context.Context, subscription, namespace string, e event.Envelope) error {
	body, err := bus.MessageBody(e)
	if err != nil {
		return err
	}
	m := Outgoing{Body: string(body)}
	if namespace != "" {
		m.Attributes = map[string]string{bus.AttrNamespace: namespace}
	}
	return o.queues.Send(ctx, o.names.Queue(subscription), []Outgoing{m})
}
