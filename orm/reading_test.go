package orm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// scripted is a store whose answers a test gives.
type scripted struct {
	Store
	query    func(context.Context, *QueryRequest) (*Page, error)
	scan     func(context.Context, *ScanRequest) (*Page, error)
	batch    func(*BatchGetRequest) (*BatchGetResult, error)
	write    func(*BatchWriteRequest) (*BatchWriteResult, error)
	transact func([]GetRequest) ([]Item, error)
	backoff  func(try int) error
	tries    []int
}

func (s *scripted) Query(ctx context.Context, r *QueryRequest) (*Page, error) { return s.query(ctx, r) }
func (s *scripted) Scan(ctx context.Context, r *ScanRequest) (*Page, error)   { return s.scan(ctx, r) }
func (s *scripted) BatchGet(_ context.Context, r *BatchGetRequest) (*BatchGetResult, error) {
	return s.batch(r)
}
func (s *scripted) BatchWrite(_ context.Context, r *BatchWriteRequest) (*BatchWriteResult, error) {
	return s.write(r)
}
func (s *scripted) TransactGet(_ context.Context, g []GetRequest) ([]Item, error) {
	return s.transact(g)
}
func (s *scripted) Now() time.Time { return time.Unix(0, 0) }
func (s *scripted) Backoff(_ context.Context, try int) error {
	s.tries = append(s.tries, try)
	if s.backoff != nil {
		return s.backoff(try)
	}
	return nil
}

type reading1 struct {
	Room string `dynamo:"room,hash"`
	N    int    `dynamo:"n,range" index:"by_kind,range"`
	Kind string `dynamo:"kind" index:"by_kind,hash"`
	Note string `dynamo:"note"`
	More string `dynamo:"more"`
}

type reading2 struct {
	ID   string `dynamo:"id,hash"`
	Mail string `dynamo:"mail" unique:"exact"`
}

// readTables are the tables of these tests.
type readTables struct {
	rooms      *Table[reading1, Pair[string, int]]
	byKind     *Index[reading1, string, int]
	kind, note Attribute[reading1, string]
	more       Attribute[reading1, string]
	n          Attribute[reading1, int]
}

func newReadTables(t testing.TB) readTables {
	t.Helper()
	var r readTables
	r.rooms = Define[reading1, Pair[string, int]]("rooms", Include("by_kind", "note"))
	r.byKind = IndexOf(r.rooms, func(x *reading1) *string { return &x.Kind }, func(x *reading1) *int { return &x.N })
	r.kind = Attr(r.rooms, func(x *reading1) *string { return &x.Kind })
	r.note = Attr(r.rooms, func(x *reading1) *string { return &x.Note })
	r.more = Attr(r.rooms, func(x *reading1) *string { return &x.More })
	r.n = Attr(r.rooms, func(x *reading1) *int { return &x.N })
	if err := r.rooms.Err(); err != nil {
		t.Fatal(err)
	}
	return r
}

// roomItem is an item of rooms.
func roomItem(n int) Item {
	return Item{
		"room": &types.AttributeValueMemberS{Value: "r"}, "n": &types.AttributeValueMemberN{Value: fmt.Sprint(n)},
		"kind": &types.AttributeValueMemberS{Value: "k"}, "note": &types.AttributeValueMemberS{Value: "note"},
	}
}

// rowSource answers queries for items 0 to n-1, of which keep says which pass the
// filter, and keeps what was asked for.
type rowSource struct {
	n     int
	page  int // where a page without a limit ends
	keep  func(n int) bool
	asked []int32
	read  int
}

func (s *rowSource) answer(limit int32, start Item, filtered bool) *Page {
	s.asked = append(s.asked, limit)
	from := 0
	if start != nil {
		fmt.Sscan(start["n"].(*types.AttributeValueMemberN).Value, &from)
		from++
	}
	size := s.page
	if limit > 0 {
		size = min(size, int(limit))
	}
	p := &Page{}
	for i := from; i < min(from+size, s.n); i++ {
		p.Scanned++
		if !filtered || s.keep(i) {
			p.Items = append(p.Items, roomItem(i))
		}
	}
	p.Count = len(p.Items)
	s.read += p.Scanned
	if last := from + size - 1; last < s.n-1 || limit > 0 && last == s.n-1 {
		p.Next = Item{"room": roomItem(last)["room"], "n": roomItem(last)["n"]}
	}
	return p
}

