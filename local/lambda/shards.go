package lambda

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"sync"
)

// ShardedStreams are Streams with several shards, as a busy table's stream in AWS.
// A mapping reads all shards at the same time, each in order, with one invocation
// for each at a time.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
type ShardedStreams interface {
	Streams
	// Shards are the shards of the table's stream. Their number and what belongs to
	// which must not change while positions are kept.
	Shards(tableName string) []LatestStreams
}

// shardedMapping is a mapping of several shards.
type shardedMapping []*streamMapping

// newShardedMapping makes a mapping for each shard from m, which knows of none. A
// shard without a kept position begins at m's: records up to there were done.
func newShardedMapping(m *streamMapping, shards []LatestStreams) shardedMapping {
	all := make(shardedMapping, len(shards))
	for i, s := range shards {
		one := *m
		one.streams = s
		one.positions.id += "/shard-" + strconv.Itoa(i)
		one.whole = m.positions
		one.log = m.log.With("shard", i)
		all[i] = &one
	}
	return all
}

func (all shardedMapping) run(poll, work context.Context) {
	var wg sync.WaitGroup
	for _, m := range all {
		wg.Go(func() { m.run(poll, work) })
	}
	wg.Wait()
}

// later is the later of two positions, which are decimal numbers of any length; ""
// is the stream's beginning.
func later(a, b string) string {
	x, y := strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y)) < 0 {
		return b
	}
	return a
}
