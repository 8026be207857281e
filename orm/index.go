package orm

import (
	"fmt"
	"slices"
	"strings"
)

// DynamoDB's limits for one table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	maxGlobalIndexes = 20
	maxLocalIndexes  = 5
)

// checkIndexes checks the declared indexes and puts them in order of name.
func (d *definer) checkIndexes() {
	global, local := 0, 0
	for i := range d.schema.Indexes {
		x := &d.schema.Indexes[i]
		if x.Local {
			local++
			x.Hash = d.schema.Hash
			if d.schema.Sort == "" {
				d.problem("", fmt.Sprintf("local index %q: only a table with a sort key can have one; tag a field `,range`, or make the index global with `index`", x.Name))
			}
		} else {
			global++
			if x.Hash == "" {
				d.problem("", fmt.Sprintf("index %q has no partition key: tag one field `index:\"%s,hash\"`", x.Name, x.Name))
			}
		}
		for _, name := range []string{x.Hash, x.Sort} {
			if f := d.plan.byName[name]; f != nil && (name != x.Hash || !x.Local) {
				d.keyKind(f, fmt.Sprintf("a key of index %q", x.Name))
			}
		}
	}
	if global > maxGlobalIndexes {
		d.problem("", fmt.Sprintf("%d global indexes, a table can have %d", global, maxGlobalIndexes))
	}
	if local > maxLocalIndexes {
		d.problem("", fmt.Sprintf("%d local indexes, a table can have %d", local, maxLocalIndexes))
	}
	slices.SortFunc(d.schema.Indexes, func(a, b IndexSchema) int { return strings.Compare(a.Name, b.Name) })
}

// Index is a typed secondary index. Make it with [IndexOf].
type Index[T, H, S any] struct {
	table      Definition
	plan       *plan
	schema     *IndexSchema
	hash, sort *field
	err        error
}

// HashIndexOf is [IndexOf] for an index without a sort key. Its queries take no
// bounds, so what the sort key would be is struct{}.
func HashIndexOf[T, K, H any](t *Table[T, K], hash func(*T) *H) *Index[T, H, struct{}] {
	return IndexOf[T, K, H, struct{}](t, hash, nil)
}

// IndexOf finds the declared index whose keys are the fields that hash and sort
// point at; see [HashIndexOf] for one without a sort key. It panics when there is
// none: the program is written wrong. On a table whose Err is not nil it does
// not, and queries return that error.
//
//	var ByStatus = orm.IndexOf(Users,
//		func(u *User) *string { return &u.Status },
//		func(u *User) *time.Time { return &u.CreatedAt })
func IndexOf[T, K, H, S any](t *Table[T, K], hash func(*T) *H, sort func(*T) *S) *Index[T, H, S] {
	if t.err != nil {
		return &Index[T, H, S]{table: t, err: t.err}
	}
	ix := &Index[T, H, S]{table: t, plan: t.plan, hash: findField(t.plan, "orm.IndexOf", hash)}
	sortName := ""
	if sort != nil {
		ix.sort = findField(t.plan, "orm.IndexOf", sort)
		sortName = ix.sort.name
	}
	for i := range t.schema.Indexes {
		if x := &t.schema.Indexes[i]; x.Hash == ix.hash.name && x.Sort == sortName {
			ix.schema = x
			return ix
		}
	}
	panic(fmt.Sprintf("orm.IndexOf: table %q (%s) declares no index with partition key %q and sort key %q: it has %s",
		t.schema.Name, t.schema.DefinedAt, ix.hash.name, sortName, list(indexNames(t.schema))))
}

// Schema describes the index; nil when its table is defined wrong.
func (ix *Index[T, H, S]) Schema() *IndexSchema { return ix.schema }
