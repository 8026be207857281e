package ormtest_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type cell struct {
	Row   string `dynamo:"row,hash"`
	Col   int    `dynamo:"col,range"`
	Group string `dynamo:"group" index:"by_group,hash"`
	Rank  int    `dynamo:"rank,omitempty" index:"by_group,range"`
	A     string `dynamo:"a"`
	N     int    `dynamo:"n"`
}

var cells = orm.Define[cell, orm.Pair[string, int]]("cells")

// Few keys, attributes and values, so that they meet. Attribute m is a map and l
// a list, with what is in them.
var (
	rows   = rapid.SampledFrom([]string{"r", "s"})
	cols   = rapid.SampledFrom([]string{"1", "2", "10"})
	paths  = rapid.SampledFrom([]string{"a", "n", "x", "group", "m", "l", "m.k", "m.j", "l.0", "l.1"})
	values = rapid.Custom(func(t *rapid.T) types.AttributeValue {
		switch rapid.IntRange(0, 5).Draw(t, "type") {
		case 0:
			return &types.AttributeValueMemberN{Value: rapid.SampledFrom([]string{"0", "1", "1.0", "-2", "10", "1e1", "0.1", "12345678901234567890123456789012345678"}).Draw(t, "n")}
		case 1:
			return &types.AttributeValueMemberSS{Value: rapid.SampledFrom([][]string{{"a"}, {"a", "b"}, {"b", "a"}}).Draw(t, "ss")}
		case 2:
			return &types.AttributeValueMemberBOOL{Value: rapid.Bool().Draw(t, "bool")}
		case 3:
			return &types.AttributeValueMemberB{Value: rapid.SampledFrom([][]byte{{0}, {1}, {1, 0}}).Draw(t, "b")}
		}
		return &types.AttributeValueMemberS{Value: rapid.SampledFrom([]string{"", "a", "ab", "b", "10", "ä😀"}).Draw(t, "s")}
	})
	maps = rapid.Custom(func(t *rapid.T) types.AttributeValue {
		m := orm.Item{}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"k", "j", "i"}), 0, 3, rapid.ID).Draw(t, "entries") {
			m[name] = values.Draw(t, name)
		}
		return &types.AttributeValueMemberM{Value: m}
	})
	lists = rapid.Custom(func(t *rapid.T) types.AttributeValue {
		return &types.AttributeValueMemberL{Value: rapid.SliceOfN(values, 0, 3).Draw(t, "elements")}
	})
)

// split makes a path of what paths draws.
func split(path string) (attribute string, into []orm.Step) {
	attribute, rest, nested := strings.Cut(path, ".")
	switch {
	case !nested:
		return attribute, nil
	case attribute == "l":
		return attribute, []orm.Step{{Index: int(rest[0] - '0')}}
	}
	return attribute, []orm.Step{{Name: rest}}
}

func drawKey(t *rapid.T) orm.Item {
	return orm.Item{"row": &types.AttributeValueMemberS{Value: rows.Draw(t, "row")}, "col": &types.AttributeValueMemberN{Value: cols.Draw(t, "col")}}
}

// drawValue keeps to the types that the attribute may have: where a wrong one is
// noticed, before the condition or after it, engines do not agree.
func drawValue(t *rapid.T, path string) types.AttributeValue {
	switch path {
	case "group": // key of an index
		return &types.AttributeValueMemberS{Value: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "group")}
	case "m":
		return maps.Draw(t, "map")
	case "l":
		return lists.Draw(t, "list")
	}
	return values.Draw(t, "value")
}

func ordered(v types.AttributeValue) bool {
	switch v.(type) {
	case *types.AttributeValueMemberS, *types.AttributeValueMemberN, *types.AttributeValueMemberB:
		return true
	}
	return false
}

func isSet(v types.AttributeValue) bool {
	_, ok := v.(*types.AttributeValueMemberSS)
	return ok
}

func isNumber(v types.AttributeValue) bool {
	_, ok := v.(*types.AttributeValueMemberN)
	return ok
}

