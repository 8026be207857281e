package eventlog

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vinci-go/vinci/orm"
)

// marks finds the events of a history in its index, in order. It reads up to
// limit keys of each partition at a time.
func (h History) marks(ctx context.Context, limit int) iter.Seq2[mark, error] {
	return func(yield func(mark, error) bool) {
		if h.log == nil {
			h.err = &QueryError{Reason: "a History is made with Log.History or Log.Correlation"}
		}
		if h.err != nil {
			yield(mark{}, h.err)
			return
		}
		for readers := range h.partitions(limit) {
			err := begin(ctx, h.log.store, readers, h.parallel)
			for {
				var m *mark
				if err == nil {
					m, err = next(ctx, h.log.store, readers)
				}
				if err != nil {
					yield(mark{}, fmt.Errorf("read the %s: %w", h.text, err))
					return
				}
				if m == nil {
					break
				}
				if !yield(*m, nil) {
					return
				}
			}
		}
	}
}

// partitions yields the partitions of the index that are to be read, those
// together that have to be merged: all shards of all types of one day.
func (h *History) partitions(limit int) iter.Seq[[]*reader] {
	return func(yield func([]*reader) bool) {
		if h.types == nil {
			yield([]*reader{h.reader(EventsByCorrelation.Query(h.id), limit)})
			return
		}
		if h.to != "" && h.to < h.from {
			return // From and To are the same moment: DynamoDB refuses such a range
		}
		for day := range h.days() {
			readers := make([]*reader, 0, len(h.types)*Shards)
			for _, t := range h.types {
				for shard := range Shards {
					readers = append(readers, h.reader(EventsByType.Query(bucket(t, day, shard)), limit))
				}
			}
			if !yield(readers) {
				return
			}
		}
	}
}

// days yields the days of the range, in the order they are read.
func (h *History) days() iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		first, last := midnight(h.from), h.log.now().Add(ahead).UTC().Truncate(24*time.Hour)
		if h.to != "" {
			last = midnight(h.to)
		}
		if h.start != nil {
			if h.descending {
				last = midnight(h.start.time)
			} else {
				first = midnight(h.start.time)
			}
		}
		for !first.After(last) {
			day := first
			if h.descending {
				day, last = last, last.AddDate(0, 0, -1)
			} else {
				first = first.AddDate(0, 0, 1)
			}
			if !yield(day) {
				return
			}
		}
	}
}

// midnight is the day of a time that was formatted or checked before.
func midnight(text string) time.Time {
	t, err := time.Parse(timeLayout, text)
	if err != nil {
		panic("eventlog: a time that was checked cannot be read: " + err.Error())
	}
	return t.UTC().Truncate(24 * time.Hour)
}

// reader reads one partition of an index in the order of marks.
//
// The index sorts by time; what has the same time comes in an order that nobody
// promises. So the reader collects what has the same time and sorts it: then a
// mark alone says where to go on, in whichever partition that is.
type reader struct {
	query      orm.Query[Stored, string]
	start      *mark
	descending bool

	ready []mark // sorted
	same  []mark // of one time, of which more may come
	end   bool   // the index has no more
}

func (h *History) reader(q orm.Query[Stored, string], limit int) *reader {
	from, to := h.from, h.to
	if h.descending {
		q = q.Descending()
	}
	if h.start != nil {
		if h.descending {
			to = h.start.time
		} else {
			from = h.start.time
		}
	}
	if from != "" {
		q = q.From(from)
	}
	if to != "" {
		q = q.To(to)
	}
	return &reader{query: q.Limit(limit), start: h.start, descending: h.descending}
}

// peek is the reader's next mark, nil at the end.
func (r *reader) peek(ctx context.Context, store orm.Reader) (*mark, error) {
	for len(r.ready) == 0 && !r.end {
		page, err := r.query.Page(ctx, store)
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			m := mark{page.Items[i].Time, page.Items[i].Stream, page.Items[i].Version}
			if r.start != nil && r.compare(m, *r.start) <= 0 {
				continue // of the start's own time, and before it
			}
			if len(r.same) > 0 && r.same[0].time != m.time {
				r.release()
			}
			r.same = append(r.same, m)
		}
		if r.end = page.Next == ""; r.end {
			r.release()
		}
		r.query = r.query.StartAt(page.Next)
	}
	if len(r.ready) == 0 {
		return nil, nil
	}
	return &r.ready[0], nil
}

// release makes what has one time ready: it is complete.
func (r *reader) release() {
	slices.SortFunc(r.same, r.compare)
	r.ready = append(r.ready, r.same...)
	r.same = r.same[:0]
}

func (r *reader) compare(a, b mark) int {
	if r.descending {
		return b.compare(a)
	}
	return a.compare(b)
}

// next takes the first mark of all readers, nil at the end.
func next(ctx context.Context, store orm.Reader, readers []*reader) (*mark, error) {
	var first *mark
	var of *reader
	for _, r := range readers {
		m, err := r.peek(ctx, store)
		if err != nil {
			return nil, err
		}
		if m != nil && (first == nil || r.compare(*m, *first) < 0) {
			first, of = m, r
		}
	}
	if of != nil {
		of.ready = of.ready[1:]
	}
	return first, nil
}

// begin reads the first page of each reader, n at a time. With one at a time there
// is nothing to gain: each reads when it is its turn.
func begin(ctx context.Context, store orm.Reader, readers []*reader, n int) error {
	if n < 2 {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range min(n, len(readers)) {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(taken.Add(1)) - 1
				if i >= len(readers) {
					return
				}
				if _, err := readers[i].peek(ctx, store); err != nil {
					cancel(err) // the first one is the cause
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
