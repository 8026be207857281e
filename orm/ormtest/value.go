package ormtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/internal/attrtype"
	"github.com/vinci-go/vinci/orm"
)

type value = types.AttributeValue

// kind is a value's DynamoDB type, empty for none.
func kind(v value) string { return attrtype.Of(v) }

// order compares two values of the same scalar type: numbers by value, strings
// and bytes by their bytes.
func order(a, b value) int {
	switch x := a.(type) {
	case *types.AttributeValueMemberS:
		return strings.Compare(x.Value, b.(*types.AttributeValueMemberS).Value)
	case *types.AttributeValueMemberN:
		return compareNumbers(x.Value, b.(*types.AttributeValueMemberN).Value)
	case *types.AttributeValueMemberB:
		return bytes.Compare(x.Value, b.(*types.AttributeValueMemberB).Value)
	}
	return 0
}

// text identifies a value: two values have the same text when DynamoDB holds
// them equal.
func text(v value) string {
	switch x := v.(type) { // keys, the usual case
	case *types.AttributeValueMemberS:
		return "S:" + x.Value
	case *types.AttributeValueMemberN:
		return "N:" + normalNumber(x.Value)
	}
	return string(appendText(nil, v))
}

func appendText(b []byte, v value) []byte {
	b = append(append(b, kind(v)...), ':')
	switch x := v.(type) {
	case *types.AttributeValueMemberS:
		b = appendString(b, x.Value)
	case *types.AttributeValueMemberN:
		b = append(b, normalNumber(x.Value)...)
	case *types.AttributeValueMemberB:
		b = hex.AppendEncode(b, x.Value)
	case *types.AttributeValueMemberBOOL:
		b = strconv.AppendBool(b, x.Value)
	case *types.AttributeValueMemberL:
		b = append(b, '[')
		for _, e := range x.Value {
			b = append(appendText(b, e), ',')
		}
		b = append(b, ']')
	case *types.AttributeValueMemberM:
		b = appendItem(b, x.Value)
	case *types.AttributeValueMemberSS, *types.AttributeValueMemberNS, *types.AttributeValueMemberBS:
		members := setMembers(v)
		slices.Sort(members)
		b = fmt.Appendf(b, "%q", members)
	}
	return b
}

// appendString appends a string behind its length, so that nothing else reads the
// same. Quoting it would do that too, for several times the price.
func appendString(b []byte, s string) []byte {
	b = strconv.AppendInt(b, int64(len(s)), 10)
	return append(append(b, ':'), s...)
}

func appendItem(b []byte, item orm.Item) []byte {
	b = append(b, '{')
	for _, name := range names(item) {
		b = append(appendString(b, name), '=')
		b = append(appendText(b, item[name]), ',')
	}
	return append(b, '}')
}

func names(item orm.Item) []string {
	out := make([]string, 0, len(item))
	for name := range item {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// setMembers identifies the members of a set.
func setMembers(v value) []string {
	var out []string
	switch x := v.(type) {
	case *types.AttributeValueMemberSS:
		out = slices.Clone(x.Value)
	case *types.AttributeValueMemberNS:
		for _, n := range x.Value {
			out = append(out, normalNumber(n))
		}
	case *types.AttributeValueMemberBS:
		for _, e := range x.Value {
			out = append(out, string(e))
		}
	}
	return out
}

func equal(a, b value) bool {
	if x, ok := a.(*types.AttributeValueMemberS); ok { // the usual case
		y, ok := b.(*types.AttributeValueMemberS)
		return ok && x.Value == y.Value
	}
	return kind(a) == kind(b) && text(a) == text(b)
}

// cloneItem copies an item so deep that neither side can change the other's.
func cloneItem(item orm.Item) orm.Item { return mapItem(item, false) }

// normalItem copies an item as DynamoDB stores it: numbers in their plain form.
func normalItem(item orm.Item) orm.Item { return mapItem(item, true) }

func mapItem(item orm.Item, normal bool) orm.Item {
	if item == nil {
		return nil
	}
	out := make(orm.Item, len(item))
	for name, v := range item {
		out[name] = mapValue(v, normal)
	}
	return out
}

func mapValue(v value, normal bool) value {
	switch x := v.(type) {
	case *types.AttributeValueMemberN:
		if n := x.Value; normal && normalNumber(n) != n {
			return &types.AttributeValueMemberN{Value: normalNumber(n)}
		}
	case *types.AttributeValueMemberB:
		return &types.AttributeValueMemberB{Value: bytes.Clone(x.Value)}
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: slices.Clone(x.Value)}
	case *types.AttributeValueMemberNS:
		out := slices.Clone(x.Value)
		for i := range out {
			if normal {
				out[i] = normalNumber(out[i])
			}
		}
		return &types.AttributeValueMemberNS{Value: out}
	case *types.AttributeValueMemberBS:
		out := make([][]byte, len(x.Value))
		for i := range out {
			out[i] = bytes.Clone(x.Value[i])
		}
		return &types.AttributeValueMemberBS{Value: out}
	case *types.AttributeValueMemberL:
		out := make([]value, len(x.Value))
		for i := range out {
			out[i] = mapValue(x.Value[i], normal)
		}
		return &types.AttributeValueMemberL{Value: out}
	case *types.AttributeValueMemberM:
		return &types.AttributeValueMemberM{Value: mapItem(x.Value, normal)}
	}
	return v // strings, booleans and null hold nothing that could be shared
}

// fingerprint identifies a transaction's parameters. It works in what room b has,
// and returns that for the next one.
func fingerprint(b []byte, actions []orm.Action) ([sha256.Size]byte, []byte) {
	b = b[:0]
	for i := range actions {
		a := &actions[i]
		b = fmt.Appendf(b, "%d %s ", a.Op, a.Table.Name)
		b = appendItem(b, a.Key)
		b = appendItem(b, a.Item)
		for _, c := range a.Changes {
			b = fmt.Appendf(b, "%d ", c.Op)
			b = appendPath(b, c.Path, c.Into)
			b = appendText(b, c.Value)
		}
		b = appendCond(b, a.If)
		b = append(b, '\n')
	}
	return sha256.Sum256(b), b
}

func appendCond(b []byte, c *orm.Cond) []byte {
	if c == nil {
		return b
	}
	b = fmt.Appendf(b, "(%d %t ", c.Op, c.Size)
	b = appendPath(b, c.Path, c.Into)
	for _, v := range c.Values {
		b = appendText(b, v)
	}
	for _, one := range c.Of {
		b = appendCond(b, one)
	}
	return append(b, ')')
}

func appendPath(b []byte, attribute string, into []orm.Step) []byte {
	b = append(appendString(b, attribute), ' ')
	for _, step := range into {
		b = fmt.Appendf(b, "%q %d ", step.Name, step.Index)
	}
	return b
}
