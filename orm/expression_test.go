package orm

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"
)

// Names that a request must be able to carry, whatever they look like.
var oddNames = rapid.SampledFrom([]string{"id", "status", "name", "size", "count", "date", "a b", "a.b", "a-b", "1st", "#0", ":0", "ä", "x[0]", "AND", strings.Repeat("n", 200)})

var someValues = rapid.SampledFrom([]types.AttributeValue{str("x"), num("1"), strs("a"), listOf(str("z")), &types.AttributeValueMemberBOOL{Value: true}})

var somePaths = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Step {
	if rapid.Bool().Draw(t, "index") {
		return Step{Index: rapid.IntRange(0, 120).Draw(t, "at")}
	}
	return Step{Name: oddNames.Draw(t, "step")}
}), 0, 4)

// someCond draws conditions of up to some depth.
func someCond(depth int) *rapid.Generator[*Cond] {
	return rapid.Custom(func(t *rapid.T) *Cond {
		ops := []CondOp{CondEq, CondNe, CondLt, CondLe, CondGt, CondGe, CondBetween, CondIn, CondExists, CondNotExists, CondBeginsWith, CondContains}
		if depth > 0 {
			ops = append(ops, CondAnd, CondOr, CondNot, CondAnd, CondOr, CondNot)
		}
		c := &Cond{Op: rapid.SampledFrom(ops).Draw(t, "op")}
		values := 1
		switch c.Op {
		case CondAnd, CondOr:
			c.Of = rapid.SliceOfN(someCond(depth-1), 1, 4).Draw(t, "of")
			return c
		case CondNot:
			c.Of = []*Cond{someCond(depth-1).Draw(t, "of")}
			return c
		case CondBetween:
			values = 2
		case CondIn:
			values = rapid.IntRange(1, 20).Draw(t, "values")
		case CondExists, CondNotExists:
			values = 0
		}
		c.Path, c.Into = oddNames.Draw(t, "path"), somePaths.Draw(t, "into")
		c.Size = c.Op <= CondIn && rapid.Bool().Draw(t, "size")
		c.Values = rapid.SliceOfN(someValues, values, values).Draw(t, "value")
		return c
	})
}

var someChange = rapid.Custom(func(t *rapid.T) Change {
	c := Change{Op: ChangeOp(rapid.IntRange(int(ChangeSet), int(ChangeIncrement)).Draw(t, "op")), Path: oddNames.Draw(t, "path"), Into: somePaths.Draw(t, "into")}
	if c.Op != ChangeRemove {
		c.Value = someValues.Draw(t, "value")
	}
	return c
})

var (
	aliases = regexp.MustCompile(`[#:][0-9]+`)
	// grammar is all that an expression may consist of.
	grammar = regexp.MustCompile(`^([#:][0-9]+|\[[0-9]+\]|[ (),.+]|=|<>|<=?|>=?|AND|OR|NOT|IN|BETWEEN|SET|ADD|REMOVE|DELETE|attribute_exists|attribute_not_exists|begins_with|contains|size|if_not_exists|list_append)*$`)
)

// checkAliases checks that the aliases of a request are whole: DynamoDB refuses one that
// is used and not defined, and one that is defined and not used.
func checkAliases(t *rapid.T, names map[string]string, values map[string]types.AttributeValue, expressions ...*string) {
	used := map[string]bool{}
	for _, e := range expressions {
		if e == nil {
			continue
		}
		if *e == "" {
			t.Error("an empty expression")
		}
		for _, a := range aliases.FindAllString(*e, -1) {
			used[a] = true
		}
		if !grammar.MatchString(*e) {
			t.Errorf("%q has a name or value that is no alias", *e)
		}
	}
	seen := map[string]string{}
	for alias, name := range names {
		if !used[alias] {
			t.Errorf("%s is defined as %q and not used", alias, name)
		}
		if other, ok := seen[name]; ok {
			t.Errorf("%s and %s are both %q", alias, other, name)
		}
		seen[name] = alias
		delete(used, alias)
	}
	for alias := range values {
		if !used[alias] {
			t.Errorf("%s is defined and not used", alias)
		}
		delete(used, alias)
	}
	for alias := range used {
		t.Errorf("%s is used and not defined", alias)
	}
	if names != nil && len(names) == 0 || values != nil && len(values) == 0 {
		t.Error("an empty map of names or values, which DynamoDB refuses")
	}
}