func (s *rowSource) store() *scripted {
	return &scripted{
		query: func(_ context.Context, r *QueryRequest) (*Page, error) {
			return s.answer(r.Limit, r.Start, r.Filter != nil), nil
		},
		scan: func(_ context.Context, r *ScanRequest) (*Page, error) {
			return s.answer(r.Limit, r.Start, r.Filter != nil), nil
		},
	}
}

func TestQueryPagesAskedFor(t *testing.T) {
	x := newReadTables(t)
	q := QueryTable(x.rooms, "r")
	never, tenth := func(int) bool { return false }, func(n int) bool { return n%10 == 9 }
	for name, c := range map[string]struct {
		rows  rowSource
		q     Query[reading1, int]
		take  int // leave the loop after so many; 0: never
		got   int
		asked []int32
	}{
		"all":                       {rowSource{n: 250, page: 100}, q, 0, 250, []int32{0, 0, 0}},
		"stops early":               {rowSource{n: 250, page: 100}, q, 1, 1, []int32{0}},
		"stops at a page's end":     {rowSource{n: 250, page: 100}, q, 100, 100, []int32{0}},
		"limit within a page":       {rowSource{n: 250, page: 100}, q.Limit(7), 0, 7, []int32{7}},
		"limit over pages":          {rowSource{n: 250, page: 100}, q.Limit(120), 0, 120, []int32{120, 20}},
		"limit is all there is":     {rowSource{n: 7, page: 100}, q.Limit(7), 0, 7, []int32{7}},
		"limit beyond the end":      {rowSource{n: 5, page: 100}, q.Limit(7), 0, 5, []int32{7}},
		"filter":                    {rowSource{n: 1000, page: 1000, keep: tenth}, q.Filter(x.note.Exists()).Limit(3), 0, 3, []int32{32}},
		"filter that grows":         {rowSource{n: 1000, page: 1000, keep: tenth}, q.Filter(x.note.Exists()).Limit(15), 0, 15, []int32{32, 64, 128}},
		"filter that holds never":   {rowSource{n: 1000, page: 1000, keep: never}, q.Filter(x.note.Exists()).Limit(1), 0, 0, []int32{32, 64, 128, 256, 512, 1024}},
		"filter, and a large limit": {rowSource{n: 300, page: 1000, keep: tenth}, q.Filter(x.note.Exists()).Limit(300), 0, 30, []int32{300, 600}},
	} {
		t.Run(name, func(t *testing.T) {
			got := 0
			for item, err := range c.q.All(t.Context(), c.rows.store()) {
				if err != nil {
					t.Fatal(err)
				}
				if item.Note != "note" || item.Room != "r" {
					t.Fatalf("item is %+v", item)
				}
				if got++; got == c.take {
					break
				}
			}
			if got != c.got || !slices.Equal(c.rows.asked, c.asked) {
				t.Errorf("%d items from pages of %v, want %d from %v", got, c.rows.asked, c.got, c.asked)
			}
		})
	}
}

