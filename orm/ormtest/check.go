package ormtest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
)

// checkAction finds what DynamoDB refuses in an action whatever is stored.
func checkAction(a *orm.Action) error {
	if err := checkRequest(a); err != nil {
		return a.Wrap(orm.KindValidation, err)
	}
	if n := orm.ItemSize(a.Item); n > orm.MaxItemSize {
		return a.Wrap(orm.KindTooLarge, errItemSize(n))
	}
	return nil
}

func errItemSize(n int) error {
	return fmt.Errorf("the item is %d bytes, allowed are %d", n, orm.MaxItemSize)
}

func checkRequest(a *orm.Action) error {
	if a.Op < orm.OpPut || a.Op > orm.OpCheck {
		return fmt.Errorf("unknown operation %d", a.Op)
	}
	if a.Op == orm.OpPut {
		if err := errors.Join(checkKeys(a.Table, a.Item), checkIndexKeys(a.Table, a.Item)); err != nil {
			return err
		}
		for name, v := range a.Item {
			if err := checkValue(v); err != nil {
				return fmt.Errorf("attribute %s: %w", name, err)
			}
		}
	} else if err := checkKey(a.Table, a.Key); err != nil {
		return err
	}
	if a.Op == orm.OpCheck && a.If == nil {
		return errors.New("a check needs a condition")
	}
	if a.Op == orm.OpUpdate {
		if err := checkChanges(a); err != nil {
			return err
		}
	}
	return checkCond(a.If)
}

func checkChanges(a *orm.Action) error {
	if len(a.Changes) == 0 {
		return errors.New("an update needs a change")
	}
	var seen []string
	for _, c := range a.Changes {
		if slices.Contains(seen, c.Path) {
			return fmt.Errorf("attribute %s is changed twice", c.Path)
		}
		seen = append(seen, c.Path)
		if c.Path == a.Table.Hash || c.Path == a.Table.Sort {
			return fmt.Errorf("attribute %s is part of the key and cannot be changed", c.Path)
		}
		if c.Op == orm.ChangeRemove {
			continue
		}
		if err := checkValue(c.Value); err != nil {
			return fmt.Errorf("attribute %s: %w", c.Path, err)
		}
		if k := kind(c.Value); c.Op == orm.ChangeAdd && k != "N" && k != "SS" && k != "NS" && k != "BS" {
			return fmt.Errorf("attribute %s: %w", c.Path, errAddType)
		}
	}
	return nil
}

func checkCond(c *orm.Cond) error {
	if c == nil {
		return nil
	}
	values, of := 1, 0
	switch c.Op {
	case orm.CondAnd, orm.CondOr:
		values, of = 0, max(len(c.Of), 1)
	case orm.CondNot:
		values, of = 0, 1
	case orm.CondExists, orm.CondNotExists:
		values = 0
	case orm.CondBetween:
		values = 2
	case orm.CondIn:
		values = max(len(c.Values), 1)
	default:
		if c.Op < orm.CondEq || c.Op > orm.CondNot {
			return fmt.Errorf("unknown operator %d in a condition", c.Op)
		}
	}
	if len(c.Values) != values || len(c.Of) != of {
		return fmt.Errorf("operator %d of a condition has %d values and %d conditions, it takes %d and %d", c.Op, len(c.Values), len(c.Of), values, of)
	}
	for _, v := range c.Values {
		if err := checkValue(v); err != nil {
			return fmt.Errorf("condition on %s: %w", c.Path, err)
		}
	}
	for _, one := range c.Of {
		if err := checkCond(one); err != nil {
			return err
		}
	}
	return nil
}

// checkKey checks a key that stands by itself: its attributes and no others.
func checkKey(s *orm.Schema, key orm.Item) error {
	want := 1
	if s.Sort != "" {
		want = 2
	}
	if len(key) != want {
		return fmt.Errorf("the key has %d attributes, the table's has %d", len(key), want)
	}
	return checkKeys(s, key)
}

// checkKeys checks the key attributes of an item.
func checkKeys(s *orm.Schema, item orm.Item) error {
	if err := checkKeyAttribute(s, item, s.Hash, 2048, true); err != nil {
		return err
	}
	if s.Sort == "" {
		return nil
	}
	return checkKeyAttribute(s, item, s.Sort, 1024, true)
}

// checkIndexKeys checks the attributes that are keys of an index: they may be
// absent, but not of another type and not empty.
func checkIndexKeys(s *orm.Schema, item orm.Item) error {
	for _, x := range s.Indexes {
		if err := checkKeyAttribute(s, item, x.Hash, 2048, false); err != nil {
			return fmt.Errorf("index %s: %w", x.Name, err)
		}
		if x.Sort == "" {
			continue
		}
		if err := checkKeyAttribute(s, item, x.Sort, 1024, false); err != nil {
			return fmt.Errorf("index %s: %w", x.Name, err)
		}
	}
	return nil
}

func checkKeyAttribute(s *orm.Schema, item orm.Item, name string, limit int, required bool) error {
	v, ok := item[name]
	if !ok {
		if required {
			return fmt.Errorf("key attribute %s is missing", name)
		}
		return nil
	}
	a, _ := s.Attribute(name)
	if kind(v) != a.Type {
		return fmt.Errorf("key attribute %s is of type %s, the table's is %s", name, kind(v), a.Type)
	}
	n := 1
	switch x := v.(type) {
	case *types.AttributeValueMemberS:
		n = len(x.Value)
	case *types.AttributeValueMemberB:
		n = len(x.Value)
	}
	if n == 0 {
		return fmt.Errorf("key attribute %s is empty", name)
	}
	if n > limit {
		return fmt.Errorf("key attribute %s is %d bytes long, allowed are %d", name, n, limit)
	}
	return checkValue(v)
}

// checkValue refuses values that DynamoDB does: bad numbers, empty sets, members
// that are twice in a set.
func checkValue(v value) error {
	switch x := v.(type) {
	case *types.AttributeValueMemberN:
		_, err := parseNumber(x.Value)
		return err
	case *types.AttributeValueMemberL:
		for i, e := range x.Value {
			if err := checkValue(e); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
	case *types.AttributeValueMemberM:
		for name, e := range x.Value {
			if err := checkValue(e); err != nil {
				return fmt.Errorf("entry %s: %w", name, err)
			}
		}
	case *types.AttributeValueMemberNS:
		for _, n := range x.Value {
			if _, err := parseNumber(n); err != nil {
				return err
			}
		}
		return checkSet(v)
	case *types.AttributeValueMemberSS, *types.AttributeValueMemberBS:
		return checkSet(v)
	case nil:
		return errors.New("the value is missing")
	}
	return nil
}

func checkSet(v value) error {
	members := setMembers(v)
	if len(members) == 0 {
		return errors.New("a set cannot be empty")
	}
	slices.Sort(members)
	if len(slices.Compact(slices.Clone(members))) != len(members) {
		return errors.New("a set cannot have a member twice")
	}
	return nil
}
