package orm

import "reflect"

// AnyTable is a definition of a struct type that only a test knows.
type AnyTable struct {
	schema *Schema
	plan   *plan
	item   reflect.Type
	err    error
}

// DefineType is [Define] for a type made by reflection; pair is a value of the
// key type when that is a [Pair].
func DefineType(name string, item, key reflect.Type, pair any, opts ...Option) *AnyTable {
	d := newDefiner(name, item, key)
	two, _ := pair.(twoPart)
	err := d.define(two, opts)
	return &AnyTable{d.schema, d.plan, item, err}
}

func (t *AnyTable) Schema() *Schema { return t.schema }
func (t *AnyTable) Err() error      { return t.err }

// Insert is that of [Table]; item is a pointer to the struct.
func (t *AnyTable) Insert(item any) Write {
	a, err := t.plan.put("insert", item)
	return &itemWrite{plan: t.plan, op: "insert", put: a, err: err}
}

// Reencode is a stored item, decoded and encoded again.
func (t *AnyTable) Reencode(item Item) (Item, error) {
	out := reflect.New(t.item)
	if err := t.plan.decode(item, out.Interface()); err != nil {
		return nil, err
	}
	return t.plan.encode("encode", out.Interface())
}
