package orm

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB's limits for key values, in bytes.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	maxHashBytes = 2048
	maxSortBytes = 1024
)

var (
	errEmptyKey    = errors.New("a key cannot be empty")
	errReservedKey = fmt.Errorf("partition keys that begin with %q are the table's own, for its unique values", uniquePrefix)
)

// key encodes a key of type K.
func (p *plan) key(op string, key any) (Item, error) {
	if p.raw {
		return p.rawKey(op, key.(Item))
	}
	out := make(Item, 2)
	hash := key
	if pair, ok := key.(twoPart); ok && p.sort != nil {
		var sort any
		hash, sort = pair.parts()
		av, err := p.sort.keyValue(reflect.ValueOf(sort))
		if err != nil {
			return nil, &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Attribute: p.sort.name, Err: err}
		}
		out[p.sort.name] = av
	}
	av, err := p.hash.keyValue(reflect.ValueOf(hash))
	if err != nil {
		return nil, &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Attribute: p.hash.name, Err: err}
	}
	out[p.hash.name] = av
	return out, p.checkKey(op, out)
}

// rawKey checks a key of a run-time definition: the key attributes and no other.
func (p *plan) rawKey(op string, key Item) (Item, error) {
	var others []string
	for name := range key {
		if f := p.byName[name]; f == nil || !f.inKey {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		slices.Sort(others)
		names := []string{p.hash.name}
		if p.sort != nil {
			names = append(names, p.sort.name)
		}
		return nil, &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(key),
			Err: fmt.Errorf("%s is no key attribute: the key is %s", list(others), list(names))}
	}
	return maps.Clone(key), p.checkKey(op, key)
}

// checkKey checks the key attributes of an item.
func (p *plan) checkKey(op string, item Item) error {
	for _, f := range []*field{p.hash, p.sort} {
		if f == nil {
			continue
		}
		limit := maxHashBytes
		if f == p.sort {
			limit = maxSortBytes
		}
		err := checkKeyValue(item[f.name], limit)
		if kind := item[f.name]; p.raw && kind != nil && typeOf(kind) != f.kind {
			err = fmt.Errorf("the key is stored as %s here, and as %s in the table", typeOf(kind), f.kind)
		}
		if s, ok := item[f.name].(*types.AttributeValueMemberS); ok && f == p.hash && strings.HasPrefix(s.Value, uniquePrefix) {
			err = errReservedKey
		}
		if err != nil {
			return &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(item), Attribute: f.name, Err: err}
		}
	}
	return nil
}

func checkKeyValue(av types.AttributeValue, limit int) error {
	n := 0
	switch v := av.(type) {
	case nil:
		return errEmptyKey
	case *types.AttributeValueMemberS:
		n = len(v.Value)
	case *types.AttributeValueMemberB:
		n = len(v.Value)
	default:
		return nil
	}
	switch {
	case n == 0:
		return errEmptyKey
	case n > limit:
		return fmt.Errorf("the key is %d bytes long, allowed are %d", n, limit)
	}
	return nil
}

// keyValue encodes a key's value; an empty one is an error.
func (f *field) keyValue(v reflect.Value) (types.AttributeValue, error) {
	av, err := f.value(v)
	if err == nil && av == nil {
		err = errEmptyKey
	}
	return av, err
}

// KeyText writes an item's primary key for people: "u1", or "order/1", 3 for a
// two-part key. It is what errors and logs say, so an attribute with
// `log:"masked"` or `output:"hidden"` is written as ***.
func (s *Schema) KeyText(item Item) string {
	text := s.keyPartText(s.Hash, item)
	if s.Sort != "" {
		text += ", " + s.keyPartText(s.Sort, item)
	}
	return text
}

func (s *Schema) keyPartText(name string, item Item) string {
	if s.secret(name) {
		return maskText
	}
	if v, ok := item[name].(*types.AttributeValueMemberS); ok && name == s.Hash {
		if unique, ok := strings.CutPrefix(v.Value, uniquePrefix); ok { // the key of a unique value's item is that value
			if attribute, _, ok := strings.Cut(unique, "#"); ok && s.secret(attribute) {
				return strconv.Quote(uniquePrefix + attribute + "#" + maskText)
			}
		}
	}
	return valueText(item[name])
}

// secret reports whether an attribute's values stay out of errors and logs.
func (s *Schema) secret(name string) bool {
	for i := range s.Attributes {
		if a := &s.Attributes[i]; a.Name == name {
			return a.Hidden || a.Masked
		}
	}
	return false
}

func valueText(av types.AttributeValue) string {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return strconv.Quote(v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("0x%x", v.Value)
	}
	return "?"
}

// KeyOf takes the primary key out of an item.
func (s *Schema) KeyOf(item Item) Item {
	key := Item{s.Hash: item[s.Hash]}
	if s.Sort != "" {
		key[s.Sort] = item[s.Sort]
	}
	return key
}
