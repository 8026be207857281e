package ormtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/orm"
)

// Do implements [orm.Writer].
func (m *Memory) Do(ctx context.Context, a orm.Action) (orm.Item, error) {
	var out orm.Item
	err := m.call(ctx, Call{Op: "do", Actions: []orm.Action{a}}, func() error {
		if err := checkAction(&a); err != nil {
			return err
		}
		e, failure := m.prepare(&a)
		if failure != nil {
			return failure
		}
		m.apply(e)
		if a.Op == orm.OpCheck {
			written(ctx, e, transactional) // DynamoDB knows a check in a transaction only
		} else {
			written(ctx, e, consistent)
		}
		if a.Op == orm.OpUpdate {
			out = cloneItem(e.new)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// token is what was done under a ClientRequestToken.
type token struct {
	actions [sha256.Size]byte // their fingerprint
	until   time.Time
}

const tokenLife = 10 * time.Minute

// Transact implements [orm.Writer].
func (m *Memory) Transact(ctx context.Context, tok string, actions []orm.Action) error {
	return m.call(ctx, Call{Op: "transact", Token: tok, Actions: actions}, func() error {
		if err := orm.CheckTransaction(tok, actions); err != nil {
			return err
		}
		for i := range actions {
			if err := checkAction(&actions[i]); err != nil {
				return err // of the whole request, not a reason among others
			}
		}
		now := m.now()
		var known token
		if tok != "" {
			known.until = now.Add(tokenLife)
			known.actions, m.room = fingerprint(m.room, actions)
		}
		if t, ok := m.tokens[tok]; ok && now.Before(t.until) {
			if t.actions != known.actions {
				return &orm.Error{Kind: orm.KindValidation, Op: "transact", Table: actions[0].Table.Name,
					Err: fmt.Errorf("token %s was used for another transaction in the last %s", tok, tokenLife)}
			}
			return nil
		}
		effects := make([]effect, len(actions))
		reasons := make([]*orm.Error, len(actions))
		cancelled := false
		for i := range actions {
			effects[i], reasons[i] = m.prepare(&actions[i])
			cancelled = cancelled || reasons[i] != nil
		}
		if cancelled {
			return orm.Cancelled(actions, reasons)
		}
		for _, e := range effects {
			m.apply(e)
			written(ctx, e, transactional)
		}
		if tok != "" {
			m.tokens[tok] = known
		}
		return nil
	})
}

// effect is what an action will do, when all goes well.
type effect struct {
	table    *table
	op       orm.Op
	key      orm.Item
	old, new orm.Item
}

// prepare checks an action against what is stored, and changes nothing.
func (m *Memory) prepare(a *orm.Action) (effect, *orm.Error) {
	t := m.table(a.Table)
	e := effect{table: t, op: a.Op, key: a.PrimaryKey()}
	e.old = t.get(e.key)
	if a.If != nil && !holds(a.If, e.old) {
		return effect{}, a.Failed(cloneItem(e.old))
	}
	switch a.Op {
	case orm.OpPut:
		e.new = normalItem(a.Item)
	case orm.OpUpdate:
		item, err := update(e.old, a)
		if err != nil {
			return effect{}, a.Wrap(orm.KindValidation, err)
		}
		e.new = item
	}
	if e.new != nil {
		if err := checkIndexKeys(a.Table, e.new); err != nil {
			return effect{}, a.Wrap(orm.KindValidation, err)
		}
		if n := orm.ItemSize(e.new); n > orm.MaxItemSize {
			return effect{}, a.Wrap(orm.KindTooLarge, errItemSize(n))
		}
	}
	return e, nil
}

// apply makes what prepare found happen.
func (m *Memory) apply(e effect) {
	switch {
	case e.op == orm.OpCheck:
		return
	case e.new != nil:
		e.table.put(e.old, e.new)
	case e.old != nil:
		e.table.delete(e.old)
	}
	m.stream.record(e)
}

// BatchWrite implements [orm.Writer]. What [Memory.Unprocessed] says is left
// undone.
func (m *Memory) BatchWrite(ctx context.Context, r *orm.BatchWriteRequest) (*orm.BatchWriteResult, error) {
	out := &orm.BatchWriteResult{}
	c := Call{Op: "batch write", BatchWrite: r}
	puts, leftPuts := m.left(c, r.Table, r.Puts)
	deletes, leftDeletes := m.left(c, r.Table, r.Deletes)
	err := m.call(ctx, c, func() error {
		if err := orm.CheckBatchWrite(r); err != nil {
			return err
		}
		// All of it is checked, also what is left undone: DynamoDB refuses a batch
		// with one wrong item as a whole.
		if _, err := m.effects(r.Table, leftPuts, leftDeletes); err != nil {
			return err
		}
		effects, err := m.effects(r.Table, puts, deletes)
		if err != nil {
			return err
		}
		for _, e := range effects {
			m.apply(e)
			written(ctx, e, consistent)
		}
		for _, item := range leftPuts {
			out.Puts = append(out.Puts, cloneItem(item))
		}
		for _, key := range leftDeletes {
			out.Deletes = append(out.Deletes, cloneItem(key))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// effects prepares the writes of a batch. No two are on one item.
func (m *Memory) effects(s *orm.Schema, puts, deletes []orm.Item) ([]effect, error) {
	actions := make([]orm.Action, 0, len(puts)+len(deletes))
	for _, item := range puts {
		actions = append(actions, orm.Action{Op: orm.OpPut, Table: s, Item: item})
	}
	for _, key := range deletes {
		actions = append(actions, orm.Action{Op: orm.OpDelete, Table: s, Key: key})
	}
	out := make([]effect, len(actions))
	for i := range actions {
		if err := checkAction(&actions[i]); err != nil {
			return nil, err
		}
		e, failure := m.prepare(&actions[i])
		if failure != nil {
			return nil, failure
		}
		out[i] = e
	}
	return out, nil
}
