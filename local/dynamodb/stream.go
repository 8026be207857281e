package dynamodb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// pollInterval is the backstop for writes that did not come through the gateway.
	pollInterval = time.Second
	// maxRecords is GetRecords' own limit.
	maxRecords = 1000
	// keptIterators bounds the iterators kept for a table: one for each reader that
	// goes forward is enough.
	keptIterators = 16
)

// ReadStream returns up to max records of a table's stream after a position, in
// order, and the position after the last of them. The zero position is the
// stream's beginning (TRIM_HORIZON); any other is a record's SequenceNumber. Without
// a record it waits up to wait for one, then returns none and the position given.
// A write through the gateway ends the wait at once, any other within a second.
//
// Errors: [ErrNoStream], [ErrEngineDied], [ErrClosed], the context's. Reading changes nothing, so
// many may read at once, and a read may be repeated.
//
// Shards are read one after the other in the order of their sequence numbers. That
// is right for the engine (one shard) and for emulators that replace a shard by the
// next; a real table's parallel shards would need a position for each.
func (s *Service) ReadStream(ctx context.Context, tableName string, from string, max int, wait time.Duration) (records []StreamRecord, next string, err error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		wake := s.wakes.next(tableName)
		if s.closed() {
			return nil, from, ErrClosed
		}
		records, err := s.streams.read(ctx, tableName, from, min(max, maxRecords))
		if err != nil {
			return nil, from, fmt.Errorf("read the stream of table %s after %q: %w", tableName, from, s.cause(err))
		}
		if n := len(records); n > 0 {
			return records, records[n-1].SequenceNumber, nil
		}
		select {
		case <-wake:
		case <-poll.C:
		case <-deadline.C:
			return nil, from, nil
		case <-ctx.Done():
			return nil, from, ctx.Err()
		}
	}
}

// streamReader reads records through the Streams API.
type streamReader struct {
	s      *Service
	mu     sync.Mutex
	tables map[string]*stream
}

// stream is what is known of one table's stream. It is replaced, not changed, when
// the table changes.
type stream struct {
	table, arn string

	mu        sync.Mutex
	iterators map[string]iterator // by position
}

// iterator is where to read next: in a shard, or "" at the end of a closed one.
type iterator struct{ shard, value string }

func newStreamReader(s *Service) *streamReader {
	return &streamReader{s: s, tables: map[string]*stream{}}
}

func (r *streamReader) forget(table string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.tables, table)
}

func (r *streamReader) stream(ctx context.Context, table string) (*stream, error) {
	r.mu.Lock()
	st := r.tables[table]
	r.mu.Unlock()
	if st != nil {
		return st, nil
	}
	is, err := r.s.describe(ctx, table)
	switch {
	case isCode(err, "ResourceNotFoundException"):
		return nil, fmt.Errorf("%w: there is no such table", ErrNoStream)
	case err != nil:
		return nil, err
	case is.LatestStreamArn == "" || is.StreamSpecification == nil || !is.StreamSpecification.StreamEnabled:
		return nil, fmt.Errorf("%w: the table's stream is not turned on", ErrNoStream)
	}
	st = &stream{table: table, arn: is.LatestStreamArn, iterators: map[string]iterator{}}
	r.mu.Lock()
	r.tables[table] = st
	r.mu.Unlock()
	return st, nil
}

// read returns the records after a position, none if there are none yet. What is
// kept (the stream's ARN, iterators) may be out of date: then it is looked up once
// more.
func (r *streamReader) read(ctx context.Context, table, from string, limit int) ([]StreamRecord, error) {
	st, err := r.stream(ctx, table)
	if err != nil {
		return nil, err
	}
	records, err := r.readStream(ctx, st, from, limit)
	switch {
	case isCode(err, "ExpiredIteratorException"), isCode(err, "ResourceNotFoundException"):
		r.forget(table)
		if st, err = r.stream(ctx, table); err != nil {
			return nil, err
		}
		records, err = r.readStream(ctx, st, from, limit)
	}
	if isCode(err, "TrimmedDataAccessException") {
		r.s.logger.Error("stream records were trimmed before they were read: events may be lost", "table", table, "after", from)
		st.keep(from, iterator{})
		it, errShard := r.start(ctx, st, "")
		if errShard != nil {
			return nil, errShard
		}
		records, err = r.get(ctx, st, from, it, limit)
	}
	return records, err
}

func (r *streamReader) readStream(ctx context.Context, st *stream, from string, limit int) ([]StreamRecord, error) {
	it, ok := st.iterator(from)
	if !ok {
		var err error
		if it, err = r.start(ctx, st, from); err != nil {
			return nil, err
		}
	}
	return r.get(ctx, st, from, it, limit)
}

