package orm

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// withUnique adds to a write of an item what it does to the table's unique
// values. after gives the value that an attribute has afterwards, nil for none,
// and whether the write touches it at all; old is the item as it is.
//
// The values of before are read, because each is an item of its own that must be
// given back. So the write depends on them: its condition asks for them, and
// when another write was faster it fails with [KindChanged] and is made anew.
//
// A value's item expires when its owner does, so the expiry is read too, and
// with a new one every value is claimed anew.
func (p *plan) withUnique(ctx context.Context, r Reader, op string, a Action, after func(f *field, old Item) (types.AttributeValue, bool)) ([]Action, error) {
	if len(p.uniques) == 0 {
		return []Action{a}, nil
	}
	expiry, expires := p.byName[p.schema.TTL], false
	if expiry != nil {
		_, expires = after(expiry, nil)
	}
	var touched []*field
	for _, f := range p.uniques {
		if _, ok := after(f, nil); ok || expires {
			touched = append(touched, f)
		}
	}
	if len(touched) == 0 {
		return []Action{a}, nil
	}
	key := a.PrimaryKey()
	if r == nil {
		return nil, p.noReader(op, key, "the item's unique values must be read")
	}
	read := touched
	if expiry != nil && expiry.unique == "" {
		read = append(slices.Clip(touched), expiry)
	}
	get := &GetRequest{Table: p.schema, Key: key}
	for _, f := range read {
		get.Select = append(get.Select, f.name)
	}
	old, err := r.Get(ctx, get)
	if err != nil {
		return nil, err
	}
	a.Read = make(map[string]types.AttributeValue, len(read))
	for _, f := range read {
		a.Read[f.name] = old[f.name]
		a.If = both(a.If, stillIs(f, old[f.name]))
	}
	value := func(f *field) types.AttributeValue {
		if now, ok := after(f, old); ok {
			return now
		}
		return old[f.name]
	}
	out := []Action{a}
	for _, f := range touched {
		was, now := claim{value: old[f.name]}, claim{value: value(f)}
		if expiry != nil {
			was.expiry, now.expiry = old[expiry.name], value(expiry)
		}
		m, err := p.moveUnique(op, key, f, was, now)
		if err != nil {
			return nil, err
		}
		out = append(out, m...)
	}
	return out, nil
}

// claim is a unique value that an item has, and when both expire.
type claim struct{ value, expiry types.AttributeValue }

// claims adds to an insert what claims the item's unique values. Nothing is read:
// an item that does not exist has none to give back.
func (p *plan) claims(op string, a Action) ([]Action, error) {
	if len(p.uniques) == 0 {
		return []Action{a}, nil
	}
	out := []Action{a}
	key := a.PrimaryKey()
	for _, f := range p.uniques {
		m, err := p.moveUnique(op, key, f, claim{}, claim{a.Item[f.name], a.Item[p.schema.TTL]})
		if err != nil {
			return nil, err
		}
		out = append(out, m...)
	}
	return out, nil
}

// stillIs is the condition that an attribute is as it was read.
func stillIs(f *field, was types.AttributeValue) *Cond {
	if was == nil {
		return &Cond{Op: CondNotExists, Path: f.name}
	}
	return &Cond{Op: CondEq, Path: f.name, Values: []types.AttributeValue{was}}
}

// moveUnique gives the old value of one attribute back and claims the new one,
// as far as they are different values; one that expires at another time is
// claimed anew.
func (p *plan) moveUnique(op string, key Item, f *field, was, now claim) ([]Action, error) {
	old, new := "", ""
	var err error
	if !isNothing(now.value) {
		if new, err = uniqueText(f, now.value); err != nil {
			return nil, &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(key), Attribute: f.name, Err: err}
		}
	}
	if !isNothing(was.value) {
		// What cannot be a unique value is from before the attribute was unique, and
		// was never claimed.
		if old, err = uniqueText(f, was.value); err != nil {
			old = ""
		}
	}
	if old == new && sameValue(was.expiry, now.expiry) {
		return nil, nil
	}
	var out []Action
	owner := &types.AttributeValueMemberM{Value: key}
	if old != "" && old != new {
		out = append(out, Action{Op: OpDelete, Table: p.schema, Key: p.uniqueKey(old), Unique: f.name, If: p.unclaimedOr(owner)})
	}
	if new != "" {
		item := p.uniqueKey(new)
		item[uniqueOwner] = owner
		if !isNothing(now.expiry) {
			item[p.schema.TTL] = now.expiry
		}
		out = append(out, Action{Op: OpPut, Table: p.schema, Item: item, Unique: f.name, If: p.unclaimedOr(owner)})
	}
	return out, nil
}

// unclaimedOr is the condition that nobody has a unique value but the owner. An
// item without its claim, or with one that it did not give back, is from before
// the attribute was unique; it must be able to change.
func (p *plan) unclaimedOr(owner types.AttributeValue) *Cond {
	return &Cond{Op: CondOr, Of: []*Cond{
		{Op: CondNotExists, Path: p.hash.name},
		{Op: CondEq, Path: uniqueOwner, Values: []types.AttributeValue{owner}},
	}}
}

// owner is the key of the item that unclaimedOr was told.
func (a *Action) owner() Item {
	if a.If == nil || a.If.Op != CondOr || len(a.If.Of) != 2 || len(a.If.Of[1].Values) != 1 {
		return nil
	}
	m, ok := a.If.Of[1].Values[0].(*types.AttributeValueMemberM)
	if !ok {
		return nil
	}
	return m.Value
}

// uniqueKey is the primary key of the item that keeps a unique value.
func (p *plan) uniqueKey(text string) Item {
	key := Item{p.hash.name: &types.AttributeValueMemberS{Value: text}}
	if p.sort != nil {
		key[p.sort.name] = uniqueSort(p.sort.kind)
	}
	return key
}

// errNotOwner is about a value that two items have, which only a write past this
// package can bring about.
var errNotOwner = errors.New("the old value belongs to another item by now, though this one has it as well: the table was written to past Vinci, or the attribute became unique when two items had the value already; give one of them another value by hand")

// changed reports whether an item is another than the action was made from.
func (a *Action) changed(item Item) bool {
	for name, was := range a.Read {
		if !sameValue(was, item[name]) {
			return true
		}
	}
	return false
}

// sameValue compares stored values. Numbers are compared as they are written,
// which a store does in one way only.
func sameValue(a, b types.AttributeValue) bool {
	switch x := a.(type) {
	case *types.AttributeValueMemberS:
		y, ok := b.(*types.AttributeValueMemberS)
		return ok && x.Value == y.Value
	case *types.AttributeValueMemberN:
		y, ok := b.(*types.AttributeValueMemberN)
		return ok && x.Value == y.Value
	}
	return reflect.DeepEqual(a, b)
}
