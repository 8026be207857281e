package ormtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

func cond(op orm.CondOp, path string, into []orm.Step, v ...value) *orm.Cond {
	return &orm.Cond{Op: op, Path: path, Into: into, Values: v}
}

func sized(op orm.CondOp, path string, into []orm.Step, v ...value) *orm.Cond {
	return &orm.Cond{Op: op, Path: path, Into: into, Size: true, Values: v}
}

func steps(s ...orm.Step) []orm.Step { return s }

// nestedItem is what the conditions below are about.
func nestedItem() orm.Item {
	return orm.Item{
		"m": mapOf(orm.Item{"k": num("1.0"), "s": str("banana"), "set": strs("x", "y"), "nil": null(), "m": mapOf(orm.Item{"a.b": str("dot")})}),
		"l": seq(mapOf(orm.Item{"x": str("y")}), seq(num("7"), num("8")), str("text")),
		"s": str("hello"), "wide": str("häß😀"), "b": bin("\x00\x01\x02"), "n": num("12345"), "yes": truth(true), "nil": null(),
		"ss": strs("a", "b"), "ns": nums("1", "2", "3"), "bs": bins("a"), "empty": str(""), "none": seq(), "nothing": mapOf(orm.Item{}),
	}
}

var pathConditions = []struct {
	name string
	cond *orm.Cond
	want bool
}{
	{"entry is", cond(orm.CondEq, "m", steps(entryOf("k")), num("1")), true},
	{"entry is not", cond(orm.CondNe, "m", steps(entryOf("k")), num("1")), false},
	{"absent entry is", cond(orm.CondEq, "m", steps(entryOf("z")), num("1")), false},
	{"absent entry is not", cond(orm.CondNe, "m", steps(entryOf("z")), num("1")), true},
	{"entry of an absent map is not", cond(orm.CondNe, "z", steps(entryOf("z")), num("1")), true},
	{"entry is less", cond(orm.CondLt, "m", steps(entryOf("k")), num("2")), true},
	{"entry is between", cond(orm.CondBetween, "m", steps(entryOf("k")), num("0"), num("1")), true},
	{"entry is in", cond(orm.CondIn, "m", steps(entryOf("s")), str("apple"), str("banana")), true},
	{"entry exists", cond(orm.CondExists, "m", steps(entryOf("nil"))), true},
	{"absent entry exists", cond(orm.CondExists, "m", steps(entryOf("z"))), false},
	{"absent entry does not exist", cond(orm.CondNotExists, "m", steps(entryOf("z"))), true},
	{"entry within an absent entry does not exist", cond(orm.CondNotExists, "m", steps(entryOf("z"), entryOf("z"))), true},
	{"entry of text does not exist", cond(orm.CondNotExists, "s", steps(entryOf("z"))), true},
	{"element of a map does not exist", cond(orm.CondNotExists, "m", steps(element(0))), true},
	{"entry of a list does not exist", cond(orm.CondNotExists, "l", steps(entryOf("x"))), true},
	{"entry begins", cond(orm.CondBeginsWith, "m", steps(entryOf("s")), str("ban")), true},
	{"entry contains", cond(orm.CondContains, "m", steps(entryOf("s")), str("nan")), true},
	{"entry that is a set contains", cond(orm.CondContains, "m", steps(entryOf("set")), str("y")), true},
	{"entry with a dot in its name", cond(orm.CondEq, "m", steps(entryOf("m"), entryOf("a.b")), str("dot")), true},
	{"entry of an element", cond(orm.CondEq, "l", steps(element(0), entryOf("x")), str("y")), true},
	{"element of an element", cond(orm.CondEq, "l", steps(element(1), element(1)), num("8")), true},
	{"element beyond the end", cond(orm.CondExists, "l", steps(element(3))), false},
	{"element of text", cond(orm.CondExists, "l", steps(element(2), element(0))), false},

	{"bytes contain bytes", cond(orm.CondContains, "b", nil, bin("\x01\x02")), true},
	{"bytes contain other bytes", cond(orm.CondContains, "b", nil, bin("\x02\x01")), false},
	{"a set of binaries contains one", cond(orm.CondContains, "bs", nil, bin("a")), true},
	{"a set contains no set", cond(orm.CondContains, "ss", nil, strs("a")), false},
	{"a map contains nothing", cond(orm.CondContains, "m", nil, str("k")), false},

	{"size of text", sized(orm.CondEq, "s", nil, num("5")), true},
	{"size of no text", sized(orm.CondEq, "empty", nil, num("0")), true},
	{"size of wide text", sized(orm.CondEq, "wide", nil, num("5")), true}, // units of UTF-16
	{"size of bytes", sized(orm.CondEq, "b", nil, num("3")), true},
	{"size of a set of strings", sized(orm.CondEq, "ss", nil, num("2")), true},
	{"size of a set of numbers", sized(orm.CondEq, "ns", nil, num("3.0")), true},
	{"size of a set of binaries", sized(orm.CondEq, "bs", nil, num("1")), true},
	{"size of a list", sized(orm.CondEq, "l", nil, num("3")), true},
	{"size of an empty list", sized(orm.CondEq, "none", nil, num("0")), true},
	{"size of a map", sized(orm.CondEq, "m", nil, num("5")), true},
	{"size of an empty map", sized(orm.CondEq, "nothing", nil, num("0")), true},
	{"size of an entry", sized(orm.CondEq, "m", steps(entryOf("s")), num("6")), true},
	{"size of an element", sized(orm.CondEq, "l", steps(element(1)), num("2")), true},
	{"size is more", sized(orm.CondGt, "s", nil, num("4.5")), true},
	{"size is no more", sized(orm.CondGt, "s", nil, num("5")), false},
	{"size is at least", sized(orm.CondGe, "s", nil, num("5")), true},
	{"size is less", sized(orm.CondLt, "s", nil, num("10")), true}, // not as text
	{"size is at most", sized(orm.CondLe, "s", nil, num("4")), false},
	{"size is not", sized(orm.CondNe, "s", nil, num("4")), true},
	{"size is between", sized(orm.CondBetween, "s", nil, num("5"), num("6")), true},
	{"size is in", sized(orm.CondIn, "s", nil, num("1"), num("5")), true},
	{"size is text", sized(orm.CondEq, "s", nil, str("5")), false},
	{"size of a number is", sized(orm.CondEq, "n", nil, num("5")), false},
	{"size of a number is less", sized(orm.CondLt, "n", nil, num("100")), false},
	{"size of a number is at least", sized(orm.CondGe, "n", nil, num("0")), false},
	{"size of a boolean is", sized(orm.CondEq, "yes", nil, num("1")), false},
	{"size of null is", sized(orm.CondEq, "nil", nil, num("1")), false},
	{"size of an absent attribute is", sized(orm.CondEq, "z", nil, num("0")), false},
	{"size of an absent attribute is less", sized(orm.CondLt, "z", nil, num("1")), false},
}

