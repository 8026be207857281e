package ormtest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

// testConditions holds each operator against values of each type.
func testConditions(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things)
	_, err := st.Do(ctx, orm.Action{Op: orm.OpPut, Table: s.things.Schema(), Item: orm.Item{
		"id": str("a"), "s": str("banana"), "n": num("10"), "b": bin("\x02\x00"), "yes": truth(true), "nil": null(),
		"l": seq(num("1"), str("x")), "m": mapOf(orm.Item{"k": num("1.0")}), "ss": strs("x", "y"), "ns": nums("1", "2.0"), "big": num("99999999999999999999999999999999999999"),
		"small": num("-0.001"),
	}})
	must(t, err)
	cond := func(op orm.CondOp, path string, v ...value) *orm.Cond {
		return &orm.Cond{Op: op, Path: path, Values: v}
	}
	join := func(op orm.CondOp, of ...*orm.Cond) *orm.Cond { return &orm.Cond{Op: op, Of: of} }
	yes, no := cond(orm.CondExists, "id"), cond(orm.CondNotExists, "id")
	for i, c := range []struct {
		cond *orm.Cond
		want bool
	}{
		{cond(orm.CondEq, "s", str("banana")), true},
		{cond(orm.CondEq, "s", str("Banana")), false},
		{cond(orm.CondEq, "n", num("10.0")), true}, // numbers compare by value
		{cond(orm.CondEq, "n", num("1e1")), true},
		{cond(orm.CondEq, "n", str("10")), false}, // other types are never equal
		{cond(orm.CondEq, "none", str("")), false},
		{cond(orm.CondEq, "yes", truth(true)), true},
		{cond(orm.CondEq, "nil", null()), true},
		{cond(orm.CondEq, "ss", strs("y", "x")), true}, // sets have no order
		{cond(orm.CondEq, "ns", nums("2", "1")), true},
		{cond(orm.CondEq, "l", seq(num("1"), str("x"))), true},
		{cond(orm.CondEq, "l", seq(str("x"), num("1"))), false},
		{cond(orm.CondEq, "m", mapOf(orm.Item{"k": num("1")})), true},
		{cond(orm.CondNe, "s", str("apple")), true},
		{cond(orm.CondNe, "s", str("banana")), false},
		{cond(orm.CondNe, "n", str("10")), true},
		{cond(orm.CondNe, "none", str("x")), true}, // of an absent attribute too
		{cond(orm.CondLt, "n", num("9")), false},   // not as text
		{cond(orm.CondLt, "n", num("100")), true},
		{cond(orm.CondLt, "n", str("100")), false}, // no order between types
		{cond(orm.CondGt, "n", str("0")), false},
		{cond(orm.CondLt, "none", num("1")), false},
		{cond(orm.CondGe, "none", num("1")), false},
		{cond(orm.CondLt, "big", num("1e38")), true},
		{cond(orm.CondGt, "big", num("99999999999999999999999999999999999998")), true}, // 38 digits
		{cond(orm.CondGt, "small", num("-0.01")), true},
		{cond(orm.CondLt, "small", num("0")), true},
		{cond(orm.CondLe, "s", str("banana")), true},
		{cond(orm.CondLt, "s", str("b")), false},
		{cond(orm.CondGt, "s", str("Z")), true}, // by bytes
		{cond(orm.CondGe, "b", bin("\x02")), true},
		{cond(orm.CondLt, "b", bin("\xff")), true}, // bytes are unsigned
		{cond(orm.CondBetween, "n", num("10"), num("11")), true},
		{cond(orm.CondBetween, "n", num("11"), num("12")), false},
		{cond(orm.CondBetween, "s", str("a"), str("c")), true},
		{cond(orm.CondBetween, "none", num("1"), num("2")), false},
		{cond(orm.CondIn, "s", str("x"), str("banana")), true},
		{cond(orm.CondIn, "s", str("x"), num("1")), false},
		{cond(orm.CondIn, "n", str("10"), num("1.0e1")), true},
		{cond(orm.CondIn, "none", str("x")), false},
		{cond(orm.CondExists, "nil"), true}, // null is a value
		{cond(orm.CondExists, "none"), false},
		{cond(orm.CondNotExists, "none"), true},
		{cond(orm.CondNotExists, "s"), false},
		{cond(orm.CondBeginsWith, "s", str("ban")), true},
		{cond(orm.CondBeginsWith, "s", str("an")), false},
		{cond(orm.CondBeginsWith, "b", bin("\x02")), true},
		{cond(orm.CondBeginsWith, "none", str("a")), false},
		{cond(orm.CondContains, "s", str("nan")), true},
		{cond(orm.CondContains, "s", str("nab")), false},
		{cond(orm.CondContains, "ss", str("x")), true},
		{cond(orm.CondContains, "ss", str("z")), false},
		{cond(orm.CondContains, "ns", num("2")), true},
		{cond(orm.CondContains, "l", str("x")), true},
		{cond(orm.CondContains, "l", str("1")), false},
		{cond(orm.CondContains, "n", str("1")), false},
		{join(orm.CondAnd, yes, yes), true},
		{join(orm.CondAnd, yes, no), false},
		{join(orm.CondOr, no, yes), true},
		{join(orm.CondOr, no, no), false},
		{join(orm.CondNot, no), true},
		{join(orm.CondNot, yes), false},
		// Without parentheses these would mean something else.
		{join(orm.CondAnd, join(orm.CondOr, yes, no), no), false},
		{join(orm.CondNot, join(orm.CondAnd, yes, no)), true},
		{join(orm.CondOr, join(orm.CondNot, yes), join(orm.CondAnd, yes, yes)), true},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			_, err := st.Do(ctx, orm.Action{Op: orm.OpCheck, Table: s.things.Schema(), Key: orm.Item{"id": str("a")}, If: c.cond})
			if err != nil && !errors.Is(err, orm.KindConditionFailed) {
				t.Fatal(err)
			}
			if (err == nil) != c.want {
				t.Errorf("condition %s: holds %v, want %v", condText(c.cond), err == nil, c.want)
			}
		})
	}
}

func condText(c *orm.Cond) string {
	parts := ""
	for _, v := range c.Values {
		parts += " " + text(v)
	}
	for _, one := range c.Of {
		parts += " (" + condText(one) + ")"
	}
	return fmt.Sprintf("%s op %d%s", c.Path, c.Op, parts)
}
