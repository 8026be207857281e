package eventlog

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// HistoryQuery asks for the events of some types in a range of time.
type HistoryQuery struct {
	Types []string  // exact names, at least one
	From  time.Time // the first moment that belongs to it; required
	// To is the first moment that does not belong to it any more. Zero: the range
	// is open, and reaches to the newest event whenever it is read.
	To         time.Time
	Descending bool // newest first
	// Concurrency is how many shards of a day are asked at once. 0 and 1: one after
	// the other, by the goroutine that reads. More is faster where days or types
	// are many, and costs the same.
	Concurrency int
}

// ahead is how far the clock of another function may be before ours, for a range
// that is open: an event is found by the day that its own clock said.
const ahead = 5 * time.Minute

// maxConcurrency is more than a client of DynamoDB has connections to spare.
const maxConcurrency = 64

// History is the events of some types in a range of time, or those of one
// correlation id, by time. It is a value that never changes and holds no
// position: it may be read several times, by several goroutines. Make it with
// [Log.History] or [Log.Correlation].
//
// Events of one time, which have nothing to do with each other, come by stream
// and version. Clocks of different functions differ, so the time is an order to
// read by and not one to decide by: within a stream only versions are.
//
// It reads an index, which is a moment behind the table, and an event's time is
// from before its commit. So an event of the last seconds (a minute, if a commit
// had to be tried again and again) may be missing, and may turn up before one
// that was read already. Who must not miss any reads a range that is past, or
// subscribes.
type History struct {
	log        *Log
	err        error    // what is wrong with the query
	text       string   // all that decides what is read, for cursors
	types      []string // sorted; nil: by correlation
	id         string   // the correlation id
	from, to   string   // of the time, both included; empty: open
	descending bool
	parallel   int
	start      *mark // to go on behind; nil: the beginning
}

// History is the events of q. What is wrong with q is a *[QueryError] when it is
// read.
//
// Each day of the range costs eight queries a type, one a shard (see [Shards]),
// whether there are events or not; then one read for the events of each hundred.
func (l *Log) History(q HistoryQuery) History {
	h := History{log: l, descending: q.Descending, parallel: q.Concurrency}
	if h.err = q.check(); h.err != nil {
		return h
	}
	h.types = slices.Compact(slices.Sorted(slices.Values(q.Types)))
	h.from = q.From.UTC().Format(timeLayout)
	if !q.To.IsZero() {
		h.to = q.To.Add(-1).UTC().Format(timeLayout)
	}
	h.text = fmt.Sprintf("history %q of %q from %s to %s descending %t", h.types, l.source, h.from, h.to, h.descending)
	return h
}

// Correlation is the events of one correlation id, in the order of time: the
// story of one request, with all that its events have caused.
func (l *Log) Correlation(id string) History {
	h := History{log: l, id: id, text: fmt.Sprintf("correlation %q of %q", id, l.source)}
	if id == "" || len(id) > maxFlow {
		h.err = &QueryError{Reason: fmt.Sprintf("correlation id of %d bytes: 1 to %d are allowed", len(id), maxFlow)}
	}
	return h
}

func (q *HistoryQuery) check() error {
	if len(q.Types) == 0 {
		return &QueryError{Reason: "HistoryQuery.Types is empty: name at least one event type, as in user.created"}
	}
	for _, t := range q.Types {
		if err := event.CheckType(t); err != nil {
			return &QueryError{Reason: fmt.Sprintf("type %q: a history is read by exact types, name each one", t), Err: err}
		}
	}
	if q.Concurrency < 0 || q.Concurrency > maxConcurrency {
		return &QueryError{Reason: fmt.Sprintf("HistoryQuery.Concurrency %d: 0 to %d are allowed", q.Concurrency, maxConcurrency)}
	}
	if q.From.IsZero() {
		return &QueryError{Reason: "HistoryQuery.From is zero: say where to begin, since each day of the range costs requests"}
	}
	for _, t := range []time.Time{q.From, q.To} {
		if y := t.UTC().Year(); y < 1 || y > 9999 {
			return &QueryError{Reason: fmt.Sprintf("the year %d: allowed are 1 to 9999", y)}
		}
	}
	if !q.To.IsZero() && q.To.Before(q.From) {
		return &QueryError{Reason: fmt.Sprintf("HistoryQuery.To %s is before From %s", q.To.UTC().Format(time.RFC3339Nano), q.From.UTC().Format(time.RFC3339Nano))}
	}
	return nil
}

// batch is how many events are read from the table with one request.
const batch = orm.MaxBatchGet