func TestQueryPageKnowsItsEnd(t *testing.T) {
	x := newReadTables(t)
	q := QueryTable(x.rooms, "r")
	half := func(n int) bool { return n%2 == 1 }
	for name, c := range map[string]struct {
		rows rowSource
		q    Query[reading1, int]
		got  int
		more bool
	}{
		"more follows":                   {rowSource{n: 11, page: 100}, q.Limit(10), 10, true},
		"exactly the limit":              {rowSource{n: 10, page: 100}, q.Limit(10), 10, false},
		"less than the limit":            {rowSource{n: 9, page: 100}, q.Limit(10), 9, false},
		"exactly, at a page's end":       {rowSource{n: 10, page: 5}, q.Limit(10), 10, false},
		"more, at a page's end":          {rowSource{n: 11, page: 5}, q.Limit(10), 10, true},
		"a hundred without a limit":      {rowSource{n: 101, page: 1000}, q, 100, true},
		"a hundred and no more":          {rowSource{n: 100, page: 1000}, q, 100, false},
		"filtered, more in the page":     {rowSource{n: 30, page: 100, keep: half}, q.Limit(10).Filter(x.note.Exists()), 10, true},
		"filtered, the end is reached":   {rowSource{n: 30, page: 100, keep: half}, q.Limit(20).Filter(x.note.Exists()), 15, false},
		"filtered, over the page's end":  {rowSource{n: 64, page: 20, keep: half}, q.Limit(11).Filter(x.note.Exists()), 11, true},
		"filtered, nobody knows at once": {rowSource{n: 21, page: 20, keep: half}, q.Limit(10).Filter(x.note.Exists()), 10, true},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := c.q.Page(t.Context(), c.rows.store())
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Items) != c.got || (page.Next != "") != c.more {
				t.Fatalf("%d items and cursor %q, want %d and more=%t", len(page.Items), page.Next, c.got, c.more)
			}
			if !c.more {
				return
			}
			next, err := c.q.StartAt(page.Next).Page(t.Context(), c.rows.store())
			if err != nil {
				t.Fatal(err)
			}
			if len(next.Items) > 0 && next.Items[0].N <= page.Items[len(page.Items)-1].N {
				t.Errorf("the next page begins at %d, this one ended at %d", next.Items[0].N, page.Items[len(page.Items)-1].N)
			}
			if len(next.Items) > 0 && page.Items[len(page.Items)-1].N+1 != next.Items[0].N && c.rows.keep == nil {
				t.Errorf("the next page begins at %d, this one ended at %d", next.Items[0].N, page.Items[len(page.Items)-1].N)
			}
		})
	}
}

func TestCountStopsAtLimit(t *testing.T) {
	x := newReadTables(t)
	r := rowSource{n: 250, page: 100}
	st := r.store()
	st.query = func(_ context.Context, req *QueryRequest) (*Page, error) {
		if !req.Count {
			t.Error("the items are read to be counted")
		}
		p := r.answer(req.Limit, req.Start, false)
		p.Items = nil
		return p, nil
	}
	for limit, want := range map[int]int{0: 250, 10: 10, 150: 150, 400: 250} {
		if n, err := QueryTable(x.rooms, "r").Limit(limit).Count(t.Context(), st); err != nil || n != want {
			t.Errorf("limit %d counts %d (%v), want %d", limit, n, err, want)
		}
	}
}

// The largest limit is one, and not the smallest by an overflow.
func TestLargestLimit(t *testing.T) {
	x := newReadTables(t)
	rows := rowSource{n: 50, page: 20}
	if page, err := QueryTable(x.rooms, "r").Limit(math.MaxInt).Page(t.Context(), rows.store()); err != nil || len(page.Items) != 50 || page.Next != "" || len(rows.asked) != 3 {
		t.Errorf("%d items by pages of %v (%v)", len(page.Items), rows.asked, err)
	}
}

