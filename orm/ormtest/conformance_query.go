package ormtest

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/orm"
)

func all[T any](t *testing.T, s iter.Seq2[T, error]) []T {
	t.Helper()
	var out []T
	for v, err := range s {
		must(t, err)
		out = append(out, v)
	}
	return out
}

func versions(t *testing.T, s iter.Seq2[entry, error]) string {
	t.Helper()
	var out []string
	for _, e := range all(t, s) {
		out = append(out, fmt.Sprint(e.Version))
	}
	return strings.Join(out, " ")
}

func testQueryNumbers(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.entries)
	for _, v := range []int64{10, -3, 9, 1, 100, 2, 0} { // as text they sort otherwise
		do(t, st, s.entries.Put(entry{Stream: "s", Version: v}))
	}
	do(t, st, s.entries.Put(entry{Stream: "other", Version: 5}))
	q := orm.QueryTable(s.entries, "s")
	for name, c := range map[string]struct {
		q    orm.Query[entry, int64]
		want string
	}{
		"all":        {q, "-3 0 1 2 9 10 100"},
		"descending": {q.Descending(), "100 10 9 2 1 0 -3"},
		"from":       {q.From(9), "9 10 100"},
		"to":         {q.To(1), "-3 0 1"},
		"between":    {q.From(1).To(10), "1 2 9 10"},
		"limit":      {q.From(1).Limit(2), "1 2"},
		"last":       {q.Descending().Limit(1), "100"},
		"none":       {q.From(101), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := versions(t, c.q.All(ctx, st)); got != c.want {
				t.Errorf("versions are %q, want %q", got, c.want)
			}
		})
	}
	for _, err := range q.From(2).To(1).All(ctx, st) {
		wantKind(t, err, orm.KindValidation) // DynamoDB refuses it, so nobody may count on an empty answer
	}
	if got := versions(t, orm.QueryTable(s.entries, "nothing").All(ctx, st)); got != "" {
		t.Errorf("an empty partition has versions %q", got)
	}
}

func testQueryStrings(t *testing.T, s *suite) {
	st := s.newStore(t, s.words)
	want := []string{"10", "9", "B", "a", "ab", "b", "z", "ä", "日本", "😀"} // by UTF-8 bytes
	for i := range want {
		do(t, st, s.words.Put(word{"x", want[(i*7)%len(want)]}))
	}
	var got []string
	for _, w := range all(t, orm.QueryTable(s.words, "x").All(context.Background(), st)) {
		got = append(got, w.Word)
	}
	if !slices.Equal(got, want) {
		t.Errorf("order is %q, want %q", got, want)
	}
}

func testQueryBytes(t *testing.T, s *suite) {
	st := s.newStore(t, s.blobs)
	want := [][]byte{{0}, {0, 0}, {1}, {1, 255}, {2}, {127}, {128}, {255}}
	for i := range want {
		do(t, st, s.blobs.Put(blob{"x", want[(i*3)%len(want)]}))
	}
	var got [][]byte
	for _, b := range all(t, orm.QueryTable(s.blobs, "x").All(context.Background(), st)) {
		got = append(got, b.Key)
	}
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("order is %v, want %v", got, want)
	}
}

func testQueryPages(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.entries)
	for v := range int64(7) {
		do(t, st, s.entries.Put(entry{Stream: "s", Version: v}))
	}
	for _, descending := range []bool{false, true} {
		req := orm.QueryRequest{Table: s.entries.Schema(), Hash: str("s"), Limit: 3, Descending: descending}
		var got []string
		for pages := 0; ; pages++ {
			if pages > 4 {
				t.Fatal("the pages do not end")
			}
			p, err := st.Query(ctx, &req)
			must(t, err)
			if len(p.Items) > 3 {
				t.Fatalf("a page has %d items, the limit is 3", len(p.Items))
			}
			for _, item := range p.Items {
				got = append(got, text(item["version"]))
			}
			if p.Next == nil {
				break
			}
			req.Start = p.Next
		}
		want := []string{"N:0", "N:1", "N:2", "N:3", "N:4", "N:5", "N:6"}
		if descending {
			slices.Reverse(want)
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages hold %v, want %v", got, want)
		}
	}
}

