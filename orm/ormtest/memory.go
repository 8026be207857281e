package ormtest

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"time"

	"github.com/vinci-go/vinci/orm"
)

var _ orm.Store = (*Memory)(nil)

// Memory is an [orm.Store] in memory. It is safe for concurrent use; make it
// with [New].
type Memory struct {
	now func() time.Time

	mu     sync.Mutex
	tables map[string]*table
	tokens map[string]token
	before func(Call) error
	after  func(Call) error

	stream stream
}

// Option changes a [Memory].
type Option func(*Memory)

// Clock sets the clock by which tokens of transactions expire; time.Now by
// default.
func Clock(now func() time.Time) Option { return func(m *Memory) { m.now = now } }

// New makes an empty store.
func New(opts ...Option) *Memory {
	m := &Memory{now: time.Now, tables: map[string]*table{}, tokens: map[string]token{}}
	for _, o := range opts {
		o(m)
	}
	return m
}

// Call is one call of a store's method, as the hooks see it.
type Call struct {
	Op      string // "get", "query", "do" or "transact"
	Get     *orm.GetRequest
	Query   *orm.QueryRequest
	Token   string       // of a transaction
	Actions []orm.Action // of do (one) and transact
}

// Before sets what runs before each call. An error of it is the call's error,
// and the call has no effect. It runs without a lock, so it may use the store;
// nil takes it away.
func (m *Memory) Before(f func(Call) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.before = f
}

// After sets what runs after each call that succeeded. An error of it is the
// call's error though the effect has happened: a lost answer.
func (m *Memory) After(f func(Call) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.after = f
}

// call runs one call between its hooks.
func (m *Memory) call(ctx context.Context, c Call, do func() error) error {
	if err := ctx.Err(); err != nil {
		return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op, Table: c.table(), Err: err}
	}
	m.mu.Lock()
	before := m.before
	m.mu.Unlock()
	if before != nil {
		if err := before(c); err != nil {
			return err
		}
	}
	m.mu.Lock()
	err := do()
	after := m.after
	m.mu.Unlock()
	m.stream.deliver()
	if err == nil && after != nil {
		err = after(c)
	}
	return err
}

func (c *Call) table() string {
	switch {
	case c.Get != nil:
		return c.Get.Table.Name
	case c.Query != nil:
		return c.Query.Table.Name
	case len(c.Actions) > 0:
		return c.Actions[0].Table.Name
	}
	return ""
}

// Get implements [orm.Reader].
func (m *Memory) Get(ctx context.Context, r *orm.GetRequest) (orm.Item, error) {
	var out orm.Item
	err := m.call(ctx, Call{Op: "get", Get: r}, func() error {
		if err := checkKey(r.Table, r.Key); err != nil {
			return &orm.Error{Kind: orm.KindValidation, Op: "get", Table: r.Table.Name, Err: err}
		}
		out = cloneItem(m.table(r.Table).get(r.Key))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

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
	actions string
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
		print := fingerprint(actions)
		if t, ok := m.tokens[tok]; ok && now.Before(t.until) {
			if t.actions != print {
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
			return &orm.TransactionError{Reasons: reasons}
		}
		for _, e := range effects {
			m.apply(e)
		}
		if tok != "" {
			m.tokens[tok] = token{actions: print, until: now.Add(tokenLife)}
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

func (m *Memory) apply(e effect) {
	switch e.op {
	case orm.OpCheck:
		return
	case orm.OpDelete:
		e.table.delete(e.key)
	default:
		e.table.put(e.new)
	}
	m.stream.record(e)
}

// table finds a table or makes it.
func (m *Memory) table(s *orm.Schema) *table {
	t, ok := m.tables[s.Name]
	if !ok {
		t = &table{schema: s, partitions: map[string]*partition{}}
		m.tables[s.Name] = t
	}
	return t
}

// Items returns every item of a table, items of unique values included: the
// partitions in a fixed order, their items in the order of the sort key. A table
// that was never used has none.
func (m *Memory) Items(d orm.Definition) []orm.Item {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tables[d.Schema().Name]
	if !ok {
		return nil
	}
	var out []orm.Item
	names := make([]string, 0, len(t.partitions))
	for name := range t.partitions {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		for _, item := range t.partitions[name].items {
			out = append(out, cloneItem(item))
		}
	}
	return out
}
