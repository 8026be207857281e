package orm

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Get implements [Reader] by GetItem.
func (s *store) Get(ctx context.Context, r *GetRequest) (Item, error) {
	in, err := s.get(r)
	if err != nil {
		return nil, r.wrap("get").wrong(err)
	}
	in.ReturnConsumedCapacity = askCapacity(ctx)
	out, err := s.client.GetItem(ctx, in)
	if err != nil {
		return nil, s.failure(err, r.wrap("get"))
	}
	consumed(ctx, reads, r.Table.Name, out.ConsumedCapacity)
	return r.found(out.Item), nil
}

// found is the item of an answer, nil when there was none. One that has none of
// the attributes that were asked for is there, and empty.
func (r *GetRequest) found(item Item) Item {
	if len(item) == 0 && len(r.Select) == 0 {
		return nil // every item has its key
	}
	return item
}

func (r *GetRequest) wrap(op string) *Error {
	return &Error{Op: op, Table: r.Table.Name, Key: r.Table.KeyText(r.Key)}
}

// Query implements [Reader] by Query.
func (s *store) Query(ctx context.Context, r *QueryRequest) (*Page, error) {
	if err := CheckQuery(r); err != nil {
		return nil, err
	}
	in, err := s.query(r)
	if err != nil {
		return nil, r.wrap().wrong(err)
	}
	in.ReturnConsumedCapacity = askCapacity(ctx)
	out, err := s.client.Query(ctx, in)
	if err != nil {
		return nil, s.failure(err, r.wrap())
	}
	consumed(ctx, reads, r.Table.Name, out.ConsumedCapacity)
	return page(out.Items, out.LastEvaluatedKey, out.Count, out.ScannedCount, r.Count), nil
}

func (r *QueryRequest) wrap() *Error {
	e := &Error{Op: "query", Table: r.Table.Name}
	if v, err := r.Table.view(r.Index); err == nil {
		e.Key = valueText(r.Hash)
		if a, _ := r.Table.Attribute(v.hash); a.Masked || a.Hidden {
			e.Key = maskText
		}
	}
	return e
}

// Scan implements [Reader] by Scan.
func (s *store) Scan(ctx context.Context, r *ScanRequest) (*Page, error) {
	if err := CheckScan(r); err != nil {
		return nil, err
	}
	in, err := s.scan(r)
	if err != nil {
		return nil, r.wrap().wrong(err)
	}
	in.ReturnConsumedCapacity = askCapacity(ctx)
	out, err := s.client.Scan(ctx, in)
	if err != nil {
		return nil, s.failure(err, r.wrap())
	}
	consumed(ctx, reads, r.Table.Name, out.ConsumedCapacity)
	return page(out.Items, out.LastEvaluatedKey, out.Count, out.ScannedCount, r.Count), nil
}

func (r *ScanRequest) wrap() *Error { return &Error{Op: "scan", Table: r.Table.Name} }

func page(items []Item, next Item, count, scanned int32, countOnly bool) *Page {
	p := &Page{Items: items, Count: int(count), Scanned: int(scanned)}
	if len(next) > 0 {
		p.Next = next
	}
	if countOnly {
		p.Items = nil
	}
	return p
}

// TransactGet implements [Reader] by TransactGetItems.
func (s *store) TransactGet(ctx context.Context, gets []GetRequest) ([]Item, error) {
	if err := CheckTransactGet(gets); err != nil {
		return nil, err
	}
	in, err := s.transactGet(gets)
	if err != nil {
		return nil, getsError(gets).wrong(err)
	}
	in.ReturnConsumedCapacity = askTotal(ctx)
	out, err := s.client.TransactGetItems(ctx, in)
	if err != nil {
		if e := cancelled(err, len(gets), func(i int, _ *types.CancellationReason) *Error { return gets[i].wrap("transact get") }); e != nil {
			return nil, e
		}
		return nil, s.failure(err, getsError(gets))
	}
	s.consumedAll(ctx, reads, out.ConsumedCapacity, func(yield func(*Schema) bool) {
		for i := range gets {
			if !yield(gets[i].Table) {
				return
			}
		}
	})
	if len(out.Responses) != len(gets) {
		return nil, s.failure(fmt.Errorf("the answer has %d items for %d requests", len(out.Responses), len(gets)), getsError(gets))
	}
	items := make([]Item, len(gets))
	for i := range items {
		items[i] = gets[i].found(out.Responses[i].Item)
	}
	return items, nil
}