func TestReadingMistakes(t *testing.T) {
	x := newReadTables(t)
	q := QueryTable(x.rooms, "r")
	type byID struct {
		ID string `dynamo:"id,hash"`
		G  string `dynamo:"g" index:"by_g,hash"`
	}
	ids := Define[byID, string]("ids")
	byG := HashIndexOf(ids, func(x *byID) *string { return &x.G })
	type codes struct {
		Book string `dynamo:"book,hash"`
		Code string `dynamo:"code,range"`
	}
	words := QueryTable(Define[codes, Pair[string, string]]("words"), "b")
	byKind := x.byKind.Query("k")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"filter by the hash key":         {first(q.Filter(x.n.Eq(1)).All(t.Context(), nil)), "cannot filter by a key"},
		"filter by a key, deep":          {first(q.Filter(And(x.note.Exists(), Not(Or(x.note.Eq("a"), x.n.Gt(3))))).All(t.Context(), nil)), "cannot filter by a key"},
		"filter by an index key":         {first(byKind.Filter(x.kind.Eq("k")).All(t.Context(), nil)), "cannot filter by a key"},
		"filter by what is not there":    {first(byKind.Filter(x.more.Exists()).All(t.Context(), nil)), `index "by_kind" does not hold`},
		"scan filter by what is not":     {first(x.byKind.Scan().Filter(x.more.Exists()).All(t.Context(), nil)), `index "by_kind" does not hold`},
		"select what is not there":       {first(byKind.Select(x.note, x.more).All(t.Context(), nil)), `index "by_kind" does not hold`},
		"select nothing":                 {first(q.Select().All(t.Context(), nil)), "name at least one"},
		"select nil":                     {first(q.Select(nil).All(t.Context(), nil)), "make it with orm.Attr"},
		"negative limit":                 {first(q.Limit(-1).All(t.Context(), nil)), "limit -1 is negative"},
		"negative limit, then another":   {first(q.Limit(-1).Limit(3).All(t.Context(), nil)), "limit -1 is negative"},
		"exclusive and inclusive":        {first(q.After(1).To(2).All(t.Context(), nil)), "skip the bound itself"},
		"exclusive on both sides":        {first(q.After(1).Before(9).All(t.Context(), nil)), "skip the bound itself"},
		"bounds the wrong way round":     {first(q.From(10).To(9).All(t.Context(), nil)), "lower bound 10 is above the upper bound 9"},
		"prefix of a number":             {first(q.Prefix(1).All(t.Context(), nil)), "stored as N"},
		"prefix and a bound":             {first(words.Prefix("a").From("b").All(t.Context(), nil)), "range by itself"},
		"an empty bound":                 {first(words.From("").All(t.Context(), nil)), "cannot be empty"},
		"a bound that is too long":       {first(words.To(strings.Repeat("x", 1025)).All(t.Context(), nil)), "allowed are 1024"},
		"a bound without a sort key":     {first(byG.Query("g").From(struct{}{}).All(t.Context(), nil)), `index "by_g" has no sort key`},
		"a prefix without a sort key":    {first(byG.Query("g").Prefix(struct{}{}).All(t.Context(), nil)), `index "by_g" has no sort key`},
		"an empty key":                   {first(QueryTable(x.rooms, "").All(t.Context(), nil)), "cannot be empty"},
		"segments and a cursor":          {first(x.rooms.Scan().Segments(2).StartAt("x").All(t.Context(), nil)), "leave Segments or StartAt away"},
		"no segments":                    {first(x.rooms.Scan().Segments(0).All(t.Context(), nil)), "allowed are 1 to 1000"},
		"a page of segments":             {second(x.rooms.Scan().Segments(2).Page(t.Context(), nil)), "leave Segments away"},
		"no cursor":                      {first(q.StartAt("nonsense").All(t.Context(), nil)), "this is no cursor"},
		"a partition of unique values":   {first(QueryTable(Define[seat1, Pair[string, int]]("seats"), "unique#mail#a").All(t.Context(), nil)), "unique values"},
		"a mistake in a page":            {second(q.Limit(-1).Page(t.Context(), nil)), "limit -1 is negative"},
		"a mistake in a count":           {second(q.Limit(-1).Count(t.Context(), nil)), "limit -1 is negative"},
		"a mistake in first":             {second(q.From(10).To(9).First(t.Context(), nil)), "lower bound 10"},
		"a mistake in a condition":       {first(q.Filter(x.note.In()).All(t.Context(), nil)), "allowed are 1 to 100"},
		"a projection of another table":  {second(ids.Get(t.Context(), nil, "a", Projection(x.note))), "give attributes of this table"},
		"a projection of nothing":        {second(ids.Get(t.Context(), nil, "a", Projection[byID]())), "name at least one"},
		"two mistakes, the first":        {first(q.Limit(-1).Prefix(1).All(t.Context(), nil)), "limit -1 is negative"},
		"two mistakes, the second, also": {first(q.Limit(-1).Prefix(1).All(t.Context(), nil)), "stored as N"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.err == nil || !strings.Contains(c.err.Error(), c.want) || !errors.Is(c.err, KindValidation) {
				t.Errorf("error is %v, want one of %q that says %q", c.err, KindValidation, c.want)
			}
		})
	}
	for name, err := range map[string]error{
		"zero query": first(Query[reading1, int]{}.Limit(1).All(t.Context(), nil)),
		"zero scan":  first(Scan[reading1]{}.Limit(1).Filter(x.note.Exists()).Segments(2).All(t.Context(), nil)),
		"wrong":      first(Define[struct{ A int }, string]("wrong").Scan().Limit(1).Segments(3).All(t.Context(), nil)),
		"wrong page": second(QueryTable(Define[struct{ A int }, Pair[string, int]]("wrong"), "a").From(1).Prefix(2).Limit(-1).Page(t.Context(), nil)),
	} {
		if !errors.Is(err, KindDefinition) {
			t.Errorf("%s: error is %v, want %q", name, err, KindDefinition)
		}
	}
}

