package orm

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// ListAttribute is an [Attribute] that is stored as a list: L is the field's
// type, E that of its elements.
type ListAttribute[T any, L ~[]E, E any] struct{ Attribute[T, L] }

// List is [Attr] for a slice that is stored as a list, not one with the option
// `,set` and no []byte.
func List[T, K any, L ~[]E, E any](t *Table[T, K], f func(*T) *L) ListAttribute[T, L, E] {
	a := attr(t, "orm.List", f)
	mustBe(a, "orm.List", "a list", "L")
	return ListAttribute[T, L, E]{a}
}

// AsList is what is in a list, a map or a struct inside them as a list.
func AsList[T any, L ~[]E, E any](a Attribute[T, L]) ListAttribute[T, L, E] {
	return ListAttribute[T, L, E]{a.expect("a list", "L")}
}

// At is the element with index i, from 0. Setting one behind the list's end
// appends it; an update of something inside it then fails with [KindValidation].
// Removing one moves those behind it.
func (a ListAttribute[T, L, E]) At(i int) Attribute[T, E] {
	err := a.usable()
	if err == nil && i < 0 {
		err = a.invalid("element %d of a list: elements count from 0", i)
	}
	return element[E](a.Attribute, Step{Index: i}, err, func(v reflect.Value) (types.AttributeValue, error) {
		list := reflect.MakeSlice(reflect.TypeFor[L](), 1, 1)
		list.Index(0).Set(v)
		av, err := a.container(list)
		if l, ok := av.(*types.AttributeValueMemberL); ok && len(l.Value) == 1 {
			return l.Value[0], err
		}
		return nil, err // it is dropped, as `,omitemptyelem` says
	})
}

// Append adds elements at the end; an absent list is made. Doing it again adds
// them again: after [KindUnavailable] nobody knows whether they are there,
// unless a transaction with a token said so. Each has to satisfy the field's
// `validate` rules behind dive.
func (a ListAttribute[T, L, E]) Append(v ...E) Assignment[T] { return a.extend(ChangeAppend, v) }

// Prepend is [ListAttribute.Append] at the beginning.
func (a ListAttribute[T, L, E]) Prepend(v ...E) Assignment[T] { return a.extend(ChangePrepend, v) }

func (a ListAttribute[T, L, E]) extend(op ChangeOp, v L) Assignment[T] {
	c, err := a.change(op, v)
	if l, ok := c.Value.(*types.AttributeValueMemberL); err == nil && (!ok || len(l.Value) == 0) {
		err = a.invalid("there is nothing to add: name at least one element")
	}
	if err == nil {
		err = a.checkElements(v)
	}
	return Assignment[T]{f: a.f, change: c, err: err}
}

// Contains holds when v is one of the elements.
func (a ListAttribute[T, L, E]) Contains(v E) Condition[T] {
	e := a.At(0)
	av, err := e.encode(v)
	if err == nil && av == nil {
		err = a.invalid("such an element is never stored, so the list cannot contain it")
	}
	if err != nil {
		return Condition[T]{err: err}
	}
	return Condition[T]{tree: &Cond{Op: CondContains, Path: a.f.name, Into: a.into(), Values: []types.AttributeValue{av}}}
}

// MapAttribute is an [Attribute] that is stored as a map: M is the field's type,
// N that of its keys, E that of its entries.
type MapAttribute[T any, M ~map[N]E, N comparable, E any] struct{ Attribute[T, M] }

// Map is [Attr] for a Go map that is stored as a map, not one with the option
// `,set`. For a struct's fields use [Attr] or [Field].
func Map[T, K any, M ~map[N]E, N comparable, E any](t *Table[T, K], f func(*T) *M) MapAttribute[T, M, N, E] {
	a := attr(t, "orm.Map", f)
	mustBe(a, "orm.Map", "a map", "M")
	return MapAttribute[T, M, N, E]{a}
}

// AsMap is what is in a list, a map or a struct inside them as a map.
func AsMap[T any, M ~map[N]E, N comparable, E any](a Attribute[T, M]) MapAttribute[T, M, N, E] {
	return MapAttribute[T, M, N, E]{a.expect("a map", "M")}
}

// Entry is the entry of a key, which must not be empty. It can be changed only
// where the map exists; DynamoDB refuses the update with [KindValidation]
// otherwise. So store a map that is empty, not a nil one, which is left out.
func (a MapAttribute[T, M, N, E]) Entry(key N) Attribute[T, E] {
	name, err := mapKey(key)
	switch {
	case a.usable() != nil:
		err = a.usable()
	case err != nil:
		err = a.invalid("map key: %w", err)
	case name == "":
		err = a.invalid("an empty map key cannot be named in an update or a condition: write the whole map")
	}
	return element[E](a.Attribute, Step{Name: name}, err, func(v reflect.Value) (types.AttributeValue, error) {
		m := reflect.MakeMapWithSize(reflect.TypeFor[M](), 1)
		m.SetMapIndex(reflect.ValueOf(key), v)
		av, err := a.container(m)
		if x, ok := av.(*types.AttributeValueMemberM); ok {
			return x.Value[name], err
		}
		return nil, err
	})
}

