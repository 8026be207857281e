package eventlog_test

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// untidy is a store whose indexes have an order of their own among items of the
// same sort key, as DynamoDB's have.
type untidy struct{ *ormtest.Memory }

func (u untidy) Query(ctx context.Context, r *orm.QueryRequest) (*orm.Page, error) {
	if r.Index == "" {
		return u.Memory.Query(ctx, r)
	}
	whole := *r
	whole.Limit, whole.Start = 0, nil
	page, err := u.Memory.Query(ctx, &whole)
	if err != nil || page.Next != nil {
		return nil, errors.Join(err, errors.New("more than this store is made for"))
	}
	place := func(i orm.Item) (string, uint32) {
		h := fnv.New32a()
		h.Write([]byte(r.Table.KeyText(i)))
		return i["time"].(*types.AttributeValueMemberS).Value, h.Sum32()
	}
	compare := func(a, b orm.Item) int {
		at, ah := place(a)
		bt, bh := place(b)
		c := cmp.Or(strings.Compare(at, bt), cmp.Compare(ah, bh))
		if r.Descending {
			return -c
		}
		return c
	}
	slices.SortFunc(page.Items, compare)
	if r.Start != nil {
		page.Items = slices.DeleteFunc(page.Items, func(i orm.Item) bool { return compare(i, r.Start) <= 0 })
	}
	if n := int(r.Limit); n > 0 && len(page.Items) > n {
		page.Items = page.Items[:n]
		page.Next = page.Items[n-1] // keys only: it is nothing else
	}
	return page, nil
}

// timed is a log whose clock the test sets.
type timed struct {
	*eventlog.Log
	store *ormtest.Memory
	now   time.Time
}

func newTimed() *timed {
	f := &timed{store: ormtest.New(), now: start}
	f.Log = eventlog.New(untidy{f.store}, eventlog.Options{Source: "shop", Now: func() time.Time { return f.now }})
	return f
}

func (f *timed) commit(t testing.TB, at time.Time, correlation string, records ...event.Record) []event.Metadata {
	t.Helper()
	f.now = at
	c, err := f.Commit(event.WithFlow(context.Background(), event.Flow{CorrelationID: correlation}), eventlog.Changes{Events: records})
	if err != nil {
		t.Fatal(err)
	}
	return c.Events
}

func collect(t testing.TB, seq iter.Seq2[event.Envelope, error]) []string {
	t.Helper()
	got := []string{}
	for e, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.ID)
	}
	return got
}

