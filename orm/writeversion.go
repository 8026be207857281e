package orm

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// firstVersion gives an item that is inserted version 1.
func (p *plan) firstVersion(a Action) Action {
	if p.version == nil {
		return a
	}
	a.Item = maps.Clone(a.Item)
	a.Item[p.version.name] = versionValue(1)
	return a
}

// nextVersion makes a put expect the version that its item has, and write the
// next one.
func (p *plan) nextVersion(op string, a Action) (Action, error) {
	if p.version == nil {
		return a, nil
	}
	n, err := versionOf(a.Item[p.version.name])
	if err == nil && (n < 0 || n == math.MaxInt64) {
		err = fmt.Errorf("version %d cannot be expected: allowed are 0, for an item that must not exist, and what was read", n)
	}
	if err != nil {
		return a, &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(a.Item), Attribute: p.version.name, Err: err}
	}
	a.Item = maps.Clone(a.Item)
	a.Item[p.version.name] = versionValue(n + 1)
	return p.expect(a, n), nil
}

// expect makes an action expect a version of the item. It holds beside the
// condition that the action has.
func (p *plan) expect(a Action, n int64) Action {
	c := &Cond{Op: CondEq, Path: p.version.name, Values: []types.AttributeValue{versionValue(n)}}
	if n == 0 {
		c = &Cond{Op: CondNotExists, Path: p.version.name}
	}
	a.If, a.Version = both(a.If, c), versionValue(n)
	return a
}

// expected checks what AtVersion is given.
func (p *plan) expected(op string, key Item, n int64) error {
	var err error
	switch {
	case p.version == nil:
		err = errors.New("the table has no version attribute, so no version can be expected: tag an int64 field `version:\"true\"`, or use a condition")
	case n < 0:
		err = fmt.Errorf("version %d cannot be expected: allowed are 0, for an item that does not exist, and what was read", n)
	default:
		return nil
	}
	return &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(key), Err: err}
}

func versionValue(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// versionOf is a stored version, 0 where there is none.
func versionOf(av types.AttributeValue) (int64, error) {
	switch v := av.(type) {
	case nil, *types.AttributeValueMemberNULL:
		return 0, nil
	case *types.AttributeValueMemberN:
		n, err := strconv.ParseInt(v.Value, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the version is %s, and versions are whole numbers from 0 to %d", v.Value, math.MaxInt64)
		}
		return n, nil
	}
	return 0, fmt.Errorf("the version is stored as %s, and versions are numbers", typeOf(av))
}

// otherVersion reports whether an item has another version than the action
// expects.
func (a *Action) otherVersion(item Item) bool {
	want, err1 := versionOf(a.Version)
	got, err2 := versionOf(item[a.Table.Version])
	return err1 == nil && (err2 != nil || got != want)
}

// versions says which version was expected and which one is there.
func (a *Action) versions(item Item) error {
	want := "version " + valueText(a.Version) + " was expected"
	if valueText(a.Version) == "0" {
		want = "no item was expected"
	}
	got := item[a.Table.Version]
	switch {
	case item == nil:
		return fmt.Errorf("%s, and there is no item", want)
	case got == nil:
		return fmt.Errorf("%s, and the item has none: read it and decide again", want)
	}
	return fmt.Errorf("%s, and the item has version %s: read it and decide again", want, valueText(got))
}

// both holds when both conditions do; nil holds always.
func both(a, b *Cond) *Cond {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return &Cond{Op: CondAnd, Of: []*Cond{a, b}}
}
