package orm

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/big"
	"reflect"
	"strconv"
)

// ShardedCounter is a number that is counted more often than one item takes
// writes (1,000 a second): it is kept in several items, and its value is their
// sum. It is a value, safe for concurrent use. Make it with [Sharded].
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
type ShardedCounter[T any, V Numeric] struct {
	table  *Table[T, string]
	number NumberAttribute[T, V]
	shards int
}

// Sharded makes a counter of a number attribute: each key has shards items,
// <key>#0 and so on, in a table whose partition key is a string. 1 to 100 shards
// are allowed, so that one request reads them all.
//
// The number of shards may grow, never shrink: those left out would no longer be
// in the sum. Sharded panics when the attribute or the number cannot be: the
// program is written wrong.
func Sharded[T any, V Numeric](t *Table[T, string], number NumberAttribute[T, V], shards int) ShardedCounter[T, V] {
	switch {
	case shards < 1 || shards > MaxBatchGet:
		panic(fmt.Sprintf("orm.Sharded: %d shards of table %q: allowed are 1 to %d", shards, t.schema.Name, MaxBatchGet))
	case t.err != nil || number.err != nil:
	case number.f == nil || number.plan != t.plan:
		panic(fmt.Sprintf("orm.Sharded: the number is no attribute of table %q: make it with orm.Number of the same table", t.schema.Name))
	case number.in != nil:
		panic(fmt.Sprintf("orm.Sharded: %s is inside an attribute of table %q, and an item that is not there yet has none: count an attribute of the item", number.path(), t.schema.Name))
	case t.plan.hash.template != nil:
		panic(fmt.Sprintf("orm.Sharded: the key of table %q is composed by a template, and a shard's number would not be part of it: use a plain string key", t.schema.Name))
	}
	return ShardedCounter[T, V]{table: t, number: number, shards: shards}
}

// Add adds n to the counter of a key. spread chooses the shard, the same one for
// the same text: what is counted has an id, such as event.Event's, and a handler
// that runs again so meets the item it met before. Ids that are alike spread
// evenly.
//
// As with [NumberAttribute.Add], doing it again counts again, unless a
// transaction with a token said so.
func (c ShardedCounter[T, V]) Add(key string, n V, spread string) *Update[T] {
	if c.table == nil {
		return &Update[T]{err: errNoCounter}
	}
	if key == "" {
		return &Update[T]{plan: c.table.plan, err: c.noKey("count")}
	}
	h := fnv.New64a()
	h.Write([]byte(spread)) // never fails
	// FNV's low bits follow the last character's: mix the high ones in.
	sum := h.Sum64()
	sum ^= sum >> 32
	return c.table.Update(c.shard(key, int(sum%uint64(c.shards))), c.number.Add(n))
}

// Sum is the value of the counter of a key, 0 where nothing was counted. Each
// shard is read strongly consistent, at a moment of its own: what was counted
// before Sum was called is in it, what is counted meanwhile may be. A sum that V
// cannot hold is [KindValidation].
func (c ShardedCounter[T, V]) Sum(ctx context.Context, r Reader, key string) (V, error) {
	if c.table == nil {
		return 0, errNoCounter
	}
	if key == "" {
		return 0, c.noKey("sum")
	}
	keys := make([]string, c.shards)
	for i := range keys {
		keys[i] = c.shard(key, i)
	}
	items, err := c.table.GetBatch(ctx, r, keys, Projection[T](c.number))
	if err != nil {
		return 0, err
	}
	// Shards may be counted far up and far down, and only their sum must fit.
	total := new(big.Float).SetPrec(128)
	for _, item := range items {
		if item == nil {
			continue
		}
		switch n := reflect.ValueOf(item).Elem().FieldByIndex(c.number.f.index); {
		case n.CanInt():
			total.Add(total, new(big.Float).SetInt64(n.Int()))
		case n.CanUint():
			total.Add(total, new(big.Float).SetUint64(n.Uint()))
		default:
			total.Add(total, big.NewFloat(n.Float()))
		}
	}
	sum, ok := numberOf[V](total)
	if !ok {
		return 0, &Error{Kind: KindValidation, Op: "sum", Table: c.table.schema.Name, Key: strconv.Quote(key), Attribute: c.number.path(), Err: fmt.Errorf("the sum of the shards is more than %s holds", reflect.TypeFor[V]())}
	}
	return sum, nil
}

// numberOf is a number as a V, false when V cannot hold it.
func numberOf[V Numeric](x *big.Float) (V, bool) {
	var out V
	rv := reflect.ValueOf(&out).Elem()
	switch {
	case rv.CanInt():
		n, exact := x.Int64()
		rv.SetInt(n)
		return out, exact == big.Exact && !rv.OverflowInt(n)
	case rv.CanUint():
		n, exact := x.Uint64()
		rv.SetUint(n)
		return out, exact == big.Exact && !rv.OverflowUint(n)
	}
	f, _ := x.Float64()
	rv.SetFloat(f)
	return out, !rv.OverflowFloat(f)
}

func (c ShardedCounter[T, V]) shard(key string, i int) string { return key + "#" + strconv.Itoa(i) }

func (c ShardedCounter[T, V]) noKey(op string) error {
	return &Error{Kind: KindValidation, Op: op, Table: c.table.schema.Name, Err: errEmptyKey}
}

var errNoCounter = &Error{Kind: KindDefinition, Op: "count", Err: errors.New("an orm.ShardedCounter must be made by orm.Sharded")}