type seat1 struct {
	Hall string `dynamo:"hall,hash"`
	Row  int    `dynamo:"row,range"`
	Mail string `dynamo:"mail" unique:"exact"`
}

// A query may be kept and refined: what is made from it does not change it.
func TestQueryIsAValue(t *testing.T) {
	x := newReadTables(t)
	base := QueryTable(x.rooms, "r").Filter(x.note.Exists())
	wrong := base.Limit(-1)
	_ = base.Filter(x.more.Exists()).From(3).Descending().Limit(4).Select(x.note).Eventual()
	_ = wrong.Limit(-2)
	for range 2 { // twice: a mistake is not added to
		var got QueryRequest
		st := &scripted{query: func(_ context.Context, r *QueryRequest) (*Page, error) { got = *r; return &Page{}, nil }}
		if err := first(base.All(t.Context(), st)); err != nil {
			t.Fatal(err)
		}
		if got.Filter.Op != CondExists || got.From != nil || got.Descending || got.Limit != 0 || got.Select != nil || got.Eventual {
			t.Errorf("the query has become %+v", got)
		}
		if err := first(wrong.All(t.Context(), nil)); err == nil || strings.Contains(err.Error(), "-2") {
			t.Errorf("error is %v, want one about -1 only", err)
		}
	}
}

// Two queries that are made from a wrong one do not share its list of mistakes.
func TestQueryMistakesAreItsOwn(t *testing.T) {
	x := newReadTables(t)
	three := QueryTable(x.rooms, "").Limit(-1).Prefix(1) // a list of three has room for a fourth
	a, b := three.Limit(-8), three.Limit(-9)
	for want, q := range map[string]Query[reading1, int]{"limit -8": a, "limit -9": b} {
		if err := first(q.All(t.Context(), nil)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one that says %q", err, want)
		}
	}
}

func TestQueryRequest(t *testing.T) {
	x := newReadTables(t)
	var got QueryRequest
	st := &scripted{query: func(_ context.Context, r *QueryRequest) (*Page, error) { got = *r; return &Page{}, nil }}
	run := func(q Query[reading1, int]) QueryRequest {
		t.Helper()
		if err := first(q.All(t.Context(), st)); err != nil {
			t.Fatal(err)
		}
		return got
	}
	q := QueryTable(x.rooms, "r")
	if r := run(q); r.Eventual || r.Index != "" || r.Select != nil {
		t.Errorf("a table's query is %+v", r)
	}
	if r := run(q.Eventual()); !r.Eventual {
		t.Error("Eventual is not")
	}
	if r := run(x.byKind.Query("k")); !r.Eventual || r.Index != "by_kind" {
		t.Errorf("a global index's query is %+v", r)
	}
	if r := run(q.Select(x.note)); !slices.Equal(r.Select, []string{"note", "room", "n"}) {
		t.Errorf("selected are %v", r.Select)
	}
	if r := run(x.byKind.Query("k").Select(x.kind, x.note, x.kind)); !slices.Equal(r.Select, []string{"kind", "note", "room", "n"}) {
		t.Errorf("selected in the index are %v", r.Select)
	}
	if r := run(q.After(3)); r.From == nil || !r.FromExcluded || r.To != nil {
		t.Errorf("after is %+v", r)
	}
	if r := run(q.After(3).From(4)); r.FromExcluded || valueText(r.From) != "4" {
		t.Errorf("from after after is %+v", r)
	}
	if r := run(q.Before(3)); r.To == nil || !r.ToExcluded || r.From != nil {
		t.Errorf("before is %+v", r)
	}
	if r := run(q.Filter(x.note.Exists(), x.more.Exists()).Filter(x.kind.Exists())); r.Filter.Op != CondAnd || len(r.Filter.Of) != 2 {
		t.Errorf("filter is %+v", r.Filter)
	}
}

