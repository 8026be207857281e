package orm_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// reserved has names that DynamoDB reserves, or cannot take unaliased.
type reserved struct {
	Name  string `dynamo:"name,hash"`
	Date  string `dynamo:"date,range"`
	Size  string `dynamo:"size" index:"by_size,hash"`
	Count int64  `dynamo:"count" index:"by_size,range"`
}

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

func set(v ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: v} }
func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}
func object(v orm.Item) types.AttributeValue { return &types.AttributeValueMemberM{Value: v} }

// attributes are the names of a random expression, each of one type.
var attributes = map[string]string{
	"status": "S", "first name": "S", "a.b": "S", "c-d": "S", "1st": "S", "#0": "S", ":0": "S", "ä": "S", "and": "S",
	"number": "N", "values": "SS", "list": "L", "map": "M",
}

func draw(t *rapid.T, kind string) string {
	var of []string
	for name, k := range attributes {
		if k == kind {
			of = append(of, name)
		}
	}
	slices.Sort(of) // a map has no order, and a seed must give the same run
	return rapid.SampledFrom(of).Draw(t, kind)
}

func condition(depth int) *rapid.Generator[*orm.Cond] {
	return rapid.Custom(func(t *rapid.T) *orm.Cond {
		if depth > 0 && rapid.Bool().Draw(t, "joined") {
			c := &orm.Cond{Op: rapid.SampledFrom([]orm.CondOp{orm.CondAnd, orm.CondOr, orm.CondNot}).Draw(t, "word")}
			n := 1
			if c.Op != orm.CondNot {
				n = rapid.IntRange(1, 3).Draw(t, "of")
			}
			c.Of = rapid.SliceOfN(condition(depth-1), n, n).Draw(t, "conditions")
			return c
		}
		c := &orm.Cond{Op: orm.CondOp(rapid.IntRange(int(orm.CondEq), int(orm.CondContains)).Draw(t, "op"))}
		c.Path = draw(t, "S")
		one, two := s("a"), s("b")
		switch rapid.IntRange(0, 3).Draw(t, "of what") {
		case 1:
			c.Path, c.Into = "map", []orm.Step{{Name: rapid.SampledFrom([]string{"size", "x y", "status"}).Draw(t, "entry")}}
		case 2:
			c.Path, c.Into = "list", []orm.Step{{Index: rapid.IntRange(0, 3).Draw(t, "element")}, {Name: "name"}}
		case 3:
			if c.Op <= orm.CondIn {
				c.Path, c.Size, one, two = draw(t, rapid.SampledFrom([]string{"S", "SS", "L", "M"}).Draw(t, "type")), true, n("1"), n("2")
			}
		}
		switch c.Op {
		case orm.CondExists, orm.CondNotExists:
		case orm.CondBetween:
			c.Values = []types.AttributeValue{one, two}
		case orm.CondIn:
			c.Values = []types.AttributeValue{one, two, one}
		default:
			c.Values = []types.AttributeValue{one}
		}
		return c
	})
}

