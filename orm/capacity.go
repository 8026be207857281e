package orm

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TableCapacity is the throughput that requests consumed on one table or on one
// of its indexes, in capacity units.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
type TableCapacity struct {
	Table string  // the definition's name
	Index string  // empty: the table itself, without its indexes
	Read  float64 // read units: half a one is an eventually consistent read of 4 KB
	Write float64 // write units
}

// Capacity collects what the requests of a context consumed, see
// [WithCapacity]. It is safe for concurrent use.
type Capacity struct {
	outer *Capacity // collects too
	mu    sync.Mutex
	used  map[[2]string]TableCapacity // by table and index
}

type capacityKey struct{}

// WithCapacity gives a context whose requests report what they consume, and the
// collector of it. Collectors nest: what is done under an inner one counts for
// the outer one too.
//
// DynamoDB reports capacity in its answers only. A request that failed consumed
// some too, which is not in here: a failed condition costs as much as the write,
// a cancelled transaction as much as the whole.
func WithCapacity(ctx context.Context) (context.Context, *Capacity) {
	c := &Capacity{outer: collector(ctx), used: map[[2]string]TableCapacity{}}
	return context.WithValue(ctx, capacityKey{}, c), c
}

func collector(ctx context.Context) *Capacity {
	c, _ := ctx.Value(capacityKey{}).(*Capacity)
	return c
}

// CollectsCapacity reports whether the context has a collector. A store that has
// to compute what a request consumes asks before it does so.
func CollectsCapacity(ctx context.Context) bool { return collector(ctx) != nil }

// AddCapacity adds to the context's collectors; without one it does nothing.
// Stores call it with what each request consumed.
func AddCapacity(ctx context.Context, used TableCapacity) {
	for c := collector(ctx); c != nil; c = c.outer {
		c.add(used)
	}
}

func (c *Capacity) add(used TableCapacity) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]string{used.Table, used.Index}
	sum := c.used[key]
	sum.Table, sum.Index = used.Table, used.Index
	sum.Read += used.Read
	sum.Write += used.Write
	c.used[key] = sum
}

// Tables is what was consumed so far, sorted by table and index.
func (c *Capacity) Tables() []TableCapacity {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]TableCapacity, 0, len(c.used))
	for _, one := range c.used {
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b TableCapacity) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Index, b.Index))
	})
	return out
}

// Total is the sum over all tables and indexes, in read and write units.
func (c *Capacity) Total() (read, write float64) {
	for _, one := range c.Tables() {
		read += one.Read
		write += one.Write
	}
	return read, write
}

// askCapacity is what a request asks to be told: nothing without a collector.
func askCapacity(ctx context.Context) types.ReturnConsumedCapacity {
	if collector(ctx) == nil {
		return ""
	}
	return types.ReturnConsumedCapacityIndexes
}

// askTotal is askCapacity for TransactGetItems, which knows no indexes and
// refuses to be asked for them.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
func askTotal(ctx context.Context) types.ReturnConsumedCapacity {
	if collector(ctx) == nil {
		return ""
	}
	return types.ReturnConsumedCapacityTotal
}

// access says which units a request consumes, where the answer does not.
type access bool

const (
	reads  access = false
	writes access = true
)

// consumed adds one table's part of an answer. table is the definition's name.
func consumed(ctx context.Context, how access, table string, c *types.ConsumedCapacity) {
	if c == nil || collector(ctx) == nil {
		return
	}
	if c.Table == nil { // only the total is known
		AddCapacity(ctx, how.units(table, "", c.CapacityUnits, c.ReadCapacityUnits, c.WriteCapacityUnits))
	} else {
		AddCapacity(ctx, how.units(table, "", c.Table.CapacityUnits, c.Table.ReadCapacityUnits, c.Table.WriteCapacityUnits))
	}
	for _, indexes := range []map[string]types.Capacity{c.LocalSecondaryIndexes, c.GlobalSecondaryIndexes} {
		for index, u := range indexes {
			AddCapacity(ctx, how.units(table, index, u.CapacityUnits, u.ReadCapacityUnits, u.WriteCapacityUnits))
		}
	}
}

// consumedAll adds the parts of an answer about several tables. tables are the
// definitions that were asked for.
func (r requests) consumedAll(ctx context.Context, how access, all []types.ConsumedCapacity, tables func(yield func(*Schema) bool)) {
	if collector(ctx) == nil {
		return
	}
	for i := range all {
		name := aws.ToString(all[i].TableName)
		for s := range tables {
			if r.table(s.Name) == name {
				name = s.Name
				break
			}
		}
		consumed(ctx, how, name, &all[i])
	}
}

// units is one part of an answer. Most answers have one number, those of
// transactions one of each kind beside it.
func (how access) units(table, index string, total, read, write *float64) TableCapacity {
	out := TableCapacity{Table: table, Index: index, Read: aws.ToFloat64(read), Write: aws.ToFloat64(write)}
	switch {
	case out.Read != 0 || out.Write != 0:
	case how == writes:
		out.Write = aws.ToFloat64(total)
	default:
		out.Read = aws.ToFloat64(total)
	}
	return out
}