func drawCond(t *rapid.T, depth int) *orm.Cond {
	op := rapid.SampledFrom([]orm.CondOp{orm.CondEq, orm.CondNe, orm.CondLt, orm.CondLe, orm.CondGt, orm.CondGe, orm.CondIn, orm.CondExists,
		orm.CondNotExists, orm.CondBeginsWith, orm.CondContains, orm.CondBetween, orm.CondAnd, orm.CondOr, orm.CondNot}).Draw(t, "op")
	if depth == 0 && op >= orm.CondAnd {
		op = orm.CondExists
	}
	c := &orm.Cond{Op: op}
	switch op {
	case orm.CondAnd, orm.CondOr, orm.CondNot:
		c.Of = []*orm.Cond{drawCond(t, depth-1)}
		if op != orm.CondNot {
			c.Of = append(c.Of, drawCond(t, depth-1))
		}
		return c
	}
	c.Path, c.Into = split(paths.Draw(t, "path"))
	if op <= orm.CondIn && rapid.Bool().Draw(t, "size") {
		c.Size = true
	}
	switch op {
	case orm.CondIn:
		c.Values = []types.AttributeValue{values.Draw(t, "in"), values.Draw(t, "in")}
	case orm.CondExists, orm.CondNotExists:
	case orm.CondEq, orm.CondNe:
		c.Values = []types.AttributeValue{rapid.OneOf(values, maps, lists).Draw(t, "value")}
	case orm.CondContains:
		c.Values = []types.AttributeValue{values.Draw(t, "value")}
	case orm.CondBeginsWith:
		c.Values = []types.AttributeValue{values.Filter(func(v types.AttributeValue) bool { return ordered(v) && !isNumber(v) }).Draw(t, "prefix")}
	case orm.CondBetween: // the bounds are of one type and in order, else DynamoDB refuses them
		bounds := rapid.SampledFrom([][2]string{{"0", "1"}, {"-2", "10"}, {"1", "1.0"}, {"2", "3"}}).Draw(t, "bounds")
		c.Values = []types.AttributeValue{&types.AttributeValueMemberN{Value: bounds[0]}, &types.AttributeValueMemberN{Value: bounds[1]}}
	default: // DynamoDB refuses to order by other types than these
		c.Values = []types.AttributeValue{values.Filter(ordered).Draw(t, "value")}
	}
	return c
}

func drawChange(t *rapid.T, path string) orm.Change {
	c := orm.Change{}
	c.Path, c.Into = split(path)
	ops := []orm.ChangeOp{orm.ChangeSet, orm.ChangeSetIfNotExists, orm.ChangeRemove, orm.ChangeAppend, orm.ChangePrepend, orm.ChangeIncrement}
	switch {
	case path == "group":
		ops = []orm.ChangeOp{orm.ChangeSet, orm.ChangeRemove}
	case path == "m":
		ops = []orm.ChangeOp{orm.ChangeSet, orm.ChangeSetIfNotExists, orm.ChangeRemove}
	case path == "l":
		ops = []orm.ChangeOp{orm.ChangeSet, orm.ChangeSetIfNotExists, orm.ChangeRemove, orm.ChangeAppend, orm.ChangePrepend}
	case c.Into == nil:
		ops = append(ops, orm.ChangeAdd, orm.ChangeDelete) // for top-level attributes only
	}
	c.Op = rapid.SampledFrom(ops).Draw(t, "change")
	switch c.Op {
	case orm.ChangeRemove:
	case orm.ChangeAppend, orm.ChangePrepend:
		c.Value = lists.Draw(t, "list")
	case orm.ChangeIncrement:
		c.Value = values.Filter(isNumber).Draw(t, "number")
	case orm.ChangeAdd:
		c.Value = values.Filter(func(v types.AttributeValue) bool { return isSet(v) || isNumber(v) }).Draw(t, "value")
	case orm.ChangeDelete:
		c.Value = values.Filter(isSet).Draw(t, "set")
	default:
		c.Value = drawValue(t, path)
	}
	return c
}

func drawAction(t *rapid.T) orm.Action {
	a := orm.Action{Table: cells.Schema(), Op: rapid.SampledFrom([]orm.Op{orm.OpPut, orm.OpUpdate, orm.OpUpdate, orm.OpDelete, orm.OpCheck}).Draw(t, "action")}
	key := drawKey(t)
	if a.Op == orm.OpCheck || rapid.Bool().Draw(t, "conditional") {
		a.If = drawCond(t, 2)
	}
	if a.Op == orm.OpPut {
		a.Item = key
		for range rapid.IntRange(0, 4).Draw(t, "attributes") {
			path, _ := split(paths.Draw(t, "path"))
			a.Item[path] = drawValue(t, path)
		}
		if rapid.Bool().Draw(t, "ranked") {
			a.Item["rank"] = &types.AttributeValueMemberN{Value: rapid.SampledFrom([]string{"1", "5", "-3"}).Draw(t, "rank")}
		}
		return a
	}
	a.Key = key
	if a.Op == orm.OpUpdate {
		drawn := rapid.SliceOfNDistinct(paths, 1, 4, rapid.ID).Draw(t, "paths")
		for _, path := range drawn {
			if whole, _, nested := strings.Cut(path, "."); nested && slices.Contains(drawn, whole) {
				continue // paths that overlap are refused: the engine says so later than DynamoDB
			}
			a.Changes = append(a.Changes, drawChange(t, path))
		}
	}
	return a
}

