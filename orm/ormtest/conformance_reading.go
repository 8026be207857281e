package ormtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

// reading is the part of [Conformance] that is about typed reading: queries,
// scans, cursors, batches, reads in a transaction, export and import.
func reading(t *testing.T, newStore func(t *testing.T, tables ...orm.Definition) orm.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *library)
	}{
		{"Bounds", readBounds}, {"Prefix", readPrefix}, {"Filter", readFilter}, {"Select", readSelect}, {"First", readFirst},
		{"Count", readCount}, {"Index", readIndex}, {"Cursors", readCursors}, {"CursorAtDeleted", readCursorAtDeleted},
		{"CursorWhileWriting", readCursorWhileWriting}, {"Scan", readScan}, {"ScanLarge", readScanLarge}, {"WithoutUnique", readWithoutUnique},
		{"GetBatch", readGetBatch}, {"GetBatchLarge", readGetBatchLarge}, {"PutBatch", readPutBatch}, {"TransactGet", readTransactGet},
		{"ExportImport", readExportImport},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newLibrary(newStore)) })
	}
}

// book is an item of a table whose indexes have many items of one key. Its
// attributes have names that DynamoDB reserves.
type book struct {
	Room   string  `dynamo:"room,hash"`
	Place  int     `dynamo:"place,range"`
	Topic  string  `dynamo:"topic" index:"by_topic,hash"`
	Size   float64 `dynamo:"size" index:"by_topic,range" localIndex:"by_size,range"`
	Name   string  `dynamo:"name"`
	Status string  `dynamo:"status"`
	Note   string  `dynamo:"note"`
}

// reader is an item of a table with unique values, which an index may hold too.
type reader struct {
	Town string `dynamo:"town,hash" index:"by_seat,range"`
	Seat int    `dynamo:"seat,range" index:"by_seat,hash"`
	Mail string `dynamo:"mail" unique:"exact"`
}

type library struct {
	newStore           func(t *testing.T, tables ...orm.Definition) orm.Store
	books              *orm.Table[book, orm.Pair[string, int]]
	byTopic, bySize    *orm.Index[book, string, float64]
	name, status, note orm.Attribute[book, string]
	readers            *orm.Table[reader, orm.Pair[string, int]]
	bySeat             *orm.Index[reader, int, string]
	mail               orm.Attribute[reader, string]
	words              *orm.Table[word, orm.Pair[string, string]]
}

func newLibrary(newStore func(t *testing.T, tables ...orm.Definition) orm.Store) *library {
	l := &library{newStore: newStore}
	l.books = orm.Define[book, orm.Pair[string, int]]("books", orm.Include("by_topic", "name", "status"))
	l.byTopic = orm.IndexOf(l.books, func(b *book) *string { return &b.Topic }, func(b *book) *float64 { return &b.Size })
	l.bySize = orm.IndexOf(l.books, func(b *book) *string { return &b.Room }, func(b *book) *float64 { return &b.Size })
	l.name = orm.Attr(l.books, func(b *book) *string { return &b.Name })
	l.status = orm.Attr(l.books, func(b *book) *string { return &b.Status })
	l.note = orm.Attr(l.books, func(b *book) *string { return &b.Note })
	l.readers = orm.Define[reader, orm.Pair[string, int]]("readers")
	l.bySeat = orm.IndexOf(l.readers, func(r *reader) *int { return &r.Seat }, func(r *reader) *string { return &r.Town })
	l.mail = orm.Attr(l.readers, func(r *reader) *string { return &r.Mail })
	l.words = orm.Define[word, orm.Pair[string, string]]("pages")
	return l
}

// fill makes a store with n books in two rooms.
func (l *library) fill(t *testing.T, n int) orm.Store {
	t.Helper()
	st := l.newStore(t, l.books)
	must(t, l.books.PutBatch(context.Background(), st, someBooks(n)))
	return st
}

