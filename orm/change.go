package orm

// Assignment is one change to one attribute of an item of type T. It comes from
// the methods of [Attribute] and goes to [Table.Update].
type Assignment[T any] struct {
	f      *field
	change Change
	err    error
}

func (a Attribute[T, V]) change(op ChangeOp, v V) (Change, error) {
	av, err := a.encode(v)
	if err != nil {
		return Change{}, err
	}
	return Change{Op: op, Path: a.f.name, Value: av}, nil
}

// Set writes the attribute. A value that is stored by leaving it out (see
// [Attribute]) removes the attribute.
func (a Attribute[T, V]) Set(v V) Assignment[T] {
	c, err := a.change(ChangeSet, v)
	if err == nil && c.Value == nil {
		c.Op = ChangeRemove
	}
	return Assignment[T]{f: a.f, change: c, err: err}
}

// SetIfNotExists writes the attribute when the item does not have it yet.
func (a Attribute[T, V]) SetIfNotExists(v V) Assignment[T] {
	c, err := a.change(ChangeSetIfNotExists, v)
	if err == nil && c.Value == nil {
		err = a.invalid("set if not exists: an empty value is stored by leaving the attribute out, so there is nothing to set")
	}
	return Assignment[T]{f: a.f, change: c, err: err}
}

// Remove takes the attribute away from the item.
func (a Attribute[T, V]) Remove() Assignment[T] {
	if err := a.usable(); err != nil {
		return Assignment[T]{err: err}
	}
	return Assignment[T]{f: a.f, change: Change{Op: ChangeRemove, Path: a.f.name}}
}
