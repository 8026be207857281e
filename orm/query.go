package orm

import (
	"context"
	"fmt"
	"iter"
	"reflect"
)

// Range selects a part of a partition.
type Range[S any] struct {
	From, To   *S // inclusive; nil: open
	Descending bool
	Limit      int // items in all; 0: no limit
}

// Query reads the items of one partition in the order of the sort key, strongly
// consistent, page by page as they are asked for: whoever stops early reads no
// further page. The sequence ends after the first error.
func Query[T, H, S any](ctx context.Context, r Reader, t *Table[T, Pair[H, S]], hash H, rg Range[S]) iter.Seq2[T, error] {
	if t.err != nil {
		return failed[T](t.err)
	}
	return query[T](ctx, r, t.plan, QueryRequest{Table: t.schema}, t.plan.hash, t.plan.sort, reflect.ValueOf(&hash).Elem(), rg)
}

func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

func query[T, S any](ctx context.Context, r Reader, p *plan, req QueryRequest, hash, sort *field, value reflect.Value, rg Range[S]) iter.Seq2[T, error] {
	fail := func(attribute string, err error) iter.Seq2[T, error] {
		return failed[T](&Error{Kind: KindValidation, Op: "query", Table: p.schema.Name, Attribute: attribute, Err: err})
	}
	var err error
	if req.Hash, err = hash.keyValue(value); err != nil {
		return fail(hash.name, err)
	}
	if (rg.From != nil || rg.To != nil) && sort == nil {
		return fail("", fmt.Errorf("index %s has no sort key to take a range of", req.Index))
	}
	if rg.From != nil {
		if req.From, err = sort.keyValue(reflect.ValueOf(rg.From).Elem()); err != nil {
			return fail(sort.name, err)
		}
	}
	if rg.To != nil {
		if req.To, err = sort.keyValue(reflect.ValueOf(rg.To).Elem()); err != nil {
			return fail(sort.name, err)
		}
	}
	if rg.Limit < 0 {
		return fail("", fmt.Errorf("limit %d is negative: 0 means no limit", rg.Limit))
	}
	req.Descending = rg.Descending
	return func(yield func(T, error) bool) {
		pages(ctx, r, p, req, rg.Limit, yield)
	}
}

// maxPage is how many items a page is asked for at most. DynamoDB ends one at
// 1 MB anyway.
const maxPage = 1000

func pages[T any](ctx context.Context, r Reader, p *plan, req QueryRequest, limit int, yield func(T, error) bool) {
	var none T
	left := limit
	for {
		if limit > 0 {
			req.Limit = int32(min(left, maxPage))
		}
		page, err := r.Query(ctx, &req)
		if err != nil {
			yield(none, err)
			return
		}
		for _, item := range page.Items {
			if p.isUniqueValue(item) {
				continue
			}
			var out T
			if err := p.decode(item, &out); err != nil {
				yield(none, err)
				return
			}
			if !yield(out, nil) {
				return
			}
			if left--; limit > 0 && left == 0 {
				return
			}
		}
		if page.Next == nil {
			return
		}
		req.Start = page.Next
	}
}
