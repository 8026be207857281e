package ormtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
)

// update makes the item that an update leaves behind. old is not changed. All
// changes are made of the item as it was, whatever their order.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func update(old orm.Item, a *orm.Action) (orm.Item, error) {
	out := maps.Clone(old) // values are replaced, never changed
	if out == nil {
		out = normalItem(a.Key)
	}
	var nested map[string]*node
	for i := range a.Changes {
		c := &a.Changes[i]
		v, err := result(old, c)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", pathText(c.Path, c.Into), err)
		}
		switch {
		case len(c.Into) > 0:
			if nested == nil {
				nested = map[string]*node{}
			}
			root, ok := nested[c.Path]
			if !ok {
				root = &node{}
				nested[c.Path] = root
			}
			root.add(c.Into, v)
		case v == nil:
			delete(out, c.Path)
		default:
			out[c.Path] = v
		}
	}
	for _, name := range slices.Sorted(maps.Keys(nested)) {
		root := nested[name]
		if old == nil && root.removes() {
			continue // DynamoDB lets this pass, though it refuses it on an item without the attribute
		}
		v, err := root.apply(out[name])
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		out[name] = v
	}
	return out, nil
}

// result is what a change leaves at its path, nil for nothing.
func result(old orm.Item, c *orm.Change) (value, error) {
	was, ok := resolve(old, c.Path, c.Into)
	v := mapValue(c.Value, true)
	switch {
	case c.Op == orm.ChangeRemove:
		return nil, nil
	case c.Op == orm.ChangeDelete:
		if !ok {
			return nil, nil
		}
		return without(was, v)
	case c.Op == orm.ChangeSet, !ok:
		return v, nil
	}
	switch c.Op {
	case orm.ChangeSetIfNotExists:
		return was, nil
	case orm.ChangeAdd:
		return add(was, v)
	case orm.ChangeIncrement:
		if kind(was) != "N" {
			return nil, fmt.Errorf("a value of type %s cannot be incremented", kind(was))
		}
		return add(was, v)
	case orm.ChangeAppend, orm.ChangePrepend:
		list, ok := was.(*types.AttributeValueMemberL)
		if !ok {
			return nil, fmt.Errorf("a value of type %s cannot be appended to: only a list can", kind(was))
		}
		more := v.(*types.AttributeValueMemberL)
		if c.Op == orm.ChangePrepend {
			list, more = more, list
		}
		return &types.AttributeValueMemberL{Value: slices.Concat(list.Value, more.Value)}, nil
	}
	return nil, fmt.Errorf("unknown change %d", c.Op)
}

// node is a place within an attribute that is changed, or has such places in it.
type node struct {
	entries  map[string]*node // of a map
	elements map[int]*node    // of a list
	end      bool             // it is changed itself
	value    value            // nil: it is removed
}

// add notes a change. Paths that overlap were refused before.
func (n *node) add(into []orm.Step, v value) {
	for _, step := range into {
		var next *node
		if step.Name != "" {
			if next = n.entries[step.Name]; next == nil {
				next = &node{}
				if n.entries == nil {
					n.entries = map[string]*node{}
				}
				n.entries[step.Name] = next
			}
		} else if next = n.elements[step.Index]; next == nil {
			next = &node{}
			if n.elements == nil {
				n.elements = map[int]*node{}
			}
			n.elements[step.Index] = next
		}
		n = next
	}
	n.end, n.value = true, v
}

// removes reports whether nothing but removals is in the place.
func (n *node) removes() bool {
	if n.end {
		return n.value == nil
	}
	for _, next := range n.entries {
		if !next.removes() {
			return false
		}
	}
	for _, next := range n.elements {
		if !next.removes() {
			return false
		}
	}
	return true
}

// errPath is DynamoDB's own message, and how to mend it.
var errPath = errors.New("the document path provided in the update expression is invalid for update: the list, map or struct that is changed within must be there: set it as a whole first, in an update of its own")

// apply makes the value that the changes leave of v, nil for an absent one.
func (n *node) apply(v value) (value, error) {
	if n.end {
		return n.value, nil
	}
	switch x := v.(type) {
	case *types.AttributeValueMemberM:
		if n.entries != nil {
			return n.applyMap(x)
		}
	case *types.AttributeValueMemberL:
		if n.elements != nil {
			return n.applyList(x)
		}
	}
	return nil, errPath
}

func (n *node) applyMap(m *types.AttributeValueMemberM) (value, error) {
	out := maps.Clone(m.Value)
	if out == nil {
		out = orm.Item{}
	}
	for name, next := range n.entries {
		v, err := next.apply(out[name])
		if err != nil {
			return nil, err
		}
		if v == nil {
			delete(out, name)
		} else {
			out[name] = v
		}
	}
	return &types.AttributeValueMemberM{Value: out}, nil
}

// applyList changes elements, and then removes some: all places are those before
// the update. What is set beyond the end comes to the end, in order.
func (n *node) applyList(l *types.AttributeValueMemberL) (value, error) {
	out := slices.Clone(l.Value)
	for _, i := range slices.Sorted(maps.Keys(n.elements)) {
		next := n.elements[i]
		if i >= len(l.Value) {
			if !next.end {
				return nil, errPath
			}
			if next.value != nil {
				out = append(out, next.value)
			}
			continue
		}
		v, err := next.apply(out[i])
		if err != nil {
			return nil, err
		}
		out[i] = v // nil: removed below
	}
	out = slices.DeleteFunc(out, func(v value) bool { return v == nil })
	return &types.AttributeValueMemberL{Value: out}, nil
}