// get reads at an iterator, and goes on to the following shards while it is at the
// end of a closed one.
func (r *streamReader) get(ctx context.Context, st *stream, from string, it iterator, limit int) ([]StreamRecord, error) {
	for {
		if it.value == "" {
			following, ok, err := r.following(ctx, st, it.shard)
			if err != nil || !ok {
				return nil, err
			}
			it = following
		}
		var out struct {
			Records           []wireRecord
			NextShardIterator string
		}
		if err := r.call(ctx, "GetRecords", map[string]any{"ShardIterator": it.value, "Limit": limit}, &out); err != nil {
			return nil, err
		}
		it.value = out.NextShardIterator
		if len(out.Records) == 0 {
			st.keep(from, it)
			if it.value == "" {
				continue
			}
			return nil, nil
		}
		records := make([]StreamRecord, len(out.Records))
		arn := r.s.tables.streamARN(st.table)
		for i := range out.Records {
			var err error
			if records[i], err = out.Records[i].lambda(arn, r.s.region); err != nil {
				return nil, err
			}
		}
		st.keep(records[len(records)-1].SequenceNumber, it)
		return records, nil
	}
}

func (r *streamReader) call(ctx context.Context, operation string, in, out any) error {
	return r.s.client.call(ctx, targetStreams, operation, in, out)
}

type shard struct {
	ShardID             string `json:"ShardId"`
	SequenceNumberRange struct{ StartingSequenceNumber string }
}

// shards lists the stream's shards in the order of their sequence numbers.
func (r *streamReader) shards(ctx context.Context, st *stream) ([]shard, error) {
	var all []shard
	in := map[string]string{"StreamArn": st.arn}
	for {
		var out struct {
			StreamDescription struct {
				Shards               []shard
				LastEvaluatedShardID string `json:"LastEvaluatedShardId"`
			}
		}
		if err := r.call(ctx, "DescribeStream", in, &out); err != nil {
			return nil, err
		}
		all = append(all, out.StreamDescription.Shards...)
		last := out.StreamDescription.LastEvaluatedShardID
		if last == "" {
			break
		}
		in["ExclusiveStartShardId"] = last
	}
	slices.SortStableFunc(all, func(a, b shard) int {
		return compareSequence(a.SequenceNumberRange.StartingSequenceNumber, b.SequenceNumberRange.StartingSequenceNumber)
	})
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: the stream has no shard", ErrNoStream)
	}
	return all, nil
}

// start finds the shard of a position, and an iterator in it.
func (r *streamReader) start(ctx context.Context, st *stream, from string) (iterator, error) {
	all, err := r.shards(ctx, st)
	if err != nil {
		return iterator{}, err
	}
	if from == "" {
		return r.iterator(ctx, st, all[0].ShardID, "")
	}
	in := all[0].ShardID
	for _, sh := range all {
		if compareSequence(sh.SequenceNumberRange.StartingSequenceNumber, from) <= 0 {
			in = sh.ShardID
		}
	}
	return r.iterator(ctx, st, in, from)
}

// following is an iterator at the beginning of the shard after a closed one; false
// when that is not there yet.
func (r *streamReader) following(ctx context.Context, st *stream, closed string) (iterator, bool, error) {
	all, err := r.shards(ctx, st)
	if err != nil {
		return iterator{}, false, err
	}
	i := slices.IndexFunc(all, func(sh shard) bool { return sh.ShardID == closed })
	if i+1 >= len(all) {
		return iterator{}, false, nil
	}
	it, err := r.iterator(ctx, st, all[i+1].ShardID, "") // i is -1 when the closed one was trimmed: the first
	return it, err == nil, err
}

func (r *streamReader) iterator(ctx context.Context, st *stream, shardID, after string) (iterator, error) {
	in := map[string]string{"StreamArn": st.arn, "ShardId": shardID, "ShardIteratorType": "TRIM_HORIZON"}
	if after != "" {
		in["ShardIteratorType"], in["SequenceNumber"] = "AFTER_SEQUENCE_NUMBER", after
	}
	var out struct{ ShardIterator string }
	if err := r.call(ctx, "GetShardIterator", in, &out); err != nil {
		return iterator{}, err
	}
	return iterator{shardID, out.ShardIterator}, nil
}

func (st *stream) iterator(position string) (iterator, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	it, ok := st.iterators[position]
	return it, ok && it != iterator{}
}

func (st *stream) keep(position string, it iterator) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if len(st.iterators) >= keptIterators {
		clear(st.iterators)
	}
	st.iterators[position] = it
}

// compareSequence compares sequence numbers, which are decimal numbers of any
// length; "" is the smallest.
func compareSequence(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