// testPaths holds each condition as that of a write.
func testPaths(t *testing.T, s *raw) {
	ctx := context.Background()
	table := docs()
	st := s.newStore(t, table)
	put(t, st, table, withKey("a", nestedItem()))
	for _, c := range pathConditions {
		t.Run(c.name, func(t *testing.T) {
			_, err := st.Do(ctx, orm.Action{Op: orm.OpCheck, Table: &table.schema, Key: orm.Item{"id": str("a")}, If: c.cond})
			s.check(t, "condition/"+c.name, holding(err == nil, c.want, err, orm.KindConditionFailed))
		})
	}
}

func holding(got, want bool, err error, other orm.Kind) error {
	if err != nil && !errors.Is(err, other) {
		return err
	}
	if got != want {
		return fmt.Errorf("it holds: %v, want %v", got, want)
	}
	return nil
}

// testFilters holds each condition as a filter, of a query and of a scan, which
// see the same.
func testFilters(t *testing.T, s *raw) {
	ctx := context.Background()
	table := rows()
	st := s.newStore(t, table)
	item := nestedItem()
	item["p"] = str("p")
	delete(item, "n") // is the sort key here
	item["n"] = num("5")
	put(t, st, table, item, orm.Item{"p": str("q"), "n": num("1")})
	for _, c := range pathConditions {
		if c.cond.Path == "n" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			page, err := st.Query(ctx, &orm.QueryRequest{Table: &table.schema, Hash: str("p"), Filter: c.cond})
			if err == nil {
				err = holding(page.Count == 1 && len(page.Items) == 1, c.want, nil, "")
			}
			if err == nil && page.Scanned != 1 {
				err = fmt.Errorf("the query looked at %d items, want 1", page.Scanned)
			}
			s.check(t, "condition/"+c.name, err)
			page, err = st.Scan(ctx, &orm.ScanRequest{Table: &table.schema, Filter: c.cond})
			if err == nil {
				found := slices.ContainsFunc(page.Items, func(item orm.Item) bool { return equal(item["p"], str("p")) })
				err = holding(found, c.want, nil, "")
			}
			if err == nil && page.Scanned != 2 {
				err = fmt.Errorf("the scan looked at %d items, want 2", page.Scanned)
			}
			s.check(t, "condition/"+c.name, err)
		})
	}
}