// changes are of one attribute each, so that no two overlap.
func changes(t *rapid.T) []orm.Change {
	var all []orm.Change
	for _, name := range []string{"status", "first name", "a.b", "c-d", "1st", "#0", ":0", "ä", "and"} {
		switch rapid.IntRange(0, 5).Draw(t, name) {
		case 0:
			all = append(all, orm.Change{Op: orm.ChangeSet, Path: name, Value: s("a")})
		case 1:
			all = append(all, orm.Change{Op: orm.ChangeRemove, Path: name})
		case 2:
			all = append(all, orm.Change{Op: orm.ChangeSetIfNotExists, Path: name, Value: s("b")})
		}
	}
	for _, c := range []orm.Change{
		{Op: orm.ChangeAdd, Path: "number", Value: n("1")},
		{Op: orm.ChangeIncrement, Path: "map", Into: []orm.Step{{Name: "count"}}, Value: n("-1")},
		{Op: orm.ChangeSet, Path: "map", Into: []orm.Step{{Name: "x y"}}, Value: s("b")},
		{Op: orm.ChangeSetIfNotExists, Path: "map", Into: []orm.Step{{Name: "size"}}, Value: s("c")},
		{Op: orm.ChangeRemove, Path: "map", Into: []orm.Step{{Name: "status"}}},
		{Op: orm.ChangeAppend, Path: "list", Value: list(object(orm.Item{"name": s("z")}))},
		{Op: orm.ChangePrepend, Path: "new list", Value: list(n("1"))},
		{Op: orm.ChangeAppend, Path: "map", Into: []orm.Step{{Name: "inner"}}, Value: list(n("2"))},
		{Op: orm.ChangeDelete, Path: "values", Value: set("a")},
		{Op: orm.ChangeAdd, Path: "more values", Value: set("x", "y")},
	} {
		if rapid.Bool().Draw(t, c.Path) {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		all = append(all, orm.Change{Op: orm.ChangeRemove, Path: "nothing there"})
	}
	return rapid.Permutation(all).Draw(t, "order")
}

// TestExpressionsOnTheEngine gives random, well typed expressions to a real
// engine: it takes every one.
func TestExpressionsOnTheEngine(t *testing.T) {
	table := orm.Define[reserved, orm.Pair[string, string]]("reserved", orm.KeysOnly("by_size"))
	store := ormtest.StartEngine(t).Store(t, table)
	ctx := context.Background()
	key := orm.Item{"name": s("n"), "date": s("2026")}
	whole := orm.Item{"name": s("n"), "date": s("2026"), "status": s("a"), "number": n("1"), "values": set("a", "b"),
		"list": list(object(orm.Item{"name": s("a")})), "map": object(orm.Item{"size": s("a"), "status": s("b")})}
	if _, err := store.Do(ctx, orm.Action{Op: orm.OpPut, Table: table.Schema(), Item: whole}); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := orm.Action{Op: orm.OpUpdate, Table: table.Schema(), Key: key, Changes: changes(t)}
		if rapid.Bool().Draw(t, "conditional") {
			a.If = condition(3).Draw(t, "if")
		}
		var err error
		if rapid.Bool().Draw(t, "in a transaction") {
			err = store.Transact(ctx, "", []orm.Action{a})
		} else {
			_, err = store.Do(ctx, a)
		}
		if err != nil && !errors.Is(err, orm.KindConditionFailed) {
			t.Fatal(err)
		}
		filter := condition(3).Draw(t, "filter")
		pick := rapid.SliceOfN(rapid.SampledFrom([]string{"status", "first name", "a.b", "list", "date"}), 0, 4).Draw(t, "select")
		q := &orm.QueryRequest{Table: table.Schema(), Hash: s("n"), Filter: filter, Select: pick}
		page, err := store.Query(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		scanned, err := store.Scan(ctx, &orm.ScanRequest{Table: table.Schema(), Filter: filter, Select: pick})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(page, scanned) || page.Count != len(page.Items) || page.Scanned != 1 {
			t.Fatalf("the query gives %+v, the scan %+v", page, scanned)
		}
		q.Count = true
		if counted, err := store.Query(ctx, q); err != nil || counted.Count != page.Count || counted.Items != nil {
			t.Fatalf("%d items are counted as %+v, %v", page.Count, counted, err)
		}
	})
}