func TestHistory(t *testing.T) {
	f := newTimed()
	day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	commit := func(at time.Time, stream string, def *event.Definition[placed]) {
		f.commit(t, at, "", def.At("order/"+stream, event.Append).Record(placed{}))
	}
	commit(day.Add(-1), "a", orderPlaced) // the last nanosecond of the day before
	commit(day, "b", orderPlaced)
	commit(day.Add(1), "a", orderPlaced)
	commit(day.Add(2*time.Hour), "c", orderShipped)
	commit(day.Add(3*time.Hour), "b", orderPlaced)
	commit(day.Add(24*time.Hour-1), "d", orderPlaced)
	commit(day.Add(24*time.Hour), "a", orderPlaced)
	commit(day.Add(72*time.Hour), "e", orderPlaced)
	f.now = day.Add(96 * time.Hour)

	placed, both := []string{"order.placed"}, []string{"order.shipped", "order.placed"}
	for _, tt := range []struct {
		name string
		q    eventlog.HistoryQuery
		want string
	}{
		{"a day", eventlog.HistoryQuery{Types: placed, From: day, To: day.Add(24 * time.Hour)}, "b@1 a@2 b@2 d@1"},
		{"several days", eventlog.HistoryQuery{Types: placed, From: day.Add(-time.Hour), To: day.Add(48 * time.Hour)}, "a@1 b@1 a@2 b@2 d@1 a@3"},
		{"newest first", eventlog.HistoryQuery{Types: placed, From: day.Add(-time.Hour), To: day.Add(48 * time.Hour), Descending: true}, "a@3 d@1 b@2 a@2 b@1 a@1"},
		{"two types", eventlog.HistoryQuery{Types: both, From: day, To: day.Add(4 * time.Hour)}, "b@1 a@2 c@1 b@2"},
		{"a type named twice", eventlog.HistoryQuery{Types: []string{"order.shipped", "order.shipped"}, From: day}, "c@1"},
		{"the first moment belongs to it", eventlog.HistoryQuery{Types: placed, From: day.Add(1), To: day.Add(2)}, "a@2"},
		{"the last does not", eventlog.HistoryQuery{Types: placed, From: day, To: day.Add(1)}, "b@1"},
		{"nothing", eventlog.HistoryQuery{Types: placed, From: day.Add(1), To: day.Add(1)}, ""},
		{"nothing at midnight", eventlog.HistoryQuery{Types: placed, From: day, To: day}, ""},
		{"open", eventlog.HistoryQuery{Types: placed, From: day.Add(3 * time.Hour)}, "b@2 d@1 a@3 e@1"},
		{"open, newest first", eventlog.HistoryQuery{Types: placed, From: day.Add(24 * time.Hour), Descending: true}, "e@1 a@3"},
		{"another zone", eventlog.HistoryQuery{Types: placed, From: day.In(time.FixedZone("", 9*3600)), To: day.Add(2).In(time.FixedZone("", -9*3600))}, "b@1 a@2"},
		{"a type without events", eventlog.HistoryQuery{Types: []string{"order.lost"}, From: day}, ""},
		{"the future", eventlog.HistoryQuery{Types: placed, From: day.Add(1000 * time.Hour)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := []string{}
			for _, id := range strings.Fields(tt.want) {
				want = append(want, "order/"+id)
			}
			h := f.History(tt.q)
			if got := collect(t, h.All(context.Background())); !slices.Equal(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if got := pages(t, h, 2); !slices.Equal(got, want) {
				t.Errorf("by pages: got %q, want %q", got, want)
			}
		})
	}
}

// pages reads a history by pages of limit.
func pages(t testing.TB, h eventlog.History, limit int) []string {
	t.Helper()
	got := []string{}
	for c := eventlog.Cursor(""); ; {
		p, err := h.Page(context.Background(), limit, c)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Events {
			got = append(got, e.ID)
		}
		if p.Next == "" {
			return got
		}
		if len(p.Events) != limit {
			t.Fatalf("a page of %d events, %d were asked for, has a next one", len(p.Events), limit)
		}
		c = p.Next
	}
}

func TestHistoryHasWholeEvents(t *testing.T) {
	f := newTimed()
	f.commit(t, start, "r1", orderPlaced.At("order/1", event.New).Record(placed{7}))
	want, err := f.Get(context.Background(), "order/1@1")
	if err != nil || string(want.Data) != `{"n":7}` || want.CorrelationID != "r1" {
		t.Fatalf("got %+v, %v", want, err)
	}
	for name, h := range map[string]eventlog.History{
		"by type":        f.History(eventlog.HistoryQuery{Types: []string{"order.placed"}, From: start}),
		"by correlation": f.Correlation("r1"),
	} {
		p, err := h.Page(context.Background(), 0, "")
		if err != nil || len(p.Events) != 1 || p.Events[0].Metadata != want.Metadata || string(p.Events[0].Data) != string(want.Data) {
			t.Errorf("%s: got %+v, %v", name, p, err)
		}
	}
}

func TestGetErrors(t *testing.T) {
	f := newTimed()
	if _, err := f.Get(context.Background(), "order/1"); !errors.Is(err, event.KindInvalid) {
		t.Errorf("got %v, want kind %q", err, event.KindInvalid)
	}
	if _, err := f.Get(context.Background(), "order/1@1"); !errors.Is(err, orm.KindNotFound) {
		t.Errorf("got %v, want kind %q", err, orm.KindNotFound)
	}
}

func TestCorrelation(t *testing.T) {
	f := newTimed()
	f.commit(t, start.Add(time.Hour), "r1", orderPlaced.At("order/2", event.New).Record(placed{}))
	f.commit(t, start.Add(48*time.Hour), "r1", orderShipped.At("order/1", event.New).Record(placed{}), orderPlaced.At("order/1", event.New).Record(placed{}))
	f.commit(t, start, "r1", orderPlaced.At("order/3", event.New).Record(placed{}))
	f.commit(t, start, "r10", orderPlaced.At("order/4", event.New).Record(placed{}))
	want := []string{"order/3@1", "order/2@1", "order/1@1", "order/1@2"}
	if got := collect(t, f.Correlation("r1").All(context.Background())); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := pages(t, f.Correlation("r1"), 1); !slices.Equal(got, want) {
		t.Errorf("by pages: got %q, want %q", got, want)
	}
	if got := collect(t, f.Correlation("r2").All(context.Background())); len(got) != 0 {
		t.Errorf("got %q, want nothing", got)
	}
}

func TestHistoryRefuses(t *testing.T) {
	f := newTimed()
	f.store.Before(func(c ormtest.Call) error { t.Errorf("a call of the store: %s", c.Op); return nil })
	types := []string{"order.placed"}
	for name, h := range map[string]eventlog.History{
		"no type":            f.History(eventlog.HistoryQuery{From: start}),
		"a wildcard":         f.History(eventlog.HistoryQuery{Types: []string{"order.*"}, From: start}),
		"no beginning":       f.History(eventlog.HistoryQuery{Types: types}),
		"the wrong way":      f.History(eventlog.HistoryQuery{Types: types, From: start, To: start.Add(-1)}),
		"concurrency":        f.History(eventlog.HistoryQuery{Types: types, From: start, Concurrency: -1}),
		"a year too far":     f.History(eventlog.HistoryQuery{Types: types, From: start.AddDate(9000, 0, 0)}),
		"no correlation":     f.Correlation(""),
		"a long correlation": f.Correlation(strings.Repeat("x", 257)),
		"the zero history":   {},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := h.Page(context.Background(), 0, ""); !errors.Is(err, eventlog.KindQuery) {
				t.Errorf("Page: got %v, want kind %q", err, eventlog.KindQuery)
			}
			n := 0
			for _, err := range h.All(context.Background()) {
				if n++; !errors.Is(err, eventlog.KindQuery) {
					t.Errorf("All: got %v, want kind %q", err, eventlog.KindQuery)
				}
			}
			if n != 1 {
				t.Errorf("All yields %d times, want one error", n)
			}
		})
	}
	for _, limit := range []int{-1, eventlog.MaxPage + 1} {
		if _, err := f.Correlation("r1").Page(context.Background(), limit, ""); !errors.Is(err, eventlog.KindQuery) {
			t.Errorf("limit %d: got %v, want kind %q", limit, err, eventlog.KindQuery)
		}
	}
}

