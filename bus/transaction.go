package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/orm"
)

// How often a transaction is tried that lost against another, and the first
// wait. Others are done with an item within milliseconds.
const (
	txTries = 5
	txBase  = 10 * time.Millisecond
	txMost  = time.Second
)

// handleTx handles an event exactly once, as far as DynamoDB goes.
//
// It reads nothing first: that the event has been handled before, the outcome's
// own condition finds, in the transaction.
func (c *Consumer) handleTx(ctx context.Context, d *delivery) result {
	var took time.Duration
	for try := 1; ; try++ {
		tx := &Tx{store: c.store, access: c.access}
		began := c.now()
		err, _ := c.call(ctx, d, tx) // one that is left behind has no effect
		took = c.now().Sub(began)
		if wrong := tx.close(); wrong != nil {
			err = errors.Join(err, wrong)
		}
		if err != nil {
			return c.failTx(ctx, d, err, took, true)
		}
		err = c.commit(ctx, d, tx, took)
		var before *settledBefore
		switch {
		case err == nil:
			return result{outcome: outcomeSucceeded, took: took}
		case errors.As(err, &before):
			return c.unrecorded(d, err)
		case errors.Is(err, errLeaseLost):
			return result{outcome: outcomeLeased, again: true, hide: time.Second, took: took, err: err}
		}
		switch {
		case try < txTries && worthAnother(err):
		case orm.Only(err, orm.KindConflict, orm.KindChanged):
			err = &Error{Kind: KindContention, Op: "handle", Reason: fmt.Sprintf("the transaction lost against others %d times", try), Err: err}
			return c.failTx(ctx, d, err, took, false)
		default:
			counted := !consume.Passing(err) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
			return c.failTx(ctx, d, err, took, counted)
		}
		wait := min(txMost, txBase<<(try-1))
		if slept := c.sleep(ctx, wait+c.jitter(wait)); slept != nil {
			return c.failTx(ctx, d, errors.Join(err, slept), took, false)
		}
	}
}

// worthAnother reports whether a fresh run of the handler may do better: what it
// has read, what its writes were made from, or where it wanted to append has
// changed since, or another transaction was on an item.
func worthAnother(err error) bool {
	for _, k := range []error{eventlog.KindConflict, orm.KindConditionFailed, orm.KindAlreadyExists, orm.KindVersionConflict, orm.KindChanged, orm.KindConflict} {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

// commit executes what the handler collected, and the outcome, as one
// transaction. A *settledBefore says that the event had been handled before.
func (c *Consumer) commit(ctx context.Context, d *delivery, tx *Tx, took time.Duration) error {
	outcome := d.succeeded(c, took)
	p, err := c.log.Prepare(d.flow(ctx), eventlog.Changes{
		Writes: slices.Concat([]orm.Write{outcome}, d.joins, tx.writes),
		Events: tx.events,
		Timers: tx.timers,
		Cancel: tx.cancel,
	})
	if errors.Is(err, eventlog.KindInvalid) {
		return fmt.Errorf("what the handler gave to tx.Write (its first write is number %d), tx.Record, tx.SetTimers and tx.CancelTimers: %w", 1+len(d.joins), err)
	}
	if err != nil {
		return err
	}
	d.prepared = p
	if err := c.transact(ctx, d, p); err != nil {
		return err
	}
	p.Announce(ctx)
	return nil
}

// transact executes a prepared commit whose first action is the outcome, again
// where that may help.
func (c *Consumer) transact(ctx context.Context, d *delivery, p *eventlog.Prepared) error {
	for try := 1; ; try++ {
		err := c.execute(ctx, p)
		if err == nil {
			return nil
		}
		if reason := outcomeRefused(err); reason != nil {
			return c.ownOrSettled(ctx, d, reason)
		}
		if d.joinRefused(err) {
			return errLeaseLost
		}
		err = p.Resolve(err)
		if err == nil {
			return nil
		}
		// Whether it happened is not known: the same transaction under the same
		// token does no harm, and mostly finds out.
		if try == consume.Tries || !errors.Is(err, orm.KindUnavailable) || !consume.Passing(err) {
			return err
		}
		if slept := c.waits().Before(ctx, try+1); slept != nil {
			return errors.Join(err, slept)
		}
	}
}

// execute sends the transaction. One of a single action needs none, which costs
// half.
func (c *Consumer) execute(ctx context.Context, p *eventlog.Prepared) error {
	actions := p.Actions()
	if len(actions) == 1 {
		_, err := c.store.Do(ctx, actions[0])
		return err
	}
	return c.store.Transact(ctx, p.ID(), actions)
}

// outcomeRefused finds the outcome's failed condition, which is the first
// action's.
func outcomeRefused(err error) *orm.Error {
	var cancelled *orm.TransactionError
	if errors.As(err, &cancelled) {
		if len(cancelled.Reasons) == 0 || cancelled.Reasons[0] == nil || cancelled.Reasons[0].Kind != orm.KindConditionFailed {
			return nil
		}
		return cancelled.Reasons[0]
	}
	var single *orm.Error
	if errors.As(err, &single) && single.Kind == orm.KindConditionFailed {
		return single
	}
	return nil
}

// joinRefused reports whether the condition of one of the consumer's own further
// writes failed, which come right after the outcome.
func (d *delivery) joinRefused(err error) bool {
	var cancelled *orm.TransactionError
	if !errors.As(err, &cancelled) || len(cancelled.Reasons) <= len(d.joins) {
		return false
	}
	return slices.ContainsFunc(cancelled.Reasons[1:1+len(d.joins)], func(r *orm.Error) bool {
		return r != nil && r.Kind == orm.KindConditionFailed
	})
}

// ownOrSettled tells a duplicate from our own transaction that had happened
// without an answer.
func (c *Consumer) ownOrSettled(ctx context.Context, d *delivery, reason *orm.Error) error {
	err := c.refused(ctx, d, reason)
	var before *settledBefore
	if errors.As(err, &before) && before.was.RunID == d.runID && before.was.Status == Succeeded {
		return nil
	}
	return err
}

// failTx records a failed attempt. counted: it was the handler's failure, and
// one of its attempts.
func (c *Consumer) failTx(ctx context.Context, d *delivery, cause error, took time.Duration, counted bool) result {
	rec, err := c.write(ctx, d, Failed, d.failed(c, cause, took, counted))
	if err != nil {
		var before *settledBefore
		if errors.As(err, &before) && before.was.RunID == d.runID && before.was.Status == Succeeded {
			// The transaction whose answer was lost had happened.
			d.prepared.Announce(ctx)
			return result{outcome: outcomeSucceeded, attempt: before.was.Attempts, took: took}
		}
		r := c.unrecorded(d, err)
		r.took = took
		if r.again {
			r.err = errors.Join(cause, err)
		}
		return r
	}
	if counted {
		return c.afterFailure(ctx, d, rec, cause, took)
	}
	return result{outcome: outcomeFailed, again: true, hide: c.retryDelay(retryBase, d.receives), attempt: rec.Attempts, took: took, err: cause}
}
