package bus

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

type page struct {
	Book   string `dynamo:"book,hash" index:"by_author,range"`
	Number int64  `dynamo:"number,range"`
	Author string `dynamo:"author" index:"by_author,hash"`
	Words  int64  `dynamo:"words" localIndex:"by_words,range"`
}

var (
	pages    = orm.Define[page, orm.Pair[string, int64]]("pages")
	covers   = orm.Define[page, orm.Pair[string, int64]]("covers")
	byAuthor = orm.IndexOf(pages, func(p *page) *string { return &p.Author }, func(p *page) *string { return &p.Book })
	byWords  = orm.IndexOf(pages, func(p *page) *string { return &p.Book }, func(p *page) *int64 { return &p.Words })
)

// openReader answers everything: what is refused was refused before.
type openReader struct{ orm.Reader }

func (openReader) Get(context.Context, *orm.GetRequest) (orm.Item, error) { return nil, nil }
func (openReader) Query(context.Context, *orm.QueryRequest) (*orm.Page, error) {
	return &orm.Page{}, nil
}
func (openReader) Scan(context.Context, *orm.ScanRequest) (*orm.Page, error) { return &orm.Page{}, nil }
func (openReader) BatchGet(context.Context, *orm.BatchGetRequest) (*orm.BatchGetResult, error) {
	return &orm.BatchGetResult{}, nil
}
func (openReader) TransactGet(_ context.Context, gets []orm.GetRequest) ([]orm.Item, error) {
	return make([]orm.Item, len(gets)), nil
}

// TestGrants: every grant allows what it says and nothing else.
func TestGrants(t *testing.T) {
	s := pages.Schema()
	operations := map[string]func(context.Context, *Tx) error{
		"get": func(ctx context.Context, tx *Tx) error { _, err := tx.Get(ctx, &orm.GetRequest{Table: s}); return err },
		"batch": func(ctx context.Context, tx *Tx) error {
			_, err := tx.BatchGet(ctx, &orm.BatchGetRequest{Table: s})
			return err
		},
		"transact": func(ctx context.Context, tx *Tx) error {
			_, err := tx.TransactGet(ctx, []orm.GetRequest{{Table: s}})
			return err
		},
		"query": func(ctx context.Context, tx *Tx) error {
			_, err := tx.Query(ctx, &orm.QueryRequest{Table: s})
			return err
		},
		"query by_author": func(ctx context.Context, tx *Tx) error {
			_, err := tx.Query(ctx, &orm.QueryRequest{Table: s, Index: "by_author"})
			return err
		},
		"query by_words": func(ctx context.Context, tx *Tx) error {
			_, err := tx.Query(ctx, &orm.QueryRequest{Table: s, Index: "by_words"})
			return err
		},
		"scan": func(ctx context.Context, tx *Tx) error {
			_, err := tx.Scan(ctx, &orm.ScanRequest{Table: s})
			return err
		},
		"scan by_author": func(ctx context.Context, tx *Tx) error {
			_, err := tx.Scan(ctx, &orm.ScanRequest{Table: s, Index: "by_author"})
			return err
		},
		"write": func(_ context.Context, tx *Tx) error {
			tx.Write(pages.Delete(orm.Pair[string, int64]{Hash: "b", Sort: 1}))
			return nil
		},
	}
	reading := []string{"get", "batch", "transact", "query", "query by_author", "query by_words"}
	for name, test := range map[string]struct {
		grants []Option
		allow  []string
	}{
		"nothing":          {nil, nil},
		"another table":    {[]Option{Reads(covers), Scans(covers), Writes(covers)}, nil},
		"reads":            {[]Option{Reads(pages)}, reading},
		"reads an index":   {[]Option{ReadsIndex(byAuthor)}, []string{"query by_author"}},
		"reads both":       {[]Option{ReadsIndex(byAuthor, byWords)}, []string{"query by_author", "query by_words"}},
		"scans":            {[]Option{Scans(pages)}, append(reading[:len(reading):len(reading)], "scan", "scan by_author")},
		"writes":           {[]Option{Writes(pages)}, append(reading[:len(reading):len(reading)], "write")},
		"appends and more": {[]Option{Appends(pages), ReadsIndex(byWords)}, []string{"query by_words", "write"}}, // which is refused later
	} {
		t.Run(name, func(t *testing.T) {
			sub := Subscription("closing", append([]Option{To(bellRung)}, test.grants...)...)
			if err := sub.Err(); err != nil {
				t.Fatal(err)
			}
			allowed := map[string]bool{}
			for _, op := range test.allow {
				allowed[op] = true
			}
			for op, do := range operations {
				tx := &Tx{store: openReader{}, access: grantedBy(sub)}
				err := do(t.Context(), tx)
				kept := tx.close()
				if allowed[op] != (kept == nil) {
					t.Errorf("%s: %v, want allowed %v", op, kept, allowed[op])
				}
				if kept != nil && !errors.Is(kept, KindAccess) || op != "write" && (err == nil) != (kept == nil) {
					t.Errorf("%s: %v, and kept is %v", op, err, kept)
				}
			}
		})
	}
}

