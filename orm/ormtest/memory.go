package ormtest

import (
	"context"
	"slices"
	"strings"
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
	room   []byte // for fingerprints
	hooks

	stream stream
}

// Option changes a [Memory].
type Option func(*Memory)

// Clock sets the clock that [Memory.Now] tells and by which tokens of
// transactions expire; time.Now by default.
func Clock(now func() time.Time) Option { return func(m *Memory) { m.now = now } }

// New makes an empty store.
func New(opts ...Option) *Memory {
	m := &Memory{now: time.Now, tables: map[string]*table{}, tokens: map[string]token{}}
	for _, o := range opts {
		o(m)
	}
	return m
}

// Now implements [orm.Reader] by the clock, see [Clock].
func (m *Memory) Now() time.Time { return m.now() }

// Backoff implements [orm.Reader]. It does not wait: it returns at once, with the
// context's error if there is one. The hooks see it as a call, which is how a
// test counts the tries, moves its clock or lets a wait fail.
func (m *Memory) Backoff(ctx context.Context, try int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.call(ctx, Call{Op: "backoff", Try: try}, func() error { return nil })
}

// table finds a table or makes it.
func (m *Memory) table(s *orm.Schema) *table {
	t, ok := m.tables[s.Name]
	switch {
	case !ok:
		t = newTable(s)
		m.tables[s.Name] = t
	case t.schema != s:
		t.adopt(s)
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
	partitions := slices.Clone(t.scan())
	slices.SortFunc(partitions, func(a, b *partition) int { return strings.Compare(a.id, b.id) })
	for _, p := range partitions {
		for _, item := range p.items {
			out = append(out, cloneItem(item))
		}
	}
	return out
}
