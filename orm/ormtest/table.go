package ormtest

import "github.com/vinci-go/vinci/orm"

// table holds the items of one table, and of each of its indexes those that are
// in it. All share the items, which are never changed but replaced.
type table struct {
	*space
	schema  *orm.Schema
	indexes []index
}

type index struct {
	*space
	schema             *orm.IndexSchema
	hashType, sortType string // sortType is empty without a sort key
}

func newTable(s *orm.Schema) *table {
	t := &table{space: newSpace(s.Hash, s.Sort), schema: s}
	t.adopt(s)
	return t
}

// adopt makes the indexes that a definition has and the table does not: tests
// of a change have two definitions of one table.
func (t *table) adopt(s *orm.Schema) {
	t.schema = s
	for i := range s.Indexes {
		if x := &s.Indexes[i]; t.index(x) == nil {
			t.indexes = append(t.indexes, t.newIndex(x))
		}
	}
}

func (t *table) newIndex(s *orm.IndexSchema) index {
	// Two items may have the same keys of an index: the table's tell them apart.
	x := index{space: newSpace(s.Hash, s.Sort, t.schema.Hash, t.schema.Sort), schema: s}
	hash, _ := t.schema.Attribute(s.Hash)
	sort, _ := t.schema.Attribute(s.Sort)
	x.hashType, x.sortType = hash.Type, sort.Type
	for _, p := range t.scan() {
		for _, item := range p.items {
			if x.holds(item) {
				x.space.put(item)
			}
		}
	}
	return x
}

// index finds an index by what it is called and keyed by, nil for none.
func (t *table) index(s *orm.IndexSchema) *index {
	for i := range t.indexes {
		if x := &t.indexes[i]; x.schema == s || x.schema.Name == s.Name && x.schema.Hash == s.Hash && x.schema.Sort == s.Sort {
			return x
		}
	}
	return nil
}

// put replaces old, nil for none, by item.
func (t *table) put(old, item orm.Item) {
	t.space.put(item)
	for _, x := range t.indexes {
		if x.holds(old) && !(x.holds(item) && x.same(old, item)) {
			x.space.delete(old)
		}
		if x.holds(item) {
			x.space.put(item)
		}
	}
}

// delete removes old, which is there.
func (t *table) delete(old orm.Item) {
	t.space.delete(old)
	for _, x := range t.indexes {
		if x.holds(old) {
			x.space.delete(old)
		}
	}
}

// holds reports whether the index has the item: it is sparse.
func (x *index) holds(item orm.Item) bool {
	return item != nil && kind(item[x.schema.Hash]) == x.hashType && (x.schema.Sort == "" || kind(item[x.schema.Sort]) == x.sortType)
}

// same reports whether two items of one key are at the same place in the index.
func (x *index) same(a, b orm.Item) bool {
	return equal(a[x.hash], b[x.hash]) && x.compare(a, b) == 0
}
