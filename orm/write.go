package orm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// ready is a write whose actions are known.
type ready struct {
	table   *Schema
	actions []Action
	err     error
}

func (w ready) Table() *Schema { return w.table }

func (w ready) Actions(context.Context, Reader) ([]Action, error) { return w.actions, w.err }

// itemWrite writes a whole item: an insert or a put.
type itemWrite struct {
	plan *plan
	op   string // "insert" or "put"
	put  Action
	err  error
}

// Insert adds an item that must not exist yet: [KindAlreadyExists] otherwise,
// naming the attribute when it is a unique value that is taken.
//
// Zero fields get their default first. Then the `validate` tags are checked: the
// error joins one [*Error] of [KindValidation] for each attribute that is wrong
// (see [Errors]). The item is taken as it is now: what it points at may be
// changed afterwards.
//
// When the write is executed, the store's clock stamps it, composite keys are
// composed, and its version becomes 1. An item with unique values is one action
// each more.
func (t *Table[T, K]) Insert(item T) Write { return t.whole("insert", &item) }

// Put writes an item whether it exists or not, with defaults and validation as
// [Table.Insert] has them. A "created" stamp that the struct has, because it was
// read, is kept; a zero one is the store's clock, whether the item exists or not.
//
// On a table with a version attribute it is an optimistic lock: the item must
// have the version that the struct has, as it was read, and gets the next one.
// Version 0 says that there is no item (or one from before the table had
// versions). Anything else is [KindVersionConflict], with the item that is there.
//
// On a table with unique attributes the item that is there is read first, and
// its values are given back in the same transaction; a value that another item
// has is [KindAlreadyExists].
func (t *Table[T, K]) Put(item T) Write { return t.whole("put", &item) }

func (t *Table[T, K]) whole(op string, item *T) Write {
	if t.err != nil {
		return ready{table: t.schema, err: t.err}
	}
	a, err := t.plan.put(op, item)
	return &itemWrite{plan: t.plan, op: op, put: a, err: err}
}

// put makes the action that writes a whole item, a pointer to the struct, as far
// as it is known before it is executed: the rest is for complete.
func (p *plan) put(op string, item any) (Action, error) {
	p.fillDefaults(reflect.ValueOf(item))
	av, err := p.encode(op, item)
	if err != nil {
		return Action{}, err
	}
	if len(p.stamps) == 0 { // else keys may be composed of them
		err = p.composeKeys(op, av)
	}
	if err := errors.Join(err, p.check(op, av, item)); err != nil {
		return Action{}, err
	}
	return Action{Op: OpPut, Table: p.schema, Item: av}, nil
}

func (p *plan) composeKeys(op string, item Item) error {
	if err := p.compose(op, item); err != nil {
		return err
	}
	return p.checkKey(op, item)
}

// complete gives the item of a put what is known only when it is executed: its
// stamps, and the keys that may be composed of them.
func (p *plan) complete(op string, r Reader, a Action) (Action, error) {
	if len(p.stamps) == 0 {
		return a, nil
	}
	if r == nil {
		return a, p.noReader(op, a.Item, "the store's clock stamps the item")
	}
	a.Item = maps.Clone(a.Item)
	if err := p.stampItem(op, a.Item, r.Now()); err != nil {
		return a, err
	}
	return a, p.composeKeys(op, a.Item)
}

// noReader is about a write that cannot be made without a store.
func (p *plan) noReader(op string, key Item, why string) error {
	return &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(key),
		Err: fmt.Errorf("%s, and Actions is called without a Reader: give it the store", why)}
}

// Table implements [Write].
func (w *itemWrite) Table() *Schema { return w.plan.schema }

// Actions implements [Write].
func (w *itemWrite) Actions(ctx context.Context, r Reader) ([]Action, error) {
	if w.err != nil {
		return nil, w.err
	}
	p := w.plan
	a, err := p.complete(w.op, r, w.put)
	if err != nil {
		return nil, err
	}
	if w.op == "insert" {
		a = p.firstVersion(a)
		a.If = p.absent
		return p.claims(w.op, a)
	}
	if a, err = p.nextVersion(w.op, a); err != nil {
		return nil, err
	}
	return p.withUnique(ctx, r, w.op, a, func(f *field, _ Item) (types.AttributeValue, bool) { return a.Item[f.name], true })
}

// Check makes a transaction depend on a condition on an item it does not change.
// By itself it is a write that only fails or does not.
func (t *Table[T, K]) Check(key K, cond Condition[T]) Write {
	if t.err != nil {
		return ready{table: t.schema, err: t.err}
	}
	k, err := t.plan.key("check", key)
	tree, cerr := cond.Tree()
	if cerr == nil && tree == nil {
		cerr = &Error{Kind: KindValidation, Op: "check", Table: t.schema.Name, Key: t.schema.KeyText(k), Err: errors.New("the condition is empty: say what must hold")}
	}
	if err := errors.Join(err, cerr); err != nil {
		return ready{table: t.schema, err: err}
	}
	return ready{table: t.schema, actions: []Action{{Op: OpCheck, Table: t.schema, Key: k, If: tree}}}
}
