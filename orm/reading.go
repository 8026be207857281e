package orm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// defaultPage is how many items Page returns when no Limit says otherwise.
const defaultPage = 100

// PageOf is one page of a query or a scan.
type PageOf[T any] struct {
	Items []T
	Next  Cursor // where the next page begins; empty: there is none
}

// reading is a query or a scan as far as the item's type does not matter. Its
// methods with a value receiver never change what they are called on.
type reading struct {
	plan                 *plan
	index                *IndexSchema // nil: the table itself
	hash, sort           *field       // keys of what is read; sort may be nil
	scan                 bool
	partition            types.AttributeValue
	lower, upper, prefix types.AttributeValue
	lowerOut, upperOut   bool // the bound itself is left out
	filter               *Cond
	names                []string // of the selected attributes; nil: all
	descending, eventual bool
	limit                int // 0: none
	cursor               Cursor
	segments             int // of a scan; 0: it was not said
	mistakes             []error
}

// op is what errors call it.
func (q *reading) op() string {
	if q.scan {
		return "scan"
	}
	return "query"
}

// mistake is an error about how the reading was made.
func (q *reading) mistake(attribute string, err error) error {
	return &Error{Kind: KindValidation, Op: q.op(), Table: q.plan.schema.Name, Attribute: attribute, Err: err}
}

// wrong keeps a mistake until the reading is used. It copies, because the value
// that q was copied from shares the slice.
func (q *reading) wrong(err error) {
	q.mistakes = append(slices.Clip(q.mistakes), err)
}

// note is wrong for a mistake in an attribute.
func (q *reading) note(attribute string, err error) {
	if q.plan != nil {
		err = q.mistake(attribute, err)
	}
	q.wrong(err)
}

// say writes a key's value for a message, unless it is to be masked.
func (q *reading) say(f *field, av types.AttributeValue) string {
	if f.secret() {
		return "***"
	}
	return valueText(av)
}

func (q *reading) setLimit(n int) {
	q.limit = n
	if n < 0 {
		q.note("", fmt.Errorf("limit %d is negative: 0 means no limit", n))
	}
}

// where adds a condition to the filter.
func (q *reading) where(c *Cond, err error) {
	switch {
	case err != nil:
		q.wrong(err)
	case c == nil:
	case q.filter == nil:
		q.filter = c
	default:
		q.filter = &Cond{Op: CondAnd, Of: []*Cond{q.filter, c}}
	}
}

func (q *reading) choose(names []string, err error) {
	q.names = names
	if err != nil {
		q.note("", err)
	}
}

// check finds the mistakes that only the finished reading shows, and decodes the
// cursor.
func (q *reading) check() (start Item, err error) {
	if q.plan == nil && len(q.mistakes) == 0 {
		return nil, &Error{Kind: KindDefinition, Op: "read", Err: errors.New("an orm.Query is made by orm.QueryTable or Index.Query, an orm.Scan by Table.Scan or Index.Scan")}
	}
	if len(q.mistakes) > 0 {
		return nil, errors.Join(q.mistakes...)
	}
	if err := errors.Join(q.checkBounds(), q.checkFilter(q.filter), q.checkSelect()); err != nil {
		return nil, err
	}
	if q.segments > 1 && q.cursor != "" {
		return nil, q.mistake("", errors.New("segments are read side by side and have no common place to start at: leave Segments or StartAt away"))
	}
	if q.cursor == "" {
		return nil, nil
	}
	start, err = q.open(q.cursor)
	if err != nil {
		return nil, q.mistake("", err)
	}
	return start, nil
}

func (q *reading) checkBounds() error {
	if q.lower == nil && q.upper == nil && q.prefix == nil {
		return nil
	}
	name := q.sort.name // a bound without a sort key is a mistake already
	switch {
	case q.prefix != nil && (q.lower != nil || q.upper != nil):
		return q.mistake(name, errors.New("a prefix is a range by itself: leave the other bounds away"))
	case q.lower == nil || q.upper == nil:
		return nil
	case q.lowerOut || q.upperOut:
		return q.mistake(name, errors.New("DynamoDB takes After and Before only without another bound: use From and To, and skip the bound itself"))
	case compareKeys(q.lower, q.upper) > 0:
		return q.mistake(name, fmt.Errorf("the lower bound %s is above the upper bound %s: From is the lower one, also with Descending", q.say(q.sort, q.lower), q.say(q.sort, q.upper)))
	}
	return nil
}

// checkFilter refuses what DynamoDB cannot filter by.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.FilterExpression.html
func (q *reading) checkFilter(c *Cond) error {
	if c == nil {
		return nil
	}
	var err error
	switch {
	case len(c.Of) > 0:
	case !q.scan && (c.Path == q.hash.name || q.sort != nil && c.Path == q.sort.name):
		err = q.mistake(c.Path, errors.New("a query cannot filter by a key of what it reads: use From, To, After, Before or Prefix for the sort key"))
	case !q.projects(c.Path):
		err = q.mistake(c.Path, fmt.Errorf("index %q does not hold the attribute (its projection is %s), so it cannot filter by it: include it in the index, or filter in code", q.index.Name, q.index.Projection))
	}
	for _, one := range c.Of {
		if wrong := q.checkFilter(one); wrong != nil {
			err = errors.Join(err, wrong)
		}
	}
	return err
}

