package lambda

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"maps"
	"slices"
	"sync"
	"time"
)

// maxParallelization is the most that AWS takes (API_CreateEventSourceMapping).
const maxParallelization = 10

// tracker knows how far a stream mapping has come whose batches end out of order:
// the position goes no further than everything before it is done.
type tracker struct {
	mu       sync.Mutex
	waiting  []string       // sequence numbers that are not done, or behind one that is not, in order
	done     map[string]int // of them, how often each is done: a record may come twice
	finished chan struct{}  // holds one: something was done
}

func newTracker() *tracker {
	return &tracker{done: map[string]int{}, finished: make(chan struct{}, 1)}
}

func (t *tracker) add(records []StreamRecord) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range records {
		t.waiting = append(t.waiting, r.SequenceNumber)
	}
}

// finish marks records as done, and returns the position that follows from it, ""
// when it is where it was. save is called under the tracker's lock, so that no older
// position is written after a newer one.
func (t *tracker) finish(records []StreamRecord, save func(position string)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range records {
		t.done[r.SequenceNumber]++
	}
	position := ""
	n := 0
	for ; n < len(t.waiting) && t.done[t.waiting[n]] > 0; n++ {
		position = t.waiting[n]
		if t.done[position]--; t.done[position] == 0 {
			delete(t.done, position)
		}
	}
	t.waiting = slices.Delete(t.waiting, 0, n)
	if position != "" {
		save(position)
	}
	select {
	case t.finished <- struct{}{}:
	default:
	}
}

// room waits until fewer than limit records are on their way. It reports false when
// ctx was done first.
func (t *tracker) room(ctx context.Context, limit int) bool {
	for {
		t.mu.Lock()
		n := len(t.waiting)
		t.mu.Unlock()
		if n < limit {
			return ctx.Err() == nil
		}
		select {
		case <-t.finished:
		case <-ctx.Done():
			return false
		}
	}
}

// lane holds the records of some items until its batch is due.
type lane struct {
	mu      sync.Mutex
	records []StreamRecord
	first   time.Time     // when the oldest came
	more    chan struct{} // holds one
}

func (l *lane) add(r StreamRecord) {
	l.mu.Lock()
	if len(l.records) == 0 {
		l.first = time.Now()
	}
	l.records = append(l.records, r)
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// take returns up to size records: those there are, or with a window as many as come
// within it. None means that ctx is done.
func (l *lane) take(ctx context.Context, size int, window time.Duration) []StreamRecord {
	for ctx.Err() == nil {
		l.mu.Lock()
		n, wait := len(l.records), window-time.Since(l.first)
		if n >= size || n > 0 && wait <= 0 {
			n = min(n, size)
			batch := slices.Clone(l.records[:n])
			l.records = slices.Delete(l.records, 0, n)
			l.first = time.Now()
			l.mu.Unlock()
			return batch
		}
		l.mu.Unlock()
		if n == 0 {
			wait = streamPoll
		}
		timer := time.NewTimer(wait)
		select {
		case <-l.more:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}

// runParallel is run with several batches at a time (ParallelizationFactor). All
// records of an item go through the same lane, one batch after the other, so that
// they stay in order.
func (m *streamMapping) runParallel(poll, work context.Context) {
	m.tracker = newTracker()
	lanes := make([]*lane, m.cfg.ParallelizationFactor)
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range lanes {
		l := &lane{more: make(chan struct{}, 1)}
		lanes[i] = l
		wg.Go(func() {
			for {
				batch := l.take(poll, m.cfg.BatchSize, m.cfg.Window)
				if batch == nil {
					return
				}
				m.handle(poll, work, &streamBatch{records: batch})
			}
		})
	}
	retry := backoff{first: 100 * time.Millisecond, limit: 10 * time.Second}
	once := warnOnce{log: m.log}
	position := m.position
	for m.tracker.room(poll, 2*len(lanes)*m.cfg.BatchSize) {
		records, next, err := m.streams.ReadStream(poll, m.table, position, m.cfg.BatchSize, streamPoll)
		switch {
		case err != nil && poll.Err() != nil:
			return
		case err != nil:
			once.warn("cannot read the stream", err)
			retry.wait(poll)
			continue
		}
		retry.reset()
		once.clear()
		m.tracker.add(records)
		for _, r := range records {
			lanes[laneOf(r.JSON, len(lanes))].add(r)
		}
		position = next
	}
}

// laneOf is the lane of a record's item, by its key. A record without one goes to
// the first.
func laneOf(record []byte, lanes int) int {
	var r struct {
		DynamoDB struct {
			Keys map[string]json.RawMessage
		} `json:"dynamodb"`
	}
	if json.Unmarshal(record, &r) != nil {
		return 0
	}
	h := fnv.New32a()
	for _, name := range slices.Sorted(maps.Keys(r.DynamoDB.Keys)) {
		_, _ = h.Write([]byte(name)) // a hash never fails
		_, _ = h.Write(r.DynamoDB.Keys[name])
	}
	return int(h.Sum32() % uint32(lanes))
}
