package ormtest

import (
	"context"

	"github.com/vinci-go/vinci/orm"
)

// Call is one call of a store's method, as the hooks see it.
type Call struct {
	// Op names the method: "get", "query", "scan", "batch get", "transact get",
	// "do", "transact", "batch write" or "backoff".
	Op         string
	Get        *orm.GetRequest
	Query      *orm.QueryRequest
	Scan       *orm.ScanRequest
	BatchGet   *orm.BatchGetRequest
	Gets       []orm.GetRequest // of transact get
	Token      string           // of transact
	Actions    []orm.Action     // of do (one) and transact
	BatchWrite *orm.BatchWriteRequest
	Try        int // of backoff
}

// Table names the definition of the table that the call is about, the first one
// when there are several; empty for a backoff.
func (c *Call) Table() string {
	switch {
	case c.Get != nil:
		return c.Get.Table.Name
	case c.Query != nil:
		return c.Query.Table.Name
	case c.Scan != nil:
		return c.Scan.Table.Name
	case c.BatchGet != nil:
		return c.BatchGet.Table.Name
	case len(c.Gets) > 0:
		return c.Gets[0].Table.Name
	case len(c.Actions) > 0:
		return c.Actions[0].Table.Name
	case c.BatchWrite != nil:
		return c.BatchWrite.Table.Name
	}
	return ""
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

// Unprocessed sets which keys the batch requests leave undone, to be asked for
// again: those of which f says so. f is asked for each key of each batch, before
// the call is made and without a lock; nil takes it away.
//
// DynamoDB does so when a table is asked for more than it has capacity for. When
// it can do nothing at all of a batch for that reason, it answers with
// [orm.KindThrottled] instead: make that with Before.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
func (m *Memory) Unprocessed(f func(c Call, key orm.Item) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unprocessed = f
}

// hooks are what a test has set.
type hooks struct {
	before      func(Call) error
	after       func(Call) error
	unprocessed func(Call, orm.Item) bool
}

func (m *Memory) set() hooks {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hooks
}

// call runs one call between its hooks. do runs with the lock held.
func (m *Memory) call(ctx context.Context, c Call, do func() error) error {
	if err := ctx.Err(); err != nil {
		return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op, Table: c.Table(), Err: err}
	}
	if before := m.set().before; before != nil {
		if err := before(c); err != nil {
			return err
		}
	}
	after, err := m.locked(do)
	if err != nil {
		return err
	}
	m.stream.deliver()
	if after != nil {
		return after(c)
	}
	return nil
}

func (m *Memory) locked(do func() error) (after func(Call) error, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.after, do()
}

// left parts the keys, or items, of a batch by the hook Unprocessed: those to do
// and those to leave.
func (m *Memory) left(c Call, s *orm.Schema, items []orm.Item) (todo, left []orm.Item) {
	unprocessed := m.set().unprocessed
	if unprocessed == nil {
		return items, nil
	}
	for _, item := range items {
		if unprocessed(c, cloneItem(s.KeyOf(item))) {
			left = append(left, item)
		} else {
			todo = append(todo, item)
		}
	}
	return todo, left
}
