package orm

import "context"

// Pair is the key type of a table with a partition key and a sort key.
type Pair[H, S any] struct {
	Hash H
	Sort S
}

// Key makes a [Pair].
func Key[H, S any](hash H, sort S) Pair[H, S] { return Pair[H, S]{hash, sort} }

// parts lets code that knows only K take a two-part key apart.
func (p Pair[H, S]) parts() (hash, sort any) { return p.Hash, p.Sort }

// twoPart is what every Pair is, whatever its types.
type twoPart interface{ parts() (hash, sort any) }

// Definition is any table, whatever its types: what infrastructure and
// subscriptions take.
type Definition interface {
	Schema() *Schema
	// Err reports everything that is wrong with the definition, nil when it may
	// be used.
	Err() error
}

// Write is a change to be made: a value that holds no client. It comes from the
// methods of [Table] and goes to [Exec], to a commit of the log or to a
// transactional handler.
type Write interface {
	// Actions returns what a store has to do for it. A write to a table with
	// unique attributes needs several. The result is shared: do not change it.
	Actions() ([]Action, error)
}

// Table is a table definition with its item type T and its key type K: the
// partition key's type, or a [Pair]. It holds no client, never changes, and is
// safe for concurrent use. Make it with [Define].
type Table[T, K any] struct {
	schema *Schema
	plan   *plan
	err    error
}

// Schema returns the definition as a plain value. On a table whose Err is not
// nil it holds what could be made out.
func (t *Table[T, K]) Schema() *Schema { return t.schema }

// Err reports everything that is wrong with the definition: one error a
// problem, joined, each of [KindDefinition] and each naming the place of the
// definition, the field, what is allowed and how to mend it.
func (t *Table[T, K]) Err() error { return t.err }

// Get reads one item, strongly consistent. The error is of [KindNotFound] when
// there is none, and of [KindValidation] when the key cannot be one (empty, too
// long, in the reserved space of unique values).
func (t *Table[T, K]) Get(ctx context.Context, r Reader, key K) (T, error) {
	var out T
	if t.err != nil {
		return out, t.err
	}
	k, err := t.plan.key("get", key)
	if err != nil {
		return out, err
	}
	item, err := r.Get(ctx, &GetRequest{Table: t.schema, Key: k})
	if err != nil {
		return out, err
	}
	if item == nil {
		return out, &Error{Kind: KindNotFound, Op: "get", Table: t.schema.Name, Key: t.schema.KeyText(k)}
	}
	return t.Decode(item)
}

// Encode returns the item as it is stored: no defaults, no validation. Empty
// strings, nil pointers, nil maps and empty sets are left out, as the tag
// options of github.com/guregu/dynamo say. Numbers that DynamoDB cannot hold
// (NaN, infinities, beyond 38 digits or 1e±126) and times whose zone has an
// offset of broken minutes are refused with [KindValidation].
func (t *Table[T, K]) Encode(item T) (Item, error) {
	if t.err != nil {
		return nil, t.err
	}
	return t.plan.encode("encode", &item)
}

// Decode reads a stored item. Attributes that T does not have are ignored,
// fields that the item does not have stay zero.
func (t *Table[T, K]) Decode(item Item) (T, error) {
	var out T
	if t.err != nil {
		return out, t.err
	}
	err := t.plan.decode(item, &out)
	return out, err
}
