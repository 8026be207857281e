package orm

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Attribute is a typed attribute of a table, or something inside one: V is the
// field's type. It is a value, safe for concurrent use. Make it with [Attr],
// [Number], [List], [Set] or [Map]; from [Field], [ListAttribute.At] and
// [MapAttribute.Entry] come those further inside.
//
// A value that is stored by leaving the attribute out (an empty string, a nil
// pointer, whatever `omitempty` leaves out) means the same here: Set removes the
// attribute, Eq asks for its absence.
type Attribute[T, V any] struct {
	table string
	plan  *plan
	f     *field  // the attribute of the table
	in    *nested // what is meant inside of it; nil: the attribute itself
	err   error   // of the table's definition, or of the way to what is meant
}

// Attr finds the attribute of the field that f points at: a field of the item,
// of a struct embedded in it, or of a struct inside it, also behind pointers to
// structs:
//
//	city := orm.Attr(Users, func(u *User) *string { return &u.Address.City })
//
// Such a nested field is a document path (address.city). DynamoDB changes it
// only where what it is in exists, and refuses the update with [KindValidation]
// otherwise.
//
// It panics when f points at anything else: the program is written wrong. On a
// table whose Err is not nil it does not, and whatever uses the attribute
// returns that error.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.Attributes.html
func Attr[T, K, V any](t *Table[T, K], f func(*T) *V) Attribute[T, V] {
	return attr(t, "orm.Attr", f)
}

func attr[T, K, V any](t *Table[T, K], op string, f func(*T) *V) Attribute[T, V] {
	a := Attribute[T, V]{table: t.schema.Name, plan: t.plan, err: t.err}
	if t.err != nil {
		return a
	}
	item, ptr := probe(op, f)
	if a.f = t.plan.fieldAt(op, item, ptr, reflect.TypeFor[V]()); a.f != nil {
		return a
	}
	a.f, a.in = t.plan.nestedAt(op, item, ptr, reflect.TypeFor[V]())
	if a.f == nil {
		panic(notAnAttribute(t.plan, op))
	}
	return a
}

// findField finds the attribute of the table that f points at.
func findField[T, V any](p *plan, op string, f func(*T) *V) *field {
	item, ptr := probe(op, f)
	if f := p.fieldAt(op, item, ptr, reflect.TypeFor[V]()); f != nil {
		return f
	}
	panic(notAnAttribute(p, op))
}

func notAnAttribute(p *plan, op string) string {
	return fmt.Sprintf("%s: the function does not point at an attribute of table %q (%s): return the address of a field of %s, such as &u.%s",
		op, p.schema.Name, p.schema.DefinedAt, p.schema.Type, p.fields[0].goName)
}

// Name is the name of the table's attribute; empty when the table is defined
// wrong. What is inside an attribute has the attribute's name.
func (a Attribute[T, V]) Name() string {
	if a.f == nil {
		return ""
	}
	return a.f.name
}

// path is what is meant, for messages: address.lines[2].
func (a Attribute[T, V]) path() string { return pathText(a.Name(), a.into()) }

func (a Attribute[T, V]) into() []Step {
	if a.in == nil {
		return nil
	}
	return a.in.into
}

// kind is the DynamoDB type of what is meant.
func (a Attribute[T, V]) kind() string {
	if a.in == nil {
		return a.f.kind
	}
	return a.in.kind
}

// leaf is the struct field that is meant, nil for an element of a list or map.
func (a Attribute[T, V]) leaf() *field {
	if a.in == nil {
		return a.f
	}
	return a.in.leaf
}

func (a Attribute[T, V]) usable() error {
	if a.err == nil && a.f == nil {
		return &Error{Kind: KindDefinition, Op: "use", Table: a.table, Err: errors.New("an orm.Attribute must be made by orm.Attr")}
	}
	return a.err
}

// encode makes the stored form of v, nil for one that is left out.
func (a Attribute[T, V]) encode(v V) (types.AttributeValue, error) {
	if err := a.usable(); err != nil {
		return nil, err
	}
	value := a.f.value
	if a.in != nil {
		value = a.in.value
	}
	av, err := value(reflect.ValueOf(&v).Elem())
	if err != nil {
		return nil, a.invalid("%w", err)
	}
	return av, nil
}

func (a Attribute[T, V]) invalid(format string, args ...any) error {
	return &Error{Kind: KindValidation, Op: "encode", Table: a.table, Attribute: a.path(), Err: fmt.Errorf(format, args...)}
}

// misused is a use that what is stored does not allow.
func (a Attribute[T, V]) misused(op, format string, args ...any) error {
	return &Error{Kind: KindDefinition, Op: op, Table: a.table, Attribute: a.path(), Err: fmt.Errorf(format, args...)}
}

// Numeric is what DynamoDB's ADD takes, besides sets.
type Numeric interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// NumberAttribute is an [Attribute] that can be counted up and down.
type NumberAttribute[T any, V Numeric] struct{ Attribute[T, V] }

// Number is [Attr] for a numeric field.
func Number[T, K any, V Numeric](t *Table[T, K], f func(*T) *V) NumberAttribute[T, V] {
	a := attr(t, "orm.Number", f)
	if a.err == nil && a.kind() != "N" {
		panic(fmt.Sprintf("orm.Number: field %s of table %q (%s) is stored as %s and cannot be counted: use orm.Attr", a.goName(), t.schema.Name, t.schema.DefinedAt, a.kind()))
	}
	return NumberAttribute[T, V]{a}
}

// AsNumber is what is in a list, a map or a struct inside them as something that
// can be counted: orm.AsNumber(visits.Entry("2026-11-20")).Add(1).
func AsNumber[T any, V Numeric](a Attribute[T, V]) NumberAttribute[T, V] {
	if a.usable() == nil && a.kind() != "N" {
		a.err = a.misused("use", "it is stored as %s and cannot be counted", a.kind())
	}
	return NumberAttribute[T, V]{a}
}

func (a Attribute[T, V]) goName() string {
	if a.in != nil {
		return a.in.goName
	}
	return a.f.goName
}