// TestRequestsOnTheEngine: what the requests of each kind do on a real engine.
func TestRequestsOnTheEngine(t *testing.T) {
	table := orm.Define[reserved, orm.Pair[string, string]]("reserved", orm.KeysOnly("by_size"))
	store := ormtest.StartEngine(t).Store(t, table)
	schema := table.Schema()
	ctx, used := orm.WithCapacity(t.Context())
	key := func(i int) orm.Item { return orm.Item{"name": s("n"), "date": s(fmt.Sprintf("2026-%02d", i))} }
	var puts []orm.Item
	for i := range 12 {
		item := key(i)
		item["size"], item["count"], item["status"] = s([]string{"S", "XL"}[i%2]), n(fmt.Sprint(i)), s(strings.Repeat("x", i))
		puts = append(puts, item)
	}
	if left, err := store.BatchWrite(ctx, &orm.BatchWriteRequest{Table: schema, Puts: puts}); err != nil || len(left.Puts)+len(left.Deletes) > 0 {
		t.Fatal(left, err)
	}
	if left, err := store.BatchWrite(ctx, &orm.BatchWriteRequest{Table: schema, Puts: []orm.Item{puts[10]}, Deletes: []orm.Item{key(11)}}); err != nil || len(left.Puts)+len(left.Deletes) > 0 {
		t.Fatal(left, err)
	}
	got, err := store.BatchGet(ctx, &orm.BatchGetRequest{Table: schema, Keys: []orm.Item{key(3), key(11), key(4)}, Select: []string{"date", "count"}})
	if err != nil || len(got.Items) != 2 || len(got.Items[0]) != 2 {
		t.Errorf("batch is %v, %v", got, err)
	}
	items, err := store.TransactGet(ctx, []orm.GetRequest{{Table: schema, Key: key(3), Select: []string{"count"}}, {Table: schema, Key: key(11)}, {Table: schema, Key: key(10)}})
	if err != nil || len(items) != 3 || !reflect.DeepEqual(items[0]["count"], n("3")) || items[0]["status"] != nil || items[1] != nil || !reflect.DeepEqual(items[2], puts[10]) {
		t.Errorf("items are %v, %v", items, err)
	}
	dates := func(q orm.QueryRequest) string {
		t.Helper()
		q.Table, q.Select = schema, []string{"date"}
		if q.Hash == nil {
			q.Hash = s("n")
		}
		page, err := store.Query(ctx, &q)
		if err != nil {
			t.Error(err)
			return ""
		}
		var out []string
		for _, item := range page.Items {
			out = append(out, item["date"].(*types.AttributeValueMemberS).Value[5:])
		}
		return strings.Join(out, " ")
	}
	for _, c := range []struct {
		q    orm.QueryRequest
		want string
	}{
		{orm.QueryRequest{From: s("2026-08"), FromExcluded: true}, "09 10"},
		{orm.QueryRequest{To: s("2026-02"), ToExcluded: true}, "00 01"},
		{orm.QueryRequest{From: s("2026-08"), To: s("2026-09")}, "08 09"},
		{orm.QueryRequest{Prefix: s("2026-1")}, "10"},
		{orm.QueryRequest{Descending: true, Limit: 2, Start: key(5)}, "04 03"},
		{orm.QueryRequest{Filter: &orm.Cond{Op: orm.CondBetween, Path: "status", Size: true, Values: []types.AttributeValue{n("4"), n("5")}}}, "04 05"},
		{orm.QueryRequest{Index: "by_size", Hash: s("XL"), From: n("5"), FromExcluded: true}, "07 09"},
	} {
		if got := dates(c.q); got != c.want {
			t.Errorf("query %+v gives %q, want %q", c.q, got, c.want)
		}
	}
	total := 0
	for segment := range int32(3) {
		page, err := store.Scan(ctx, &orm.ScanRequest{Table: schema, Segment: segment, Segments: 3, Count: true})
		if err != nil {
			t.Fatal(err)
		}
		total += page.Count
	}
	if total != 11 {
		t.Errorf("3 segments count %d items, want 11", total)
	}
	read, write := used.Total()
	if read <= 0 || write < 13 || used.Tables()[0].Table != "reserved" {
		t.Errorf("consumed %+v, want reads, 13 writes at least, by the definition's name", used.Tables())
	}
	if err := second(store.Get(ctx, &orm.GetRequest{Table: schema, Key: key(1), Select: []string{"nothing"}})); err != nil {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }
