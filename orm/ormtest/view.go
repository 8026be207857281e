package ormtest

import (
	"fmt"
	"slices"

	"github.com/vinci-go/vinci/orm"
)

// view is a table or an index as a query or a scan sees it.
type view struct {
	schema     *orm.Schema
	hash, sort string
	index      *orm.IndexSchema // nil: the table itself
}

// viewOf finds what is read. That an index exists is checked before.
func viewOf(s *orm.Schema, name string) view {
	for i := range s.Indexes {
		if x := &s.Indexes[i]; x.Name == name {
			return view{s, x.Hash, x.Sort, x}
		}
	}
	return view{s, s.Hash, s.Sort, nil}
}

// space is where the items are.
func (v view) space(t *table) *space {
	if v.index == nil {
		return t.space
	}
	return t.index(v.index).space
}

// global reports whether the view is a table of its own in DynamoDB.
func (v view) global() bool { return v.index != nil && !v.index.Local }

// entry is an item as the view holds it.
func (v view) entry(item orm.Item) orm.Item {
	if v.index == nil || v.index.Projection == orm.ProjectAll {
		return item
	}
	return pick(item, append(v.keys(), v.index.Include...))
}

// keys names the attributes that say where an item is: the table's, and those of
// the index.
func (v view) keys() []string {
	out := []string{v.schema.Hash}
	for _, name := range []string{v.schema.Sort, v.hash, v.sort} {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// keyOf is what a query or scan needs to go on after the item.
func (v view) keyOf(item orm.Item) orm.Item { return pick(item, v.keys()) }

// checkStart checks where a page begins: it has the keys of the view and nothing
// else.
func (v view) checkStart(start orm.Item) error {
	if start == nil {
		return nil
	}
	keys := v.keys()
	if len(start) != len(keys) {
		return fmt.Errorf("the start has %d attributes, it takes the keys %q", len(start), keys)
	}
	for _, name := range keys {
		limit := maxHashKey
		if name == v.sort || name == v.schema.Sort {
			limit = maxSortKey
		}
		if err := checkKeyAttribute(v.schema, start, name, limit, true); err != nil {
			return fmt.Errorf("start: %w", err)
		}
	}
	return nil
}
