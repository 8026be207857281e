package ormtest

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"

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
	v, ok := resolve(item, c.Path, c.Into)
	if ok && c.Size {
		v, ok = size(v) // a value without a size counts as an absent one
	}
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
		return beginsWith(v, first)
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
	case *types.AttributeValueMemberB:
		p, ok := part.(*types.AttributeValueMemberB)
		return ok && bytes.Contains(x.Value, p.Value)
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

// size is what the function size says of a value: the length of a string in
// units of UTF-16, of binary data in bytes, the elements of a set, list or map.
// Others have no size. Amazon's page does not say in what a string is measured;
// others have tried it out.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
// https://github.com/ExtendDB/extenddb/pull/67
func size(v value) (value, bool) {
	n := 0
	switch x := v.(type) {
	case *types.AttributeValueMemberS:
		for _, r := range x.Value {
			n += utf16.RuneLen(r)
		}
	case *types.AttributeValueMemberB:
		n = len(x.Value)
	case *types.AttributeValueMemberSS:
		n = len(x.Value)
	case *types.AttributeValueMemberNS:
		n = len(x.Value)
	case *types.AttributeValueMemberBS:
		n = len(x.Value)
	case *types.AttributeValueMemberL:
		n = len(x.Value)
	case *types.AttributeValueMemberM:
		n = len(x.Value)
	default:
		return nil, false
	}
	return &types.AttributeValueMemberN{Value: strconv.Itoa(n)}, true
}