func TestCursor(t *testing.T) {
	f := newTimed()
	ctx := context.Background()
	for i := range 6 {
		f.commit(t, start.Add(time.Duration(i)*time.Second), "r1", orderPlaced.At(fmt.Sprintf("order/%d", i%2), event.Append).Record(placed{}))
	}
	q := eventlog.HistoryQuery{Types: []string{"order.placed"}, From: start, To: start.Add(5 * time.Second)}
	first, err := f.History(q).Page(ctx, 2, "")
	if err != nil {
		t.Fatal(err)
	}

	// It survives: another process, with a clock and a store client of its own.
	later := eventlog.New(f.store, eventlog.Options{Source: "shop", Now: func() time.Time { return start.AddDate(1, 0, 0) }})
	if got, want := collect(t, later.History(q).StartAt(first.Next).All(ctx)), []string{"order/0@2", "order/1@2", "order/0@3"}; !slices.Equal(got, want) {
		t.Errorf("goes on with %q, want %q", got, want)
	}
	// A page may be of another size, and the cursor of an event is that of its page.
	if p, err := later.History(q).Page(ctx, 3, first.Next); err != nil || len(p.Events) != 3 || p.Next != "" {
		t.Errorf("got %+v, %v; want the rest", p, err)
	}
	if c, err := f.History(q).After(first.Events[1].Metadata); err != nil || c != first.Next {
		t.Errorf("behind the event: %s, %v; want %s", c, err, first.Next)
	}

	// It is refused everywhere else.
	other := func(change func(*eventlog.HistoryQuery)) eventlog.History {
		q := q
		change(&q)
		return f.History(q)
	}
	for name, h := range map[string]eventlog.History{
		"other types":       other(func(q *eventlog.HistoryQuery) { q.Types = []string{"order.shipped"} }),
		"more types":        other(func(q *eventlog.HistoryQuery) { q.Types = append(q.Types, "order.shipped") }),
		"another beginning": other(func(q *eventlog.HistoryQuery) { q.From = q.From.Add(1) }),
		"another end":       other(func(q *eventlog.HistoryQuery) { q.To = time.Time{} }),
		"the other way":     other(func(q *eventlog.HistoryQuery) { q.Descending = true }),
		"by correlation":    f.Correlation("r1"),
		"another app":       eventlog.New(f.store, eventlog.Options{Source: "bank"}).History(q),
	} {
		if _, err := h.Page(ctx, 0, first.Next); !errors.Is(err, eventlog.KindQuery) {
			t.Errorf("%s: got %v, want kind %q", name, err, eventlog.KindQuery)
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(string(first.Next))
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw { // whichever byte is changed
		changed := slices.Clone(raw)
		changed[i] ^= 1
		if _, err := f.History(q).Page(ctx, 0, eventlog.Cursor(base64.RawURLEncoding.EncodeToString(changed))); !errors.Is(err, eventlog.KindQuery) {
			t.Errorf("byte %d changed: got %v, want kind %q", i, err, eventlog.KindQuery)
		}
	}
	for _, c := range []eventlog.Cursor{"x", "?", first.Next + "A", first.Next[1:], eventlog.Cursor(strings.Repeat("A", 10000))} {
		if _, err := f.History(q).Page(ctx, 0, c); !errors.Is(err, eventlog.KindQuery) {
			t.Errorf("%q: got %v, want kind %q", c, err, eventlog.KindQuery)
		}
	}
	// And none is made from what the history does not hold.
	in := first.Events[1].Metadata
	for name, change := range map[string]func(*event.Metadata){
		"another type": func(m *event.Metadata) { m.Type = "order.shipped" },
		"no id":        func(m *event.Metadata) { m.ID = "x" },
		"too early":    func(m *event.Metadata) { m.Time = start.Add(-1) },
		"too late":     func(m *event.Metadata) { m.Time = start.Add(5 * time.Second) },
	} {
		m := in
		change(&m)
		if c, err := f.History(q).After(m); !errors.Is(err, eventlog.KindQuery) {
			t.Errorf("%s: got %q, %v; want kind %q", name, c, err, eventlog.KindQuery)
		}
	}
	if c, err := f.Correlation("r2").After(in); !errors.Is(err, eventlog.KindQuery) {
		t.Errorf("another correlation: got %q, %v; want kind %q", c, err, eventlog.KindQuery)
	}
}

// Of an open range, the cursor behind the last event finds what comes later.
func TestHistoryGoesOn(t *testing.T) {
	f := newTimed()
	ctx := context.Background()
	f.commit(t, start, "r1", orderPlaced.At("order/1", event.Append).Record(placed{}))
	h := f.History(eventlog.HistoryQuery{Types: []string{"order.placed"}, From: start})
	p, err := h.Page(ctx, 0, "")
	if err != nil || p.Next != "" || len(p.Events) != 1 {
		t.Fatalf("got %+v, %v", p, err)
	}
	c, err := h.After(p.Events[0].Metadata)
	if err != nil {
		t.Fatal(err)
	}
	f.commit(t, start.Add(25*time.Hour), "r1", orderPlaced.At("order/1", event.Append).Record(placed{}))
	if got, want := collect(t, h.StartAt(c).All(ctx)), []string{"order/1@2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Many events at one moment, more than a page of keys: none is lost or comes
// twice, although the index has no order among them.
func TestHistoryOneMoment(t *testing.T) {
	f := newTimed()
	want := map[string]bool{}
	for range 120 { // more than a page of keys
		for _, m := range f.commit(t, start, "r1", orderPlaced.Record(placed{})) {
			want[m.ID] = true
		}
	}
	for name, h := range map[string]eventlog.History{
		"by type":        f.History(eventlog.HistoryQuery{Types: []string{"order.placed"}, From: start}),
		"newest first":   f.History(eventlog.HistoryQuery{Types: []string{"order.placed"}, From: start, Descending: true}),
		"by correlation": f.Correlation("r1"),
	} {
		t.Run(name, func(t *testing.T) {
			for _, got := range [][]string{collect(t, h.All(context.Background())), pages(t, h, 7)} {
				seen := map[string]bool{}
				for _, id := range got {
					if seen[id] {
						t.Fatalf("event %s comes twice", id)
					}
					seen[id] = true
				}
				if len(seen) != len(want) {
					t.Errorf("%d events, want %d", len(seen), len(want))
				}
			}
		})
	}
}

func TestHistoryErrors(t *testing.T) {
	ctx := context.Background()
	read := func(h eventlog.History) (n int, err error) {
		for _, err = range h.All(ctx) {
			if err == nil {
				n++
			}
		}
		return n, err
	}
	q := eventlog.HistoryQuery{Types: []string{"order.placed"}, From: start}
	for _, op := range []string{"query", "batch get"} {
		f := newTimed()
		f.commit(t, start, "", orderPlaced.Record(placed{}))
		f.store.Before(func(c ormtest.Call) error {
			if c.Op == op {
				return errThrottled
			}
			return nil
		})
		if n, err := read(f.History(q)); n != 0 || !errors.Is(err, orm.KindThrottled) {
			t.Errorf("%s: got %d events, %v", op, n, err)
		}
		if _, err := f.History(q).Page(ctx, 0, ""); !errors.Is(err, orm.KindThrottled) {
			t.Errorf("%s: Page: got %v", op, err)
		}
	}

	// What was read before an error comes before it.
	f := newTimed()
	f.commit(t, start, "", orderPlaced.Record(placed{}))
	f.now = start.Add(48 * time.Hour)
	queries := 0
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "query" {
			if queries++; queries > eventlog.Shards {
				return errThrottled
			}
		}
		return nil
	})
	if n, err := read(f.History(q)); n != 1 || !errors.Is(err, orm.KindThrottled) {
		t.Errorf("on the second day: got %d events, %v", n, err)
	}

	// An index that is behind a removal, which no program of ours makes.
	f = newTimed()
	f.commit(t, start, "", orderPlaced.At("order/1", event.New).Record(placed{}), orderPlaced.At("order/1", event.New).Record(placed{}))
	f.store.Before(func(c ormtest.Call) error {
		if c.Op != "batch get" {
			return nil
		}
		f.store.Before(nil)
		return orm.Exec(ctx, f.store, eventlog.Events.Delete(orm.Key("order/1", int64(2))))
	})
	var damaged *eventlog.DamagedError
	if n, err := read(f.History(q)); n != 1 || !errors.As(err, &damaged) || damaged.Version != 2 {
		t.Errorf("got %d events, %v; want one, and the missing one", n, err)
	}
}

// Whoever stops early reads no further page, and a page reads few keys more than
// it returns.
func TestHistoryReadsNoMore(t *testing.T) {
	f := newTimed()
	for i := range 300 {
		f.commit(t, start.Add(time.Duration(i)), "r1", orderPlaced.At("order/1", event.Append).Record(placed{}))
	}
	count := map[string]int{}
	f.store.Before(func(c ormtest.Call) error {
		count[c.Op]++
		if c.BatchGet != nil {
			count["events"] += len(c.BatchGet.Keys)
		}
		if c.Query != nil {
			if c.Query.Limit > 101 || c.Query.Limit == 0 {
				t.Errorf("a query of %d keys", c.Query.Limit)
			}
		}
		return nil
	})
	l := eventlog.New(f.store, eventlog.Options{Source: "shop"})
	for range l.Correlation("r1").All(context.Background()) {
		break
	}
	if count["batch get"] != 1 || count["events"] != 100 {
		t.Errorf("one event cost %v", count)
	}
	clear(count)
	if _, err := l.Correlation("r1").Page(context.Background(), 10, ""); err != nil || count["events"] != 10 || count["query"] > 2 {
		t.Errorf("a page of ten cost %v, %v", count, err)
	}
}

// The model: all events sorted by time, stream and version. Whatever is asked,
// all at once or by pages of any size that change on the way, is what the model
// has.
func TestHistoryModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		store := ormtest.New()
		now := start
		l := eventlog.New(untidy{store}, eventlog.Options{Source: "shop", Now: func() time.Time { return now }})
		type entry struct {
			event.Metadata
			version int64
		}
		var model []entry
		moments := rapid.Custom(func(t *rapid.T) time.Time {
			// Around two midnights and close together, so that ties and bounds are met.
			day := rapid.IntRange(0, 2).Draw(t, "day")
			return time.Date(2026, 11, 21+day, 0, 0, 0, rapid.IntRange(-3, 3).Draw(t, "ns"), time.UTC)
		})
		for range rapid.IntRange(0, 25).Draw(t, "commits") {
			now = moments.Draw(t, "at")
			ctx := event.WithFlow(ctx, event.Flow{CorrelationID: rapid.SampledFrom([]string{"r1", "r2"}).Draw(t, "correlation")})
			var c eventlog.Changes
			for range rapid.IntRange(1, 3).Draw(t, "events") {
				def := rapid.SampledFrom([]*event.Definition[placed]{orderPlaced, orderShipped}).Draw(t, "type")
				stream := fmt.Sprintf("order/%d", rapid.IntRange(1, 12).Draw(t, "stream"))
				c.Events = append(c.Events, def.At(stream, event.Append).Record(placed{}))
			}
			got, err := l.Commit(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range got.Events {
				_, version, _ := event.ParseID(m.ID)
				model = append(model, entry{m, version})
			}
		}
		now = start.Add(96 * time.Hour)

		q := eventlog.HistoryQuery{
			Types:       rapid.SampledFrom([][]string{{"order.placed"}, {"order.shipped"}, {"order.placed", "order.shipped"}}).Draw(t, "types"),
			From:        moments.Draw(t, "from"),
			Descending:  rapid.Bool().Draw(t, "descending"),
			Concurrency: rapid.SampledFrom([]int{0, 1, 3, 64}).Draw(t, "concurrency"),
		}
		if rapid.Bool().Draw(t, "with an end") {
			if q.To = moments.Draw(t, "to"); q.To.Before(q.From) {
				q.From, q.To = q.To, q.From
			}
		}
		h, correlation := l.History(q), ""
		if rapid.Bool().Draw(t, "by correlation") {
			correlation = rapid.SampledFrom([]string{"r1", "r2", "r3"}).Draw(t, "id")
			h, q.Descending = l.Correlation(correlation), false
		}

		want := []string{}
		slices.SortFunc(model, func(a, b entry) int {
			c := a.Time.Compare(b.Time)
			if c == 0 {
				c = strings.Compare(a.Subject, b.Subject)
			}
			if c == 0 {
				c = int(a.version - b.version)
			}
			if q.Descending {
				c = -c
			}
			return c
		})
		for _, m := range model {
			inRange := slices.Contains(q.Types, m.Type) && !m.Time.Before(q.From) && (q.To.IsZero() || m.Time.Before(q.To))
			if correlation != "" {
				inRange = m.CorrelationID == correlation
			}
			if inRange {
				want = append(want, m.ID)
			}
		}

		got, cursors := []string{}, []eventlog.Cursor{""}
		for e, err := range h.All(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.ID)
			c, err := h.After(e.Metadata)
			if err != nil {
				t.Fatal(err)
			}
			cursors = append(cursors, c)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("all: got %q, want %q", got, want)
		}
		at := rapid.IntRange(0, len(want)).Draw(t, "cursor")
		rest := []string{}
		for c := cursors[at]; ; {
			p, err := h.Page(ctx, rapid.IntRange(1, 5).Draw(t, "limit"), c)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range p.Events {
				rest = append(rest, e.ID)
			}
			if c = p.Next; c == "" {
				break
			}
		}
		if !slices.Equal(rest, want[at:]) {
			t.Fatalf("by pages from %d on: got %q, want %q", at, rest, want[at:])
		}
	})
}

