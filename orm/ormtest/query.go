package ormtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
)

// Query implements [orm.Reader].
func (m *Memory) Query(ctx context.Context, r *orm.QueryRequest) (*orm.Page, error) {
	var page *orm.Page
	err := m.call(ctx, Call{Op: "query", Query: r}, func() error {
		if err := orm.CheckQuery(r); err != nil {
			return err
		}
		v := viewOf(r.Table, r.Index)
		if err := v.checkQuery(r); err != nil {
			return &orm.Error{Kind: orm.KindValidation, Op: "query", Table: r.Table.Name, Err: err}
		}
		page = m.query(ctx, v, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

func (m *Memory) query(ctx context.Context, v view, r *orm.QueryRequest) *orm.Page {
	s := v.space(m.table(r.Table))
	p := pager{view: v, filter: r.Filter, names: r.Select, count: r.Count, limit: int(r.Limit)}
	var items []orm.Item
	if in, ok := s.partitions[text(r.Hash)]; ok {
		items = v.between(in.items, r)
	}
	if r.Start != nil {
		after := sort.Search(len(items), func(i int) bool { return s.compare(items[i], r.Start) > 0 })
		if !r.Descending {
			items = items[after:]
		} else {
			items = items[:sort.Search(after, func(i int) bool { return s.compare(items[i], r.Start) >= 0 })]
		}
	}
	for i := range items {
		if r.Descending {
			i = len(items) - 1 - i
		}
		if !p.take(items[i]) {
			break
		}
	}
	return p.done(ctx, r.Eventual)
}

// between is the part of a partition that is within the query's bounds.
func (v view) between(items []orm.Item, r *orm.QueryRequest) []orm.Item {
	// first is the first item whose sort key is beyond a bound, or at it.
	first := func(bound value, at bool) int {
		return sort.Search(len(items), func(i int) bool {
			o := order(items[i][v.sort], bound)
			return o > 0 || at && o == 0
		})
	}
	if r.To != nil {
		items = items[:first(r.To, r.ToExcluded)]
	}
	if r.From != nil {
		items = items[first(r.From, !r.FromExcluded):]
	}
	if r.Prefix != nil {
		items = items[first(r.Prefix, true):]
		items = items[:sort.Search(len(items), func(i int) bool { return !beginsWith(items[i][v.sort], r.Prefix) })]
	}
	return items
}

func beginsWith(v, prefix value) bool {
	switch x := v.(type) {
	case *types.AttributeValueMemberS:
		p, ok := prefix.(*types.AttributeValueMemberS)
		return ok && strings.HasPrefix(x.Value, p.Value)
	case *types.AttributeValueMemberB:
		p, ok := prefix.(*types.AttributeValueMemberB)
		return ok && bytes.HasPrefix(x.Value, p.Value)
	}
	return false
}

func (v view) checkQuery(r *orm.QueryRequest) error {
	if err := v.checkBound(v.hash, r.Hash, maxHashKey); err != nil {
		return err
	}
	for _, b := range []value{r.From, r.To, r.Prefix} {
		if b == nil {
			continue
		}
		if err := v.checkBound(v.sort, b, maxSortKey); err != nil {
			return err
		}
	}
	if r.Prefix != nil && kind(r.Prefix) == "N" {
		return fmt.Errorf("key attribute %s is a number, and numbers have no prefix", v.sort)
	}
	if r.From != nil && r.To != nil && order(r.From, r.To) > 0 {
		return errors.New("the range's lower bound is above its upper bound")
	}
	if err := v.checkStart(r.Start); err != nil {
		return err
	}
	if r.Start != nil && !equal(r.Start[v.hash], r.Hash) {
		return errors.New("the start is in another partition than the query")
	}
	return checkCond(r.Filter)
}

func (v view) checkBound(name string, b value, limit int) error {
	return checkKeyAttribute(v.schema, orm.Item{name: b}, name, limit, true)
}
