package orm

import (
	"context"
	"reflect"
	"sync"
	"testing"
)

// TestCapacity sums what each kind of answer reports.
func TestCapacity(t *testing.T) {
	key := awkwardKey("2026")
	both := `"ConsumedCapacity":[
		{"TableName":"app-dev-status","CapacityUnits":10,"ReadCapacityUnits":4,"WriteCapacityUnits":6,
			"Table":{"CapacityUnits":8,"ReadCapacityUnits":4,"WriteCapacityUnits":4},
			"GlobalSecondaryIndexes":{"by-size":{"CapacityUnits":2,"WriteCapacityUnits":2}}},
		{"TableName":"app-dev-plain","CapacityUnits":2,"Table":{"CapacityUnits":2}}]`
	for name, c := range map[string]struct {
		answer string
		call   func(context.Context, Store) error
		want   []TableCapacity
	}{
		"get": {`{"ConsumedCapacity":{"TableName":"app-dev-status","CapacityUnits":0.5,"Table":{"CapacityUnits":0.5}}}`,
			func(ctx context.Context, s Store) error {
				return second(s.Get(ctx, &GetRequest{Table: awkward, Key: key}))
			},
			[]TableCapacity{{Table: "status", Read: 0.5}}},
		"query of an index": {`{"ConsumedCapacity":{"TableName":"app-dev-status","CapacityUnits":2.5,"Table":{"CapacityUnits":0},"GlobalSecondaryIndexes":{"by-size":{"CapacityUnits":2.5}}}}`,
			func(ctx context.Context, s Store) error {
				return second(s.Query(ctx, &QueryRequest{Table: awkward, Index: "by-size", Hash: str("n")}))
			},
			[]TableCapacity{{Table: "status"}, {Table: "status", Index: "by-size", Read: 2.5}}},
		"scan, total only": {`{"ConsumedCapacity":{"TableName":"app-dev-status","CapacityUnits":128}}`,
			func(ctx context.Context, s Store) error { return second(s.Scan(ctx, &ScanRequest{Table: awkward})) },
			[]TableCapacity{{Table: "status", Read: 128}}},
		"put": {`{"ConsumedCapacity":{"TableName":"app-dev-status","CapacityUnits":4,"Table":{"CapacityUnits":1},"LocalSecondaryIndexes":{"by.count":{"CapacityUnits":1}},"GlobalSecondaryIndexes":{"by-size":{"CapacityUnits":2}}}}`,
			func(ctx context.Context, s Store) error {
				return second(s.Do(ctx, Action{Op: OpPut, Table: awkward, Item: key}))
			},
			[]TableCapacity{{Table: "status", Write: 1}, {Table: "status", Index: "by-size", Write: 2}, {Table: "status", Index: "by.count", Write: 1}}},
		"update": {`{"ConsumedCapacity":{"TableName":"app-dev-status","CapacityUnits":3,"Table":{"CapacityUnits":3}}}`,
			func(ctx context.Context, s Store) error {
				return second(s.Do(ctx, Action{Op: OpUpdate, Table: awkward, Key: key, Changes: []Change{{Op: ChangeRemove, Path: "a"}}}))
			},
			[]TableCapacity{{Table: "status", Write: 3}}},
		"delete": {`{"ConsumedCapacity":{"TableName":"app-dev-status","CapacityUnits":5,"Table":{"CapacityUnits":5}}}`,
			func(ctx context.Context, s Store) error {
				return second(s.Do(ctx, Action{Op: OpDelete, Table: awkward, Key: key}))
			},
			[]TableCapacity{{Table: "status", Write: 5}}},
		"transact": {"{" + both + "}",
			func(ctx context.Context, s Store) error {
				return s.Transact(ctx, "", []Action{{Op: OpPut, Table: awkward, Item: key}, {Op: OpDelete, Table: plainTable.Schema(), Key: Item{"id": str("p")}}})
			},
			[]TableCapacity{{Table: "plain", Write: 2}, {Table: "status", Read: 4, Write: 4}, {Table: "status", Index: "by-size", Write: 2}}},
		"transact get": {`{"Responses":[{},{}],"ConsumedCapacity":[{"TableName":"app-dev-plain","CapacityUnits":2,"ReadCapacityUnits":2},{"TableName":"app-dev-status","CapacityUnits":4}]}`,
			func(ctx context.Context, s Store) error {
				return second(s.TransactGet(ctx, []GetRequest{{Table: awkward, Key: key}, {Table: plainTable.Schema(), Key: Item{"id": str("p")}}}))
			},
			[]TableCapacity{{Table: "plain", Read: 2}, {Table: "status", Read: 4}}},
		"batch get": {`{"ConsumedCapacity":[{"TableName":"app-dev-status","CapacityUnits":7,"Table":{"CapacityUnits":7}}]}`,
			func(ctx context.Context, s Store) error {
				return second(s.BatchGet(ctx, &BatchGetRequest{Table: awkward, Keys: []Item{key}}))
			},
			[]TableCapacity{{Table: "status", Read: 7}}},
		"batch write": {`{"ConsumedCapacity":[{"TableName":"app-dev-status","CapacityUnits":6,"Table":{"CapacityUnits":4},"GlobalSecondaryIndexes":{"by-size":{"CapacityUnits":2}}}]}`,
			func(ctx context.Context, s Store) error {
				return second(s.BatchWrite(ctx, &BatchWriteRequest{Table: awkward, Puts: []Item{key}}))
			},
			[]TableCapacity{{Table: "status", Write: 4}, {Table: "status", Index: "by-size", Write: 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := wire{answer: c.answer}
			s, _ := w.store()
			ctx, used := WithCapacity(t.Context())
			if err := c.call(ctx, s); err != nil {
				t.Fatal(err)
			}
			if got := used.Tables(); !reflect.DeepEqual(got, c.want) {
				t.Errorf("consumed\n%+v, want\n%+v", got, c.want)
			}
			if err := c.call(ctx, s); err != nil {
				t.Fatal(err)
			}
			for i, got := range used.Tables() {
				if got.Read != 2*c.want[i].Read || got.Write != 2*c.want[i].Write {
					t.Errorf("after two calls consumed %+v, want twice %+v", got, c.want[i])
				}
			}
			if err := c.call(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			if asked := w.requests[2].Body.(map[string]any)["ReturnConsumedCapacity"]; asked != nil {
				t.Errorf("without a collector it asks for capacity: %v", asked)
			}
		})
	}
}

func TestCapacityNests(t *testing.T) {
	outer, all := WithCapacity(t.Context())
	AddCapacity(outer, TableCapacity{Table: "a", Read: 1})
	inner, one := WithCapacity(outer)
	AddCapacity(inner, TableCapacity{Table: "a", Read: 2, Write: 3})
	AddCapacity(t.Context(), TableCapacity{Table: "a", Read: 100})
	if read, write := one.Total(); read != 2 || write != 3 {
		t.Errorf("the inner one has %g and %g, want 2 and 3", read, write)
	}
	if read, write := all.Total(); read != 3 || write != 3 {
		t.Errorf("the outer one has %g and %g, want 3 and 3", read, write)
	}
}

func TestCapacityInParallel(t *testing.T) {
	ctx, used := WithCapacity(t.Context())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				AddCapacity(ctx, TableCapacity{Table: "a", Index: "x", Write: 0.5})
				used.Tables()
			}
		})
	}
	wg.Wait()
	if got, want := used.Tables(), []TableCapacity{{Table: "a", Index: "x", Write: 400}}; !reflect.DeepEqual(got, want) {
		t.Errorf("consumed %+v, want %+v", got, want)
	}
}