func someBooks(n int) []book {
	var out []book
	for i := range n {
		out = append(out, book{
			Room: []string{"a", "b"}[i%2], Place: i - 5, Topic: []string{"go", "aws", "go"}[i%3], Size: []float64{-1, 0.5, 0.5, 20}[i%4],
			Name: fmt.Sprintf("name%d", i%5), Status: []string{"new", "old"}[i/2%2], Note: fmt.Sprintf("note%d", i),
		})
	}
	return out
}

// places are those of the books that come, in order.
func places(t *testing.T, s iter.Seq2[book, error]) string {
	t.Helper()
	var out []string
	for _, b := range all(t, s) {
		out = append(out, fmt.Sprint(b.Place))
	}
	return strings.Join(out, " ")
}

func readBounds(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.fill(t, 12) // room a: -5 -3 -1 1 3 5
	q := orm.QueryTable(l.books, "a")
	for name, c := range map[string]struct {
		q    orm.Query[book, int]
		want string
	}{
		"from":                    {q.From(-1), "-1 1 3 5"},
		"after":                   {q.After(-1), "1 3 5"},
		"to":                      {q.To(1), "-5 -3 -1 1"},
		"before":                  {q.Before(1), "-5 -3 -1"},
		"from and to":             {q.From(-2).To(3), "-1 1 3"},
		"one value":               {q.From(3).To(3), "3"},
		"between items":           {q.After(-4).Limit(2), "-3 -1"},
		"after, descending":       {q.After(-3).Descending(), "5 3 1 -1"},
		"before, descending":      {q.Before(5).Descending().Limit(2), "3 1"},
		"eventual, when all is":   {q.From(5), "5"},
		"beyond the last":         {q.After(5), ""},
		"before the first":        {q.Before(-5), ""},
		"the last takes its turn": {q.After(99).From(4).Before(0).To(9), "5"},
	} {
		if got := places(t, c.q.All(ctx, st)); got != c.want {
			t.Errorf("%s: places are %q, want %q", name, got, c.want)
		}
	}
	eventually(t, "5", func() string { return places(t, q.From(5).Eventual().All(ctx, st)) })
}

func readPrefix(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.newStore(t, l.words)
	for _, w := range []string{"a", "ab", "abc", "ac", "ä", "äb", "b"} {
		do(t, st, l.words.Put(word{"x", w}))
	}
	for prefix, want := range map[string]string{"ab": "ab abc", "a": "a ab abc ac", "ä": "ä äb", "c": "", "": "a ab abc ac b ä äb"} {
		var got []string
		for _, w := range all(t, orm.QueryTable(l.words, "x").Prefix(prefix).All(ctx, st)) {
			got = append(got, w.Word)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("with prefix %q are %q, want %q", prefix, got, want)
		}
	}
}

func readFilter(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.fill(t, 40)
	q := orm.QueryTable(l.books, "a").Filter(l.status.Eq("new"), l.name.Ne("name0")) // reserved words, and <>
	var want []string
	for _, b := range someBooks(40) {
		if b.Room == "a" && b.Status == "new" && b.Name != "name0" {
			want = append(want, fmt.Sprint(b.Place))
		}
	}
	if got := places(t, q.All(ctx, st)); got != strings.Join(want, " ") {
		t.Errorf("places are %q, want %q", got, want)
	}
	if got := places(t, q.Limit(3).All(ctx, st)); got != strings.Join(want[:3], " ") {
		t.Errorf("a limit of 3 gives %q, want %q: it counts what passed the filter", got, want[:3])
	}
	if got := places(t, q.Filter(l.name.Eq("nobody")).Limit(1).All(ctx, st)); got != "" {
		t.Errorf("a filter that holds never gives %q", got)
	}
	n, err := q.Count(ctx, st)
	must(t, err)
	if n != len(want) {
		t.Errorf("count is %d, want %d", n, len(want))
	}
}

