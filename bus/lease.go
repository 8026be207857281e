package bus

import (
	"context"
	"errors"
	"time"

	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/orm"
)

// handleLeased handles an event at least once, and never twice at the same time.
func (c *Consumer) handleLeased(ctx context.Context, d *delivery) result {
	rec, r, claimed := c.open(ctx, d)
	if !claimed {
		return r
	}
	began := c.now()
	err, done := c.call(ctx, d, nil)
	return c.conclude(ctx, d, rec, err, done, c.now().Sub(began))
}

// open takes the lease, or says what became of the event instead.
func (c *Consumer) open(ctx context.Context, d *delivery) (rec Delivery, r result, claimed bool) {
	rec, err := c.claim(ctx, d)
	switch {
	case errors.Is(err, errExhausted):
		return rec, c.bury(ctx, d, rec, err), false
	case err != nil:
		return rec, c.unrecorded(d, err), false
	}
	return rec, result{}, true
}

// conclude records the end of a run that holds the lease. done is false when
// the handler was left behind.
func (c *Consumer) conclude(ctx context.Context, d *delivery, rec Delivery, err error, done bool, took time.Duration) result {
	if !done {
		// The lease stays: the handler still runs.
		r := c.leased(rec)
		r.outcome, r.took, r.err = outcomeUnfinished, took, err
		return r
	}
	if err != nil {
		return c.failLeased(ctx, d, rec, err, took)
	}
	settled, err := c.write(ctx, d, Succeeded, d.settle(c, Succeeded, took, clear()...))
	if err != nil {
		return c.outlived(d, rec, took, err)
	}
	return result{outcome: outcomeSucceeded, attempt: settled.Attempts, took: took}
}

// failLeased records a failed attempt, and gives the event up when it was the
// last.
func (c *Consumer) failLeased(ctx context.Context, d *delivery, rec Delivery, cause error, took time.Duration) result {
	rec2, err := c.write(ctx, d, Failed, d.settle(c, Failed, took,
		attrErrorKind.Set(kindOf(cause)), attrErrorMessage.Set(messageOf(cause)), attrTrouble.Set(d.subscription)))
	if err != nil {
		return c.outlived(d, rec, took, errors.Join(cause, err))
	}
	return c.afterFailure(ctx, d, rec2, cause, took)
}

// outlived is the result of a run whose outcome could not be recorded. Unless
// somebody else has settled the delivery meanwhile, the event comes again: a
// handler with effects outside DynamoDB then has them again.
func (c *Consumer) outlived(d *delivery, rec Delivery, took time.Duration, err error) result {
	r := c.unrecorded(d, err)
	r.took, r.err = took, err
	if r.outcome == outcomeUnrecorded {
		r.hide = consume.Seconds(rec.LeaseUntil.Sub(c.now())) // nobody can claim it before
	}
	return r
}

// settle ends a run that holds the lease.
func (d *delivery) settle(c *Consumer, status Status, took time.Duration, more ...change) *orm.Update[Delivery] {
	now := c.now().UTC()
	changes := append([]change{
		attrStatus.Set(status),
		attrLastAt.Set(now),
		attrDuration.Set(took),
		attrExpiresAt.Set(now.Add(c.retention).Unix()),
		attrLeaseUntil.Remove(),
	}, more...)
	return Deliveries.Update(d.key(), changes...).If(attrRunID.Eq(d.runID), attrStatus.Eq(Processing))
}

// errExhausted is the cause of death of an event whose attempts are used up
// before this one.
var errExhausted = &Error{Kind: KindUnfinished, Op: "handle", Reason: consume.Exhausted}

// claim takes the lease and returns the record as it is then. A *settledBefore
// says who has the delivery instead; errExhausted, with the record as it was
// seen, that there may be no further attempt.
//
// A first attempt is one write that creates the record. A later one needs to
// know what it takes over: how many attempts there were, and whose they were.
func (c *Consumer) claim(ctx context.Context, d *delivery) (Delivery, error) {
	rec := d.first(c)
	err := c.persist(ctx, d, func() error {
		return orm.Exec(ctx, c.store, Deliveries.Insert(rec))
	})
	var before *settledBefore
	for tries := 0; errors.As(err, &before); tries++ {
		was := before.was
		switch {
		case was.RunID == d.runID:
			return was, nil // our own, and only the answer was lost
		case d.settled(was.Status), was.Status == Processing && !was.Stuck(c.now()):
			return was, err
		case was.Attempts >= c.maxAttempts && was.Status != Dead && !d.wantedOnceMore():
			return was, errExhausted
		case tries == consume.Tries:
			return was, err // others claim it again and again: let them
		}
		rec, err = c.write(ctx, d, Processing, d.takeOver(c, was))
	}
	return rec, err
}

// wantedOnceMore reports whether a person wants one attempt more, whatever the record
// says: also where the dead-letter queue was out of reach, so that SQS moved the
// message and the record says failed for good. One: when that run never ends, the
// message's second receipt is none.
func (d *delivery) wantedOnceMore() bool { return d.redriven && d.receives == 1 }

// first is the record of a first attempt.
func (d *delivery) first(c *Consumer) Delivery {
	now := c.now().UTC()
	return Delivery{
		EventID: d.recordID(), Subscription: d.subscription,
		Status: Processing, Attempts: 1,
		LeaseUntil: d.leaseUntil(now), RunID: d.runID,
		FirstAt: now, LastAt: now,
		EventType: d.event.Type, CorrelationID: d.event.CorrelationID,
		ExpiresAt: now.Add(c.retention).Unix(),
	}
}

// takeOver claims a delivery that failed, or whose last run never ended, if it
// is still as it was seen.
func (d *delivery) takeOver(c *Consumer, was Delivery) *orm.Update[Delivery] {
	now := c.now().UTC()
	return Deliveries.Update(d.key(),
		attrStatus.Set(Processing),
		attrAttempts.Add(1),
		attrLeaseUntil.Set(d.leaseUntil(now)),
		attrRunID.Set(d.runID),
		attrLastAt.Set(now),
		attrExpiresAt.Set(now.Add(c.retention).Unix()),
		attrTrouble.Set(d.subscription),
	).If(asSeen(was))
}

func (d *delivery) leaseUntil(now time.Time) time.Time {
	return consume.LeaseUntil(now, d.inv.lease())
}
