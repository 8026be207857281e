package bus

import (
	"context"
	"errors"
	"time"

	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/orm"
)

// The attributes of a delivery record that are written one by one.
var (
	attrStatus        = orm.Attr(Deliveries, func(d *Delivery) *Status { return &d.Status })
	attrAttempts      = orm.Number(Deliveries, func(d *Delivery) *int { return &d.Attempts })
	attrLeaseUntil    = orm.Attr(Deliveries, func(d *Delivery) *time.Time { return &d.LeaseUntil })
	attrRunID         = orm.Attr(Deliveries, func(d *Delivery) *string { return &d.RunID })
	attrFirstAt       = orm.Attr(Deliveries, func(d *Delivery) *time.Time { return &d.FirstAt })
	attrLastAt        = orm.Attr(Deliveries, func(d *Delivery) *time.Time { return &d.LastAt })
	attrDuration      = orm.Attr(Deliveries, func(d *Delivery) *time.Duration { return &d.Duration })
	attrErrorKind     = orm.Attr(Deliveries, func(d *Delivery) *string { return &d.ErrorKind })
	attrErrorMessage  = orm.Attr(Deliveries, func(d *Delivery) *string { return &d.ErrorMessage })
	attrEventType     = orm.Attr(Deliveries, func(d *Delivery) *string { return &d.EventType })
	attrCorrelationID = orm.Attr(Deliveries, func(d *Delivery) *string { return &d.CorrelationID })
	attrTrouble       = orm.Attr(Deliveries, func(d *Delivery) *string { return &d.Trouble })
	attrExpiresAt     = orm.Number(Deliveries, func(d *Delivery) *int64 { return &d.ExpiresAt })
)

// unsettled holds for a delivery that this message may still bring to an end,
// also for one that does not exist.
func (d *delivery) unsettled() orm.Condition[Delivery] {
	open := []Status{Failed, Processing}
	if d.redriven {
		open = append(open, Dead)
	}
	return orm.Or(attrStatus.NotExists(), attrStatus.In(open...))
}

// settled reports whether nothing is left to do for this message.
func (d *delivery) settled(s Status) bool { return s.Settled() && !(s == Dead && d.redriven) }

type change = orm.Assignment[Delivery]

func (d *delivery) key() orm.Pair[string, string] { return orm.Key(d.recordID(), d.subscription) }

// upsert is a change of the record that also creates it: it says everything that
// a record must hold.
func (d *delivery) upsert(c *Consumer, status Status, more ...change) *orm.Update[Delivery] {
	now := c.now().UTC()
	changes := append(make([]change, 0, 9+len(more)),
		attrStatus.Set(status),
		attrRunID.Set(d.runID),
		attrFirstAt.SetIfNotExists(now),
		attrLastAt.Set(now),
		attrEventType.Set(d.event.Type),
		attrCorrelationID.Set(d.event.CorrelationID),
		attrExpiresAt.Set(now.Add(c.retention).Unix()),
		attrLeaseUntil.Remove(),
	)
	return Deliveries.Update(d.key(), append(changes, more...)...)
}

// clear takes away what told of trouble.
func clear() []change {
	return []change{attrErrorKind.Remove(), attrErrorMessage.Remove(), attrTrouble.Remove()}
}

// succeeded is the outcome that joins a transaction.
func (d *delivery) succeeded(c *Consumer, took time.Duration) *orm.Update[Delivery] {
	return d.upsert(c, Succeeded, append(clear(), attrAttempts.Add(1), attrDuration.Set(took))...).If(d.unsettled())
}

// ignored is the outcome of an event without a handler.
func (d *delivery) ignored(c *Consumer) *orm.Update[Delivery] {
	return d.upsert(c, Ignored, append(clear(), attrAttempts.Add(0), attrDuration.Set(0))...).If(d.unsettled())
}

// failed is the outcome of a failure. counted: it was the handler's.
func (d *delivery) failed(c *Consumer, cause error, took time.Duration, counted bool) *orm.Update[Delivery] {
	n := 0
	if counted {
		n = 1
	}
	return d.upsert(c, Failed,
		attrAttempts.Add(n),
		attrDuration.Set(took),
		attrErrorKind.Set(kindOf(cause)),
		attrErrorMessage.Set(messageOf(cause)),
		attrTrouble.Set(d.subscription),
	).If(d.unsettled(), attrRunID.Ne(d.runID)) // a write whose answer was lost must not count twice
}

// dead gives a delivery up that is still as it was seen.
func (d *delivery) dead(c *Consumer, seen Delivery) *orm.Update[Delivery] {
	return d.upsert(c, Dead,
		attrErrorKind.Set(seen.ErrorKind),
		attrErrorMessage.Set(seen.ErrorMessage),
		attrTrouble.Set(d.subscription),
	).If(asSeen(seen))
}

// asSeen holds while nobody has written the record since.
func asSeen(seen Delivery) orm.Condition[Delivery] {
	return orm.And(attrRunID.Eq(seen.RunID), attrStatus.Eq(seen.Status))
}

// settledBefore is the error of a write that found the delivery settled, or in
// the hands of another run.
type settledBefore struct{ was Delivery }

func (s *settledBefore) Error() string { return "the delivery is " + string(s.was.Status) + " already" }

// write executes one change of the record and returns the record as it is then.
// Throttling and lost answers are tried again. A *settledBefore says that the
// condition did not hold; when it did not because this very run has written what
// it wants before, and only the answer was lost, all is well.
func (c *Consumer) write(ctx context.Context, d *delivery, want Status, u *orm.Update[Delivery]) (Delivery, error) {
	var rec Delivery
	err := c.persist(ctx, d, func() (err error) {
		rec, err = Deliveries.Apply(ctx, c.store, u)
		return err
	})
	var before *settledBefore
	if errors.As(err, &before) && before.was.RunID == d.runID && before.was.Status == want {
		return before.was, nil
	}
	return rec, err
}

// persist does a write of the record, again where that may help.
func (c *Consumer) persist(ctx context.Context, d *delivery, do func() error) error {
	err := c.retried(ctx, do)
	if errors.Is(err, orm.KindConditionFailed) || errors.Is(err, orm.KindAlreadyExists) {
		return c.refused(ctx, d, err)
	}
	return err
}

// retried does something again while what is wrong with it passes.
func (c *Consumer) retried(ctx context.Context, do func() error) error {
	return c.waits().Write(ctx, do)
}

func (c *Consumer) waits() consume.Waits { return consume.Waits{Jitter: c.jitter, Sleep: c.sleep} }

// refused shows the record that made a condition fail, as a *settledBefore.
func (c *Consumer) refused(ctx context.Context, d *delivery, err error) error {
	was, read := consume.Found(ctx, Deliveries, c.store, d.key(), err)
	if read != nil {
		return errors.Join(err, read)
	}
	return &settledBefore{was}
}
