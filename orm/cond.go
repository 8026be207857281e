package orm

import (
	"errors"
	"fmt"

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
	for _, one := range c {
		if one.tree == nil && one.err == nil {
			return Condition[T]{} // one that holds always
		}
	}
	if len(c) == 0 {
		return Condition[T]{err: &Error{Kind: KindValidation, Op: "condition", Err: errors.New("orm.Or of no conditions never holds: name some")}}
	}
	return join(CondOr, c)
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
		return Condition[T]{tree: &Cond{Op: op, Path: a.f.name, Values: []types.AttributeValue{av}}}
	case absent == 0:
		return Condition[T]{err: a.invalid("an empty value is stored by leaving the attribute out, and has no order: ask for Exists or NotExists")}
	}
	return Condition[T]{tree: &Cond{Op: absent, Path: a.f.name}}
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
	switch {
	case a.f.timeText:
		return &Error{Kind: KindDefinition, Op: "compare", Table: a.table, Attribute: a.f.name,
			Err: errors.New("times in text do not sort by time: add `,unixtime` to the field's dynamo tag, or store int64")}
	case a.f.kind != "S" && a.f.kind != "N" && a.f.kind != "B":
		return &Error{Kind: KindDefinition, Op: "compare", Table: a.table, Attribute: a.f.name,
			Err: fmt.Errorf("values stored as %s have no order: only strings, numbers and bytes have", a.f.kind)}
	}
	return nil
}

func (a Attribute[T, V]) exists(op CondOp) Condition[T] {
	if err := a.usable(); err != nil {
		return Condition[T]{err: err}
	}
	return Condition[T]{tree: &Cond{Op: op, Path: a.f.name}}
}

// Eq holds when the attribute is v. For a value that is stored by leaving it out
// it holds when the attribute is absent.
func (a Attribute[T, V]) Eq(v V) Condition[T] { return a.compare(CondEq, CondNotExists, v) }

// Ne holds when the attribute is not v, also when it is absent.
func (a Attribute[T, V]) Ne(v V) Condition[T] { return a.compare(CondNe, CondExists, v) }

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
		c := a.compare(CondEq, CondNotExists, one)
		switch {
		case c.err != nil:
			return c
		case c.tree.Op == CondNotExists:
			absent = c.tree
		default:
			in.Path = c.tree.Path
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
