package orm

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Delete is a conditional removal of one item. It is a [Write].
type Delete[T any] struct {
	plan    *plan
	key     Item
	cond    Condition[T]
	version int64 // what AtVersion expects
	at      bool  // AtVersion was called
	err     error
}

// Delete removes an item; removing one that does not exist is no error.
//
// On a table with unique attributes the item is read first, and its values are
// given back in the same transaction.
func (t *Table[T, K]) Delete(key K) *Delete[T] {
	if t.err != nil {
		return &Delete[T]{plan: t.plan, err: t.err}
	}
	k, err := t.plan.key("delete", key)
	return &Delete[T]{plan: t.plan, key: k, err: err}
}

// If returns the removal with a condition added; several are joined by AND.
func (d *Delete[T]) If(cond ...Condition[T]) *Delete[T] {
	out := *d
	out.cond = And(append([]Condition[T]{d.cond}, cond...)...)
	return &out
}

// AtVersion returns the removal with a version expected, as [Update.AtVersion]
// does.
func (d *Delete[T]) AtVersion(n int64) *Delete[T] {
	out := *d
	out.version, out.at = n, true
	if d.plan != nil && d.err == nil {
		out.err = d.plan.expected("delete", d.key, n)
	}
	return &out
}

// Table implements [Write].
func (d *Delete[T]) Table() *Schema {
	if d.plan == nil {
		return nil
	}
	return d.plan.schema
}

// Actions implements [Write].
func (d *Delete[T]) Actions(ctx context.Context, r Reader) ([]Action, error) {
	if err := errors.Join(d.err, d.cond.err); err != nil {
		return nil, err
	}
	if d.plan == nil {
		return nil, &Error{Kind: KindDefinition, Op: "delete", Err: errors.New("an orm.Delete must be made by Table.Delete")}
	}
	a := Action{Op: OpDelete, Table: d.plan.schema, Key: d.key, If: d.cond.tree}
	if d.at {
		a = d.plan.expect(a, d.version)
	}
	return d.plan.withUnique(ctx, r, "delete", a, func(*field, Item) (types.AttributeValue, bool) { return nil, true })
}
