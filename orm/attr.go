package orm

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Attribute is a typed attribute of a table: V is the field's type. It is a
// value, safe for concurrent use. Make it with [Attr] or [Number].
//
// A value that is stored by leaving the attribute out (an empty string, a nil
// pointer, whatever `omitempty` leaves out) means the same here: Set removes the
// attribute, Eq asks for its absence.
type Attribute[T, V any] struct {
	table string
	f     *field
	err   error // of the table's definition
}

// Attr finds the attribute of the field that f points at. Fields of embedded
// structs are found too. It panics when f points at anything else: the program
// is written wrong. On a table whose Err is not nil it does not, and whatever
// uses the attribute returns that error.
func Attr[T, K, V any](t *Table[T, K], f func(*T) *V) Attribute[T, V] {
	if t.err != nil {
		return Attribute[T, V]{table: t.schema.Name, err: t.err}
	}
	return Attribute[T, V]{table: t.schema.Name, f: findField(t.plan, "orm.Attr", f)}
}

// findField finds the field by where it is in the struct, and by its type: a
// struct and its first field are at the same place.
func findField[T, V any](p *plan, op string, f func(*T) *V) *field {
	item := new(T)
	ptr := f(item)
	at := uintptr(unsafe.Pointer(ptr)) - uintptr(unsafe.Pointer(item))
	for i := range p.fields {
		if c := &p.fields[i]; ptr != nil && c.offset == at && c.typ == reflect.TypeFor[V]() {
			return c
		}
	}
	panic(fmt.Sprintf("%s: the function does not point at an attribute of table %q (%s): return the address of a field of %s, such as &u.%s",
		op, p.schema.Name, p.schema.DefinedAt, p.schema.Type, p.fields[0].goName))
}

// Name is the attribute's name in the table; empty when the table is defined
// wrong.
func (a Attribute[T, V]) Name() string {
	if a.f == nil {
		return ""
	}
	return a.f.name
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
	av, err := a.f.value(reflect.ValueOf(&v).Elem())
	if err != nil {
		return nil, &Error{Kind: KindValidation, Op: "encode", Table: a.table, Attribute: a.f.name, Err: err}
	}
	return av, nil
}

func (a Attribute[T, V]) invalid(format string, args ...any) error {
	return &Error{Kind: KindValidation, Op: "encode", Table: a.table, Attribute: a.Name(), Err: fmt.Errorf(format, args...)}
}

// Numeric is what DynamoDB's ADD takes, besides sets.
type Numeric interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// NumberAttribute is an [Attribute] that can be counted up and down.
type NumberAttribute[T any, V Numeric] struct{ Attribute[T, V] }

// Number is [Attr] for a numeric field.
func Number[T, K any, V Numeric](t *Table[T, K], f func(*T) *V) NumberAttribute[T, V] {
	a := Attr(t, f)
	if a.err == nil && a.f.kind != "N" {
		panic(fmt.Sprintf("orm.Number: field %s of table %q (%s) is stored as %s and cannot be counted: use orm.Attr", a.f.goName, t.schema.Name, t.schema.DefinedAt, a.f.kind))
	}
	return NumberAttribute[T, V]{a}
}

// Add adds v atomically; an absent attribute counts as zero. A negative v
// counts down. Doing it again counts again: after [KindUnavailable] nobody knows
// whether it was counted, unless a transaction with a token said so.
func (a NumberAttribute[T, V]) Add(v V) Assignment[T] {
	c, err := a.change(ChangeAdd, v)
	if err == nil && c.Value == nil { // a zero that is left out adds nothing, and still is a number
		c.Value = &types.AttributeValueMemberN{Value: "0"}
	}
	return Assignment[T]{f: a.f, change: c, err: err}
}
