package orm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
)

// Scan reads all items of a table or an index, in no order that means anything.
// It is a value that holds no client and never changes: each method returns a
// changed copy. Make it with [Table.Scan] or [Index.Scan].
//
// A scan reads, and is paid for, everything: where a key can say what is wanted,
// use a [Query]. What is wrong with a scan is kept, and is the first error of
// All, Page and Count, of [KindValidation]. It is consistent as a [Query] is, for
// each item by itself: what is written during the scan may be in it or not. An
// index holds only items that have its keys, and of these the attributes of its
// projection.
//
// A page that is throttled is asked for again, after [Reader.Backoff]; eight tries
// in a row are an error of [KindThrottled].
//
// Items by which a table keeps its unique values are never among the results;
// [Export] has them.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html
type Scan[T any] struct{ q reading }

// Scan scans the table.
func (t *Table[T, K]) Scan() Scan[T] {
	if t.err != nil {
		return Scan[T]{reading{scan: true, mistakes: []error{t.err}}}
	}
	return Scan[T]{reading{scan: true, plan: t.plan, hash: t.plan.hash, sort: t.plan.sort}}
}

// Scan scans the index.
func (ix *Index[T, H, S]) Scan() Scan[T] {
	if ix.err != nil {
		return Scan[T]{reading{scan: true, mistakes: []error{ix.err}}}
	}
	return Scan[T]{reading{scan: true, plan: ix.plan, index: ix.schema, hash: ix.hash, sort: ix.sort}}
}

// maxSegments is how many segments are read at once. Each may hold a page of
// 1 MB; DynamoDB itself would take a million.
const maxSegments = 1000

// Segments reads the table in n parts side by side, each by a goroutine of its
// own that holds one page and reads the next when that one is taken. 1 to 1,000
// are allowed. It is faster by as much as the table has partitions, and uses that
// much more of its throughput. [Scan.Page] and [Scan.StartAt] do not go with it.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html#Scan.ParallelScan
func (s Scan[T]) Segments(n int) Scan[T] {
	s.q.segments = n
	if n < 1 || n > maxSegments {
		s.q.note("", fmt.Errorf("%d segments: allowed are 1 to %d", n, maxSegments))
	}
	return s
}

// Limit ends the result after n items, however many pages that takes; 0 means no
// limit. Items that Filter leaves out do not count.
func (s Scan[T]) Limit(n int) Scan[T] {
	s.q.setLimit(n)
	return s
}

// Filter leaves out items for which a condition does not hold; several calls and
// conditions are joined by AND. The items are still read, and paid for.
func (s Scan[T]) Filter(cond ...Condition[T]) Scan[T] {
	s.q.where(And(cond...).Tree())
	return s
}

// Select reads only the given attributes, and the keys; see [Query.Select].
func (s Scan[T]) Select(attributes ...Selectable[T]) Scan[T] {
	s.q.choose(selection(attributes))
	return s
}

// Eventual reads eventually consistent, at half the price: what was just written
// may be missing.
func (s Scan[T]) Eventual() Scan[T] {
	s.q.eventual = true
	return s
}

// StartAt goes on behind the item that the cursor was made from; see
// [Query.StartAt].
func (s Scan[T]) StartAt(c Cursor) Scan[T] {
	s.q.cursor = c
	return s
}

// All reads the items page by page as they are asked for, and decodes each when
// it is its turn. One page is held, with Segments one a segment. Whoever stops
// early reads no further page: requests under way are cancelled, and no
// goroutine is left when the loop ends. The sequence ends after the first error.
func (s Scan[T]) All(ctx context.Context, r Reader) iter.Seq2[T, error] {
	return all[T](ctx, r, s.q)
}

// Page reads up to Limit items, 100 when there is none, and says where the next
// page begins; see [Query.Page]. What is said there of a filter goes for tables
// with unique attributes too, whose items of unique values are left out.
func (s Scan[T]) Page(ctx context.Context, r Reader) (PageOf[T], error) {
	return pageOf[T](ctx, r, s.q)
}

// Count counts the items that All would yield, up to Limit. DynamoDB reads them
// for it, at the same price, but does not send them.
func (s Scan[T]) Count(ctx context.Context, r Reader) (int, error) {
	return s.q.count(ctx, r)
}

// segmentPage is what a segment has to say: a page, an error, or neither at its end.
type segmentPage struct {
	page *Page
	err  error
}

// parallel reads the segments side by side. An unbuffered channel holds each of
// them back until its page is taken.
func (q *reading) parallel(parent context.Context, r Reader, count bool) iter.Seq2[*Page, error] {
	return func(yield func(*Page, error) bool) {
		ctx, cancel := context.WithCancel(parent)
		var running sync.WaitGroup
		defer running.Wait()
		defer cancel() // before the wait

		// Each segment looks for its share of the limit first. Its pages grow,
		// because it may hold all there is.
		size := pageSize{want: q.limit / q.segments, sparse: true}
		if q.limit%q.segments > 0 {
			size.want++
		}
		answers := make(chan segmentPage)
		for i := range q.segments {
			running.Go(func() { q.segment(ctx, q.fetcher(r, count, int32(i)), size, answers) })
		}
		for left := q.segments; left > 0; {
			select {
			case a := <-answers:
				if a.page == nil && a.err == nil {
					left--
				} else if !yield(a.page, a.err) || a.err != nil {
					return
				}
			case <-parent.Done():
				yield(nil, &Error{Kind: KindUnavailable, Op: q.op(), Table: q.plan.schema.Name, Err: ended(parent)})
				return
			}
		}
	}
}

// ended is why a context is done: its error, and its cause where that says more.
func ended(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(err, cause) {
		return err
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// segment reads one segment to its end, or until ctx is done.
func (q *reading) segment(ctx context.Context, get fetch, size pageSize, answers chan<- segmentPage) {
	say := func(a segmentPage) bool {
		select {
		case answers <- a:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for page, err := range walk(ctx, get, size, nil) {
		if !say(segmentPage{page, err}) || err != nil {
			return
		}
	}
	say(segmentPage{})
}