// comparable reports whether the engine does with an update what DynamoDB does.
// What it does otherwise is in engineDifferences.
func comparable(item orm.Item, changes []orm.Change) bool {
	removals := 0
	for _, c := range changes {
		if c.Into == nil {
			continue
		}
		parent, length := item[c.Path], 0
		if l, ok := parent.(*types.AttributeValueMemberL); ok {
			length = len(l.Value)
		}
		if c.Op != orm.ChangeRemove {
			if c.Path == "l" && parent != nil && c.Into[0].Index >= length {
				return false // sets an element beyond the end
			}
			continue
		}
		if item != nil && parent == nil {
			return false // removes within an attribute that is not there
		}
		if c.Path == "l" {
			removals++
		}
	}
	return removals < 2
}

// TestMemoryAgainstEngine does the same random things to both and compares what
// comes back and what is left.
func TestMemoryAgainstEngine(t *testing.T) {
	ctx := context.Background()
	e := ormtest.StartEngine(t)
	rapid.Check(t, func(rt *rapid.T) {
		engine, memory := e.Store(t, cells), ormtest.New()
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			if rapid.IntRange(0, 5).Draw(rt, "batch") == 0 {
				r := drawBatch(rt)
				if got, want := showBatch(memory.BatchWrite(ctx, r)), showBatch(engine.BatchWrite(ctx, r)); got != want {
					rt.Fatalf("memory says %s\nengine says %s\nof a batch of puts %s and deletes %s", got, want, show(r.Puts), show(r.Deletes))
				}
			}
			actions := rapid.SliceOfN(rapid.Custom(drawAction), 1, 3).Draw(rt, "actions")
			for i := range actions {
				if a := &actions[i]; a.Op == orm.OpUpdate && !comparable(must(memory.Get(ctx, &orm.GetRequest{Table: a.Table, Key: a.Key})), a.Changes) {
					a.Op, a.Changes = orm.OpDelete, nil
				}
			}
			var got, want string
			if len(actions) == 1 {
				got, want = outcome(memory.Do(ctx, actions[0])), outcome(engine.Do(ctx, actions[0]))
			} else {
				got, want = outcome(nil, memory.Transact(ctx, "", actions)), outcome(nil, engine.Transact(ctx, "", actions))
			}
			if got != want {
				rt.Fatalf("memory says %s\nengine says %s\nof %s", got, want, show(actions))
			}
		}
		compareReads(ctx, rt, memory, engine)
	})
}

// drawBatch draws puts and deletes of different items.
func drawBatch(t *rapid.T) *orm.BatchWriteRequest {
	r := &orm.BatchWriteRequest{Table: cells.Schema()}
	for _, key := range rapid.SliceOfNDistinct(rapid.Custom(drawKey), 1, 4, func(key orm.Item) string { return show(key) }).Draw(t, "keys") {
		if rapid.Bool().Draw(t, "delete") {
			r.Deletes = append(r.Deletes, key)
			continue
		}
		for range rapid.IntRange(0, 3).Draw(t, "attributes") {
			path, _ := split(paths.Draw(t, "path"))
			key[path] = drawValue(t, path)
		}
		r.Puts = append(r.Puts, key)
	}
	return r
}

func showBatch(r *orm.BatchWriteResult, err error) string {
	if err != nil {
		return outcome(nil, err)
	}
	return fmt.Sprintf("left over: %s %s", show(r.Puts), show(r.Deletes))
}

