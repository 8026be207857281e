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
			if err := checkValue(v, 1); err != nil {
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
	for i := range a.Changes {
		c := &a.Changes[i]
		if err := checkChange(a.Table, c); err != nil {
			return fmt.Errorf("attribute %s: %w", pathText(c.Path, c.Into), err)
		}
		for j := range i {
			if err := checkOverlap(&a.Changes[j], c); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkChange(s *orm.Schema, c *orm.Change) error {
	if err := checkPath(c.Path, c.Into); err != nil {
		return err
	}
	if c.Path == s.Hash || c.Path == s.Sort {
		return errors.New("it is part of the key and cannot be changed")
	}
	if c.Op == orm.ChangeRemove {
		if c.Value != nil {
			return errors.New("REMOVE takes no value")
		}
		return nil
	}
	if err := checkValue(c.Value, len(c.Into)+1); err != nil {
		return err
	}
	switch k := kind(c.Value); c.Op {
	case orm.ChangeSet, orm.ChangeSetIfNotExists:
	case orm.ChangeAdd, orm.ChangeDelete:
		switch {
		case len(c.Into) > 0:
			return errors.New("ADD and DELETE are for top-level attributes only")
		case c.Op == orm.ChangeAdd && k != "N" && !isSet(c.Value):
			return errAddType
		case c.Op == orm.ChangeDelete && !isSet(c.Value):
			return errDeleteType
		}
	case orm.ChangeAppend, orm.ChangePrepend:
		if k != "L" {
			return fmt.Errorf("list_append takes a list, not a value of type %s", k)
		}
	case orm.ChangeIncrement:
		if k != "N" {
			return fmt.Errorf("an increment takes a number, not a value of type %s", k)
		}
	default:
		return fmt.Errorf("unknown change %d", c.Op)
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

// The longest keys, in bytes.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	maxHashKey = 2048
	maxSortKey = 1024
)

// checkKeys checks the key attributes of an item.
func checkKeys(s *orm.Schema, item orm.Item) error {
	if err := checkKeyAttribute(s, item, s.Hash, maxHashKey, true); err != nil {
		return err
	}
	if s.Sort == "" {
		return nil
	}
	return checkKeyAttribute(s, item, s.Sort, maxSortKey, true)
}

// checkIndexKeys checks the attributes that are keys of an index: they may be
// absent, but not of another type and not empty.
func checkIndexKeys(s *orm.Schema, item orm.Item) error {
	for _, x := range s.Indexes {
		if err := checkKeyAttribute(s, item, x.Hash, maxHashKey, false); err != nil {
			return fmt.Errorf("index %s: %w", x.Name, err)
		}
		if x.Sort == "" {
			continue
		}
		if err := checkKeyAttribute(s, item, x.Sort, maxSortKey, false); err != nil {
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
	return checkValue(v, 1)
}

// checkValue refuses values that DynamoDB does: bad numbers, empty sets, members
// that are twice in a set, too many levels. level is the value's own, from 1.
func checkValue(v value, level int) error {
	if level > maxDepth {
		return fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	}
	switch x := v.(type) {
	case *types.AttributeValueMemberN:
		_, err := parseNumber(x.Value)
		return err
	case *types.AttributeValueMemberL:
		for i, e := range x.Value {
			if err := checkValue(e, level+1); err != nil {
				return fmt.Errorf("element %d: %w", i, err)
			}
		}
	case *types.AttributeValueMemberM:
		for name, e := range x.Value {
			if err := checkValue(e, level+1); err != nil {
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
