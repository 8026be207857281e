package ormtest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/vinci-go/vinci/orm"
)

// pageBytes is where DynamoDB ends a page.
const pageBytes = 1 << 20

// Query implements [orm.Reader].
func (m *Memory) Query(ctx context.Context, r *orm.QueryRequest) (*orm.Page, error) {
	var page *orm.Page
	err := m.call(ctx, Call{Op: "query", Query: r}, func() (err error) {
		if page, err = m.query(r); err != nil {
			err = &orm.Error{Kind: orm.KindValidation, Op: "query", Table: r.Table.Name, Err: err}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// view is a table or an index as a query sees it.
type view struct {
	schema     *orm.Schema
	hash, sort string
	index      *orm.IndexSchema
}

func viewOf(r *orm.QueryRequest) (view, error) {
	v := view{schema: r.Table, hash: r.Table.Hash, sort: r.Table.Sort}
	if r.Index == "" {
		return v, nil
	}
	for i := range r.Table.Indexes {
		if x := &r.Table.Indexes[i]; x.Name == r.Index {
			v.hash, v.sort, v.index = x.Hash, x.Sort, x
			return v, nil
		}
	}
	return v, fmt.Errorf("the table has no index %q", r.Index)
}

func (m *Memory) query(r *orm.QueryRequest) (*orm.Page, error) {
	v, err := viewOf(r)
	if err != nil {
		return nil, err
	}
	if err := v.check(r); err != nil {
		return nil, err
	}
	items := v.partition(m.table(r.Table), r.Hash)
	page := &orm.Page{}
	size := 0
	started := r.Start == nil
	if r.Descending {
		slices.Reverse(items)
	}
	var last orm.Item
	for _, item := range items {
		if !v.within(r, item) {
			continue
		}
		if !started {
			o := v.order(item, r.Start)
			if r.Descending {
				o = -o
			}
			if o <= 0 {
				continue
			}
			started = true
		}
		if last != nil && (r.Limit > 0 && len(page.Items) == int(r.Limit) || size > pageBytes) {
			page.Next = cloneItem(v.keyOf(last))
			break
		}
		last = item
		size += orm.ItemSize(item)
		page.Items = append(page.Items, cloneItem(v.project(item)))
	}
	// DynamoDB does not look further than the limit: a full page has a
	// continuation even when nothing comes after it.
	if page.Next == nil && last != nil && r.Limit > 0 && len(page.Items) == int(r.Limit) {
		page.Next = cloneItem(v.keyOf(last))
	}
	return page, nil
}

func (v view) check(r *orm.QueryRequest) error {
	if err := v.checkBound(v.hash, r.Hash); err != nil {
		return err
	}
	if r.From == nil && r.To == nil {
		return nil
	}
	if v.sort == "" {
		return errors.New("a range needs a sort key")
	}
	for _, b := range []value{r.From, r.To} {
		if b == nil {
			continue
		}
		if err := v.checkBound(v.sort, b); err != nil {
			return err
		}
	}
	if r.From != nil && r.To != nil && order(r.From, r.To) > 0 {
		return errors.New("the range's lower bound is above its upper bound")
	}
	return nil
}

func (v view) checkBound(name string, b value) error {
	if a, _ := v.schema.Attribute(name); kind(b) != a.Type {
		return fmt.Errorf("key attribute %s: the value is of type %s, the key's is %s", name, kind(b), a.Type)
	}
	return checkValue(b)
}

// partition collects the items under one partition key, in order.
func (v view) partition(t *table, hash value) []orm.Item {
	if v.index == nil {
		if p, ok := t.partitions[text(hash)]; ok {
			return slices.Clone(p.items)
		}
		return nil
	}
	var out []orm.Item
	for _, p := range t.partitions {
		for _, item := range p.items {
			if h, ok := item[v.hash]; !ok || !equal(h, hash) {
				continue
			}
			if _, ok := item[v.sort]; v.sort == "" || ok { // an index is sparse
				out = append(out, item)
			}
		}
	}
	slices.SortFunc(out, v.order)
	return out
}

// order is by the sort key, then by the table's key, so that it is total.
func (v view) order(a, b orm.Item) int {
	for _, name := range []string{v.sort, v.schema.Hash, v.schema.Sort} {
		if name == "" {
			continue
		}
		if o := order(a[name], b[name]); o != 0 {
			return o
		}
	}
	return 0
}

func (v view) within(r *orm.QueryRequest, item orm.Item) bool {
	return (r.From == nil || order(item[v.sort], r.From) >= 0) && (r.To == nil || order(item[v.sort], r.To) <= 0)
}

// keyOf is what a query needs to go on after the item.
func (v view) keyOf(item orm.Item) orm.Item {
	out := v.schema.KeyOf(item)
	if v.index != nil {
		out[v.hash] = item[v.hash]
		if v.sort != "" {
			out[v.sort] = item[v.sort]
		}
	}
	return out
}

func (v view) project(item orm.Item) orm.Item {
	if v.index == nil || v.index.Projection == orm.ProjectAll {
		return item
	}
	out := v.keyOf(item)
	for _, name := range v.index.Include {
		if av, ok := item[name]; ok {
			out[name] = av
		}
	}
	return out
}
