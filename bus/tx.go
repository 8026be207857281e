package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// Tx collects what a transactional handler wants written. Nothing is written
// until the handler has returned without an error; then all of it is, together
// with the outcome of the delivery, or nothing.
//
// It is an [orm.Reader]: tables.Users.Get(ctx, tx, id) reads as it does from a
// store. Reads are not part of the transaction, and do not see what was given to
// Write: where a write depends on something read, give it a condition. When a
// condition fails, or a write was outrun by another, the handler runs again, and
// reads again.
//
// A Tx may be used by several goroutines of its handler. What it is given after
// the handler has returned is dropped.
type Tx struct {
	store  orm.Reader
	access *granted

	mu       sync.Mutex
	closed   bool
	writes   []orm.Write
	events   []event.Record
	timers   []eventlog.Timer
	cancel   []string // ids of timers
	problems []error
}

var _ orm.Reader = (*Tx)(nil)

// Write adds writes to the transaction. DynamoDB allows one action an item in a
// transaction, and 100 actions in all, of which the outcome is one.
//
// What a write depends on (the old value of a unique attribute) is read when the
// handler has returned, and its mistakes (a value that a rule does not allow) are
// found then: such an attempt has failed, with an error of package orm.
//
// A write to a table that the subscription grants with neither [Writes] nor
// [Appends], and any write but an insert to one that it grants with Appends, makes
// the attempt fail for good, with an error of [KindAccess].
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
func (tx *Tx) Write(writes ...orm.Write) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.closed {
		return
	}
	for _, w := range writes {
		if isNil(w) {
			tx.problem("tx.Write", "a write is nil: use the methods of a table, as in tables.Users.Update(…)")
			continue
		}
		switch t := w.Table(); {
		case t == nil || tx.access.writes[t.Name]:
		case tx.access.appends[t.Name]:
			w = insertsOnly{w, tx.access}
		default:
			tx.problem("tx.Write", fmt.Sprintf("table %q: grant it with bus.Writes", t.Name))
		}
		tx.writes = append(tx.writes, w)
	}
}

// Record adds events to the transaction. They carry on the correlation id,
// tenant, actor and trace of the event that is handled, which is their cause.
//
// An event that the subscription does not grant with [Commits] makes the attempt
// fail for good, with an error of [KindAccess].
func (tx *Tx) Record(events ...event.Record) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.closed {
		return
	}
	for _, e := range events {
		if !tx.access.commits[e.Type] {
			tx.problem("tx.Record", fmt.Sprintf("event %q: grant it with bus.Commits", e.Type))
		}
		tx.events = append(tx.events, e)
	}
}

// Get implements [orm.Reader]. Reading a table that the subscription grants with
// none of [Reads], [Scans] and [Writes] is an error of [KindAccess], and makes the
// attempt fail for good.
func (tx *Tx) Get(ctx context.Context, r *orm.GetRequest) (orm.Item, error) {
	if err := tx.mayRead(r.Table); err != nil {
		return nil, err
	}
	return tx.store.Get(ctx, r)
}

// Query implements [orm.Reader], with the same check as [Tx.Get]; an index may be
// granted alone, with [ReadsIndex].
func (tx *Tx) Query(ctx context.Context, r *orm.QueryRequest) (*orm.Page, error) {
	if err := tx.mayQuery(r.Table, r.Index); err != nil {
		return nil, err
	}
	return tx.store.Query(ctx, r)
}

// Scan implements [orm.Reader]. It needs [Scans], whatever else is granted.
func (tx *Tx) Scan(ctx context.Context, r *orm.ScanRequest) (*orm.Page, error) {
	if err := tx.mayScan(r.Table); err != nil {
		return nil, err
	}
	return tx.store.Scan(ctx, r)
}

// BatchGet implements [orm.Reader], with the same check as [Tx.Get].
func (tx *Tx) BatchGet(ctx context.Context, r *orm.BatchGetRequest) (*orm.BatchGetResult, error) {
	if err := tx.mayRead(r.Table); err != nil {
		return nil, err
	}
	return tx.store.BatchGet(ctx, r)
}

// TransactGet implements [orm.Reader], with the same check as [Tx.Get]. What it
// reads is of one moment; it is no part of the transaction that writes.
func (tx *Tx) TransactGet(ctx context.Context, gets []orm.GetRequest) ([]orm.Item, error) {
	for i := range gets {
		if err := tx.mayRead(gets[i].Table); err != nil {
			return nil, err
		}
	}
	return tx.store.TransactGet(ctx, gets)
}

// Now implements [orm.Reader]: the store's clock.
func (tx *Tx) Now() time.Time { return tx.store.Now() }

// Backoff implements [orm.Reader].
func (tx *Tx) Backoff(ctx context.Context, try int) error { return tx.store.Backoff(ctx, try) }

func (tx *Tx) mayRead(t *orm.Schema) error {
	return tx.mayIf(tx.access.reads[t.Name], "read", func() string {
		return fmt.Sprintf("table %q: grant it with bus.Reads", t.Name)
	})
}

func (tx *Tx) mayQuery(t *orm.Schema, index string) error {
	if index == "" {
		return tx.mayRead(t)
	}
	return tx.mayIf(tx.access.reads[t.Name] || tx.access.indexes[indexKey(t.Name, index)], "read", func() string {
		return fmt.Sprintf("index %q of table %q: grant it with bus.ReadsIndex, or the table with bus.Reads", index, t.Name)
	})
}

func (tx *Tx) mayScan(t *orm.Schema) error {
	return tx.mayIf(tx.access.scans[t.Name], "scan", func() string {
		return fmt.Sprintf("table %q: grant it with bus.Scans", t.Name)
	})
}

func (tx *Tx) mayIf(granted bool, op string, reason func() string) error {
	if granted {
		return nil
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.problem(op, reason())
}

// problem keeps what the handler did wrong, so that it is told even by a handler
// that swallows errors. tx.mu is held.
func (tx *Tx) problem(op, reason string) error {
	err := tx.access.refused(op, reason)
	tx.problems = append(tx.problems, err)
	return err
}

// restart forgets what was collected, for a handler that its middleware runs
// again. What it did wrong stays.
func (tx *Tx) restart() {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.writes, tx.events, tx.timers, tx.cancel = nil, nil, nil, nil
}

// close ends the collecting and returns everything that was wrong in it.
func (tx *Tx) close() error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.closed = true
	return errors.Join(tx.problems...)
}
