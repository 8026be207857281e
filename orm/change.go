package orm

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Assignment is one change to one attribute of an item of type T. It comes from
// the methods of [Attribute] and goes to [Table.Update].
type Assignment[T any] struct {
	f      *field // the attribute of the table
	change Change
	err    error
}

func (a Attribute[T, V]) change(op ChangeOp, v V) (Change, error) {
	av, err := a.encode(v)
	if err != nil {
		return Change{}, err
	}
	return Change{Op: op, Path: a.f.name, Into: a.into(), Value: av}, nil
}

// set is a change to a value that the field's rules allow.
func (a Attribute[T, V]) set(op ChangeOp, v V) (Change, error) {
	c, err := a.change(op, v)
	if f := a.leaf(); err == nil && f != nil {
		if err = a.plan.checkValue(f, reflect.ValueOf(&v).Elem()); err != nil {
			err = a.invalid("%w", err)
		}
	}
	return c, err
}

// Set writes the attribute. A value that is stored by leaving it out (see
// [Attribute]) removes the attribute. The field's enum and its `validate` rules
// are checked, as Insert does, except those that compare it with other fields.
func (a Attribute[T, V]) Set(v V) Assignment[T] {
	c, err := a.set(ChangeSet, v)
	if err == nil && c.Value == nil {
		c.Op = ChangeRemove
	}
	return Assignment[T]{f: a.f, change: c, err: err}
}

// SetIfNotExists writes the attribute when the item does not have it yet, with
// the checks of Set.
func (a Attribute[T, V]) SetIfNotExists(v V) Assignment[T] {
	c, err := a.set(ChangeSetIfNotExists, v)
	if err == nil && c.Value == nil {
		err = a.invalid("set if not exists: an empty value is stored by leaving the attribute out, so there is nothing to set")
	}
	return Assignment[T]{f: a.f, change: c, err: err}
}

// Remove takes the attribute away from the item, whatever its rules say.
func (a Attribute[T, V]) Remove() Assignment[T] {
	if err := a.usable(); err != nil {
		return Assignment[T]{err: err}
	}
	return Assignment[T]{f: a.f, change: Change{Op: ChangeRemove, Path: a.f.name, Into: a.into()}}
}

// Add adds v atomically; an absent number counts as zero. A negative v counts
// down. Doing it again counts again: after [KindUnavailable] nobody knows
// whether it was counted, unless a transaction with a token said so.
func (a NumberAttribute[T, V]) Add(v V) Assignment[T] {
	op := ChangeAdd
	if a.in != nil {
		op = ChangeIncrement
	}
	c, err := a.change(op, v)
	if f := a.leaf(); err == nil && f != nil && f.enum != nil {
		err = a.misused("update", "it has an enum, and what it is counted to would not be known: Set one of its values")
	}
	if err == nil && c.Value == nil { // a zero that is left out adds nothing, and still is a number
		c.Value = &types.AttributeValueMemberN{Value: "0"}
	}
	return Assignment[T]{f: a.f, change: c, err: err}
}

// overlaps reports whether two changes are on one place, or one on a place
// inside the other's. DynamoDB refuses both in one update.
func (c *Change) overlaps(d *Change) bool {
	if c.Path != d.Path {
		return false
	}
	for i := range min(len(c.Into), len(d.Into)) {
		if c.Into[i] != d.Into[i] {
			return false
		}
	}
	return true
}
