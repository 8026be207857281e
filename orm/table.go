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
	// Schema describes the table. It is shared: nobody may change it.
	Schema() *Schema
	// Err reports everything that is wrong with the definition, nil when it may
	// be used.
	Err() error
}

// Write is a change to be made: a value that holds no client. It comes from the
// methods of [Table] and goes to [Exec], to a commit of the log or to a
// transactional handler.
type Write interface {
	// Table is the table that is written to, nil when it is not known.
	Table() *Schema
	// Actions returns what a store has to do for it, now: the store's clock stamps
	// it, and where it depends on what is stored (a unique value that is to be
	// given back), that is read. A write to a table with unique attributes needs
	// several actions. The result is shared: do not change it.
	Actions(ctx context.Context, r Reader) ([]Action, error)
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

// Get reads one item, strongly consistent unless [Eventually] is given. The error
// is of [KindNotFound] when there is none, and of [KindValidation] when the key
// cannot be one (empty, too long, in the reserved space of unique values).
func (t *Table[T, K]) Get(ctx context.Context, r Reader, key K, opts ...ReadOption) (T, error) {
	var out T
	req, err := t.get("get", key, opts)
	if err != nil {
		return out, err
	}
	item, err := r.Get(ctx, req)
	if err != nil {
		return out, err
	}
	if item == nil {
		return out, t.notFound("get", req.Key)
	}
	return t.Decode(item)
}

// Exists reports whether there is an item with the key. Like Get it reads the
// item, of which only the key is sent.
func (t *Table[T, K]) Exists(ctx context.Context, r Reader, key K, opts ...ReadOption) (bool, error) {
	req, err := t.get("get", key, opts)
	if err != nil {
		return false, err
	}
	req.Select = []string{t.schema.Hash}
	item, err := r.Get(ctx, req)
	return item != nil, err
}

func (t *Table[T, K]) get(op string, key K, opts []ReadOption) (*GetRequest, error) {
	if t.err != nil {
		return nil, t.err
	}
	o, err := t.readOptions(op, opts)
	if err != nil {
		return nil, err
	}
	k, err := t.plan.key(op, key)
	if err != nil {
		return nil, err
	}
	return &GetRequest{Table: t.schema, Key: k, Select: o.names, Eventual: o.eventual}, nil
}

func (t *Table[T, K]) notFound(op string, key Item) *Error {
	return &Error{Kind: KindNotFound, Op: op, Table: t.schema.Name, Key: t.schema.KeyText(key)}
}

// CheckKey reports what is wrong with a key, with an error of [KindValidation]:
// empty, too long, in the reserved space of unique values. nil: it can be one.
func (t *Table[T, K]) CheckKey(key K) error {
	if t.err != nil {
		return t.err
	}
	_, err := t.plan.key("check", key)
	return err
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
