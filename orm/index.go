package orm

import (
	"context"
	"fmt"
	"iter"
	"reflect"
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
	plan       *plan
	schema     *IndexSchema
	hash, sort *field
	err        error
}

// IndexOf finds the declared index whose keys are the fields that hash and sort
// point at; sort is nil for an index without a sort key. It panics when there is
// none: the program is written wrong. On a table whose Err is not nil it does
// not, and queries return that error.
func IndexOf[T, K, H, S any](t *Table[T, K], hash func(*T) *H, sort func(*T) *S) *Index[T, H, S] {
	if t.err != nil {
		return &Index[T, H, S]{err: t.err}
	}
	ix := &Index[T, H, S]{plan: t.plan, hash: findField(t.plan, "orm.IndexOf", hash)}
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

// QueryIndex reads the items of one partition of an index, in the order of its
// sort key, page by page as they are asked for. A global index is eventually
// consistent: what was just written may be missing. On a KEYS_ONLY index only
// the key fields of T are filled. The sequence ends after the first error.
func QueryIndex[T, H, S any](ctx context.Context, r Reader, ix *Index[T, H, S], hash H, rg Range[S]) iter.Seq2[T, error] {
	if ix.err != nil {
		return failed[T](ix.err)
	}
	req := QueryRequest{Table: ix.plan.schema, Index: ix.schema.Name, Eventual: !ix.schema.Local}
	return query[T](ctx, r, ix.plan, req, ix.hash, ix.sort, reflect.ValueOf(&hash).Elem(), rg)
}