// segmented answers each segment with pages of one item.
type segmented struct {
	pages    int // a segment has
	reads    atomic.Int64
	inFlight atomic.Int64
	hold     func(ctx context.Context, segment int32, page int) error // may fail or wait
}

func (s *segmented) store() *scripted {
	return &scripted{scan: func(ctx context.Context, r *ScanRequest) (*Page, error) {
		s.reads.Add(1)
		s.inFlight.Add(1)
		defer s.inFlight.Add(-1)
		at := 0
		if r.Start != nil {
			fmt.Sscan(r.Start["n"].(*types.AttributeValueMemberN).Value, &at)
			at = at%1000 + 1
		}
		if s.hold != nil {
			if err := s.hold(ctx, r.Segment, at); err != nil {
				return nil, err
			}
		}
		item := roomItem(int(r.Segment)*1000 + at)
		p := &Page{Items: []Item{item}, Count: 1, Scanned: 1}
		if at+1 < s.pages {
			p.Next = Item{"room": item["room"], "n": item["n"]}
		}
		return p, nil
	}}
}

// noGoroutines fails the test when goroutines are left that were not there.
func noGoroutines(t *testing.T, before int) {
	t.Helper()
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	t.Errorf("%d goroutines, before there were %d:\n%s", runtime.NumGoroutine(), before, buf[:runtime.Stack(buf, true)])
}

// A scan outlasts throttling: only a table that gets no further at all ends it. A
// query does not, because somebody waits for it.
func TestThrottledScans(t *testing.T) {
	x := newReadTables(t)
	slow := &Error{Kind: KindThrottled, Op: "scan", Err: errors.New("slow down")}
	var left atomic.Int64 // how often each page is still throttled
	var mu sync.Mutex
	refused := map[string]int{}
	scans := &segmented{pages: 3, hold: func(_ context.Context, segment int32, page int) error {
		mu.Lock()
		defer mu.Unlock()
		key := fmt.Sprint(segment, page)
		if refused[key]++; refused[key] <= int(left.Load()) {
			return slow
		}
		return nil
	}}
	quiet := func() Reader { return &patientReader{scripted: scans.store()} }
	for name, read := range map[string]func() (int, error){
		"all": func() (n int, err error) {
			for _, err = range x.rooms.Scan().All(t.Context(), quiet()) {
				n++
			}
			return n, err
		},
		"segments": func() (int, error) { return x.rooms.Scan().Segments(4).Limit(99).Count(t.Context(), quiet()) },
		"page": func() (int, error) {
			p, err := x.rooms.Scan().Page(t.Context(), quiet())
			return len(p.Items), err
		},
		"export": func() (int, error) {
			n, err := Export(t.Context(), quiet(), x.rooms, io.Discard)
			return int(n), err
		},
	} {
		left.Store(maxBatchTries)
		clear(refused)
		want := 3
		if name == "segments" {
			want = 12
		}
		if n, err := read(); err != nil || n != want {
			t.Errorf("%s: %d items (%v), want %d", name, n, err, want)
		}
		left.Store(maxBatchTries + 1)
		clear(refused)
		if n, err := read(); !errors.Is(err, KindThrottled) || !errors.Is(err, slow.Err) {
			t.Errorf("%s: %d items and error %v of a table that gets no further", name, n, err)
		}
	}

	asked := 0
	st := &scripted{query: func(context.Context, *QueryRequest) (*Page, error) { asked++; return nil, slow }}
	if _, err := QueryTable(x.rooms, "r").Count(t.Context(), st); !errors.Is(err, KindThrottled) || asked != 1 {
		t.Errorf("a query was asked %d times (%v), want once", asked, err)
	}

	boom := errors.New("boom")
	left.Store(1)
	clear(refused)
	st = scans.store()
	st.backoff = func(int) error { return boom }
	if _, err := x.rooms.Scan().Count(t.Context(), st); !errors.Is(err, boom) || !errors.Is(err, KindUnavailable) {
		t.Errorf("error of a wait that ends early is %v", err)
	}
}

// patientReader waits for nothing, for many goroutines.
type patientReader struct{ *scripted }