func readSelect(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.fill(t, 6)
	for _, b := range all(t, orm.QueryTable(l.books, "a").Select(l.name).Filter(l.status.Exists()).All(ctx, st)) {
		if b.Room != "a" || b.Name == "" || b.Status != "" || b.Note != "" || b.Topic != "" {
			t.Errorf("selected the name, read %+v", b)
		}
	}
	eventually(t, "go- go- go- go-", func() string {
		var got []string
		for _, b := range all(t, l.byTopic.Query("go").Select(l.status).All(ctx, st)) {
			if b.Room == "" || b.Status == "" || b.Name != "" {
				t.Errorf("selected the status from the index, read %+v", b)
			}
			got = append(got, b.Topic+"-"+b.Note)
		}
		return strings.Join(got, " ")
	})
	for _, b := range all(t, l.books.Scan().Select(l.note).All(ctx, st)) {
		if b.Note == "" || b.Room == "" || b.Name != "" || b.Size != 0 {
			t.Errorf("selected the note, scanned %+v", b)
		}
	}
	key := orm.Key("a", -5)
	b, err := l.books.Get(ctx, st, key, orm.Projection(l.name, l.status))
	must(t, err)
	if b.Room != "a" || b.Place != -5 || b.Name != "name0" || b.Status != "new" || b.Note != "" {
		t.Errorf("projected name and status, got %+v", b)
	}
	eventually(t, "note0", func() string {
		b, err := l.books.Get(ctx, st, key, orm.Eventually())
		must(t, err)
		return b.Note
	})
	for key, want := range map[orm.Pair[string, int]]bool{key: true, orm.Key("a", 99): false} {
		ok, err := l.books.Exists(ctx, st, key)
		must(t, err)
		if ok != want {
			t.Errorf("%v exists: %t, want %t", key, ok, want)
		}
	}
	_, err = l.books.Get(ctx, st, orm.Key("a", 99), orm.Projection(l.name))
	wantKind(t, err, orm.KindNotFound)
}

func readFirst(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.fill(t, 12)
	q := orm.QueryTable(l.books, "a")
	b, err := q.Descending().First(ctx, st)
	must(t, err)
	if b.Place != 5 || b.Note != "note10" {
		t.Errorf("the last book is %+v", b)
	}
	b, err = q.Filter(l.name.Eq("name4")).First(ctx, st)
	must(t, err)
	if b.Place != -1 {
		t.Errorf("the first book called name4 is %+v", b)
	}
	_, err = q.After(5).First(ctx, st)
	if e := wantKind(t, err, orm.KindNotFound); e.Table != "books" || e.Key != `"a"` {
		t.Errorf("the error is %v", err)
	}
}

func readCount(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.fill(t, 31)
	q := orm.QueryTable(l.books, "a")
	counts := map[string]func() (int, error){
		"16 all":       func() (int, error) { return q.Count(ctx, st) },
		"7 limit":      func() (int, error) { return q.Limit(7).Count(ctx, st) },
		"16 limit":     func() (int, error) { return q.Limit(100).Count(ctx, st) },
		"8 filter":     func() (int, error) { return q.Filter(l.status.Eq("new")).Count(ctx, st) },
		"5 and limit":  func() (int, error) { return q.Filter(l.status.Eq("new")).Limit(5).Count(ctx, st) },
		"2 bound":      func() (int, error) { return q.Descending().From(22).Count(ctx, st) },
		"0 none":       func() (int, error) { return q.After(99).Count(ctx, st) },
		"31 scan":      func() (int, error) { return l.books.Scan().Count(ctx, st) },
		"31 segments":  func() (int, error) { return l.books.Scan().Segments(5).Count(ctx, st) },
		"9 scan limit": func() (int, error) { return l.books.Scan().Limit(9).Count(ctx, st) },
	}
	for want, count := range counts {
		n, err := count()
		must(t, err)
		if got := fmt.Sprint(n); got != strings.Fields(want)[0] {
			t.Errorf("count is %s, want %s", got, want)
		}
	}
}

