package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// KindNotBlocked: an event was to be skipped that blocks no stream, any more or
// yet.
const KindNotBlocked Kind = "not blocked"

// Skipped is the error kind that the delivery record of a skipped event shows.
const Skipped = "skipped"

// Skip lets an ordered subscription pass over an event that blocks a stream: its
// record becomes ignored, with the reason, and the stream is free, in one
// transaction. A record that has expired meanwhile is made anew. The event will not
// be handled, not even when its dead letter is redriven, and what comes behind it
// will be.
//
// The stream goes on with the next message about it. Send one, whose body is
// [MessageBody] of the event, or redrive its dead letter: the messages about the
// events behind it may have been acknowledged long ago.
//
// eventID is that of the delivery record: in a namespace the [RecordID].
//
// The error is of [KindNotBlocked] when the event does not block its stream, which
// is also so while a run is at it; of event.KindInvalid when eventID cannot be
// one; or the store's. reason is for people and may be empty.
func Skip(ctx context.Context, s orm.Store, subscription, eventID, reason string) error {
	writes, err := Skipping(s, subscription, eventID, reason)
	if err != nil {
		return err
	}
	return SkipError(orm.Exec(ctx, s, writes...), subscription, eventID)
}

// Skipping is what [Skip] writes, for a transaction that has more in it. clock is
// the store. What its failure means says [SkipError].
func Skipping(clock interface{ Now() time.Time }, subscription, eventID, reason string) ([]orm.Write, error) {
	id, namespace := SplitRecordID(eventID)
	stream, _, err := event.ParseID(id)
	if err != nil {
		return nil, err
	}
	now := clock.Now().UTC()
	return []orm.Write{
		eventlog.State.Update(eventlog.CheckpointKey(RecordID(subscription, namespace), stream), attrBlockedBy.Remove(), attrHeldUntil.Remove()).
			If(attrBlockedBy.Eq(id)),
		// A block lasts longer than the record, which is then made anew.
		passOver(subscription, eventID, now, Skipped, reason,
			attrFirstAt.SetIfNotExists(now), attrAttempts.Add(0), attrExpiresAt.SetIfNotExists(now.Add(DefaultRetention).Unix()),
		).If(orm.Or(attrStatus.NotExists(), attrStatus.In(Failed, Dead))),
	}, nil
}

// passOver is the change of a record after which its event is not handled any more.
func passOver(subscription, recordID string, now time.Time, kind, reason string, more ...change) *orm.Update[Delivery] {
	return Deliveries.Update(orm.Key(recordID, subscription), append([]change{
		attrStatus.Set(Ignored),
		attrLastAt.Set(now),
		attrErrorKind.Set(kind), attrErrorMessage.Set(clean(reason)),
		attrTrouble.Remove(), attrLeaseUntil.Remove(),
	}, more...)...)
}

// PassOver is a write after which a delivery that has a record is not tried any more:
// it is ignored, for a reason of a kind. clock is the store. seen is the record as it
// was read, and must still be so, or the write's condition fails.
func PassOver(clock interface{ Now() time.Time }, seen Delivery, kind, reason string) orm.Write {
	return passOver(seen.Subscription, seen.EventID, clock.Now().UTC(), kind, reason).If(asSeen(seen))
}

// SkipError says of the error of a transaction with [Skipping] in it whether the
// event blocked nothing: then it is of [KindNotBlocked]. Other errors, and nil, come
// back as they are.
func SkipError(err error, subscription, eventID string) error {
	if errors.Is(err, orm.KindConditionFailed) {
		return &Error{Kind: KindNotBlocked, Op: "skip", Subscription: subscription, Err: err,
			Reason: fmt.Sprintf("event %s blocks no stream of it: it was handled or skipped meanwhile, it has not been tried yet, or a run is at it now", eventID)}
	}
	return err
}
