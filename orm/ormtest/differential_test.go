package ormtest_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sort"
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

// Few keys, attributes and values, so that they meet.
var (
	rows   = rapid.SampledFrom([]string{"r", "s"})
	cols   = rapid.SampledFrom([]string{"1", "2", "10"})
	paths  = rapid.SampledFrom([]string{"a", "n", "x", "group"})
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
		return &types.AttributeValueMemberS{Value: rapid.SampledFrom([]string{"", "a", "ab", "b", "10"}).Draw(t, "s")}
	})
)

func drawKey(t *rapid.T) orm.Item {
	return orm.Item{"row": &types.AttributeValueMemberS{Value: rows.Draw(t, "row")}, "col": &types.AttributeValueMemberN{Value: cols.Draw(t, "col")}}
}

// drawValue keeps to the types that the attribute may have: where a wrong one is
// noticed, before the condition or after it, engines do not agree.
func drawValue(t *rapid.T, path string) types.AttributeValue {
	if path == "group" { // key of an index
		return &types.AttributeValueMemberS{Value: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "group")}
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

func addable(v types.AttributeValue) bool {
	switch v.(type) {
	case *types.AttributeValueMemberN, *types.AttributeValueMemberSS:
		return true
	}
	return false
}

func drawCond(t *rapid.T, depth int) *orm.Cond {
	op := rapid.SampledFrom([]orm.CondOp{orm.CondEq, orm.CondNe, orm.CondLt, orm.CondLe, orm.CondGt, orm.CondGe, orm.CondIn, orm.CondExists,
		orm.CondNotExists, orm.CondAnd, orm.CondOr, orm.CondNot}).Draw(t, "op")
	c := &orm.Cond{Op: op}
	switch op {
	case orm.CondAnd, orm.CondOr, orm.CondNot:
		if depth == 0 {
			return &orm.Cond{Op: orm.CondExists, Path: paths.Draw(t, "path")}
		}
		c.Of = []*orm.Cond{drawCond(t, depth-1)}
		if op != orm.CondNot {
			c.Of = append(c.Of, drawCond(t, depth-1))
		}
		return c
	case orm.CondIn:
		c.Values = []types.AttributeValue{values.Draw(t, "in"), values.Draw(t, "in")}
	case orm.CondExists, orm.CondNotExists:
	case orm.CondEq, orm.CondNe:
		c.Values = []types.AttributeValue{values.Draw(t, "value")}
	default: // DynamoDB refuses to order by other types than these
		c.Values = []types.AttributeValue{values.Filter(ordered).Draw(t, "value")}
	}
	c.Path = paths.Draw(t, "path")
	return c
}

func drawAction(t *rapid.T) orm.Action {
	a := orm.Action{Table: cells.Schema(), Op: rapid.SampledFrom([]orm.Op{orm.OpPut, orm.OpUpdate, orm.OpDelete, orm.OpCheck}).Draw(t, "action")}
	key := drawKey(t)
	if a.Op == orm.OpCheck || rapid.Bool().Draw(t, "conditional") {
		a.If = drawCond(t, 2)
	}
	if a.Op == orm.OpPut {
		a.Item = key
		for range rapid.IntRange(0, 3).Draw(t, "attributes") {
			path := paths.Draw(t, "path")
			a.Item[path] = drawValue(t, path)
		}
		if rapid.Bool().Draw(t, "ranked") {
			a.Item["rank"] = &types.AttributeValueMemberN{Value: rapid.SampledFrom([]string{"1", "5", "-3"}).Draw(t, "rank")}
		}
		return a
	}
	a.Key = key
	if a.Op == orm.OpUpdate {
		for _, path := range rapid.SliceOfNDistinct(paths, 1, 3, func(s string) string { return s }).Draw(t, "paths") {
			c := orm.Change{Path: path, Op: rapid.SampledFrom([]orm.ChangeOp{orm.ChangeSet, orm.ChangeSetIfNotExists, orm.ChangeAdd, orm.ChangeRemove}).Draw(t, "change")}
			switch {
			case c.Op == orm.ChangeRemove:
			case path == "group":
				c.Op, c.Value = orm.ChangeSet, drawValue(t, path)
			case c.Op == orm.ChangeAdd:
				c.Value = values.Filter(addable).Draw(t, "value")
			default:
				c.Value = drawValue(t, path)
			}
			a.Changes = append(a.Changes, c)
		}
	}
	return a
}

// TestMemoryAgainstEngine does the same random things to both and compares what
// comes back and what is left.
func TestMemoryAgainstEngine(t *testing.T) {
	ctx := context.Background()
	e := ormtest.StartEngine(t)
	rapid.Check(t, func(rt *rapid.T) {
		engine, memory := e.Store(t, cells), ormtest.New()
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			actions := rapid.SliceOfN(rapid.Custom(drawAction), 1, 3).Draw(rt, "actions")
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
		for _, row := range []string{"r", "s"} {
			for _, group := range []string{"", "by_group"} {
				req := &orm.QueryRequest{Table: cells.Schema(), Index: group, Hash: &types.AttributeValueMemberS{Value: row}, Eventual: group != ""}
				if group != "" {
					req.Hash = &types.AttributeValueMemberS{Value: "a"}
				}
				got, err := memory.Query(ctx, req)
				if err != nil {
					rt.Fatal(err)
				}
				want, err := engine.Query(ctx, req)
				if err != nil {
					rt.Fatal(err)
				}
				if group != "" { // items of one sort key have no order of their own in an index
					sortItems(got.Items)
					sortItems(want.Items)
				}
				if show(got.Items) != show(want.Items) {
					rt.Fatalf("memory holds %s\nengine holds %s", show(got.Items), show(want.Items))
				}
			}
		}
	})
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
	case *orm.Cond:
		if x == nil {
			return "always"
		}
		return fmt.Sprintf("(%s op%d %s %s)", x.Path, x.Op, show(x.Values), show(x.Of))
	case orm.Action:
		return fmt.Sprintf("op%d %s %s %s if %s", x.Op, show(x.Key), show(x.Item), show(x.Changes), show(x.If))
	case orm.Change:
		return fmt.Sprintf("%d %s %s", x.Op, x.Path, show(x.Value))
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
