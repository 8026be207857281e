package ormtest

import (
	"context"

	"github.com/vinci-go/vinci/orm"
)

// Capacity units as DynamoDB counts them: a read unit is 4 KB read consistently,
// a write unit 1 KB written, each item of a request rounded up by itself, but
// the items of a query or scan together.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const (
	readBytes  = 4 << 10
	writeBytes = 1 << 10
)

// rate is how many units each of them costs.
type rate float64

const (
	eventual      rate = 0.5
	consistent    rate = 1 // reads, and writes by themselves
	transactional rate = 2
)

func consistency(isEventual bool) rate {
	if isEventual {
		return eventual
	}
	return consistent
}

// units are for a number of bytes, of an absent item too.
func (r rate) units(size, unit int) float64 {
	return float64(r) * float64(max(1, (size+unit-1)/unit))
}

// readItem counts the reading of one item, nil for one that does not exist.
func readItem(ctx context.Context, s *orm.Schema, item orm.Item, r rate) {
	if orm.CollectsCapacity(ctx) {
		orm.AddCapacity(ctx, orm.TableCapacity{Table: s.Name, Read: r.units(orm.ItemSize(item), readBytes)})
	}
}

// written counts a write, and what it costs on the table's indexes: nothing when
// the index does not see it, twice when it moves there.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
func written(ctx context.Context, e effect, r rate) {
	if !orm.CollectsCapacity(ctx) {
		return
	}
	name := e.table.schema.Name
	after := e.new
	if e.op == orm.OpCheck {
		after = e.old
	}
	orm.AddCapacity(ctx, orm.TableCapacity{Table: name, Write: r.units(max(orm.ItemSize(e.old), orm.ItemSize(after)), writeBytes)})
	if e.op == orm.OpCheck {
		return
	}
	for i := range e.table.indexes {
		if n := e.table.indexes[i].written(e); n > 0 {
			orm.AddCapacity(ctx, orm.TableCapacity{Table: name, Index: e.table.indexes[i].schema.Name, Write: n})
		}
	}
}

// written is how many units the effect costs on the index.
func (x *index) written(e effect) float64 {
	v := view{schema: e.table.schema, hash: x.schema.Hash, sort: x.schema.Sort, index: x.schema}
	entry := func(item orm.Item) (orm.Item, float64) {
		if !x.holds(item) {
			return nil, 0
		}
		out := v.entry(item)
		return out, consistent.units(orm.ItemSize(out), writeBytes)
	}
	before, old := entry(e.old)
	after, now := entry(e.new)
	switch {
	case before == nil || after == nil:
		return old + now
	case !x.same(e.old, e.new):
		return old + now // removed there and written here
	case sameItem(before, after):
		return 0
	}
	return max(old, now)
}
