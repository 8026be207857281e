package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"
)

// streamPoll is how long a read waits for records. A write wakes it; the wait is
// only how long it takes to notice when that fails.
const streamPoll = 10 * time.Second

// streamMapping feeds a function from a table's stream: one shard, in order, one
// invocation at a time unless the mapping has a parallelization factor. What fails blocks what follows until it succeeds or is
// discarded (services-dynamodb-errors in the developer guide).
type streamMapping struct {
	cfg         MappingConfig
	table       string
	filters     filters
	streams     Streams
	queues      Queues // for the failure destination
	invoke      invoker
	functionARN func() string
	positions   positions
	whole       positions // of the stream before it had shards
	now         func() time.Time
	newID       func() string
	log         *slog.Logger
	result      *atomic.Pointer[string] // what became of the last batch

	position string   // of the last record that is done
	tracker  *tracker // instead, with a parallelization factor
}

// streamBatch is a run of records that is tried together.
type streamBatch struct {
	records []StreamRecord
	retries int // spent
	invokes int
	last    *Result // of the last invocation, or nil
}

// run reads from the kept position until poll is done. The batch there is then
// is finished when its next attempt is: what still fails is read again later.
func (m *streamMapping) run(poll, work context.Context) {
	retry := backoff{first: 100 * time.Millisecond, limit: 10 * time.Second}
	once := warnOnce{log: m.log}
	for !m.begin(poll, &once) {
		if !retry.wait(poll) {
			return
		}
	}
	retry.reset()
	if m.cfg.ParallelizationFactor > 1 {
		m.runParallel(poll, work)
		return
	}
	for poll.Err() == nil {
		records, err := m.gather(poll)
		switch {
		case err != nil && poll.Err() != nil:
			return
		case err != nil:
			once.warn("cannot read the stream", err)
			retry.wait(poll)
		case len(records) > 0:
			m.handle(poll, work, &streamBatch{records: records})
			fallthrough
		default:
			retry.reset()
			once.clear()
		}
	}
}

// begin finds where to start and reports whether it could.
func (m *streamMapping) begin(ctx context.Context, once *warnOnce) bool {
	position, found, err := m.positions.load()
	if err != nil {
		once.warn("starting again at the beginning of the stream", err)
	}
	if done, ok, err := m.whole.load(); ok && err == nil {
		position, found = later(position, done), true
	}
	if !found && m.cfg.StartingPosition == Latest {
		if position, err = m.streams.(LatestStreams).LatestPosition(ctx, m.table); err != nil { // validated
			if ctx.Err() == nil {
				once.warn("cannot find the end of the stream", err)
			}
			return false
		}
		m.position = position
		m.save() // or a restart before the first record would begin later still
	}
	m.position = position
	return true
}

// gather reads a batch: what there is at once, or what comes within the window.
func (m *streamMapping) gather(ctx context.Context) ([]StreamRecord, error) {
	records, next, err := m.streams.ReadStream(ctx, m.table, m.position, m.cfg.BatchSize, streamPoll)
	if err != nil || len(records) == 0 || m.cfg.Window == 0 {
		return records, err
	}
	size := 0
	for _, r := range records {
		size += len(r.JSON)
	}
	end := time.Now().Add(m.cfg.Window)
	for len(records) < m.cfg.BatchSize && size < MaxPayload {
		wait := time.Until(end)
		if wait <= 0 {
			break
		}
		var more []StreamRecord
		more, next, err = m.streams.ReadStream(ctx, m.table, next, m.cfg.BatchSize-len(records), wait)
		if err != nil {
			break // the records read so far are still good; the next read meets the error
		}
		for _, r := range more {
			size += len(r.JSON)
		}
		records = append(records, more...)
	}
	return records, nil
}

// handle works through batch until all of it is done, the mapping is stopped
// between two attempts, or the work is cut short.
func (m *streamMapping) handle(poll, work context.Context, batch *streamBatch) {
	todo := []*streamBatch{batch}
	retry := backoff{first: 100 * time.Millisecond, limit: 10 * time.Second}
	once := warnOnce{log: m.log}
	for len(todo) > 0 {
		b := todo[0]
		if !m.dropExpired(poll, work, b) {
			return
		}
		if len(b.records) == 0 {
			todo = todo[1:]
			continue
		}
		if rest := m.split(b); rest != nil {
			todo = slices.Insert(todo, 1, rest)
		}
		failed, err := m.attempt(work, b)
		switch {
		case work.Err() != nil:
			return
		case err != nil: // the function did not run: that costs no retry
			m.tell("PROBLEM: Function call failed")
			once.warn("cannot invoke the function", err)
		case failed < 0:
			m.tell("OK")
			m.done(b.records)
			todo = todo[1:]
			retry.reset()
			once.clear()
			continue
		default:
			m.tell("PROBLEM: Function call failed")
			var ok bool
			if todo, ok = m.failed(poll, work, todo, failed); !ok {
				return
			}
		}
		if len(todo) > 0 && !retry.wait(poll) {
			return
		}
	}
}

