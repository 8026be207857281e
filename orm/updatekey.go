package orm

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// isPart reports whether a composite key is made of the field.
func (p *plan) isPart(f *field) bool {
	for _, c := range p.composed {
		if c.template.has(f) {
			return true
		}
	}
	return false
}

// keyParts takes the composite keys of an item's key apart: the attributes that
// they are made of, but those that are the other key.
func (p *plan) keyParts(op string, key Item) (Item, error) {
	var out Item
	for _, f := range p.composed {
		text, ok := key[f.name].(*types.AttributeValueMemberS)
		if !f.inKey || !ok {
			continue
		}
		parts, err := f.template.split(text.Value)
		if err == nil {
			out, err = p.joinParts(out, key, parts)
		}
		if err != nil {
			return nil, &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(key), Attribute: f.name, Err: err}
		}
	}
	return out, nil
}

// joinParts adds the parts of one key to those of the other. What is part of
// both, or a key itself, must be the same in both.
func (p *plan) joinParts(out, key, parts Item) (Item, error) {
	for name, av := range parts {
		known := out[name]
		if key[name] != nil {
			known = key[name]
		}
		if known != nil && !sameValue(known, av) {
			return nil, fmt.Errorf("part {%s} is %s in one of the item's keys and %s in the other: an item whose keys differ in it cannot be", name, p.text(name, av), p.text(name, known))
		}
		if key[name] != nil {
			continue
		}
		if out == nil {
			out = make(Item, len(parts))
		}
		out[name] = av
	}
	return out, nil
}

// text writes a value for people, unless its attribute is kept out of errors.
func (p *plan) text(name string, av types.AttributeValue) string {
	if f := p.byName[name]; f != nil && f.secret() {
		return maskText
	}
	return valueText(av)
}

// composeChanges composes the keys of indexes anew, as far as the changes are
// about their parts.
func (p *plan) composeChanges(key, parts Item, changes []Change) ([]Change, error) {
	for _, f := range p.composed {
		if f.inKey {
			continue
		}
		values := make(Item, len(f.template.parts))
		changed, removed := false, false
		for _, part := range f.template.parts {
			av, known := key[part.name], key[part.name] != nil
			for i := range changes {
				c := &changes[i]
				if c.Path != part.name {
					continue
				}
				av, known = c.Value, true // nil when it is removed
				if parts[part.name] == nil {
					changed = true
					removed = removed || av == nil
				}
			}
			if known {
				values[part.name] = av
			}
		}
		c, err := p.composeChange(f, values, changed, removed)
		if err != nil {
			return nil, &Error{Kind: KindValidation, Op: "update", Table: p.schema.Name, Key: p.schema.KeyText(key), Attribute: f.name, Err: err}
		}
		if c.Op != 0 {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// composeChange is the change of one composite key of an index; none (its Op is
// 0) when the key stays as it is.
func (p *plan) composeChange(f *field, values Item, changed, removed bool) (Change, error) {
	remove := Change{Op: ChangeRemove, Path: f.name}
	if removed {
		return remove, nil
	}
	var unknown []string
	for _, part := range f.template.parts {
		if _, ok := values[part.name]; !ok {
			unknown = append(unknown, part.name)
		}
	}
	switch {
	case len(unknown) > 0 && changed:
		return Change{}, fmt.Errorf("it is composed by %q, and this update changes a part of it without saying what %s is: set all parts in one update", f.template.text, list(unknown))
	case len(unknown) > 0:
		return Change{}, nil
	}
	av, err := f.template.whole(values)
	var missing *missingParts
	switch {
	case errors.As(err, &missing): // a value that says nothing, such as an empty text
		return remove, nil
	case err != nil:
		return Change{}, err
	}
	return Change{Op: ChangeSet, Path: f.name, Value: av}, nil
}
