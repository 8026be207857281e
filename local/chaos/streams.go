package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/vinci-go/vinci/local/lambda"
)

// shards is how many shards a stream has when Shuffle is not 0.
const shards = 4

// Streams are the streams of mappings, as harsh as the configuration says. They
// have several shards, when Shuffle is not 0, so that each is read for itself.
func (p *Plan) Streams(inner lambda.LatestStreams) lambda.LatestStreams {
	if p == nil {
		return inner
	}
	return &mappedStreams{LatestStreams: inner, plan: p}
}

type mappedStreams struct {
	lambda.LatestStreams
	plan *Plan
}

var _ lambda.ShardedStreams = (*mappedStreams)(nil)

// Shards implements [lambda.ShardedStreams].
func (s *mappedStreams) Shards(tableName string) []lambda.LatestStreams {
	n := shards
	if s.plan.config.Shuffle == 0 {
		n = 1
	}
	out := make([]lambda.LatestStreams, n)
	for i := range out {
		out[i] = &shard{LatestStreams: s.LatestStreams, plan: s.plan, table: tableName, index: i, of: n}
	}
	return out
}

// shard is that part of a stream whose items belong to it. One mapping reads it.
type shard struct {
	lambda.LatestStreams
	plan      *Plan
	table     string
	index, of int

	mu sync.Mutex
	// Behind from there is nothing of this shard up to seen: others' records need not
	// be read again.
	from, seen string
	// The last batch began behind began and ended at ended.
	began, ended string
	repeated     string // where the batch before came again; it does so once
	batch        int    // the most records that were asked for: the mapping's batch size
}

// ReadStream implements [lambda.Streams]. The records are those of the shard.
func (s *shard) ReadStream(ctx context.Context, tableName, from string, most int, wait time.Duration) ([]lambda.StreamRecord, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock() // one mapping reads it, one read at a time
	s.batch = max(s.batch, most)
	// Only a batch's first read asks for all of it. Later ones, within its window,
	// must not begin it anew.
	if from != "" && from == s.ended && from != s.repeated && most == s.batch {
		subject := fmt.Sprintf("%s after %s", s.name(), s.ended)
		if _, yes := s.plan.ask(Duplicate, subject); yes {
			s.plan.tell(Duplicate, subject, "the batch before comes again")
			s.repeated = from
			from = s.began
		}
	}
	at := from
	if from == s.from && s.seen != "" {
		at = s.seen
	}
	deadline := time.Now().Add(wait)
	for {
		records, next, err := s.LatestStreams.ReadStream(ctx, tableName, at, max(most, 100), max(0, time.Until(deadline)))
		if err != nil {
			return nil, from, err
		}
		if len(records) == 0 {
			return nil, from, nil
		}
		if mine := s.mine(records, most); len(mine) > 0 {
			s.plan.pause(ctx, s.subject(mine[0]))
			s.began, s.ended = from, mine[len(mine)-1].SequenceNumber
			s.from, s.seen = "", ""
			return mine, s.ended, nil
		}
		at = next
		s.from, s.seen = from, at
	}
}

func (s *shard) name() string { return fmt.Sprintf("stream of %s shard %d", s.table, s.index) }

func (s *shard) subject(r lambda.StreamRecord) string {
	return s.name() + " record " + r.SequenceNumber
}

// mine are the first of those records that belong to the shard, at most so many,
// and fewer if chance splits them.
func (s *shard) mine(records []lambda.StreamRecord, most int) []lambda.StreamRecord {
	var mine []lambda.StreamRecord
	for _, r := range records {
		if s.shardOf(r) != s.index {
			continue
		}
		if len(mine) == most {
			break
		}
		if len(mine) > 0 {
			subject := s.subject(r)
			if _, yes := s.plan.ask(Split, subject); yes {
				s.plan.tell(Split, subject, "a batch begins with it")
				break
			}
		}
		mine = append(mine, r)
	}
	return mine
}

// shardOf is the shard of a record's item: the same for all records of the item.
func (s *shard) shardOf(r lambda.StreamRecord) int {
	var record struct {
		DynamoDB struct {
			Keys map[string]json.RawMessage
		} `json:"dynamodb"`
	}
	if s.of == 1 || json.Unmarshal(r.JSON, &record) != nil {
		return 0
	}
	roll, yes := s.plan.ask(Shuffle, "item of "+s.table+" "+text(record.DynamoDB.Keys))
	if !yes {
		return 0
	}
	return 1 + roll.below(s.of-1)
}