func (q *reading) checkSelect() error {
	var errs []error
	for _, name := range q.names {
		if q.plan.byName[name] == nil {
			errs = append(errs, q.mistake(name, errors.New("the table has no such attribute: select attributes of this table")))
		} else if !q.projects(name) {
			errs = append(errs, q.mistake(name, fmt.Errorf("index %q does not hold the attribute (its projection is %s), so it cannot be selected: include it in the index, or read the item with Get", q.index.Name, q.index.Projection)))
		}
	}
	return errors.Join(errs...)
}

// projects reports whether what is read holds the attribute.
func (q *reading) projects(name string) bool {
	return q.index == nil || q.index.Projection == ProjectAll || slices.Contains(q.index.Include, name) || slices.Contains(q.keyNames(), name)
}

// keyNames are the attributes that say where an item is in what is read: the
// table's keys, then those of the index.
func (q *reading) keyNames() []string {
	s := q.plan.schema
	names := append(make([]string, 0, 4), s.Hash)
	for _, f := range []*field{q.plan.sort, q.hash, q.sort} {
		if f != nil && !slices.Contains(names, f.name) {
			names = append(names, f.name)
		}
	}
	return names
}

// mayHoldUnique reports whether items of unique values can be in what is read.
// They have the table's keys only, so an index by anything else has none; and
// their partitions cannot be queried.
func (q *reading) mayHoldUnique() bool {
	if len(q.plan.uniques) == 0 {
		return false
	}
	if !q.scan && q.hash == q.plan.hash {
		return false
	}
	for _, f := range []*field{q.hash, q.sort} {
		if f != nil && f != q.plan.hash && f != q.plan.sort {
			return false
		}
	}
	return true
}

// sparse reports whether some of the items that a page looks at are not
// returned, so that a page of n items may hold fewer.
func (q *reading) sparse() bool { return q.filter != nil || q.mayHoldUnique() }

// drop reports whether an item is none of T's.
func (q *reading) drop(item Item) bool { return q.plan.isUniqueValue(item) }

// fetch reads one page.
type fetch func(ctx context.Context, limit int32, start Item) (*Page, error)

// asked is what all pages have in common: the index, the consistency, and the
// attributes.
func (q *reading) asked(count bool) (index string, eventual bool, names []string) {
	eventual, names = q.eventual, q.names
	if q.index != nil {
		index, eventual = q.index.Name, eventual || !q.index.Local
	}
	if names != nil { // with the keys, from which a cursor is made
		names = slices.Clone(names)
		for _, k := range q.keyNames() {
			if !slices.Contains(names, k) {
				names = append(names, k)
			}
		}
	}
	if count {
		names = nil
	}
	return index, eventual, names
}

// fetcher is what reads the pages. Each has a request of its own, which stores may
// keep. count asks only how many items there are; segment counts for a scan of
// several.
func (q *reading) fetcher(r Reader, count bool, segment int32) fetch {
	index, eventual, names := q.asked(count)
	if !q.scan {
		return func(ctx context.Context, limit int32, start Item) (*Page, error) {
			return r.Query(ctx, &QueryRequest{
				Table: q.plan.schema, Index: index, Hash: q.partition, From: q.lower, To: q.upper, FromExcluded: q.lowerOut, ToExcluded: q.upperOut,
				Prefix: q.prefix, Filter: q.filter, Select: names, Count: count, Descending: q.descending, Eventual: eventual, Limit: limit, Start: start,
			})
		}
	}
	req := ScanRequest{Table: q.plan.schema, Index: index, Filter: q.filter, Select: names, Count: count, Eventual: eventual}
	if q.mayHoldUnique() { // a scan may filter by keys: what nobody asked for need not be sent
		not := &Cond{Op: CondNot, Of: []*Cond{{Op: CondBeginsWith, Path: q.plan.hash.name, Values: []types.AttributeValue{&types.AttributeValueMemberS{Value: uniquePrefix}}}}}
		if req.Filter != nil {
			not = &Cond{Op: CondAnd, Of: []*Cond{not, req.Filter}}
		}
		req.Filter = not
	}
	if q.segments > 1 {
		req.Segment, req.Segments = segment, int32(q.segments)
	}
	return patiently(r, q.op(), q.plan.schema, func(ctx context.Context, limit int32, start Item) (*Page, error) {
		one := req
		one.Limit, one.Start = limit, start
		return r.Scan(ctx, &one)
	})
}