// mapKey is the name that the codec gives a map's entry.
func mapKey[N comparable](key N) (string, error) {
	if m, ok := any(key).(encoding.TextMarshaler); ok {
		text, err := m.MarshalText()
		return string(text), err
	}
	return reflect.ValueOf(key).String(), nil
}

// container encodes the list or map that a is.
func (a Attribute[T, V]) container(v reflect.Value) (types.AttributeValue, error) {
	if a.in != nil {
		return a.in.value(v)
	}
	return a.f.value(v)
}

// element is what is one step inside a. Its container decides how a value is
// stored: value wraps it in one, encodes that, and takes it out again.
func element[E, T, V any](a Attribute[T, V], step Step, err error, value func(reflect.Value) (types.AttributeValue, error)) Attribute[T, E] {
	out := Attribute[T, E]{table: a.table, plan: a.plan, f: a.f, err: err}
	if err != nil {
		return out
	}
	rt := reflect.TypeFor[E]()
	c := typeChecker{problem: func(string, string) {}}
	out.in = &nested{
		into: append(slices.Clip(a.into()), step), goName: pathText(a.goName(), []Step{step}),
		kind: c.kind(rt, options{}, inList, ""), timeText: indirect(rt) == timeType, value: value,
	}
	return out
}

// SetAttribute is an [Attribute] that is stored as a set: V is the field's type.
type SetAttribute[T, V any] struct{ Attribute[T, V] }

// Set is [Attr] for a field with the option `,set`.
func Set[T, K, V any](t *Table[T, K], f func(*T) *V) SetAttribute[T, V] {
	a := attr(t, "orm.Set", f)
	mustBe(a, "orm.Set", "a set (its dynamo tag says `,set`)", "SS", "NS", "BS")
	return SetAttribute[T, V]{a}
}

// Add adds the elements of v, those that are not there yet; an absent set is
// made. Doing it again changes nothing. The elements are checked as those of
// [ListAttribute.Append] are. DynamoDB adds to attributes of the table
// only, not to a set inside one.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func (a SetAttribute[T, V]) Add(v V) Assignment[T] { return a.elements(ChangeAdd, v) }

// Delete takes the elements of v away, those that are there. A set without
// elements is not stored: with its last one the attribute goes.
func (a SetAttribute[T, V]) Delete(v V) Assignment[T] { return a.elements(ChangeDelete, v) }

func (a SetAttribute[T, V]) elements(op ChangeOp, v V) Assignment[T] {
	c, err := a.change(op, v)
	switch {
	case err != nil:
	case a.in != nil:
		err = a.misused("update", "DynamoDB adds to and deletes from sets that are attributes of the table, not inside one: move the set up, or write it whole with Set")
	case c.Value == nil:
		err = a.invalid("there is no element in the set that is given: name at least one")
	case op == ChangeAdd:
		err = a.checkElements(v)
	}
	return Assignment[T]{f: a.f, change: c, err: err}
}

// ContainsAll holds when every element of v is in the set; of none it holds
// always.
func (a SetAttribute[T, V]) ContainsAll(v V) Condition[T] {
	av, err := a.encode(v)
	if err != nil {
		return Condition[T]{err: err}
	}
	var all []Condition[T]
	for _, one := range setElements(av) {
		all = append(all, Condition[T]{tree: &Cond{Op: CondContains, Path: a.f.name, Into: a.into(), Values: []types.AttributeValue{one}}})
	}
	return And(all...)
}

// checkElements holds what is added to the rules for each element, those behind
// dive in the field's validate tag. Rules for the whole, such as its length, hold
// for Set only.
func (a Attribute[T, V]) checkElements(v V) error {
	f := a.leaf()
	if f == nil {
		return nil
	}
	if err := a.plan.checkElements(f, reflect.ValueOf(v)); err != nil {
		return a.invalid("%w", err)
	}
	return nil
}

// setElements are the elements of a set as values of their own.
func setElements(set types.AttributeValue) []types.AttributeValue {
	var out []types.AttributeValue
	switch s := set.(type) {
	case *types.AttributeValueMemberSS:
		for _, e := range s.Value {
			out = append(out, &types.AttributeValueMemberS{Value: e})
		}
	case *types.AttributeValueMemberNS:
		for _, e := range s.Value {
			out = append(out, &types.AttributeValueMemberN{Value: e})
		}
	case *types.AttributeValueMemberBS:
		for _, e := range s.Value {
			out = append(out, &types.AttributeValueMemberB{Value: e})
		}
	}
	return out
}

// mustBe panics when the attribute is not stored as one of the kinds.
func mustBe[T, V any](a Attribute[T, V], op, what string, kinds ...string) {
	if a.err == nil && !slices.Contains(kinds, a.kind()) {
		panic(fmt.Sprintf("%s: field %s of table %q (%s) is stored as %s and is not %s: use orm.Attr", op, a.goName(), a.table, a.plan.schema.DefinedAt, a.kind(), what))
	}
}

// expect keeps an error in an attribute that is not stored as one of the kinds.
func (a Attribute[T, V]) expect(what string, kinds ...string) Attribute[T, V] {
	if a.usable() == nil && !slices.Contains(kinds, a.kind()) {
		a.err = a.misused("use", "it is stored as %s and is not %s", a.kind(), what)
	}
	return a
}
