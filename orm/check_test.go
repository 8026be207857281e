package orm

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func manyKeys(n int) []Item {
	keys := make([]Item, n)
	for i := range keys {
		keys[i] = awkwardKey(fmt.Sprint(i))
	}
	return keys
}

func manyGets(n int) []GetRequest {
	gets := make([]GetRequest, n)
	for i, key := range manyKeys(n) {
		gets[i] = GetRequest{Table: awkward, Key: key}
	}
	return gets
}

// TestRefusedRequests is about requests that DynamoDB refuses whatever is stored:
// the store says so, in its words, and sends nothing.
func TestRefusedRequests(t *testing.T) {
	ctx := t.Context()
	query := func(r QueryRequest) func(Store) error {
		r.Table = awkward
		return func(s Store) error { return second(s.Query(ctx, &r)) }
	}
	scan := func(r ScanRequest) func(Store) error {
		r.Table = awkward
		return func(s Store) error { return second(s.Scan(ctx, &r)) }
	}
	get := func(n int) func(Store) error {
		return func(s Store) error {
			return second(s.BatchGet(ctx, &BatchGetRequest{Table: awkward, Keys: manyKeys(n)}))
		}
	}
	write := func(puts, deletes []Item) func(Store) error {
		return func(s Store) error {
			return second(s.BatchWrite(ctx, &BatchWriteRequest{Table: awkward, Puts: puts, Deletes: deletes}))
		}
	}
	transact := func(gets ...GetRequest) func(Store) error {
		return func(s Store) error { return second(s.TransactGet(ctx, gets)) }
	}
	n := str("n")
	for name, c := range map[string]struct {
		call func(Store) error
		kind Kind // empty: taken
		says string
	}{
		"no such index":          {query(QueryRequest{Hash: n, Index: "by_colour"}), KindValidation, `no index "by_colour": it has by-size, by.count, by_state`},
		"no hash":                {query(QueryRequest{}), KindValidation, `the value of the partition key "name"`},
		"range without sort":     {query(QueryRequest{Hash: n, Index: "by_state", From: n}), KindValidation, `a range needs a sort key, and there is none beside "state"`},
		"prefix without sort":    {query(QueryRequest{Hash: n, Index: "by_state", Prefix: n}), KindValidation, "needs a sort key"},
		"prefix and bound":       {query(QueryRequest{Hash: n, Prefix: n, To: n}), KindValidation, "without other bounds"},
		"one of two excluded":    {query(QueryRequest{Hash: n, From: n, To: n, ToExcluded: true}), KindValidation, `sort key "date" is left out only without another bound`},
		"filter on the hash":     {query(QueryRequest{Hash: n, Filter: &Cond{Op: CondExists, Path: "name"}}), KindValidation, `"name" is one: use the query's bounds`},
		"filter on the sort":     {query(QueryRequest{Hash: n, Filter: &Cond{Op: CondNot, Of: []*Cond{{Op: CondExists, Path: "date"}}}}), KindValidation, `"date" is one`},
		"filter on the table's":  {query(QueryRequest{Hash: n, Index: "by-size", Filter: &Cond{Op: CondExists, Path: "date"}}), "", ""},
		"filter on the index's":  {query(QueryRequest{Hash: n, Index: "by-size", Filter: &Cond{Op: CondExists, Path: "count"}}), KindValidation, `"count" is one`},
		"negative limit":         {query(QueryRequest{Hash: n, Limit: -1}), KindValidation, "limit -1 is negative"},
		"not in the index":       {query(QueryRequest{Hash: n, Index: "by-size", Select: []string{"date", "first name"}}), KindValidation, `index "by-size" does not hold attribute "first name"`},
		"in the index":           {query(QueryRequest{Hash: n, Index: "by_state", Select: []string{"date", "first name", "state", "name"}}), "", ""},
		"local, from the table":  {query(QueryRequest{Hash: n, Index: "by.count", Select: []string{"anything"}}), "", ""},
		"scan of no index":       {scan(ScanRequest{Index: "x"}), KindValidation, `no index "x"`},
		"scan, not in the index": {scan(ScanRequest{Index: "by-size", Select: []string{"x"}}), KindValidation, `does not hold attribute "x"`},
		"segment too high":       {scan(ScanRequest{Segment: 4, Segments: 4}), KindValidation, "segment 4 of 4: they count from 0"},
		"segment of none":        {scan(ScanRequest{Segment: 1}), KindValidation, "segment 1 of 0"},
		"negative segment":       {scan(ScanRequest{Segment: -1, Segments: 4}), KindValidation, "segment -1 of 4"},
		"negative segments":      {scan(ScanRequest{Segments: -4}), KindValidation, "-4 segments, allowed are 1 to 1000000"},
		"too many segments":      {scan(ScanRequest{Segments: 1_000_001}), KindValidation, "1000001 segments"},
		"one segment":            {scan(ScanRequest{Segments: 1}), "", ""},
		"scan, negative limit":   {scan(ScanRequest{Limit: -2}), KindValidation, "limit -2 is negative"},
		"get of none":            {get(0), KindTooLarge, "the batch has 0 keys, allowed are 1 to 100"},
		"get of 100":             {get(100), "", ""},
		"get of 101":             {get(101), KindTooLarge, "the batch has 101 keys"},
		"get twice": {func(s Store) error {
			return second(s.BatchGet(ctx, &BatchGetRequest{Table: awkward, Keys: append(manyKeys(3), awkwardKey("1"))}))
		}, KindValidation, `batch get status "n", "1": validation: requests 1 and 3 of the batch are on this item`},
		"write of none":          {write(nil, nil), KindTooLarge, "the batch has 0 writes, allowed are 1 to 25"},
		"write of 25":            {write(manyKeys(20), manyKeys(25)[20:]), "", ""},
		"write of 26":            {write(manyKeys(20), manyKeys(26)[20:]), KindTooLarge, "the batch has 26 writes"},
		"put and delete":         {write(manyKeys(2), manyKeys(1)), KindValidation, `batch write status "n", "0": validation: requests 0 and 2`},
		"transact get of none":   {transact(), KindTooLarge, "reads 0 items, allowed are 1 to 100"},
		"transact get of 101":    {transact(manyGets(101)...), KindTooLarge, "transact get status: too large: the transaction reads 101 items"},
		"transact get twice":     {transact(append(manyGets(2), manyGets(1)...)...), KindValidation, `transact get status "n", "0": validation: requests 0 and 2 of the transaction`},
		"transact get, eventual": {transact(GetRequest{Table: awkward, Key: awkwardKey("1"), Eventual: true}), KindValidation, "leave Eventual out"},
		"transact get, no name":  {transact(GetRequest{Table: awkward, Key: awkwardKey("1"), Select: []string{""}}), KindValidation, "an attribute without a name"},
		"get, no name": {func(s Store) error {
			return second(s.Get(ctx, &GetRequest{Table: awkward, Key: awkwardKey("1"), Select: []string{""}}))
		}, KindValidation, `get status "n", "1": validation: an attribute without a name`},
		"wrong filter":            {scan(ScanRequest{Filter: &Cond{Op: CondEq, Path: "a"}}), KindValidation, "scan status: validation: condition on"},
		"wrong filter of a query": {query(QueryRequest{Hash: n, Filter: &Cond{Op: CondEq, Path: "a"}}), KindValidation, `query status "n": validation: condition on`},
	} {
		t.Run(name, func(t *testing.T) {
			w := wire{answer: "{}"}
			s, _ := w.store()
			err := c.call(s)
			if c.kind == "" {
				if err != nil || len(w.requests) != 1 {
					t.Errorf("error is %v after %d requests, want it taken", err, len(w.requests))
				}
				return
			}
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want kind %q and %q", err, c.kind, c.says)
			}
			if len(w.requests) > 0 {
				t.Error("it was sent")
			}
		})
	}
}

