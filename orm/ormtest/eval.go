package ormtest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
)

// holds evaluates a condition on an item, nil for one that does not exist.
func holds(c *orm.Cond, item orm.Item) bool {
	switch c.Op {
	case orm.CondAnd:
		for _, one := range c.Of {
			if !holds(one, item) {
				return false
			}
		}
		return true
	case orm.CondOr:
		return slices.ContainsFunc(c.Of, func(one *orm.Cond) bool { return holds(one, item) })
	case orm.CondNot:
		return !holds(c.Of[0], item)
	}
	v, ok := item[c.Path]
	switch c.Op {
	case orm.CondExists:
		return ok
	case orm.CondNotExists:
		return !ok
	case orm.CondNe: // the only comparison that an absent attribute satisfies
		return !ok || !equal(v, c.Values[0])
	}
	return ok && compares(c, v)
}

// compares evaluates a comparison of an attribute that is there.
func compares(c *orm.Cond, v value) bool {
	first := c.Values[0]
	switch c.Op {
	case orm.CondEq:
		return equal(v, first)
	case orm.CondIn:
		return slices.ContainsFunc(c.Values, func(one value) bool { return equal(v, one) })
	case orm.CondBeginsWith:
		switch x := v.(type) {
		case *types.AttributeValueMemberS:
			p, ok := first.(*types.AttributeValueMemberS)
			return ok && strings.HasPrefix(x.Value, p.Value)
		case *types.AttributeValueMemberB:
			p, ok := first.(*types.AttributeValueMemberB)
			return ok && bytes.HasPrefix(x.Value, p.Value)
		}
		return false
	case orm.CondContains:
		return contains(v, first)
	}
	if k := kind(v); k != kind(first) || k != "S" && k != "N" && k != "B" {
		return false // no order between types
	}
	o := order(v, first)
	switch c.Op {
	case orm.CondLt:
		return o < 0
	case orm.CondLe:
		return o <= 0
	case orm.CondGt:
		return o > 0
	case orm.CondGe:
		return o >= 0
	case orm.CondBetween:
		return o >= 0 && kind(v) == kind(c.Values[1]) && order(v, c.Values[1]) <= 0
	}
	return false
}

func contains(v, part value) bool {
	switch x := v.(type) {
	case *types.AttributeValueMemberS:
		p, ok := part.(*types.AttributeValueMemberS)
		return ok && strings.Contains(x.Value, p.Value)
	case *types.AttributeValueMemberL:
		return slices.ContainsFunc(x.Value, func(e value) bool { return equal(e, part) })
	case *types.AttributeValueMemberSS:
		p, ok := part.(*types.AttributeValueMemberS)
		return ok && slices.Contains(x.Value, p.Value)
	case *types.AttributeValueMemberNS:
		p, ok := part.(*types.AttributeValueMemberN)
		return ok && slices.Contains(setMembers(v), normalNumber(p.Value))
	case *types.AttributeValueMemberBS:
		p, ok := part.(*types.AttributeValueMemberB)
		return ok && slices.ContainsFunc(x.Value, func(e []byte) bool { return bytes.Equal(e, p.Value) })
	}
	return false
}

// update makes the item that an update leaves behind. old is not changed.
func update(old orm.Item, a *orm.Action) (orm.Item, error) {
	out := cloneItem(old)
	if out == nil {
		out = normalItem(a.Key)
	}
	for _, c := range a.Changes {
		was, ok := old[c.Path]
		switch c.Op {
		case orm.ChangeSet:
			out[c.Path] = mapValue(c.Value, true)
		case orm.ChangeSetIfNotExists:
			if !ok {
				out[c.Path] = mapValue(c.Value, true)
			}
		case orm.ChangeRemove:
			delete(out, c.Path)
		case orm.ChangeAdd:
			sum := mapValue(c.Value, true)
			if ok {
				var err error
				if sum, err = add(was, c.Value); err != nil {
					return nil, fmt.Errorf("attribute %s: %w", c.Path, err)
				}
			}
			out[c.Path] = sum
		default:
			return nil, fmt.Errorf("attribute %s: unknown change %d", c.Path, c.Op)
		}
	}
	return out, nil
}

var errAddType = errors.New("ADD needs a number and a number, or two sets of one type")

func add(was, v value) (value, error) {
	if kind(was) != kind(v) {
		return nil, errAddType
	}
	switch x := was.(type) {
	case *types.AttributeValueMemberN:
		sum, err := addNumbers(x.Value, v.(*types.AttributeValueMemberN).Value)
		return &types.AttributeValueMemberN{Value: sum}, err
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: union(was, v)}, nil
	case *types.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: union(was, v)}, nil
	case *types.AttributeValueMemberBS:
		var out [][]byte
		for _, m := range union(was, v) {
			out = append(out, []byte(m))
		}
		return &types.AttributeValueMemberBS{Value: out}, nil
	}
	return nil, errAddType
}

func union(a, b value) []string {
	out := append(setMembers(a), setMembers(b)...)
	slices.Sort(out)
	return slices.Compact(out)
}