func readIndex(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.fill(t, 12)
	// Among equal sort keys the order is nobody's promise, but the sets are.
	eventually(t, "-1:2 0.5:4 20:2", func() string {
		var order []float64
		many := map[float64]int{}
		for _, b := range all(t, l.byTopic.Query("go").All(ctx, st)) {
			many[b.Size]++
			order = append(order, b.Size)
		}
		if !slices.IsSorted(order) {
			t.Errorf("sizes are in the order %v", order)
		}
		return fmt.Sprintf("-1:%d 0.5:%d 20:%d", many[-1], many[0.5], many[20])
	})
	if got := places(t, l.bySize.Query("a").After(0.5).All(ctx, st)); got != "" {
		t.Errorf("above 0.5 in room a are %q", got)
	}
	if got := places(t, l.bySize.Query("b").From(20).Descending().All(ctx, st)); len(strings.Fields(got)) != 3 {
		t.Errorf("from 20 on in room b are %q", got)
	}
}

// readCursors goes through all kinds of reading page by page: the pages hold what
// All yields, in its order, nothing lost and nothing twice.
func readCursors(t *testing.T, l *library) {
	ctx := context.Background()
	const items = 40
	st := l.fill(t, items)
	eventually(t, fmt.Sprint(items*2/3+1), func() string {
		n, err := l.byTopic.Query("go").Count(ctx, st)
		must(t, err)
		return fmt.Sprint(n)
	})
	q := orm.QueryTable(l.books, "a")
	for _, limit := range []int{1, 2, 3, 7, 19, 20, 21, 40, 41, 0} {
		for name, one := range map[string]paged{
			"table":                 q.Limit(limit),
			"descending":            q.Descending().Limit(limit),
			"bounds":                q.From(-3).To(20).Limit(limit),
			"after":                 q.After(-3).Limit(limit),
			"before, descending":    q.Before(25).Descending().Limit(limit),
			"filter":                q.Filter(l.status.Eq("new"), l.name.Ne("name0")).Limit(limit),
			"select":                q.Select(l.name).Limit(limit),
			"index":                 l.byTopic.Query("go").Limit(limit),
			"index, descending":     l.byTopic.Query("go").Descending().Limit(limit),
			"index, filter, select": l.byTopic.Query("go").Filter(l.status.Eq("old")).Select(l.name).Limit(limit),
			"index, bounds":         l.byTopic.Query("go").From(0.5).To(19).Limit(limit),
			"local index":           l.bySize.Query("b").Limit(limit),
			"local, descending":     l.bySize.Query("b").Descending().To(0.5).Limit(limit),
			"scan":                  l.books.Scan().Limit(limit),
			"scan, filter, select":  l.books.Scan().Filter(l.status.Eq("new")).Select(l.note).Limit(limit),
			"scan of an index":      l.byTopic.Scan().Limit(limit),
		} {
			checkPages(t, fmt.Sprintf("%s, limit %d", name, limit), st, one, limit)
		}
	}
}

// paged is what queries and scans of books have in common.
type paged interface {
	All(context.Context, orm.Reader) iter.Seq2[book, error]
	Page(context.Context, orm.Reader) (orm.PageOf[book], error)
}

// at goes on with a query or a scan at a cursor.
func at(p paged, c orm.Cursor) paged {
	switch q := p.(type) {
	case orm.Query[book, int]:
		return q.StartAt(c)
	case orm.Query[book, float64]:
		return q.StartAt(c)
	case orm.Scan[book]:
		return q.StartAt(c)
	}
	panic("neither a query nor a scan of books")
}

// unlimited takes the limit away.
func unlimited(p paged) paged {
	switch q := p.(type) {
	case orm.Query[book, int]:
		return q.Limit(0)
	case orm.Query[book, float64]:
		return q.Limit(0)
	case orm.Scan[book]:
		return q.Limit(0)
	}
	panic("neither a query nor a scan of books")
}