// TestAppends: a Tx takes inserts to an append-only table, however they are made,
// and nothing that could change an item.
func TestAppends(t *testing.T) {
	item := page{Book: "b", Number: 1, Author: "a", Words: 5}
	words := orm.Number(pages, func(p *page) *int64 { return &p.Words })
	for name, test := range map[string]struct {
		write orm.Write
		ok    bool
	}{
		"insert":         {pages.Insert(item), true},
		"put":            {pages.Put(item), false},
		"conditioned":    {raw{orm.Action{Op: orm.OpPut, Table: pages.Schema(), If: &orm.Cond{Op: orm.CondEq, Path: "words"}}}, false},
		"update":         {pages.Update(orm.Pair[string, int64]{Hash: "b", Sort: 1}, words.Add(1)), false},
		"delete":         {pages.Delete(orm.Pair[string, int64]{Hash: "b", Sort: 1}), false},
		"its own insert": {raw{orm.Action{Op: orm.OpPut, Table: pages.Schema(), If: not(orm.Cond{Op: orm.CondExists, Path: "book"})}}, false}, // not recognised: refused
	} {
		t.Run(name, func(t *testing.T) {
			tx := &Tx{store: openReader{}, access: grantedBy(Subscription("closing", To(bellRung), Appends(pages)))}
			tx.Write(test.write)
			if err := tx.close(); err != nil {
				t.Fatal(err)
			}
			actions, err := tx.writes[0].Actions(t.Context(), tx)
			if test.ok {
				if err != nil || len(actions) != 1 {
					t.Errorf("%d actions, %v", len(actions), err)
				}
				return
			}
			if !errors.Is(err, KindAccess) || actions != nil || !strings.Contains(err.Error(), "bus.Appends") {
				t.Errorf("%d actions, error %v, want %v", len(actions), err, KindAccess)
			}
		})
	}
}

type raw struct{ action orm.Action }

func (r raw) Table() *orm.Schema { return r.action.Table }
func (r raw) Actions(context.Context, orm.Reader) ([]orm.Action, error) {
	return []orm.Action{r.action}, nil
}

func not(c orm.Cond) *orm.Cond { return &orm.Cond{Op: orm.CondNot, Of: []*orm.Cond{&c}} }

func TestAbsent(t *testing.T) {
	is := func(path string) *orm.Cond { return &orm.Cond{Op: orm.CondNotExists, Path: path} }
	eq := &orm.Cond{Op: orm.CondEq, Path: "book"}
	of := func(op orm.CondOp, parts ...*orm.Cond) *orm.Cond { return &orm.Cond{Op: op, Of: parts} }
	for name, test := range map[string]struct {
		cond *orm.Cond
		want bool
	}{
		"none":              {nil, false},
		"hash":              {is("book"), true},
		"sort":              {is("number"), true},
		"other":             {is("words"), false},
		"inside":            {&orm.Cond{Op: orm.CondNotExists, Path: "book", Into: []orm.Step{{Name: "x"}}}, false},
		"equal":             {eq, false},
		"and":               {of(orm.CondAnd, eq, is("book")), true},
		"and without":       {of(orm.CondAnd, eq, eq), false},
		"empty and":         {of(orm.CondAnd), false},
		"or":                {of(orm.CondOr, eq, is("book")), false},
		"or of both":        {of(orm.CondOr, is("book"), of(orm.CondAnd, is("number"), eq)), true},
		"empty or":          {of(orm.CondOr), false},
		"not":               {of(orm.CondNot, is("book")), false},
		"table without one": {is(""), false},
	} {
		if got := absent(test.cond, pages.Schema()); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	if absent(is(""), &orm.Schema{Hash: "id"}) {
		t.Error("a table without a sort key: the condition on no attribute counts")
	}
}

func TestGrantProblems(t *testing.T) {
	type keyless struct {
		Name string `dynamo:"name"`
	}
	wrong := orm.Define[keyless, string]("keyless")
	ofWrong := orm.IndexOf(wrong, func(k *keyless) *string { return &k.Name }, (func(*keyless) *string)(nil))
	var none *orm.Index[page, string, string]
	var noSetting *settings.Setting[int]
	volume := settings.Define("volume", "How loud it is.", 5)
	for name, test := range map[string]struct {
		grant Option
		want  []string
	}{
		"nil":         {both(Scans(nil), ReadsIndex(nil, none), Appends(nil)), []string{"table 0 of bus.Scans is nil", "index 0 of bus.ReadsIndex is nil", "index 1 of bus.ReadsIndex is nil", "table 0 of bus.Appends is nil"}},
		"wrong table": {both(Scans(wrong), ReadsIndex(ofWrong), Appends(wrong)), []string{"table 0 of bus.Scans is defined wrong", "the table of index 0 of bus.ReadsIndex is defined wrong", "table 0 of bus.Appends is defined wrong"}},
		"twice":       {both(Scans(pages, pages), ReadsIndex(byWords, byWords), Appends(pages, pages)), []string{`bus.Scans names table "pages" twice`, `bus.ReadsIndex names index "by_words" of table "pages" twice`, `bus.Appends names table "pages" twice`}},
		"settings": {ReadsSettings(nil, noSetting, volume, volume, settings.Define("Loud", "x", 1)),
			[]string{"setting 0 of bus.ReadsSettings is nil", "setting 1 of bus.ReadsSettings is nil", `bus.ReadsSettings names setting "volume" twice`, "setting 4 of bus.ReadsSettings is defined wrong"}},
		"framework": {Appends(eventlog.Events, Deliveries), []string{`bus.Appends names table "events"`, `bus.Appends names table "deliveries"`}},
		"both":      {both(Appends(pages), Writes(pages)), []string{`bus.Appends and bus.Writes both name table "pages"`}},
	} {
		t.Run(name, func(t *testing.T) {
			err := Subscription("closing", To(bellRung), test.grant).Err()
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error is %v, want %q", err, want)
				}
			}
		})
	}
	if err := Subscription("closing", To(bellRung), both(Appends(pages), Reads(pages), Scans(pages), ReadsIndex(byWords))).Err(); err != nil {
		t.Errorf("a journal that is read too: %v", err)
	}
}

// both is several grants as one.
func both(grants ...Grant) Option {
	var all Access
	for _, g := range grants {
		g.Add(&all)
	}
	return grant{all}
}
