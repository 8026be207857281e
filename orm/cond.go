package orm

import (
	"errors"
	"reflect"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Condition is a condition on an item of type T. The conditions of DynamoDB
// compare with what is stored: between different types they do not hold, and
// with an absent attribute only Ne and NotExists hold. The zero Condition holds
// always.
type Condition[T any] struct {
	tree *Cond
	err  error
}

// Tree returns the condition as a store takes it, nil when it holds always.
func (c Condition[T]) Tree() (*Cond, error) { return c.tree, c.err }

// And holds when all conditions hold.
func And[T any](c ...Condition[T]) Condition[T] { return join(CondAnd, c) }

// Or holds when at least one condition holds.
func Or[T any](c ...Condition[T]) Condition[T] {
	or := join(CondOr, c)
	if or.err != nil {
		return or
	}
	for _, one := range c {
		if one.tree == nil {
			return Condition[T]{} // one that holds always
		}
	}
	if len(c) == 0 {
		return Condition[T]{err: &Error{Kind: KindValidation, Op: "condition", Err: errors.New("orm.Or of no conditions never holds: name some")}}
	}
	return or
}

// Not holds when the condition does not.
func Not[T any](c Condition[T]) Condition[T] {
	if c.err != nil {
		return c
	}
	if c.tree == nil {
		return Condition[T]{err: &Error{Kind: KindValidation, Op: "condition", Err: errors.New("orm.Not of the empty condition never holds")}}
	}
	return Condition[T]{tree: &Cond{Op: CondNot, Of: []*Cond{c.tree}}}
}

func join[T any](op CondOp, c []Condition[T]) Condition[T] {
	var of []*Cond
	var errs []error
	for _, one := range c {
		if one.err != nil {
			errs = append(errs, one.err)
		} else if one.tree != nil {
			of = append(of, one.tree)
		}
	}
	switch {
	case len(errs) > 0:
		return Condition[T]{err: errors.Join(errs...)}
	case len(of) == 0:
		return Condition[T]{}
	case len(of) == 1:
		return Condition[T]{tree: of[0]}
	}
	return Condition[T]{tree: &Cond{Op: op, Of: of}}
}

// compare makes a comparison with v. absent is what it means for a value that is
// stored by leaving it out; zero when it means nothing.
func (a Attribute[T, V]) compare(op, absent CondOp, v V) Condition[T] {
	av, err := a.encode(v)
	switch {
	case err != nil:
		return Condition[T]{err: err}
	case av != nil:
		return Condition[T]{tree: &Cond{Op: op, Path: a.f.name, Into: a.into(), Values: []types.AttributeValue{av}}}
	case absent == 0:
		return Condition[T]{err: a.invalid("an empty value is stored by leaving the attribute out, and has no order: ask for Exists or NotExists")}
	}
	return Condition[T]{tree: &Cond{Op: absent, Path: a.f.name, Into: a.into()}}
}

// equal makes a comparison with one of the values that the attribute may have.
// Other rules than its enum are not asked: an item from before a rule may be
// looked for.
func (a Attribute[T, V]) equal(op, absent CondOp, v V) Condition[T] {
	if f := a.leaf(); a.usable() == nil && f != nil && f.enum != nil {
		if err := f.inEnum(reflect.ValueOf(&v).Elem()); err != nil {
			return Condition[T]{err: a.invalid("%w", err)}
		}
	}
	return a.compare(op, absent, v)
}

// order makes a comparison by order, which only some types have as they are
// stored.
func (a Attribute[T, V]) order(op CondOp, v V) Condition[T] {
	if err := a.ordered(); err != nil {
		return Condition[T]{err: err}
	}
	return a.compare(op, 0, v)
}

func (a Attribute[T, V]) ordered() error {
	if a.usable() != nil {
		return nil // encode reports it
	}
	timeText := a.f.timeText
	if a.in != nil {
		timeText = a.in.timeText
	}
	switch k := a.kind(); {
	case timeText:
		return a.misused("compare", "times in text do not sort by time: add `,unixtime` to the field's dynamo tag, or store int64")
	case k != "S" && k != "N" && k != "B":
		return a.misused("compare", "values stored as %s have no order: only strings, numbers and bytes have", k)
	}
	return nil
}

func (a Attribute[T, V]) exists(op CondOp) Condition[T] {
	if err := a.usable(); err != nil {
		return Condition[T]{err: err}
	}
	return Condition[T]{tree: &Cond{Op: op, Path: a.f.name, Into: a.into()}}
}

// Eq holds when the attribute is v. For a value that is stored by leaving it out
// it holds when the attribute is absent.
func (a Attribute[T, V]) Eq(v V) Condition[T] { return a.equal(CondEq, CondNotExists, v) }

// Ne holds when the attribute is not v, also when it is absent.
func (a Attribute[T, V]) Ne(v V) Condition[T] { return a.equal(CondNe, CondExists, v) }

// Lt holds when the attribute is less than v: numbers by value, strings and
// bytes by their bytes.
func (a Attribute[T, V]) Lt(v V) Condition[T] { return a.order(CondLt, v) }

// Le holds when the attribute is v or less.
func (a Attribute[T, V]) Le(v V) Condition[T] { return a.order(CondLe, v) }

// Gt holds when the attribute is greater than v.
func (a Attribute[T, V]) Gt(v V) Condition[T] { return a.order(CondGt, v) }

// Ge holds when the attribute is v or greater.
func (a Attribute[T, V]) Ge(v V) Condition[T] { return a.order(CondGe, v) }

// Between holds when the attribute is low, high or between them.
func (a Attribute[T, V]) Between(low, high V) Condition[T] {
	l, h := a.order(CondBetween, low), a.order(CondBetween, high)
	if err := errors.Join(l.err, h.err); err != nil {
		return Condition[T]{err: err}
	}
	l.tree.Values = append(l.tree.Values, h.tree.Values...)
	return l
}

// maxIn is how many values DynamoDB's IN takes.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
const maxIn = 100

// In holds when the attribute is one of the values; 1 to 100 are allowed.
func (a Attribute[T, V]) In(v ...V) Condition[T] {
	if len(v) == 0 || len(v) > maxIn {
		return Condition[T]{err: a.invalid("In of %d values: allowed are 1 to %d", len(v), maxIn)}
	}
	in := &Cond{Op: CondIn}
	var absent *Cond
	for _, one := range v {
		c := a.equal(CondEq, CondNotExists, one)
		switch {
		case c.err != nil:
			return c
		case c.tree.Op == CondNotExists:
			absent = c.tree
		default:
			in.Path, in.Into = c.tree.Path, c.tree.Into
			in.Values = append(in.Values, c.tree.Values...)
		}
	}
	switch {
	case absent == nil:
		return Condition[T]{tree: in}
	case len(in.Values) == 0:
		return Condition[T]{tree: absent}
	}
	return Condition[T]{tree: &Cond{Op: CondOr, Of: []*Cond{absent, in}}}
}

// Exists holds when the item has the attribute, whatever its value.
func (a Attribute[T, V]) Exists() Condition[T] { return a.exists(CondExists) }

// NotExists holds when the item does not have the attribute, or does not exist.
func (a Attribute[T, V]) NotExists() Condition[T] { return a.exists(CondNotExists) }

// BeginsWith holds when a string attribute begins with prefix.
func BeginsWith[T any, V ~string](a Attribute[T, V], prefix V) Condition[T] {
	return a.compare(CondBeginsWith, CondExists, prefix)
}

// Contains holds when a string attribute contains part.
func Contains[T any, V ~string](a Attribute[T, V], part V) Condition[T] {
	return a.compare(CondContains, CondExists, part)
}

// Size is the size of what is stored, to be compared with a number: the
// characters of a string, the bytes of a []byte, the elements of a list, set or
// map. An absent attribute has none, so only Ne holds of it.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
func (a Attribute[T, V]) Size() AttributeSize[T] {
	err := a.usable()
	if err == nil && (a.kind() == "N" || a.kind() == "BOOL") {
		err = a.misused("compare", "values stored as %s have no size: strings, bytes, lists, sets and maps have", a.kind())
	}
	if err != nil {
		return AttributeSize[T]{err: err}
	}
	return AttributeSize[T]{of: Cond{Path: a.f.name, Into: a.into(), Size: true}}
}

// AttributeSize is the size of a stored attribute. It comes from
// [Attribute.Size].
type AttributeSize[T any] struct {
	of  Cond
	err error
}

func (s AttributeSize[T]) compare(op CondOp, sizes ...int) Condition[T] {
	if s.err == nil && s.of.Path == "" {
		s.err = &Error{Kind: KindDefinition, Op: "compare", Err: errors.New("an orm.AttributeSize must be made by Size of an attribute")}
	}
	if s.err != nil {
		return Condition[T]{err: s.err}
	}
	c := s.of
	c.Op = op
	for _, n := range sizes {
		c.Values = append(c.Values, &types.AttributeValueMemberN{Value: strconv.Itoa(n)})
	}
	return Condition[T]{tree: &c}
}

// Eq holds when the size is n.
func (s AttributeSize[T]) Eq(n int) Condition[T] { return s.compare(CondEq, n) }

// Ne holds when the size is not n, also when the attribute is absent.
func (s AttributeSize[T]) Ne(n int) Condition[T] { return s.compare(CondNe, n) }

// Lt holds when the size is less than n.
func (s AttributeSize[T]) Lt(n int) Condition[T] { return s.compare(CondLt, n) }

// Le holds when the size is n or less.
func (s AttributeSize[T]) Le(n int) Condition[T] { return s.compare(CondLe, n) }

// Gt holds when the size is greater than n.
func (s AttributeSize[T]) Gt(n int) Condition[T] { return s.compare(CondGt, n) }

// Ge holds when the size is n or greater.
func (s AttributeSize[T]) Ge(n int) Condition[T] { return s.compare(CondGe, n) }

// Between holds when the size is low, high or between them.
func (s AttributeSize[T]) Between(low, high int) Condition[T] {
	return s.compare(CondBetween, low, high)
}