func TestEveryAliasIsDefinedAndUsed(t *testing.T) {
	r := requests{table: func(d string) string { return d }}
	t.Run("write", rapid.MakeCheck(func(t *rapid.T) {
		a := Action{Op: Op(rapid.IntRange(int(OpPut), int(OpCheck)).Draw(t, "op")), Table: awkward}
		if a.Op == OpCheck || rapid.Bool().Draw(t, "conditional") {
			a.If = someCond(4).Draw(t, "if")
		}
		if a.Op == OpUpdate {
			a.Changes = rapid.SliceOfN(someChange, 1, 12).Draw(t, "changes")
		}
		w, err := r.write(&a)
		if tooLong(err) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		checkAliases(t, w.names, w.values, w.update, w.condition)
		if len(a.Changes) > 0 {
			clausesOnce(t, *w.update)
		}
	}))
	t.Run("query", rapid.MakeCheck(func(t *rapid.T) {
		q := QueryRequest{Table: awkward, Hash: str("h"), Select: rapid.SliceOfN(oddNames, 0, 6).Draw(t, "select"), Count: rapid.Bool().Draw(t, "count")}
		switch rapid.IntRange(0, 4).Draw(t, "bounds") {
		case 1:
			q.From, q.FromExcluded = str("a"), rapid.Bool().Draw(t, "excluded")
		case 2:
			q.To, q.ToExcluded = str("a"), rapid.Bool().Draw(t, "excluded")
		case 3:
			q.From, q.To = str("a"), str("b")
		case 4:
			q.Prefix = str("a")
		}
		if rapid.Bool().Draw(t, "filtered") {
			q.Filter = someCond(3).Draw(t, "filter")
		}
		in, err := r.query(&q)
		if tooLong(err) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		checkAliases(t, in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.KeyConditionExpression, in.FilterExpression, in.ProjectionExpression)
		if in.Select == types.SelectCount && in.ProjectionExpression != nil {
			t.Error("counts and selects attributes, which DynamoDB refuses")
		}
	}))
	t.Run("scan", rapid.MakeCheck(func(t *rapid.T) {
		q := ScanRequest{Table: awkward, Select: rapid.SliceOfN(oddNames, 0, 6).Draw(t, "select")}
		if rapid.Bool().Draw(t, "filtered") {
			q.Filter = someCond(3).Draw(t, "filter")
		}
		in, err := r.scan(&q)
		if tooLong(err) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		checkAliases(t, in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.FilterExpression, in.ProjectionExpression)
	}))
}

func tooLong(err error) bool { return errors.Is(err, KindTooLarge) }

// clausesOnce: each clause may be written only once.
func clausesOnce(t *rapid.T, update string) {
	for _, word := range clauseWords {
		if strings.Count(update, word) > 1 {
			t.Errorf("%q has %s twice", update, word)
		}
	}
}

// TestWrongExpressions is about trees that no typed method makes. They are
// refused, not sent.
func TestWrongExpressions(t *testing.T) {
	r := requests{table: func(d string) string { return d }}
	one := []types.AttributeValue{num("1")}
	for name, c := range map[string]struct {
		a    Action
		says string
	}{
		"unknown action":    {Action{Op: 9}, "unknown operation 9"},
		"check without":     {Action{Op: OpCheck}, "needs a condition"},
		"no change":         {Action{Op: OpUpdate}, "an update needs a change"},
		"unknown change":    {Action{Op: OpUpdate, Changes: []Change{{Op: 99, Path: "a"}}}, `unknown change 99 of "a"`},
		"set of nothing":    {Action{Op: OpUpdate, Changes: []Change{{Op: ChangeSet, Path: "a"}}}, `of "a"`},
		"remove of a value": {Action{Op: OpUpdate, Changes: []Change{{Op: ChangeRemove, Path: "a", Value: num("1")}}}, `of "a"`},
		"no attribute":      {Action{Op: OpUpdate, Changes: []Change{{Op: ChangeRemove}}}, "an attribute without a name"},
		"negative element":  {Action{Op: OpUpdate, Changes: []Change{{Op: ChangeRemove, Path: "a", Into: []Step{{Index: -1}}}}}, `element -1 of a list in "a"`},
		"unknown operator":  {Action{Op: OpCheck, If: &Cond{Op: 99, Path: "a"}}, "unknown operator 99"},
		"no value":          {Action{Op: OpCheck, If: &Cond{Op: CondEq, Path: "a"}}, "has 0 values, needs 1"},
		"two values":        {Action{Op: OpCheck, If: &Cond{Op: CondEq, Path: "a", Values: append(one, one...)}}, "has 2 values, needs 1"},
		"nil value":         {Action{Op: OpCheck, If: &Cond{Op: CondEq, Path: "a", Values: []types.AttributeValue{nil}}}, "value 0 of operator 1 is missing"},
		"half between":      {Action{Op: OpCheck, If: &Cond{Op: CondBetween, Path: "a", Values: one}}, "has 1 values, needs 2"},
		"in of none":        {Action{Op: OpCheck, If: &Cond{Op: CondIn, Path: "a"}}, "has 0 values, needs 1"},
		"exists with value": {Action{Op: OpCheck, If: &Cond{Op: CondExists, Path: "a", Values: one}}, "has 1 values, needs 0"},
		"size of exists":    {Action{Op: OpCheck, If: &Cond{Op: CondExists, Path: "a", Size: true}}, "a size is a number"},
		"and of none":       {Action{Op: OpCheck, If: &Cond{Op: CondAnd}}, "joins 0 conditions"},
		"not of two":        {Action{Op: OpCheck, If: &Cond{Op: CondNot, Of: []*Cond{{Op: CondExists, Path: "a"}, {Op: CondExists, Path: "b"}}}}, "joins 2 conditions"},
		"or of nil":         {Action{Op: OpCheck, If: &Cond{Op: CondOr, Of: []*Cond{nil}}}, "condition 0 is missing"},
		"no path":           {Action{Op: OpCheck, If: &Cond{Op: CondEq, Values: one}}, "an attribute without a name"},
	} {
		t.Run(name, func(t *testing.T) {
			c.a.Table, c.a.Key = awkward, awkwardKey("1")
			if _, err := r.write(&c.a); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want one that says %q", err, c.says)
			}
			var w wire
			s, _ := w.store()
			if _, err := s.Do(t.Context(), c.a); !errors.Is(err, KindValidation) {
				t.Errorf("error is %v, want kind %q", err, KindValidation)
			}
			if len(w.requests) > 0 {
				t.Error("it was sent")
			}
		})
	}
}