func (*patientReader) Backoff(ctx context.Context, _ int) error { return ctx.Err() }

func TestScanSegments(t *testing.T) {
	x := newReadTables(t)
	before := runtime.NumGoroutine()
	s := segmented{pages: 20}
	seen := map[int]int{}
	for item, err := range x.rooms.Scan().Segments(7).All(t.Context(), s.store()) {
		if err != nil {
			t.Fatal(err)
		}
		seen[item.N]++
	}
	if len(seen) != 7*20 {
		t.Errorf("%d items, want %d", len(seen), 7*20)
	}
	for n, times := range seen {
		if times != 1 {
			t.Errorf("item %d came %d times", n, times)
		}
	}
	if n, err := x.rooms.Scan().Segments(7).Count(t.Context(), s.store()); err != nil || n != 7*20 {
		t.Errorf("count is %d (%v), want %d", n, err, 7*20)
	}
	noGoroutines(t, before)
}

func TestScanSegmentsBackpressure(t *testing.T) {
	x := newReadTables(t)
	before := runtime.NumGoroutine()
	s := segmented{pages: 100}
	taken := 0
	for _, err := range x.rooms.Scan().Segments(4).All(t.Context(), s.store()) {
		if err != nil {
			t.Fatal(err)
		}
		if taken++; taken == 10 {
			break
		}
	}
	// One page is held by each segment, and one may be under way.
	if n := s.reads.Load(); n > 10+2*4 {
		t.Errorf("%d pages were read for %d items", n, taken)
	}
	if n := s.inFlight.Load(); n != 0 {
		t.Errorf("%d requests are under way after the loop", n)
	}
	noGoroutines(t, before)
	s.reads.Store(0)
	for range x.rooms.Scan().Segments(4).Limit(10).All(t.Context(), s.store()) {
		taken++
	}
	if taken != 20 || s.reads.Load() > 10+2*4 {
		t.Errorf("%d items with limit 10, from %d pages", taken-10, s.reads.Load())
	}
	noGoroutines(t, before)
}

func TestScanSegmentsEndWithAnError(t *testing.T) {
	x := newReadTables(t)
	before := runtime.NumGoroutine()
	boom := errors.New("boom")
	var waiting sync.WaitGroup
	waiting.Add(3)
	s := segmented{pages: 5, hold: func(ctx context.Context, segment int32, page int) error {
		if segment == 2 {
			waiting.Wait() // the others are under way
			return boom
		}
		waiting.Done()
		<-ctx.Done() // which only the failure of the one makes happen
		for range 1000 {
			runtime.Gosched() // slow to end
		}
		return ctx.Err()
	}}
	var errs []error
	for _, err := range x.rooms.Scan().Segments(4).All(t.Context(), s.store()) {
		errs = append(errs, err)
	}
	if len(errs) != 1 || !errors.Is(errs[0], boom) {
		t.Errorf("errors are %v, want boom alone", errs)
	}
	if n := s.inFlight.Load(); n != 0 {
		t.Errorf("%d requests are under way after the loop", n)
	}
	noGoroutines(t, before)
}

func TestScanSegmentsContext(t *testing.T) {
	x := newReadTables(t)
	before := runtime.NumGoroutine()
	why := errors.New("why")
	for range 50 { // who notices the end first is chance
		ctx, cause := context.WithCancelCause(t.Context())
		cancel := func() { cause(why) }
		s := segmented{pages: 5, hold: func(ctx context.Context, _ int32, page int) error {
			if page < 2 {
				return nil
			}
			cancel()
			<-ctx.Done()
			return &Error{Kind: KindUnavailable, Op: "scan", Err: ctx.Err()}
		}}
		var last error
		for _, err := range x.rooms.Scan().Segments(3).All(ctx, s.store()) {
			last = err
		}
		if !errors.Is(last, KindUnavailable) || !errors.Is(last, context.Canceled) {
			t.Fatalf("the last error is %v, want the context's", last)
		}
	}
	noGoroutines(t, before)
}

// A loop that is left by a panic leaves nothing behind either.
func TestScanSegmentsPanic(t *testing.T) {
	x := newReadTables(t)
	before := runtime.NumGoroutine()
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is lost")
			}
		}()
		for range x.rooms.Scan().Segments(3).All(t.Context(), (&segmented{pages: 9}).store()) {
			panic("the consumer's")
		}
	}()
	noGoroutines(t, before)
}

