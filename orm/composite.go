package orm

import (
	"errors"
	"fmt"
	"reflect"
)

// KeyOf is the key of an item, composed from its parts where a key has a
// template. The error is of [KindValidation] when the item has no valid key; a
// key that a default or [DefaultFunc] would make is there after [Table.Fill].
func (t *Table[T, K]) KeyOf(item T) (K, error) {
	var key K
	if t.err != nil {
		return key, t.err
	}
	err := t.plan.setKey(&item, &key)
	return key, err
}

// Fill returns the item with its defaults, those of [DefaultFunc] among them, as
// Insert and Put fill them in: to know a generated id before the item is
// written. Fields that are not zero stay. On a table whose Err is not nil the
// item comes back as it is.
func (t *Table[T, K]) Fill(item T) T {
	if t.err == nil {
		t.plan.fillDefaults(reflect.ValueOf(&item))
	}
	return item
}

// setKey sets *key to the key of *item.
func (p *plan) setKey(item, key any) error {
	const op = "key of"
	if p.raw {
		it, k := *item.(*Item), make(Item, 2)
		for _, f := range p.keys() {
			k[f.name] = it[f.name]
			if f.template != nil {
				text, err := f.template.whole(it)
				if err != nil {
					return f.invalid(p, op, err)
				}
				k[f.name] = text
			}
		}
		*key.(*Item) = k
		return p.checkKey(op, k)
	}
	from, to := reflect.ValueOf(item).Elem(), reflect.ValueOf(key).Elem()
	for i, f := range p.keys() {
		target := to
		if p.sort != nil {
			target = to.Field(i)
		}
		if f.template == nil {
			target.Set(from.FieldByIndex(f.index))
			continue
		}
		text, err := f.template.of(from)
		if err != nil {
			return f.invalid(p, op, err)
		}
		target.SetString(text)
	}
	_, err := p.key(op, to.Interface())
	return err
}

// keys are the fields of the table's key.
func (p *plan) keys() []*field {
	if p.sort == nil {
		return []*field{p.hash}
	}
	return []*field{p.hash, p.sort}
}

func (f *field) invalid(p *plan, op string, err error) error {
	return &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Attribute: f.name, Err: err}
}

// CompositeAttribute is a string attribute that a template tag composes of other
// attributes. Make it with [Composite]; it is a value, safe for concurrent use.
type CompositeAttribute[T any] struct {
	plan *plan
	f    *field
	err  error // of the table's definition
}

// Composite finds the composed attribute of the field that f points at. It
// panics when f points at anything else: the program is written wrong. On a
// table whose Err is not nil it does not, and the methods return that error.
func Composite[T, K any, V ~string](t *Table[T, K], f func(*T) *V) CompositeAttribute[T] {
	if t.err != nil {
		return CompositeAttribute[T]{plan: t.plan, err: t.err}
	}
	c := findField(t.plan, "orm.Composite", f)
	if c.template == nil {
		panic(fmt.Sprintf("orm.Composite: field %s of table %q (%s) has no template tag: add one, such as `template:\"{tenant}#{order}\"`, or use orm.Attr",
			c.goName, t.schema.Name, t.schema.DefinedAt))
	}
	return CompositeAttribute[T]{plan: t.plan, f: c}
}

// Of composes the attribute's text: only the fields of parts that are in the
// template count. Different parts make different texts. The error is of
// [KindValidation] when one is empty, a padded number is negative or has more
// digits than its width, or the text is too long for a key.
func (c CompositeAttribute[T]) Of(parts T) (string, error) {
	if err := c.usable(); err != nil {
		return "", err
	}
	text, err := c.f.template.of(reflect.ValueOf(&parts).Elem())
	if err != nil {
		return "", c.f.invalid(c.plan, "compose", err)
	}
	return text, nil
}

// Prefix is what the texts of all items begin with that share the leading parts:
// up to the last one that is not zero, and the literal behind it. No text with
// other leading parts begins with it, so a query by the prefix of tenant "a" has
// none of tenant "ab". A whole number before the last part may be zero.
func (c CompositeAttribute[T]) Prefix(parts T) (string, error) {
	if err := c.usable(); err != nil {
		return "", err
	}
	text, err := c.f.template.prefix(reflect.ValueOf(&parts).Elem())
	if err != nil {
		return "", c.f.invalid(c.plan, "compose", err)
	}
	return text, nil
}

// Split takes a text of the attribute apart: the result has the fields that are
// parts, all others are zero. A time comes back in UTC. The error is of
// [KindValidation] for every text that Of does not make.
func (c CompositeAttribute[T]) Split(text string) (T, error) {
	var out T
	if err := c.usable(); err != nil {
		return out, err
	}
	parts, err := c.f.template.split(text)
	if err != nil {
		return out, c.f.invalid(c.plan, "split", err)
	}
	err = c.plan.decode(parts, &out)
	return out, err
}

func (c CompositeAttribute[T]) usable() error {
	if c.err == nil && c.f == nil {
		return &Error{Kind: KindDefinition, Op: "use", Err: errors.New("an orm.CompositeAttribute must be made by orm.Composite")}
	}
	return c.err
}

// of composes the whole text of the fields of a struct.
func (t *template) of(item reflect.Value) (string, error) {
	values, err := t.values(item, len(t.parts))
	if err != nil {
		return "", err
	}
	av, err := t.whole(values)
	if err != nil {
		return "", err
	}
	return av.Value, nil
}

// values are the stored values of the first n parts.
func (t *template) values(item reflect.Value, n int) (Item, error) {
	values := make(Item, n)
	for _, f := range t.parts[:n] {
		av, err := f.value(item.FieldByIndex(f.index))
		if err != nil {
			return nil, fmt.Errorf("part {%s}: %w", f.name, err)
		}
		values[f.name] = av
	}
	return values, nil
}

// prefix composes the leading parts.
func (t *template) prefix(item reflect.Value) (string, error) {
	n := len(t.parts)
	for n > 0 && item.FieldByIndex(t.parts[n-1].index).IsZero() {
		n--
	}
	if t.literals[n] == "" {
		if n == 0 {
			return "", fmt.Errorf("no part of %q is given: give at least {%s}", t.text, t.parts[0].name)
		}
		return "", fmt.Errorf("all parts of %q are given, which is no prefix but the whole text: use Of, or leave the last part zero", t.text)
	}
	values, err := t.values(item, n)
	if err != nil {
		return "", err
	}
	head := &template{text: t.text, parts: t.parts[:n], literals: t.literals[:n+1], forms: t.forms[:n], reserved: t.reserved}
	text, missing, err := head.compose(values)
	if err != nil {
		return "", err
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("%s is empty, and a later part of %q is given: give all parts before it", list(missing), t.text)
	}
	return text, nil
}