func checkPages(t *testing.T, name string, st orm.Store, q paged, limit int) {
	t.Helper()
	ctx := context.Background()
	want := all(t, unlimited(q).All(ctx, st))
	var got []book
	var cursor orm.Cursor
	for pages := 0; ; pages++ {
		if pages > len(want)+1 {
			t.Fatalf("%s: the pages do not end", name)
		}
		page, err := at(q, cursor).Page(ctx, st)
		must(t, err)
		if limit > 0 && len(page.Items) > limit {
			t.Fatalf("%s: a page has %d items", name, len(page.Items))
		}
		got = append(got, page.Items...)
		if cursor = page.Next; cursor == "" {
			break
		}
		// What follows a cursor is the rest, however it is read.
		rest := all(t, unlimited(at(q, cursor)).All(ctx, st))
		if !slices.Equal(rest, want[len(got):]) {
			t.Fatalf("%s: after %d items follow %v, want %v", name, len(got), rest, want[len(got):])
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: the pages hold %v, want %v", name, got, want)
	}
}

// readCursorAtDeleted goes on behind an item that is gone.
func readCursorAtDeleted(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.fill(t, 20)
	q := orm.QueryTable(l.books, "a").Limit(3)
	page, err := q.Page(ctx, st)
	must(t, err)
	last := page.Items[2]
	do(t, st, l.books.Delete(orm.Key(last.Room, last.Place)))
	if got := places(t, q.StartAt(page.Next).All(ctx, st)); got != "1 3 5" {
		t.Errorf("behind the deleted item are %q, want %q", got, "1 3 5")
	}
	_, err = q.Descending().StartAt(page.Next).Page(ctx, st)
	wantKind(t, err, orm.KindValidation)
	_, err = l.books.Scan().StartAt(page.Next).Page(ctx, st)
	wantKind(t, err, orm.KindValidation)
}

// readCursorWhileWriting: what is there all the time comes exactly once, whatever
// comes and goes between the pages.
func readCursorWhileWriting(t *testing.T, l *library) {
	ctx := context.Background()
	for _, scan := range []bool{false, true} {
		for _, limit := range []int{1, 2, 5} {
			st := l.fill(t, 30)
			var q paged = orm.QueryTable(l.books, "a").Limit(limit)
			if scan {
				q = l.books.Scan().Limit(limit)
			}
			seen := map[string]int{}
			var cursor orm.Cursor
			for step := 0; ; step++ {
				page, err := at(q, cursor).Page(ctx, st)
				must(t, err)
				for _, b := range page.Items {
					seen[fmt.Sprint(b.Room, b.Place)]++
				}
				if cursor = page.Next; cursor == "" {
					break
				}
				if step >= 40 {
					continue // else the scan could meet what comes for ever
				}
				// Every third book goes in turn, others come in between and before.
				if place := 3*step - 5; place < 25 {
					do(t, st, l.books.Delete(orm.Key([]string{"a", "b"}[(place+5)%2], place)))
				}
				do(t, st, l.books.Put(book{Room: "a", Place: -1000 - step, Size: 1, Topic: "x"}), l.books.Put(book{Room: "c", Place: step, Size: 1, Topic: "x"}))
			}
			for _, b := range someBooks(30) {
				n := seen[fmt.Sprint(b.Room, b.Place)]
				if stays := (b.Place+5)%3 != 0; (scan || b.Room == "a") && (n > 1 || stays && n == 0) {
					t.Errorf("scan %t, limit %d: book %s%d came %d times", scan, limit, b.Room, b.Place, n)
				}
			}
		}
	}
}

// notes are those of the books, in order.
func notes(t *testing.T, s iter.Seq2[book, error]) []string {
	t.Helper()
	var out []string
	for _, b := range all(t, s) {
		out = append(out, b.Note)
	}
	slices.Sort(out)
	return out
}

func readScan(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.fill(t, 60)
	var everything, fresh []string
	for _, b := range someBooks(60) {
		everything = append(everything, b.Note)
		if b.Status == "new" {
			fresh = append(fresh, b.Note)
		}
	}
	slices.Sort(everything)
	slices.Sort(fresh)
	for name, c := range map[string]struct {
		scan orm.Scan[book]
		want []string
	}{
		"all":            {l.books.Scan(), everything},
		"one segment":    {l.books.Scan().Segments(1), everything},
		"segments":       {l.books.Scan().Segments(4), everything},
		"many segments":  {l.books.Scan().Segments(30), everything},
		"filter":         {l.books.Scan().Filter(l.status.Eq("new")), fresh},
		"filtered parts": {l.books.Scan().Filter(l.status.Eq("new")).Segments(3), fresh},
	} {
		if got := notes(t, c.scan.All(ctx, st)); !slices.Equal(got, c.want) {
			t.Errorf("%s: notes are %v, want %v", name, got, c.want)
		}
	}
	for _, segments := range []int{1, 4} {
		if n := len(all(t, l.books.Scan().Segments(segments).Limit(11).All(ctx, st))); n != 11 {
			t.Errorf("a limit of 11 in %d segments gives %d", segments, n)
		}
	}
	eventually(t, "60", func() string {
		n, err := l.byTopic.Scan().Segments(3).Count(ctx, st)
		must(t, err)
		return fmt.Sprint(n)
	})
}

// scans counts the scans that reach a store.
type scans struct {
	orm.Store
	n int
}

func (s *scans) Scan(ctx context.Context, r *orm.ScanRequest) (*orm.Page, error) {
	s.n++
	return s.Store.Scan(ctx, r)
}

func readScanLarge(t *testing.T, l *library) {
	ctx := context.Background()
	st := &scans{Store: l.newStore(t, l.books)}
	const items = 12
	for i := range items {
		do(t, st, l.books.Put(book{Room: "a", Place: i, Size: 1, Topic: "x", Note: strings.Repeat("x", 200<<10)}))
	}
	if n := len(all(t, l.books.Scan().All(ctx, st))); n != items || st.n < 2 {
		t.Errorf("%d items in %d pages, want %d in several: a page ends at 1 MB", n, st.n, items)
	}
	st.n = 0
	for range l.books.Scan().All(ctx, st) {
		break
	}
	if st.n != 1 {
		t.Errorf("%d pages were read for the first item, want 1", st.n)
	}
	if n, err := l.books.Scan().Count(ctx, st); err != nil || n != items {
		t.Errorf("count is %d (%v), want %d", n, err, items)
	}
}

// readWithoutUnique: items of unique values are in no result, and in every export.
func readWithoutUnique(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.newStore(t, l.readers)
	towns := []string{"a", "b", "t", "v", "x"} // unique# sorts between them
	for _, town := range towns {
		do(t, st, l.readers.Insert(reader{Town: town, Seat: 0, Mail: town + "@example.com"}))
	}
	eventually(t, "a b t v x", func() string {
		var got []string
		for _, r := range all(t, l.bySeat.Query(0).All(ctx, st)) {
			got = append(got, r.Town)
		}
		return strings.Join(got, " ")
	})
	check := func(name string, n int, err error) {
		t.Helper()
		must(t, err)
		if n != len(towns) {
			t.Errorf("%s has %d items, want %d", name, n, len(towns))
		}
	}
	check("scan", len(all(t, l.readers.Scan().All(ctx, st))), nil)
	check("filtered scan", len(all(t, l.readers.Scan().Filter(l.mail.Exists()).All(ctx, st))), nil)
	n, err := l.readers.Scan().Count(ctx, st)
	check("count", n, err)
	n, err = l.readers.Scan().Segments(3).Count(ctx, st)
	check("count in segments", n, err)
	n, err = l.bySeat.Query(0).Count(ctx, st)
	check("count of the index", n, err)
	n, err = l.bySeat.Scan().Count(ctx, st)
	check("count of the scanned index", n, err)
	for limit := 1; limit < 7; limit++ {
		var cursor orm.Cursor
		var got, scanned []string
		for ok := true; ok; ok = cursor != "" {
			page, err := l.bySeat.Query(0).Limit(limit).StartAt(cursor).Page(ctx, st)
			must(t, err)
			for _, r := range page.Items {
				got = append(got, r.Town)
			}
			cursor = page.Next
		}
		for ok := true; ok; ok = cursor != "" {
			page, err := l.readers.Scan().Limit(limit).StartAt(cursor).Page(ctx, st)
			must(t, err)
			for _, r := range page.Items {
				scanned = append(scanned, r.Town)
			}
			cursor = page.Next
		}
		slices.Sort(scanned)
		if !slices.Equal(got, towns) || !slices.Equal(scanned, towns) {
			t.Errorf("pages of %d hold %v, of the scan %v, want %v", limit, got, scanned, towns)
		}
	}
	written, err := orm.Export(ctx, st, l.readers, io.Discard)
	must(t, err)
	if written != 2*int64(len(towns)) {
		t.Errorf("the export has %d items, want %d", written, 2*len(towns))
	}
}

func readGetBatch(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.fill(t, 130)
	var keys []orm.Pair[string, int]
	for i := 139; i >= 0; i-- { // ten that are not there, and not in order
		keys = append(keys, orm.Key([]string{"a", "b"}[i%2], i-5))
	}
	keys = append(keys, keys[100])
	got, err := l.books.GetBatch(ctx, st, keys, orm.Projection(l.note))
	must(t, err)
	for i, key := range keys {
		switch want := fmt.Sprint("note", key.Sort+5); {
		case key.Sort >= 125:
			if got[i] != nil {
				t.Errorf("there is no %v, and it came as %+v", key, *got[i])
			}
		case got[i] == nil || got[i].Note != want || got[i].Room != key.Hash || got[i].Name != "":
			t.Errorf("%v came as %+v", key, got[i])
		}
	}
}

// readGetBatchLarge: an answer ends at 16 MB, and the rest is asked for again.
func readGetBatchLarge(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.newStore(t, l.words)
	type page struct {
		Book string `dynamo:"book,hash"`
		Word string `dynamo:"word,range"`
		Text string `dynamo:"text"`
	}
	pages := orm.Define[page, orm.Pair[string, string]]("pages")
	var keys []orm.Pair[string, string]
	for i := range 60 {
		one := page{"b", fmt.Sprint(i), strings.Repeat("x", 350<<10)}
		do(t, st, pages.Put(one))
		keys = append(keys, orm.Key(one.Book, one.Word))
	}
	got, err := pages.GetBatch(ctx, st, keys)
	must(t, err)
	for i, one := range got {
		if one == nil || one.Word != fmt.Sprint(i) || len(one.Text) != 350<<10 {
			t.Fatalf("page %d is missing or cut", i)
		}
	}
}

func readPutBatch(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.fill(t, 60)
	again := someBooks(70)
	for i := range again {
		again[i].Note = "again"
	}
	must(t, l.books.PutBatch(ctx, st, again[30:]))
	var keys []orm.Pair[string, int]
	for _, b := range again[40:] {
		keys = append(keys, orm.Key(b.Room, b.Place))
	}
	replaced := notes(t, l.books.Scan().Filter(l.note.Eq("again")).All(ctx, st))
	if len(replaced) != 40 {
		t.Errorf("%d items are replaced or new, want 40", len(replaced))
	}
	must(t, l.books.DeleteBatch(ctx, st, append(keys, orm.Key("nobody", 1))))
	n, err := l.books.Scan().Count(ctx, st)
	must(t, err)
	if n != 40 {
		t.Errorf("%d items are left, want 40", n)
	}
	wantKind(t, l.books.PutBatch(ctx, st, append(again, again[3])), orm.KindValidation)
}

func readTransactGet(t *testing.T, l *library) {
	ctx := context.Background()
	st := l.newStore(t, l.books, l.words)
	must(t, l.books.PutBatch(ctx, st, someBooks(3)))
	do(t, st, l.words.Put(word{"x", "w"}))
	var b, gone book
	var w word
	must(t, orm.TransactGet(ctx, st, l.books.Into(&b, orm.Key("a", -5), orm.Projection(l.name)), l.words.Into(&w, orm.Key("x", "w"))))
	if b.Name != "name0" || b.Place != -5 || b.Note != "" || w.Word != "w" {
		t.Errorf("read %+v and %+v", b, w)
	}
	b = book{}
	err := orm.TransactGet(ctx, st, l.books.Into(&gone, orm.Key("a", 99)), l.books.Into(&b, orm.Key("a", -3)), l.words.Into(&w, orm.Key("x", "v")))
	if missing := orm.Errors(err); len(missing) != 2 || missing[0].Kind != orm.KindNotFound || missing[0].Key != `"a", 99` || missing[1].Table != "pages" {
		t.Errorf("the error is %v", err)
	}
	if b.Note != "note2" || gone.Room != "" {
		t.Errorf("read %+v and %+v", b, gone)
	}
	err = orm.TransactGet(ctx, st, l.books.Into(&b, orm.Key("a", -5)), l.books.Into(&gone, orm.Key("a", -5)))
	wantKind(t, err, orm.KindValidation)
}

// readExportImport: an import of an export makes the same table again.
func readExportImport(t *testing.T, l *library) {
	ctx := context.Background()
	type mixed struct {
		ID    string            `dynamo:"id,hash"`
		Mail  string            `dynamo:"mail" unique:"normalized"`
		Big   uint64            `dynamo:"big"`
		Float float64           `dynamo:"float"`
		Bytes []byte            `dynamo:"bytes"`
		Set   []int             `dynamo:"set,set"`
		Texts []string          `dynamo:"texts,set"`
		Blobs [][]byte          `dynamo:"blobs,set"`
		Map   map[string]string `dynamo:"map,allowemptyelem"`
		List  []float32         `dynamo:"list"`
		OK    bool              `dynamo:"ok"`
		Null  *int              `dynamo:"null,null"`
	}
	table := orm.Define[mixed, string]("mixed")
	must(t, table.Err())
	st := l.newStore(t, table)
	for i := range 40 {
		do(t, st, table.Insert(mixed{
			ID: fmt.Sprintf("id \"%d\"\u2028é😀\n", i), Mail: fmt.Sprintf("Mail%d@example.com", i), Big: 1<<64 - 1 - uint64(i), Float: 1e-120 * float64(i),
			Bytes: []byte{byte(i), 255, 0}, Set: []int{i + 1000, 100, 9}, Texts: []string{"None", "b", "10"}, Blobs: [][]byte{{1}, {0, byte(i)}},
			Map: map[string]string{"": "", "\\": "\x00"}, List: []float32{1.5, -0.1}, OK: i%2 == 0,
		}))
	}
	export := func(st orm.Store) string {
		var out bytes.Buffer
		n, err := orm.Export(ctx, st, table, &out)
		must(t, err)
		lines := strings.SplitAfter(out.String(), "\n")
		if int(n) != 80 || len(lines) != 81 {
			t.Errorf("%d items are %d lines, want 80: as many unique values as items", n, len(lines)-1)
		}
		slices.Sort(lines)
		return strings.Join(lines, "")
	}
	first := export(st)
	other := l.newStore(t, table)
	n, err := orm.Import(ctx, other, table, strings.NewReader(first))
	must(t, err)
	if second := export(other); n != 80 || first != second {
		t.Errorf("%d items came back as\n%s\nfrom\n%s", n, second, first)
	}
	err = orm.Exec(ctx, other, table.Insert(mixed{ID: "new", Mail: "mail7@EXAMPLE.com"}))
	if wantKind(t, err, orm.KindAlreadyExists); !errors.Is(err, orm.KindAlreadyExists) {
		t.Error("the unique values did not come along")
	}
}