// TestExpressionSize is the limit of 4 KB, to the byte.
func TestExpressionSize(t *testing.T) {
	in := func(n int) *Cond { // "#0 IN (:0, …)": 6 + 1 bytes around, 4 a value of one digit
		c := &Cond{Op: CondIn, Path: "a"}
		for range n {
			c.Values = append(c.Values, num("1"))
		}
		return c
	}
	size := func(c *Cond) (int, error) {
		e := newExpression("")
		s := e.condition(c)
		e.aliases()
		return len(*s), e.err
	}
	n, largest := 1, 0
	for ; ; n++ {
		got, err := size(in(n))
		if err != nil {
			if !errors.Is(err, KindTooLarge) || got <= MaxExpressionSize {
				t.Fatalf("%d bytes: error is %v", got, err)
			}
			break
		}
		largest = got
	}
	if largest > MaxExpressionSize || largest < MaxExpressionSize-6 {
		t.Errorf("the largest taken is %d bytes, want just under %d", largest, MaxExpressionSize)
	}
	a := Action{Op: OpCheck, Table: awkward, Key: awkwardKey("1"), If: in(n)}
	var w wire
	s, _ := w.store()
	_, err := s.Do(t.Context(), a)
	if !errors.Is(err, KindTooLarge) || !strings.Contains(err.Error(), "allowed are 4096") || !strings.Contains(err.Error(), `check status "n", "1"`) {
		t.Errorf("error is %v, want kind %q, the limit and the item", err, KindTooLarge)
	}
	if err := s.Transact(t.Context(), "", []Action{a}); !errors.Is(err, KindTooLarge) {
		t.Errorf("error is %v, want kind %q", err, KindTooLarge)
	}
}

// TestExpressionText: parentheses say what belongs together, never precedence.
func TestExpressionText(t *testing.T) {
	both := And(plainCond(CondEq, "a"), plainCond(CondEq, "b"))
	for _, c := range []struct {
		cond Condition[plainItem]
		want string
	}{
		{Not(both), "NOT ((#0 = :0) AND (#1 = :1))"},
		{Condition[plainItem]{tree: &Cond{Op: CondAnd, Of: []*Cond{{Op: CondOr, Of: []*Cond{plainCond(CondEq, "a").tree}}}}}, "#0 = :0"},
		{Not(Condition[plainItem]{tree: &Cond{Op: CondAnd, Of: []*Cond{plainCond(CondEq, "a").tree}}}), "NOT (#0 = :0)"},
		{Or(Not(plainCond(CondLt, "a")), both), "(NOT (#0 < :0)) OR ((#0 = :1) AND (#1 = :2))"},
	} {
		e := newExpression("")
		got := e.condition(c.cond.tree)
		e.aliases()
		if *got != c.want {
			t.Errorf("expression is %q, want %q", *got, c.want)
		}
	}
	e := newExpression("")
	if got := e.condition(nil); got != nil {
		t.Errorf("no condition is %q", *got)
	}
	if names, values := e.aliases(); names != nil || values != nil {
		t.Errorf("no condition has names %v and values %v", names, values)
	}
}

func plainCond(op CondOp, path string) Condition[plainItem] {
	return Condition[plainItem]{tree: &Cond{Op: op, Path: path, Values: []types.AttributeValue{num("1")}}}
}

// TestAliasText: the aliases in the text and those in the maps are made apart.
func TestAliasText(t *testing.T) {
	for _, i := range []int{0, 9, 10, 11, 99, 100, 1234} {
		for _, kind := range []byte{'#', ':'} {
			if got, want := alias(kind, i), fmt.Sprintf("%c%d", kind, i); got != want {
				t.Errorf("alias %d is %q, want %q", i, got, want)
			}
		}
	}
}
