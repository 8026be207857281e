package bus

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Tx collects what a transactional handler wants written. Nothing is written
// until the handler has returned without an error; then all of it is, together
// with the outcome of the delivery, or nothing.
//
// It is an [orm.Reader]: tables.Users.Get(ctx, tx, id) reads as it does from a
// store. Reads are not part of the transaction, and do not see what was given to
// Write: where a write depends on something read, give it a condition. When a
// condition fails the handler runs again, and reads again.
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
	problems []error
}

var _ orm.Reader = (*Tx)(nil)

// Write adds writes to the transaction. DynamoDB allows one action an item in a
// transaction, and 100 actions in all, of which the outcome is one.
//
// A write to a table that the subscription does not grant with [Writes] makes
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
		actions, err := w.Actions()
		if err != nil {
			tx.problems = append(tx.problems, fmt.Errorf("tx.Write: %w", err))
			continue
		}
		for i := range actions {
			if name := actions[i].Table.Name; !tx.access.writes[name] {
				tx.problem("tx.Write", fmt.Sprintf("table %q: grant it with bus.Writes", name))
			}
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
// neither [Reads] nor [Writes] is an error of [KindAccess], and makes the
// attempt fail for good.
func (tx *Tx) Get(ctx context.Context, r *orm.GetRequest) (orm.Item, error) {
	if err := tx.mayRead(r.Table); err != nil {
		return nil, err
	}
	return tx.store.Get(ctx, r)
}

// Query implements [orm.Reader], with the same check as [Tx.Get].
func (tx *Tx) Query(ctx context.Context, r *orm.QueryRequest) (*orm.Page, error) {
	if err := tx.mayRead(r.Table); err != nil {
		return nil, err
	}
	return tx.store.Query(ctx, r)
}

func (tx *Tx) mayRead(t *orm.Schema) error {
	if tx.access.reads[t.Name] {
		return nil
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	return tx.problem("read", fmt.Sprintf("table %q: grant it with bus.Reads", t.Name))
}

// problem keeps what the handler did wrong, so that it is told even by a handler
// that swallows errors. tx.mu is held.
func (tx *Tx) problem(op, reason string) error {
	err := &Error{Kind: KindAccess, Op: op, Subscription: tx.access.subscription, DefinedAt: tx.access.definedAt, Reason: reason}
	tx.problems = append(tx.problems, err)
	return err
}

// close ends the collecting and returns everything that was wrong in it.
func (tx *Tx) close() error {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.closed = true
	return errors.Join(tx.problems...)
}

// granted is an Access in the form in which it is asked.
type granted struct {
	subscription, definedAt string
	reads, writes, commits  map[string]bool
}

func grantedBy(d *Definition) *granted {
	g := &granted{
		subscription: d.Name, definedAt: d.DefinedAt,
		reads: map[string]bool{}, writes: map[string]bool{}, commits: map[string]bool{},
	}
	for _, t := range d.Access.Reads {
		g.reads[t.Schema().Name] = true
	}
	for _, t := range d.Access.Writes {
		g.reads[t.Schema().Name], g.writes[t.Schema().Name] = true, true
	}
	for _, e := range d.Access.Commits {
		g.commits[e.Name()] = true
	}
	return g
}