// counting counts the queries that reach a store.
type counting struct {
	orm.Store
	queries int
}

func (c *counting) Query(ctx context.Context, r *orm.QueryRequest) (*orm.Page, error) {
	c.queries++
	return c.Store.Query(ctx, r)
}

func testQueryLargePages(t *testing.T, s *suite) {
	ctx := context.Background()
	st := &counting{Store: s.newStore(t, s.entries)}
	const items = 12
	for v := range int64(items) {
		do(t, st, s.entries.Put(entry{Stream: "s", Version: v, Body: strings.Repeat("x", 200<<10)}))
	}
	if n := len(all(t, orm.QueryTable(s.entries, "s").All(ctx, st))); n != items {
		t.Errorf("read %d items, want %d", n, items)
	}
	if st.queries < 2 {
		t.Errorf("%d page for 2.4 MB: a page ends at 1 MB", st.queries)
	}
	st.queries = 0
	for range orm.QueryTable(s.entries, "s").All(ctx, st) {
		break
	}
	if st.queries != 1 {
		t.Errorf("%d pages were read for the first item, want 1", st.queries)
	}
}

func testIndex(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things, s.visits)
	do(t, st, s.things.Put(thing{ID: "a", Status: "open", Rank: 10, Name: "x"}))
	do(t, st, s.things.Put(thing{ID: "b", Status: "open", Rank: 9}))
	do(t, st, s.things.Put(thing{ID: "c", Status: "done", Rank: 1}))
	do(t, st, s.things.Put(thing{ID: "d", Status: "open"})) // no rank: not in the index
	do(t, st, s.things.Put(thing{ID: "e", Rank: 5}))        // no status
	ids := func() string {
		var out []string
		for _, x := range all(t, s.byStatus.Query("open").All(ctx, st)) {
			out = append(out, x.ID+x.Name)
		}
		return strings.Join(out, " ")
	}
	// A global index follows the table a little later.
	eventually(t, "b ax", ids)
	do(t, st, s.things.Update("b", s.status.Remove()))
	eventually(t, "ax", ids)

	at := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	do(t, st, s.visits.Put(visit{Visitor: "v", Page: "p", Topic: "go", At: at, Note: "not a key"}))
	eventually(t, "v p go 2026-11-20T10:00:00Z |", func() string {
		var out string
		for _, x := range all(t, s.visitsByTopic.Query("go").From(at).All(ctx, st)) {
			out += fmt.Sprintf("%s %s %s %s |%s", x.Visitor, x.Page, x.Topic, x.At.Format(time.RFC3339), x.Note)
		}
		return out
	})
}

func testLocalIndex(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.entries)
	for v, kind := range []string{"c", "", "a", "b", "a"} {
		do(t, st, s.entries.Put(entry{Stream: "s", Version: int64(v), Kind: kind}))
	}
	do(t, st, s.entries.Put(entry{Stream: "other", Version: 9, Kind: "a"}))
	if got := versions(t, s.byKind.Query("s").All(ctx, st)); got != "2 4 3 0" {
		t.Errorf("versions by kind are %q, want %q", got, "2 4 3 0")
	}
	// Items of one sort key need the table's key to go on between pages.
	req := orm.QueryRequest{Table: s.entries.Schema(), Index: "by_kind", Hash: str("s"), Limit: 1}
	var got []string
	for range 10 {
		p, err := st.Query(ctx, &req)
		must(t, err)
		for _, item := range p.Items {
			got = append(got, text(item["version"]))
		}
		if req.Start = p.Next; p.Next == nil {
			break
		}
	}
	if want := []string{"N:2", "N:4", "N:3", "N:0"}; !slices.Equal(got, want) {
		t.Errorf("pages of one hold %v, want %v", got, want)
	}
}

// eventually waits until read returns want.
func eventually(t *testing.T, want string, read func() string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		got := read()
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("read %q, want %q", got, want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