var refusedConditions = []struct {
	name string
	cond *orm.Cond
}{
	{"list by order", cond(orm.CondLt, "a", nil, seq(num("1")))},
	{"boolean by order", cond(orm.CondGe, "a", nil, truth(true))},
	{"set by order", cond(orm.CondGt, "a", nil, strs("x"))},
	{"between maps", cond(orm.CondBetween, "a", nil, mapOf(orm.Item{}), mapOf(orm.Item{}))},
	{"between types", cond(orm.CondBetween, "a", nil, num("1"), str("2"))},
	{"between the wrong way", cond(orm.CondBetween, "a", nil, num("2"), num("1"))},
	{"begins with a number", cond(orm.CondBeginsWith, "a", nil, num("1"))},
	{"101 values", cond(orm.CondIn, "a", nil, slices.Repeat([]value{num("1")}, 101)...)},
	{"no values", cond(orm.CondIn, "a", nil)},
	{"no value", cond(orm.CondEq, "a", nil)},
	{"two values", cond(orm.CondEq, "a", nil, num("1"), num("2"))},
	{"an empty set", cond(orm.CondEq, "a", nil, strs())},
	{"no number", cond(orm.CondEq, "a", nil, num("one"))},
	{"no attribute", cond(orm.CondEq, "", nil, num("1"))},
	{"a negative element", cond(orm.CondEq, "a", steps(element(-1)), num("1"))},
	{"33 levels", cond(orm.CondExists, "a", elements(32))},
	{"a size that exists", sized(orm.CondExists, "a", nil)},
	{"a size that begins", sized(orm.CondBeginsWith, "a", nil, str("1"))},
	{"a size that contains", sized(orm.CondContains, "a", nil, num("1"))},
	{"an unknown operator", cond(orm.CondNot+1, "a", nil, num("1"))},
	{"and of nothing", &orm.Cond{Op: orm.CondAnd}},
	{"or of nothing", &orm.Cond{Op: orm.CondOr}},
	{"not of two", &orm.Cond{Op: orm.CondNot, Of: []*orm.Cond{cond(orm.CondExists, "a", nil), cond(orm.CondExists, "b", nil)}}},
	{"and of a refused one", &orm.Cond{Op: orm.CondAnd, Of: []*orm.Cond{cond(orm.CondExists, "a", nil), cond(orm.CondLt, "a", nil, truth(true))}}},
}

// testRefusedConditions: what is wrong with a condition does not depend on what
// is stored, so an empty table refuses it too.
func testRefusedConditions(t *testing.T, s *raw) {
	ctx := context.Background()
	table := rows()
	st := s.newStore(t, table)
	key := orm.Item{"p": str("p"), "n": num("1")}
	for _, c := range refusedConditions {
		t.Run(c.name, func(t *testing.T) {
			_, err := st.Do(ctx, orm.Action{Op: orm.OpDelete, Table: &table.schema, Key: key, If: c.cond})
			s.check(t, "refused condition/"+c.name, ofKind(err, orm.KindValidation))
			_, err = st.Query(ctx, &orm.QueryRequest{Table: &table.schema, Hash: str("p"), Filter: c.cond})
			s.check(t, "refused filter/"+c.name, ofKind(err, orm.KindValidation))
			_, err = st.Scan(ctx, &orm.ScanRequest{Table: &table.schema, Filter: c.cond})
			s.check(t, "refused filter/"+c.name, ofKind(err, orm.KindValidation))
		})
	}
}