// All holds one page: when the next is read, the one before can be collected.
func TestStreamingHoldsOnePage(t *testing.T) {
	x := newReadTables(t)
	var alive, most atomic.Int64
	pages := 0
	st := &scripted{query: func(_ context.Context, r *QueryRequest) (*Page, error) {
		for range 3 { // so that what can be collected is
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
		p := &Page{Items: make([]Item, 1000), Count: 1000}
		for i := range p.Items {
			p.Items[i] = roomItem(i)
		}
		most.Store(max(most.Load(), alive.Add(1)))
		runtime.AddCleanup(p, func(int) { alive.Add(-1) }, 0)
		if pages++; pages < 20 {
			p.Next = roomItem(999)
		}
		return p, nil
	}}
	n := 0
	for _, err := range QueryTable(x.rooms, "r").All(t.Context(), st) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	// One is held, and one may wait for its cleanup.
	if n != 20_000 || most.Load() > 2 {
		t.Errorf("%d items, and %d pages alive at once", n, most.Load())
	}
}

// The way of an item from the page to the loop allocates no more than decoding it
// does.
func TestStreamingAllocations(t *testing.T) {
	x := newReadTables(t)
	const items = 1000
	page := &Page{Items: make([]Item, items), Count: items}
	for i := range page.Items {
		page.Items[i] = roomItem(i)
	}
	st := &scripted{query: func(context.Context, *QueryRequest) (*Page, error) { return page, nil }}
	q := QueryTable(x.rooms, "r")
	streamed := testing.AllocsPerRun(20, func() {
		for _, err := range q.All(t.Context(), st) {
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	var out reading1
	decoded := testing.AllocsPerRun(20, func() {
		for _, item := range page.Items {
			out = reading1{}
			if err := x.rooms.plan.decode(item, &out); err != nil {
				t.Fatal(err)
			}
		}
	})
	if most := decoded + items + 50; streamed > most { // the item itself is one
		t.Errorf("%.0f allocations for a page of %d, decoding alone takes %.0f", streamed, items, decoded)
	}
}

// roomPage is a page of 1,000 items.
func roomPage() *Page {
	p := &Page{Items: make([]Item, 1000), Count: 1000}
	for i := range p.Items {
		p.Items[i] = roomItem(i)
	}
	return p
}

// BenchmarkStreamPage streams a page of 1,000 items. Beside the time it reports
// what an item allocates on its way, decoding included, and how many bytes are
// held at most, garbage left out, while 1 page and while 100 pages are streamed.
func BenchmarkStreamPage(b *testing.B) {
	x := newReadTables(b)
	q := QueryTable(x.rooms, "r")
	stream := func(st Reader, each func(n int)) {
		n := 0
		for _, err := range q.All(b.Context(), st) {
			if err != nil {
				b.Fatal(err)
			}
			if n++; each != nil {
				each(n)
			}
		}
		if n == 0 || n%1000 != 0 {
			b.Fatal(n)
		}
	}
	page := roomPage()
	same := &scripted{query: func(context.Context, *QueryRequest) (*Page, error) { return page, nil }}
	allocations := testing.AllocsPerRun(10, func() { stream(same, nil) }) / 1000
	for b.Loop() {
		stream(same, nil)
	}
	b.ReportAllocs()
	b.ReportMetric(allocations, "allocs/item")
	for _, pages := range []int{1, 100} {
		asked := 0
		fresh := &scripted{query: func(context.Context, *QueryRequest) (*Page, error) {
			p := roomPage()
			if asked++; asked < pages {
				p.Next = roomItem(999)
			}
			return p, nil
		}}
		before, most := heldBytes(), int64(0)
		stream(fresh, func(n int) {
			if n%1000 == 500 {
				most = max(most, heldBytes()-before)
			}
		})
		b.ReportMetric(float64(most), fmt.Sprintf("held-B/%dpage", pages))
	}
}

// heldBytes is what the heap holds that is no garbage.
func heldBytes() int64 {
	runtime.GC()
	runtime.GC() // what the first one found no longer used by cleanups and pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
