package bus

import (
	"context"
	"fmt"
	"slices"

	"github.com/vinci-go/vinci/orm"
)

// granted is an Access in the form in which it is asked.
type granted struct {
	subscription, definedAt       string
	reads, scans, writes, appends map[string]bool // by the table's name
	indexes                       map[string]bool // by indexKey
	commits                       map[string]bool
}

func grantedBy(d *Definition) *granted {
	g := &granted{
		subscription: d.Name, definedAt: d.DefinedAt,
		reads: map[string]bool{}, scans: map[string]bool{}, writes: map[string]bool{}, appends: map[string]bool{},
		indexes: map[string]bool{}, commits: map[string]bool{},
	}
	for _, t := range d.Access.Reads {
		g.reads[t.Schema().Name] = true
	}
	for _, x := range d.Access.Indexes {
		g.indexes[indexKey(x.Definition().Schema().Name, x.IndexName())] = true
	}
	for _, t := range d.Access.Scans {
		g.reads[t.Schema().Name], g.scans[t.Schema().Name] = true, true
	}
	for _, t := range d.Access.Writes {
		g.reads[t.Schema().Name], g.writes[t.Schema().Name] = true, true
	}
	for _, t := range d.Access.Appends {
		g.appends[t.Schema().Name] = true
	}
	for _, e := range d.Access.Commits {
		g.commits[e.Name()] = true
	}
	return g
}

// indexKey is an index's name among those of all tables. A table's name has no
// slash.
func indexKey(table, index string) string { return table + "/" + index }

func (g *granted) refused(op, reason string) error {
	return &Error{Kind: KindAccess, Op: op, Subscription: g.subscription, DefinedAt: g.definedAt, Reason: reason}
}

// insertsOnly is a write to a table that is granted with [Appends]. What it does
// is known when its actions are.
type insertsOnly struct {
	orm.Write
	access *granted
}

// Actions implements [orm.Write].
func (w insertsOnly) Actions(ctx context.Context, r orm.Reader) ([]orm.Action, error) {
	actions, err := w.Write.Actions(ctx, r)
	if err != nil {
		return nil, err
	}
	for i := range actions {
		if a := &actions[i]; !inserts(a) {
			return nil, w.access.refused("tx.Write", fmt.Sprintf("table %q is granted with bus.Appends, and this is no insert: use Insert, or grant it with bus.Writes", a.Table.Name))
		}
	}
	return actions, nil
}

// inserts reports whether an action can only ever make an item: a put on the
// condition that there is none.
func inserts(a *orm.Action) bool {
	return a.Op == orm.OpPut && absent(a.If, a.Table)
}

// absent reports whether a condition holds for no item that exists. Every item
// has its keys.
func absent(c *orm.Cond, t *orm.Schema) bool {
	if c == nil {
		return false
	}
	switch c.Op {
	case orm.CondNotExists:
		return c.Path != "" && (c.Path == t.Hash || c.Path == t.Sort) && len(c.Into) == 0
	case orm.CondAnd:
		return slices.ContainsFunc(c.Of, func(part *orm.Cond) bool { return absent(part, t) })
	case orm.CondOr:
		return len(c.Of) > 0 && !slices.ContainsFunc(c.Of, func(part *orm.Cond) bool { return !absent(part, t) })
	default:
		return false
	}
}