// compareKeys reads items of both by their keys, those that are not there too.
func compareKeys(ctx context.Context, rt *rapid.T, memory, engine orm.Store) {
	keys := rapid.SliceOfNDistinct(rapid.Custom(drawKey), 1, 6, func(key orm.Item) string { return show(key) }).Draw(rt, "keys")
	// With the keys, as GetBatch asks: without them DynamoDB's answer says not which item is which.
	names := append([]string{"row", "col"}, rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "n", "x", "m", "l", "rank"}), 0, 3, rapid.ID).Draw(rt, "names")...)
	if rapid.Bool().Draw(rt, "all") {
		names = nil
	}
	batch := func(s orm.Store) string {
		got := must(s.BatchGet(ctx, &orm.BatchGetRequest{Table: cells.Schema(), Keys: keys, Select: names}))
		sortItems(got.Items)
		return show(got.Items) + show(got.Unprocessed)
	}
	if got, want := batch(memory), batch(engine); got != want {
		rt.Fatalf("memory's batch is %s\nengine's %s\nof %s", got, want, show(keys))
	}
	gets := make([]orm.GetRequest, len(keys))
	for i, key := range keys {
		gets[i] = orm.GetRequest{Table: cells.Schema(), Key: key, Select: names}
		if got, want := show(must(memory.Get(ctx, &gets[i]))), show(must(engine.Get(ctx, &gets[i]))); got != want {
			rt.Fatalf("memory has %s\nengine has %s\nunder %s", got, want, show(key))
		}
	}
	if got, want := show(must(memory.TransactGet(ctx, gets))), show(must(engine.TransactGet(ctx, gets))); got != want {
		rt.Fatalf("memory's transaction reads %s\nengine's %s\nof %s", got, want, show(keys))
	}
}

// compareIndex reads all pages of a partition of the index. Items of one sort key
// have no order of their own there, so that only what is read is compared.
func compareIndex(ctx context.Context, rt *rapid.T, memory, engine orm.Store) {
	req := orm.QueryRequest{Table: cells.Schema(), Index: "by_group", Hash: &types.AttributeValueMemberS{Value: rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "group")}, Eventual: true,
		Descending: rapid.Bool().Draw(rt, "index descending"), Limit: rapid.Int32Range(0, 3).Draw(rt, "index limit"), Count: rapid.Bool().Draw(rt, "index count")}
	rank := func(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
	switch rapid.IntRange(0, 3).Draw(rt, "index bounds") {
	case 0:
		req.From, req.FromExcluded = rank("1"), rapid.Bool().Draw(rt, "from excluded")
	case 1:
		req.To, req.ToExcluded = rank("1"), rapid.Bool().Draw(rt, "to excluded")
	case 2:
		req.From, req.To = rank("-3"), rank("1")
	}
	all := func(s orm.Store) string {
		r, items, count, scanned := req, []orm.Item(nil), 0, 0
		for {
			page := must(s.Query(ctx, &r))
			items, count, scanned = append(items, page.Items...), count+page.Count, scanned+page.Scanned
			if r.Start = page.Next; r.Start == nil {
				sortItems(items)
				return fmt.Sprintf("%s %d of %d", show(items), count, scanned)
			}
		}
	}
	if got, want := all(memory), all(engine); got != want {
		rt.Fatalf("memory's index holds %s\nengine's %s\nfor %+v", got, want, req)
	}
}

// compareReads queries and scans both, with filters, limits and segments.
func compareReads(ctx context.Context, rt *rapid.T, memory, engine orm.Store) {
	filter := rapid.Custom(func(t *rapid.T) *orm.Cond { return drawCond(t, 1) })
	for _, row := range []string{"r", "s"} {
		req := &orm.QueryRequest{Table: cells.Schema(), Hash: &types.AttributeValueMemberS{Value: row}, Descending: rapid.Bool().Draw(rt, "descending"),
			Limit: rapid.Int32Range(0, 3).Draw(rt, "limit"), Count: rapid.Bool().Draw(rt, "count")}
		if rapid.Bool().Draw(rt, "filtered") {
			req.Filter = filter.Draw(rt, "filter")
		}
		switch bound := (&types.AttributeValueMemberN{Value: cols.Draw(rt, "bound")}); rapid.IntRange(0, 3).Draw(rt, "bounds") {
		case 0:
			req.From, req.FromExcluded = bound, rapid.Bool().Draw(rt, "excluded")
		case 1:
			req.To, req.ToExcluded = bound, rapid.Bool().Draw(rt, "excluded")
		}
		for pages := 0; pages < 10; pages++ {
			got, want := must(memory.Query(ctx, req)), must(engine.Query(ctx, req))
			if showPage(got) != showPage(want) {
				rt.Fatalf("memory answers %s\nengine answers %s\nfilter %s", showPage(got), showPage(want), show(req.Filter))
			}
			if req.Start = got.Next; got.Next == nil {
				break
			}
		}
	}
	for _, group := range []string{"a", "b"} { // items of one sort key have no order of their own in an index
		req := &orm.QueryRequest{Table: cells.Schema(), Index: "by_group", Hash: &types.AttributeValueMemberS{Value: group}, Eventual: true, Filter: filter.Draw(rt, "index filter")}
		if req.Filter.Path == "group" || len(req.Filter.Of) > 0 {
			req.Filter = nil // the index's key may not be filtered by
		}
		got, want := must(memory.Query(ctx, req)), must(engine.Query(ctx, req))
		sortItems(got.Items)
		sortItems(want.Items)
		if showPage(got) != showPage(want) {
			rt.Fatalf("memory's index answers %s\nengine's %s", showPage(got), showPage(want))
		}
	}
	compareIndex(ctx, rt, memory, engine)
	compareKeys(ctx, rt, memory, engine)
	scan := orm.ScanRequest{Table: cells.Schema(), Segments: rapid.Int32Range(1, 3).Draw(rt, "segments"), Filter: filter.Draw(rt, "scan filter"), Limit: rapid.Int32Range(0, 2).Draw(rt, "scan limit")}
	if got, want := showScan(ctx, memory, scan), showScan(ctx, engine, scan); got != want {
		rt.Fatalf("memory holds %s\nengine holds %s\nfilter %s", got, want, show(scan.Filter))
	}
}