// All shards of a day are asked at once, never more than was said, and the first
// error ends it.
func TestHistoryConcurrency(t *testing.T) {
	f := newTimed()
	for i := range 40 {
		f.commit(t, start.Add(time.Duration(i)), "", orderPlaced.At(fmt.Sprintf("order/%d", i), event.New).Record(placed{}))
	}
	var mu sync.Mutex
	under, most, queries := 0, 0, 0
	together := make(chan struct{})
	f.store.Before(func(c ormtest.Call) error {
		if c.Op != "query" {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		under, queries = under+1, queries+1
		if most = max(most, under); queries == 4 {
			close(together)
		}
		mu.Unlock()
		<-together // returns only because four are asked at once
		mu.Lock()
		under--
		return nil
	})
	q := eventlog.HistoryQuery{Types: []string{"order.placed"}, From: start, To: start.Add(time.Hour), Concurrency: 4}
	got := collect(t, f.History(q).All(context.Background()))
	if len(got) != 40 || most > 4 {
		t.Errorf("%d events, %d queries at once", len(got), most)
	}
	for i, id := range got {
		if want := fmt.Sprintf("order/%d@1", i); id != want {
			t.Fatalf("got %s at %d, want %s", id, i, want)
		}
	}

	failed := 0
	f.store.Before(func(c ormtest.Call) error {
		mu.Lock()
		defer mu.Unlock()
		if c.Op == "query" {
			if failed++; failed == 3 {
				return errThrottled
			}
		}
		return nil
	})
	if _, err := f.History(q).Page(context.Background(), 0, ""); !errors.Is(err, orm.KindThrottled) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := f.History(q).Page(ctx, 0, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