// TestHiddenKeys: keys that are not to be shown are told apart all the same, and
// no error shows them.
func TestHiddenKeys(t *testing.T) {
	secret := &Schema{Name: "secret", Hash: "token", Attributes: []AttributeSchema{{Name: "token", Type: "S", Masked: true}}}
	keys := []Item{{"token": str("abc")}, {"token": str("def")}}
	w := wire{answer: `{"Responses":[{},{}]}`}
	s, _ := w.store()
	if err := second(s.TransactGet(t.Context(), []GetRequest{{Table: secret, Key: keys[0]}, {Table: secret, Key: keys[1]}})); err != nil {
		t.Error(err)
	}
	w.answer = "{}"
	if err := second(s.BatchWrite(t.Context(), &BatchWriteRequest{Table: secret, Deletes: keys})); err != nil {
		t.Error(err)
	}
	if err := s.Transact(t.Context(), "", []Action{{Op: OpDelete, Table: secret, Key: keys[0]}, {Op: OpDelete, Table: secret, Key: keys[1]}}); err != nil {
		t.Error(err)
	}
	err := second(s.Query(t.Context(), &QueryRequest{Table: secret, Hash: str("abc"), Limit: -1}))
	if err == nil || strings.Contains(err.Error(), "abc") || !strings.Contains(err.Error(), "query secret ***") {
		t.Errorf("error is %v, want one without the key", err)
	}
}