// tell says what became of a batch.
func (m *streamMapping) tell(result string) {
	if m.result != nil {
		m.result.Store(&result)
	}
}

// split keeps in b what fits one event and returns the rest, to be tried after
// it as a batch of its own, or nil.
func (m *streamMapping) split(b *streamBatch) *streamBatch {
	sizes := make([]int, len(b.records))
	for i, r := range b.records {
		sizes[i] = len(r.JSON)
	}
	n := fitting(sizes)
	if n == len(b.records) {
		return nil
	}
	rest := &streamBatch{records: b.records[n:]}
	b.records = b.records[:n]
	return rest
}

// attempt invokes the function with the records that pass the filters. failed is
// the index in b.records of the first that failed, or -1.
func (m *streamMapping) attempt(ctx context.Context, b *streamBatch) (failed int, err error) {
	var events []json.RawMessage
	index := map[string]int{}
	first := -1
	for i, r := range b.records {
		takes, err := m.filters.takesRecord(r.JSON)
		if err != nil {
			m.log.Warn("cannot filter a record", "sequence", r.SequenceNumber, "error", err)
		}
		if takes {
			if first < 0 {
				first = i
			}
			events = append(events, r.JSON)
			index[r.SequenceNumber] = i
		}
	}
	if len(events) == 0 {
		return -1, nil
	}
	result, err := m.invoke(ctx, eventOf(events))
	if err != nil {
		return 0, err
	}
	b.invokes++
	b.last = &result
	if result.FunctionError != "" {
		return first, nil
	}
	if !m.cfg.ReportBatchItemFailures {
		return -1, nil
	}
	return m.firstFailure(result, index, first), nil
}

// firstFailure is the index of the earliest record that the function reports as
// failed, first when its report is not understood, or -1.
func (m *streamMapping) firstFailure(result Result, index map[string]int, first int) int {
	ids, err := failedItems(result.Payload)
	lowest := -1
	for _, id := range ids {
		i, ok := index[id]
		if !ok {
			err = fmt.Errorf("itemIdentifier %q is no sequence number of the batch", id)
			break
		}
		if lowest < 0 || i < lowest {
			lowest = i
		}
	}
	if err != nil {
		m.log.Warn("the whole batch counts as failed", "request", result.RequestID, "error", err)
		return first
	}
	return lowest
}

// failed decides what becomes of todo[0], whose first failed record is given.
// What the function reports to be good before that record is done. With
// bisection the batch is split, there or in the middle, which costs no retry;
// else it is tried again while it has retries left; else it is discarded. ok is
// false when the mapping must stop.
func (m *streamMapping) failed(poll, work context.Context, todo []*streamBatch, first int) (next []*streamBatch, ok bool) {
	b := todo[0]
	if m.cfg.ReportBatchItemFailures && b.last.FunctionError == "" && first > 0 {
		m.done(b.records[:first])
		b.records = b.records[first:]
		if m.cfg.BisectOnError {
			return todo, true // this was the split
		}
	}
	if m.cfg.BisectOnError && len(b.records) > 1 {
		half := len(b.records) / 2
		return slices.Replace(todo, 0, 1,
			&streamBatch{records: b.records[:half], retries: b.retries, invokes: b.invokes, last: b.last},
			&streamBatch{records: b.records[half:], retries: b.retries, invokes: b.invokes, last: b.last}), true
	}
	b.retries++
	if m.cfg.MaxRetries == nil || *m.cfg.MaxRetries < 0 || b.retries <= *m.cfg.MaxRetries {
		return todo, true
	}
	return todo[1:], m.discard(poll, work, b, b.records, "RetryAttemptsExhausted")
}

// dropExpired discards the records at the front of b that are too old. It
// reports false when the mapping must stop.
func (m *streamMapping) dropExpired(poll, work context.Context, b *streamBatch) bool {
	if m.cfg.MaxRecordAge == 0 {
		return true
	}
	oldest := m.now().Add(-m.cfg.MaxRecordAge)
	n := 0
	for n < len(b.records) && b.records[n].CreatedAt.Before(oldest) {
		n++
	}
	if n == 0 {
		return true
	}
	old := b.records[:n]
	b.records = b.records[n:]
	return m.discard(poll, work, b, old, "RecordAgeExceeded")
}

// done moves the position past records.
func (m *streamMapping) done(records []StreamRecord) {
	if m.tracker != nil {
		m.tracker.finish(records, func(position string) {
			m.position = position
			m.save()
		})
		return
	}
	m.position = records[len(records)-1].SequenceNumber
	m.save()
}

func (m *streamMapping) save() {
	if err := m.positions.save(m.position); err != nil {
		m.log.Error("a restart will repeat records", "error", err)
	}
}