// All reads the events as they are asked for, a hundred with each request. The
// sequence ends after the first error: the store's, a *[QueryError], or a
// *[DamagedError] when an event is in the index and not in the table.
func (h History) All(ctx context.Context) iter.Seq2[event.Envelope, error] {
	return func(yield func(event.Envelope, error) bool) {
		marks := make([]mark, 0, batch)
		flush := func() bool {
			events, err := h.read(ctx, marks)
			for _, e := range events {
				if !yield(e, nil) {
					return false
				}
			}
			if err != nil {
				yield(event.Envelope{}, err)
				return false
			}
			marks = marks[:0]
			return true
		}
		for m, err := range h.marks(ctx, batch) {
			if err != nil {
				if flush() { // what came before the error is right
					yield(event.Envelope{}, err)
				}
				return
			}
			if marks = append(marks, m); len(marks) == batch && !flush() {
				return
			}
		}
		flush()
	}
}

// Page is some events of a [History].
type Page struct {
	Events []event.Envelope
	Next   Cursor // where the next page begins; empty: there is none
}

// The number of events in a page.
const (
	DefaultPage = 100
	MaxPage     = 1000
)

// Page reads up to limit events, DefaultPage when it is 0, from where cursor
// says, at the beginning when it is empty. Only the last page has no cursor to
// go on with; of a range that is open, [History.After] the last event is one.
//
// A limit that is negative or over MaxPage is a *[QueryError], and so is a cursor
// that is of another history, or was changed.
func (h History) Page(ctx context.Context, limit int, cursor Cursor) (Page, error) {
	marks, next, err := h.pageMarks(ctx, limit, cursor)
	if err != nil {
		return Page{}, err
	}
	events, err := h.read(ctx, marks)
	if err != nil {
		return Page{}, err
	}
	return Page{Events: events, Next: next}, nil
}

// StoredPage is some events of a [History] as they lie in the table.
type StoredPage struct {
	Events []Stored
	Next   Cursor // where the next page begins; empty: there is none
}

// StoredPage is [History.Page] with the items of the table: for whoever needs
// more of them than the envelope, as publishing them again does.
func (h History) StoredPage(ctx context.Context, limit int, cursor Cursor) (StoredPage, error) {
	marks, next, err := h.pageMarks(ctx, limit, cursor)
	if err != nil {
		return StoredPage{}, err
	}
	events, err := h.stored(ctx, marks)
	if err != nil {
		return StoredPage{}, err
	}
	return StoredPage{Events: events, Next: next}, nil
}

// pageMarks finds the events of a page, and where the next one begins.
func (h History) pageMarks(ctx context.Context, limit int, cursor Cursor) (marks []mark, next Cursor, err error) {
	if limit == 0 {
		limit = DefaultPage
	}
	if limit < 0 || limit > MaxPage {
		return nil, "", &QueryError{Reason: fmt.Sprintf("a page of %d events: 1 to %d are allowed, 0 means %d", limit, MaxPage, DefaultPage)}
	}
	if cursor != "" {
		h = h.StartAt(cursor)
	}
	for m, err := range h.marks(ctx, min(limit+1, batch)) {
		if err != nil {
			return nil, "", err
		}
		if len(marks) == limit {
			return marks, h.cursor(marks[limit-1]), nil
		}
		marks = append(marks, m)
	}
	return marks, "", nil
}

// read reads the events at some marks, in their order. With an error come those
// before it.
func (h *History) read(ctx context.Context, marks []mark) ([]event.Envelope, error) {
	items, err := h.stored(ctx, marks)
	events := make([]event.Envelope, 0, len(items))
	for i := range items {
		e, err := items[i].Envelope(h.log.source)
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
	return events, err
}

// stored reads the items at some marks, in their order. With an error come those
// before it.
func (h *History) stored(ctx context.Context, marks []mark) ([]Stored, error) {
	if len(marks) == 0 {
		return nil, nil
	}
	keys := make([]orm.Pair[string, int64], len(marks))
	for i, m := range marks {
		keys[i] = orm.Key(m.stream, m.version)
	}
	items, err := Events.GetBatch(ctx, h.log.store, keys)
	if err != nil {
		return nil, fmt.Errorf("read %d events of the %s: %w", len(keys), h.text, err)
	}
	all := make([]Stored, 0, len(items))
	for i, s := range items {
		if s == nil {
			return all, &DamagedError{Stream: marks[i].stream, Version: marks[i].version, Reason: "it is in an index, and the table does not have it"}
		}
		all = append(all, *s)
	}
	return all, nil
}

// mark is the place of an event in every history it is in: by time, then by
// what it is identified by.
type mark struct {
	time    string
	stream  string
	version int64
}

func (m mark) compare(n mark) int {
	if c := strings.Compare(m.time, n.time); c != 0 {
		return c
	}
	if c := strings.Compare(m.stream, n.stream); c != 0 {
		return c
	}
	return int(min(1, max(-1, m.version-n.version))) // versions are never negative
}
