package orm

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// awkward has nothing but names that break other layers: words that DynamoDB
// reserves, blanks, dots, dashes, a leading digit.
var awkward = &Schema{
	Name: "status", Hash: "name", Sort: "date",
	Attributes: []AttributeSchema{{Name: "name", Type: "S"}, {Name: "date", Type: "S"}, {Name: "size", Type: "S"}, {Name: "count", Type: "N"}},
	Indexes: []IndexSchema{
		{Name: "by-size", Hash: "size", Sort: "count", Projection: ProjectKeysOnly},
		{Name: "by.count", Hash: "name", Sort: "count", Local: true, Projection: ProjectAll},
		{Name: "by_state", Hash: "state", Projection: ProjectInclude, Include: []string{"first name"}},
	},
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }

func strs(s ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: s} }

func listOf(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}

func awkwardKey(date string) Item { return Item{"name": str("n"), "date": str(date)} }

// TestEveryRequest holds what is sent to DynamoDB for every kind of request
// against golden files.
func TestEveryRequest(t *testing.T) {
	ctx := context.Background()
	key := awkwardKey("2026")
	update := func(changes ...Change) func(Store) error {
		return func(s Store) error {
			return second(s.Do(ctx, Action{Op: OpUpdate, Table: awkward, Key: key, Changes: changes}))
		}
	}
	check := func(c *Cond) func(Store) error {
		return func(s Store) error {
			return second(s.Do(ctx, Action{Op: OpDelete, Table: awkward, Key: key, If: c}))
		}
	}
	query := func(r QueryRequest) func(Store) error {
		r.Table = awkward
		if r.Hash == nil {
			r.Hash = str("n")
		}
		return func(s Store) error { return second(s.Query(ctx, &r)) }
	}
	scan := func(r ScanRequest) func(Store) error {
		r.Table = awkward
		return func(s Store) error { return second(s.Scan(ctx, &r)) }
	}
	path := []Step{{Name: "a b"}, {Index: 3}, {Name: "size"}, {Index: 0}, {Index: 12}}
	measured, _ := WithCapacity(ctx)

	for name, call := range map[string]func(Store) error{
		"get_select": func(s Store) error {
			return second(s.Get(ctx, &GetRequest{Table: awkward, Key: key, Select: []string{"size", "first name", "size", "a.b"}}))
		},
		"get_capacity": func(s Store) error { return second(s.Get(measured, &GetRequest{Table: awkward, Key: key})) },
		"put":          func(s Store) error { return second(s.Do(ctx, Action{Op: OpPut, Table: awkward, Item: key})) },
		"put_if": func(s Store) error {
			return second(s.Do(ctx, Action{Op: OpPut, Table: awkward, Item: key, If: &Cond{Op: CondNe, Path: "status", Values: []types.AttributeValue{str("x")}}}))
		},
		"put_capacity": func(s Store) error { return second(s.Do(measured, Action{Op: OpPut, Table: awkward, Item: key})) },
		"delete_plain": check(nil),
		"check_capacity": func(s Store) error {
			return second(s.Do(measured, Action{Op: OpCheck, Table: awkward, Key: key, If: &Cond{Op: CondExists, Path: "status"}}))
		},

		// Updates: each clause, each kind of change, paths.
		"update_set":              update(Change{Op: ChangeSet, Path: "status", Value: str("x")}, Change{Op: ChangeSet, Path: "size", Value: num("1")}),
		"update_remove_only":      update(Change{Op: ChangeRemove, Path: "status"}),
		"update_remove_odd_names": update(Change{Op: ChangeRemove, Path: "first name"}, Change{Op: ChangeRemove, Path: "a.b"}, Change{Op: ChangeRemove, Path: "c-d"}, Change{Op: ChangeRemove, Path: "1st"}, Change{Op: ChangeRemove, Path: "#0"}),
		"update_remove_path":      update(Change{Op: ChangeRemove, Path: "data", Into: path}),
		"update_delete":           update(Change{Op: ChangeDelete, Path: "values", Value: strs("a", "b")}),
		"update_add_set":          update(Change{Op: ChangeAdd, Path: "values", Value: strs("a")}),
		"update_append":           update(Change{Op: ChangeAppend, Path: "list", Value: listOf(str("z"))}),
		"update_prepend":          update(Change{Op: ChangePrepend, Path: "list", Value: listOf(str("a"))}),
		"update_append_two":       update(Change{Op: ChangeAppend, Path: "list", Value: listOf(str("z"))}, Change{Op: ChangePrepend, Path: "other", Value: listOf(str("a"))}),
		"update_increment":        update(Change{Op: ChangeIncrement, Path: "count", Into: []Step{{Name: "by"}, {Name: "day"}}, Value: num("-2")}, Change{Op: ChangeIncrement, Path: "total", Into: []Step{{Index: 1}}, Value: num("1")}),
		"update_set_path":         update(Change{Op: ChangeSet, Path: "data", Into: path, Value: str("x")}, Change{Op: ChangeSetIfNotExists, Path: "data", Into: []Step{{Name: "status"}}, Value: str("y")}),
		"update_append_path":      update(Change{Op: ChangeAppend, Path: "data", Into: []Step{{Name: "list"}}, Value: listOf(str("z"))}),
		"update_every_clause":     update(Change{Op: ChangeDelete, Path: "tags", Value: strs("a")}, Change{Op: ChangeRemove, Path: "date of birth"}, Change{Op: ChangeAdd, Path: "count", Value: num("1")}, Change{Op: ChangeSet, Path: "name of", Value: str("x")}, Change{Op: ChangeRemove, Path: "old"}, Change{Op: ChangeAdd, Path: "more", Value: num("2")}, Change{Op: ChangeDelete, Path: "kinds", Value: strs("b")}),
		"update_name_in_condition": func(s Store) error {
			return second(s.Do(ctx, Action{Op: OpUpdate, Table: awkward, Key: key, Changes: []Change{{Op: ChangeSet, Path: "status", Value: str("b")}},
				If: &Cond{Op: CondAnd, Of: []*Cond{{Op: CondEq, Path: "status", Values: []types.AttributeValue{str("a")}}, {Op: CondExists, Path: "data", Into: []Step{{Name: "status"}}}}}}))
		},
		"update_many": update(manyChanges(30)...),

		// Conditions.
		"condition_not_equal":  check(&Cond{Op: CondNe, Path: "status", Values: []types.AttributeValue{str("<>")}}),
		"condition_size":       check(&Cond{Op: CondAnd, Of: []*Cond{{Op: CondGe, Path: "list", Size: true, Values: []types.AttributeValue{num("1")}}, {Op: CondBetween, Path: "data", Into: path, Size: true, Values: []types.AttributeValue{num("1"), num("9")}}, {Op: CondIn, Path: "list", Size: true, Values: []types.AttributeValue{num("1"), num("2")}}}}),
		"condition_path":       check(&Cond{Op: CondOr, Of: []*Cond{{Op: CondEq, Path: "data", Into: path, Values: []types.AttributeValue{str("x")}}, {Op: CondNotExists, Path: "data", Into: []Step{{Name: "gone"}}}, {Op: CondContains, Path: "values", Into: []Step{{Index: 2}}, Values: []types.AttributeValue{str("v")}}, {Op: CondBeginsWith, Path: "data", Into: []Step{{Name: "name"}}, Values: []types.AttributeValue{str("p")}}}}),
		"condition_not_nested": check(&Cond{Op: CondNot, Of: []*Cond{{Op: CondOr, Of: []*Cond{{Op: CondExists, Path: "date"}, {Op: CondNot, Of: []*Cond{{Op: CondExists, Path: "size"}}}}}}}),

		// Queries.
		"query_all":           query(QueryRequest{}),
		"query_from_excluded": query(QueryRequest{From: str("2026"), FromExcluded: true}),
		"query_to_excluded":   query(QueryRequest{To: str("2026"), ToExcluded: true, Descending: true}),
		"query_prefix":        query(QueryRequest{Prefix: str("2026-11")}),
		"query_filter":        query(QueryRequest{Filter: &Cond{Op: CondEq, Path: "status", Values: []types.AttributeValue{str("x")}}, Eventual: true}),
		"query_select":        query(QueryRequest{Select: []string{"status", "first name"}, Filter: &Cond{Op: CondExists, Path: "status"}}),
		"query_count":         query(QueryRequest{Count: true, Select: []string{"status"}, From: str("2026"), To: str("2027")}),
		"query_start":         query(QueryRequest{Start: key, Limit: 3}),
		"query_keys_only":     query(QueryRequest{Index: "by-size", Hash: str("XL"), From: num("3"), Select: []string{"name", "count"}}),
		"query_local":         query(QueryRequest{Index: "by.count", To: num("3"), Select: []string{"status"}}),
		"query_capacity":      func(s Store) error { return second(s.Query(measured, &QueryRequest{Table: awkward, Hash: str("n")})) },

		// Scans.
		"scan":          scan(ScanRequest{}),
		"scan_segment":  scan(ScanRequest{Segment: 0, Segments: 4, Eventual: true, Limit: 7, Start: key}),
		"scan_filter":   scan(ScanRequest{Filter: &Cond{Op: CondGt, Path: "name", Values: []types.AttributeValue{str("m")}}, Select: []string{"name", "values"}}),
		"scan_count":    scan(ScanRequest{Count: true, Filter: &Cond{Op: CondLt, Path: "values", Size: true, Values: []types.AttributeValue{num("3")}}}),
		"scan_index":    scan(ScanRequest{Index: "by_state", Select: []string{"first name", "state", "date"}}),
		"scan_capacity": func(s Store) error { return second(s.Scan(measured, &ScanRequest{Table: awkward})) },

		// Batches and transactions.
		"batch_get": func(s Store) error {
			return second(s.BatchGet(ctx, &BatchGetRequest{Table: awkward, Keys: []Item{key, awkwardKey("2027")}}))
		},
		"batch_get_select": func(s Store) error {
			return second(s.BatchGet(measured, &BatchGetRequest{Table: awkward, Keys: []Item{key}, Select: []string{"name", "date", "status"}, Eventual: true}))
		},
		"batch_write": func(s Store) error {
			return second(s.BatchWrite(ctx, &BatchWriteRequest{Table: awkward, Puts: []Item{{"name": str("n"), "date": str("2026"), "status": str("x")}}, Deletes: []Item{awkwardKey("2027")}}))
		},
		"batch_write_capacity": func(s Store) error {
			return second(s.BatchWrite(measured, &BatchWriteRequest{Table: awkward, Deletes: []Item{key}}))
		},
		"transact_get": func(s Store) error {
			return second(s.TransactGet(ctx, []GetRequest{{Table: awkward, Key: key, Select: []string{"status"}}, {Table: plainTable.Schema(), Key: Item{"id": str("p")}}}))
		},
		"transact_get_capacity": func(s Store) error {
			return second(s.TransactGet(measured, []GetRequest{{Table: awkward, Key: key}, {Table: plainTable.Schema(), Key: Item{"id": str("p")}}}))
		},
		"transact_capacity": func(s Store) error {
			return s.Transact(measured, "token", []Action{{Op: OpPut, Table: awkward, Item: key}, {Op: OpDelete, Table: awkward, Key: awkwardKey("2027"), If: &Cond{Op: CondExists, Path: "status"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := wire{answer: `{"Responses":[{},{}]}`}
			if name == "batch_get" || name == "batch_get_select" {
				w.answer = "{}"
			}
			s, _ := w.store()
			if err := call(s); err != nil {
				t.Fatal(err)
			}
			w.hideTokens()
			golden(t, "request_"+name+".json", w.requests)
		})
	}
}

// hideTokens replaces the SDK's own random tokens.
func (w *wire) hideTokens() {
	for i := range w.requests {
		if m := w.requests[i].Body.(map[string]any); m["ClientRequestToken"] != nil && m["ClientRequestToken"] != "token" {
			m["ClientRequestToken"] = "(random)"
		}
	}
}

func manyChanges(n int) []Change {
	changes := make([]Change, n)
	for i := range changes {
		changes[i] = Change{Op: ChangeSet, Path: "data", Into: []Step{{Index: i}}, Value: num("1")}
		if i%3 == 0 {
			changes[i] = Change{Op: ChangeRemove, Path: string(rune('a'+i%26)) + "-" + string(rune('a'+i/26))}
		}
	}
	return changes
}