func showPage(p *orm.Page) string {
	return fmt.Sprintf("%s %d of %d next %s", show(p.Items), p.Count, p.Scanned, show(p.Next))
}

// showScan reads all segments to their ends.
func showScan(ctx context.Context, s orm.Store, r orm.ScanRequest) string {
	var items []orm.Item
	scanned := 0
	for r.Segment = range r.Segments {
		for r.Start = nil; ; {
			page := must(s.Scan(ctx, &r))
			items = append(items, page.Items...)
			scanned += page.Scanned
			if r.Start = page.Next; page.Next == nil {
				break
			}
		}
	}
	sortItems(items)
	return fmt.Sprintf("%s of %d", show(items), scanned)
}

func sortItems(items []orm.Item) {
	sort.Slice(items, func(i, j int) bool { return show(items[i]) < show(items[j]) })
}

// outcome is what a call came to, for comparison.
func outcome(item orm.Item, err error) string {
	if err == nil {
		return "item " + show(item)
	}
	// Where a wrong value is found, in the request or at its item, is not the same
	// in every engine.
	if errors.Is(err, orm.KindValidation) {
		return "refused"
	}
	var te *orm.TransactionError
	if errors.As(err, &te) {
		out := "cancelled"
		for _, r := range te.Reasons {
			if r == nil {
				out += " | none"
			} else {
				out += fmt.Sprintf(" | %s %s", r.Kind, show(r.Item))
			}
		}
		return out
	}
	e := orm.Errors(err)[0]
	return fmt.Sprintf("%s %s", e.Kind, show(e.Item))
}

// show writes values with numbers by value, sets in order and maps by name.
func show(v any) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case orm.Item:
		if x == nil {
			return "nil"
		}
		names := make([]string, 0, len(x))
		for n := range x {
			names = append(names, n)
		}
		sort.Strings(names)
		out := "{"
		for _, n := range names {
			out += n + "=" + show(x[n]) + " "
		}
		return out + "}"
	case *types.AttributeValueMemberSS:
		s := append([]string(nil), x.Value...)
		sort.Strings(s)
		return fmt.Sprintf("SS%q", s)
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("S%q", x.Value)
	case *types.AttributeValueMemberN:
		return "N" + x.Value
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("B%x", x.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(x.Value)
	case *types.AttributeValueMemberM:
		return show(x.Value)
	case *types.AttributeValueMemberL:
		return show(x.Value)
	case *orm.Cond:
		if x == nil {
			return "always"
		}
		return fmt.Sprintf("(%s%v size:%t op%d %s %s)", x.Path, x.Into, x.Size, x.Op, show(x.Values), show(x.Of))
	case orm.Action:
		return fmt.Sprintf("op%d %s %s %s if %s", x.Op, show(x.Key), show(x.Item), show(x.Changes), show(x.If))
	case orm.Change:
		return fmt.Sprintf("%d %s%v %s", x.Op, x.Path, x.Into, show(x.Value))
	}
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Slice {
		out := "["
		for i := range rv.Len() {
			out += show(rv.Index(i).Interface()) + " "
		}
		return out + "]"
	}
	return fmt.Sprintf("%T", v)
}