// patiently asks for a throttled page again, after a wait. The client has tried
// it a few times by then, which is enough for somebody who waits for an answer;
// but who reads a whole table is the one that uses its capacity up, and would
// have to begin at the beginning.
func patiently(r Reader, op string, s *Schema, get fetch) fetch {
	return func(ctx context.Context, limit int32, start Item) (*Page, error) {
		var p patience
		for {
			page, err := get(ctx, limit, start)
			if !p.throttled(err) {
				return page, err
			}
			if err := p.again(ctx, r, op, s, 1, 1); err != nil {
				return nil, err
			}
		}
	}
}

// pageSize chooses how many items each page is asked for, so that no more is
// read than needed, and a filter that lets little through does not make many
// tiny requests: its pages double. DynamoDB ends a page at 1 MB anyway.
type pageSize struct {
	want   int // items in all; 0: no limit
	sparse bool
	got    int
	last   int
}

// minSparsePage is what a page with a filter looks at, at least.
const minSparsePage = 32

func (s *pageSize) next() int32 {
	if s.want == 0 {
		return 0
	}
	n := max(s.want-s.got, 1)
	if s.sparse {
		n = max(n, minSparsePage, 2*s.last)
	}
	s.last = min(n, 1<<30)
	return int32(s.last)
}

// pages reads page after page as they are asked for, from start on. It ends
// after an error.
func (q *reading) pages(ctx context.Context, r Reader, count bool, start Item) iter.Seq2[*Page, error] {
	if q.segments > 1 {
		return q.parallel(ctx, r, count)
	}
	size := pageSize{want: q.limit, sparse: q.sparse()}
	return walk(ctx, q.fetcher(r, count, 0), size, start)
}

func walk(ctx context.Context, get fetch, size pageSize, start Item) iter.Seq2[*Page, error] {
	return func(yield func(*Page, error) bool) {
		for {
			page, err := get(ctx, size.next(), start)
			if !yield(page, err) || err != nil || page.Next == nil {
				return
			}
			size.got += max(page.Count, len(page.Items))
			start = page.Next
		}
	}
}

// each calls yield with every item, up to the limit, until it returns false.
func (q *reading) each(ctx context.Context, r Reader, yield func(Item, error) bool) {
	start, err := q.check()
	if err != nil {
		yield(nil, err)
		return
	}
	left := q.limit
	for page, err := range q.pages(ctx, r, false, start) {
		if err != nil {
			yield(nil, err)
			return
		}
		for _, item := range page.Items {
			if q.drop(item) {
				continue
			}
			if !yield(item, nil) {
				return
			}
			if left--; left == 0 {
				return // further pages are not read
			}
		}
	}
}

// page gives the items of one page to take and returns where the next begins.
func (q reading) page(ctx context.Context, r Reader, take func(Item) error) (Cursor, error) {
	if q.segments > 1 {
		q.note("", errors.New("segments are read side by side, in no order that a page could be cut from: leave Segments away, or read with All"))
	}
	start, err := q.check()
	if err != nil {
		return "", err
	}
	limit, sparse := q.limit, q.sparse()
	if limit == 0 {
		limit = defaultPage
	}
	q.limit = limit
	if !sparse && limit < math.MaxInt {
		q.limit++ // one more item shows whether there is a next page
	}
	var last Item
	n := 0
	for page, err := range q.pages(ctx, r, false, start) {
		if err != nil {
			return "", err
		}
		for _, item := range page.Items {
			if q.drop(item) {
				continue
			}
			if n == limit {
				return q.cursorAt(last)
			}
			if err := take(item); err != nil {
				return "", err
			}
			last = item
			n++
		}
		// To look for one more item could mean to read everything that does not
		// pass the filter.
		if sparse && n == limit && page.Next != nil {
			return q.cursorAt(last)
		}
	}
	return "", nil
}

// count counts without reading what is counted, where it can.
func (q reading) count(ctx context.Context, r Reader) (int, error) {
	start, err := q.check()
	if err != nil {
		return 0, err
	}
	// A query cannot filter by its own keys, so these are counted here.
	only := q.scan || !q.mayHoldUnique()
	if !only {
		q.names = q.keyNames()
	}
	n := 0
	for page, err := range q.pages(ctx, r, only, start) {
		if err != nil {
			return n, err
		}
		if only {
			n += page.Count
		}
		for _, item := range page.Items {
			if !only && !q.drop(item) {
				n++
			}
		}
		if q.limit > 0 && n >= q.limit {
			return q.limit, nil
		}
	}
	return n, nil
}

// all decodes what each yields.
func all[T any](ctx context.Context, r Reader, q reading) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q.each(ctx, r, func(item Item, err error) bool {
			var out T
			if err == nil {
				err = q.plan.decode(item, &out)
			}
			return yield(out, err) && err == nil
		})
	}
}

func pageOf[T any](ctx context.Context, r Reader, q reading) (PageOf[T], error) {
	var out PageOf[T]
	next, err := q.page(ctx, r, func(item Item) error {
		var one T
		if err := q.plan.decode(item, &one); err != nil {
			return err
		}
		out.Items = append(out.Items, one)
		return nil
	})
	if err != nil {
		return PageOf[T]{}, err
	}
	out.Next = next
	return out, nil
}
