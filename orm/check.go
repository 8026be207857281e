package orm

import (
	"errors"
	"fmt"
	"slices"
)

// The checks here refuse what DynamoDB would refuse whatever is stored. Stores
// call them before they send anything, so that all of them say the same.

// CheckQuery refuses a query that no table answers: without a partition key's
// value, with bounds but no sort key, two bounds of which one is excluded, a
// filter on the keys, attributes that the index does not have.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.FilterExpression.html
func CheckQuery(r *QueryRequest) error {
	v, err := r.Table.view(r.Index)
	if err == nil {
		err = v.checkBounds(r)
	}
	if err == nil {
		err = errors.Join(v.checkSelect(r.Select), v.checkFilter(r.Filter), checkLimit(r.Limit))
	}
	if err != nil {
		return r.wrap().wrong(err)
	}
	return nil
}

func (v view) checkBounds(r *QueryRequest) error {
	between := r.From != nil && r.To != nil
	switch {
	case r.Hash == nil:
		return fmt.Errorf("a query needs the value of the partition key %q", v.hash)
	case v.sort == "" && (r.From != nil || r.To != nil || r.Prefix != nil):
		return fmt.Errorf("a range needs a sort key, and there is none beside %q", v.hash)
	case r.Prefix != nil && (r.From != nil || r.To != nil):
		return fmt.Errorf("a prefix of the sort key %q comes without other bounds", v.sort)
	case between && (r.FromExcluded || r.ToExcluded):
		return fmt.Errorf("a bound of the sort key %q is left out only without another bound: name the next value instead", v.sort)
	}
	return nil
}

// checkFilter refuses a filter on the keys of what is queried.
func (v view) checkFilter(c *Cond) error {
	if c == nil {
		return nil
	}
	if c.Path != "" && (c.Path == v.hash || c.Path == v.sort) {
		return fmt.Errorf("a filter is on other attributes than the keys, and %q is one: use the query's bounds", c.Path)
	}
	for _, one := range c.Of {
		if err := v.checkFilter(one); err != nil {
			return err
		}
	}
	return nil
}

// checkSelect refuses attributes that a global index does not have. A local one
// fetches them from the table.
func (v view) checkSelect(attributes []string) error {
	if !v.global || v.index.Projection == ProjectAll {
		return nil
	}
	for _, a := range attributes {
		if !slices.Contains([]string{v.hash, v.sort, v.table.Hash, v.table.Sort}, a) && !slices.Contains(v.index.Include, a) {
			return fmt.Errorf("index %q does not hold attribute %q: include it with orm.Include, or read it from the table", v.index.Name, a)
		}
	}
	return nil
}

func checkLimit(n int32) error {
	if n < 0 {
		return fmt.Errorf("limit %d is negative: 0 means no limit", n)
	}
	return nil
}

// CheckScan refuses a scan that no table answers: of a segment that there is not,
// or for attributes that the index does not have.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
func CheckScan(r *ScanRequest) error {
	v, err := r.Table.view(r.Index)
	if err == nil {
		err = errors.Join(v.checkSelect(r.Select), checkLimit(r.Limit))
	}
	switch {
	case err != nil:
	case r.Segments < 0 || r.Segments > MaxScanSegments:
		err = fmt.Errorf("%d segments, allowed are 1 to %d, and 0 for a scan in one piece", r.Segments, MaxScanSegments)
	case r.Segment < 0 || r.Segment >= max(r.Segments, 1):
		err = fmt.Errorf("segment %d of %d: they count from 0", r.Segment, r.Segments)
	}
	if err != nil {
		return r.wrap().wrong(err)
	}
	return nil
}

// CheckBatchGet refuses a batch of no or too many keys, or of one key twice.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
func CheckBatchGet(r *BatchGetRequest) error {
	if n := len(r.Keys); n == 0 || n > MaxBatchGet {
		return r.wrap().wrong(tooMany("the batch has %d keys, allowed are 1 to %d", n, MaxBatchGet))
	}
	return twice(r.Table, r.wrap(), slices.Values(r.Keys))
}

// CheckBatchWrite refuses a batch of no or too many writes, or of two on one
// item.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
func CheckBatchWrite(r *BatchWriteRequest) error {
	if n := len(r.Puts) + len(r.Deletes); n == 0 || n > MaxBatchWrite {
		return r.wrap().wrong(tooMany("the batch has %d writes, allowed are 1 to %d", n, MaxBatchWrite))
	}
	return twice(r.Table, r.wrap(), func(yield func(Item) bool) {
		for _, items := range [][]Item{r.Puts, r.Deletes} {
			for _, item := range items {
				if !yield(item) {
					return
				}
			}
		}
	})
}

// twice refuses a batch with two requests on one item. items hold its keys.
func twice(s *Schema, e *Error, items func(yield func(Item) bool)) error {
	seen := map[string]int{}
	n := 0
	for item := range items {
		key := s.keyID(item)
		if before, ok := seen[key]; ok {
			e.Key = s.KeyText(item)
			return e.wrong(fmt.Errorf("requests %d and %d of the batch are on this item, and DynamoDB takes one an item", before, n))
		}
		seen[key] = n
		n++
	}
	return nil
}

// CheckTransactGet refuses no or too many reads, two of one item, and one that
// is not consistent: all items are read as they were at one moment.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
func CheckTransactGet(gets []GetRequest) error {
	if n := len(gets); n == 0 || n > MaxTransactGets {
		return getsError(gets).wrong(tooMany("the transaction reads %d items, allowed are 1 to %d", n, MaxTransactGets))
	}
	seen := make(map[string]int, len(gets))
	for i := range gets {
		g := &gets[i]
		if g.Eventual {
			return g.wrap("transact get").wrong(errors.New("a transaction reads consistently: leave Eventual out"))
		}
		id := g.Table.Name + " " + g.Table.keyID(g.Key)
		if before, ok := seen[id]; ok {
			return g.wrap("transact get").wrong(fmt.Errorf("requests %d and %d of the transaction are for this item, and DynamoDB takes one an item", before, i))
		}
		seen[id] = i
	}
	return nil
}

func getsError(gets []GetRequest) *Error {
	e := &Error{Op: "transact get"}
	for i := range gets {
		e.Table = addName(e.Table, gets[i].Table.Name)
	}
	return e
}

func tooMany(format string, args ...any) error {
	return &Error{Kind: KindTooLarge, Err: fmt.Errorf(format, args...)}
}
