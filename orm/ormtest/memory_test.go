package ormtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

func TestMemoryConformance(t *testing.T) {
	ormtest.Conformance(t, func(*testing.T, ...orm.Definition) orm.Store { return ormtest.New() })
}

type note struct {
	ID    string   `dynamo:"id,hash"`
	Text  string   `dynamo:"text"`
	Count int      `dynamo:"count"`
	Data  []byte   `dynamo:"data"`
	Tags  []string `dynamo:"tags"`
}

var (
	notes     = orm.Define[note, string]("notes", orm.Stream())
	noteText  = orm.Attr(notes, func(n *note) *string { return &n.Text })
	noteCount = orm.Number(notes, func(n *note) *int { return &n.Count })
	quiet     = orm.Define[note, string]("quiet")
)

func exec(t *testing.T, s orm.Store, w ...orm.Write) {
	t.Helper()
	if err := orm.Exec(t.Context(), s, w...); err != nil {
		t.Fatal(err)
	}
}

func TestHooks(t *testing.T) {
	ctx := t.Context()
	m := ormtest.New()
	fault := errors.New("fault")
	var ops []string
	fail := ""
	m.Before(func(c ormtest.Call) error {
		ops = append(ops, c.Op)
		if c.Op == fail {
			return fault
		}
		return nil
	})
	exec(t, m, notes.Put(note{ID: "a"}))
	exec(t, m, notes.Put(note{ID: "a"}), notes.Put(note{ID: "b"}))
	if _, err := notes.Get(ctx, m, "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Query(ctx, &orm.QueryRequest{Table: notes.Schema(), Hash: must(notes.Encode(note{ID: "a"}))["id"]}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"do", "transact", "get", "query"}; !slices.Equal(ops, want) {
		t.Errorf("calls were %v, want %v", ops, want)
	}

	fail = "do"
	if err := orm.Exec(ctx, m, notes.Put(note{ID: "c"})); err != fault {
		t.Errorf("error is %v, want the hook's", err)
	}
	if _, err := notes.Get(ctx, m, "c"); !errors.Is(err, orm.KindNotFound) {
		t.Errorf("a call that failed before its effect had it: %v", err)
	}
	m.Before(nil)

	m.After(func(c ormtest.Call) error {
		if c.Op == "do" {
			return fault
		}
		return nil
	})
	if err := orm.Exec(ctx, m, notes.Put(note{ID: "d"})); err != fault {
		t.Errorf("error is %v, want the hook's", err)
	}
	m.After(nil)
	if _, err := notes.Get(ctx, m, "d"); err != nil {
		t.Errorf("a call that failed after its effect did not have it: %v", err)
	}
}

// A hook may use the store: this is how a test makes a race.
func TestHookWrites(t *testing.T) {
	m := ormtest.New()
	m.Before(func(ormtest.Call) error {
		m.Before(nil) // its own write comes here too
		return orm.Exec(context.Background(), m, notes.Put(note{ID: "a", Text: "first"}))
	})
	if err := orm.Exec(t.Context(), m, notes.Insert(note{ID: "a"})); !errors.Is(err, orm.KindAlreadyExists) {
		t.Errorf("error is %v, want kind %q", err, orm.KindAlreadyExists)
	}
}

func TestSubscribe(t *testing.T) {
	m := ormtest.New()
	var got []string
	m.Subscribe(func(r ormtest.Record) {
		old, now := "-", "-"
		if r.Old != nil {
			old = must(notes.Decode(r.Old)).Text
		}
		if r.New != nil {
			now = must(notes.Decode(r.New)).Text
		}
		got = append(got, fmt.Sprintf("%d %s %s %s %s>%s", r.Sequence, r.Table.Name, r.Event, must(notes.Decode(r.Key)).ID, old, now))
	})
	want := func(lines ...string) {
		t.Helper()
		if !slices.Equal(got, lines) {
			t.Errorf("records are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(lines, "\n"))
		}
		got = nil
	}
	exec(t, m, notes.Insert(note{ID: "a", Text: "x"}))
	want("1 notes INSERT a ->x")
	exec(t, m, notes.Update("a", noteText.Set("y")))
	want("2 notes MODIFY a x>y")
	exec(t, m, notes.Update("a", noteText.Set("y"))) // changes nothing
	exec(t, m, notes.Check("a", noteText.Exists()))
	exec(t, m, notes.Delete("none"))
	exec(t, m, quiet.Put(note{ID: "a"})) // has no stream
	want()
	exec(t, m, notes.Delete("a"), notes.Insert(note{ID: "b", Text: "z"}))
	want("3 notes REMOVE a y>-", "4 notes INSERT b ->z")
	if err := orm.Exec(t.Context(), m, notes.Insert(note{ID: "c"}), notes.Insert(note{ID: "b"})); err == nil {
		t.Fatal("an existing item was inserted")
	}
	want()
}

// A subscriber may write: its records come after the one it is handling.
func TestSubscriberWrites(t *testing.T) {
	m := ormtest.New()
	var got []string
	m.Subscribe(func(r ormtest.Record) {
		id := must(notes.Decode(r.Key)).ID
		got = append(got, "begin "+id)
		if len(id) < 3 {
			exec(t, m, notes.Insert(note{ID: id + "+"}))
		}
		got = append(got, "end "+id)
	})
	exec(t, m, notes.Insert(note{ID: "a"}))
	if want := []string{"begin a", "end a", "begin a+", "end a+", "begin a++", "end a++"}; !slices.Equal(got, want) {
		t.Errorf("order is %v, want %v", got, want)
	}
}

func TestRecordsInOrderUnderLoad(t *testing.T) {
	m := ormtest.New()
	var mu sync.Mutex
	next, count := uint64(1), 0
	m.Subscribe(func(r ormtest.Record) {
		mu.Lock()
		defer mu.Unlock()
		if r.Sequence != next {
			t.Errorf("record %d came where %d was due", r.Sequence, next)
		}
		next++
		count++
		if n := must(notes.Decode(r.New)).Count; n != count {
			t.Errorf("record %d holds count %d", r.Sequence, n)
		}
	})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := orm.Exec(context.Background(), m, notes.Update("a", noteCount.Add(1))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	mu.Lock()
	defer mu.Unlock()
	if count != 400 {
		t.Errorf("%d records came, want 400", count)
	}
}

// Neither side can change what the other holds.
func TestItemsAreCopies(t *testing.T) {
	m := ormtest.New()
	given := note{ID: "a", Data: []byte("data"), Tags: []string{"x"}}
	exec(t, m, notes.Put(given))
	given.Data[0], given.Tags[0] = 'X', "changed"
	first := must(notes.Get(t.Context(), m, "a"))
	if string(first.Data) != "data" || first.Tags[0] != "x" {
		t.Errorf("the caller changed the stored item: %s %v", first.Data, first.Tags)
	}
	first.Data[0] = 'Y'
	if second := must(notes.Get(t.Context(), m, "a")); string(second.Data) != "data" {
		t.Errorf("a reader changed the stored item: %s", second.Data)
	}
	if items := m.Items(notes); len(items) != 1 || len(m.Items(quiet)) != 0 {
		t.Errorf("items are %v", items)
	}
}

func TestTokenExpires(t *testing.T) {
	now := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	m := ormtest.New(ormtest.Clock(func() time.Time { return now }))
	add, err := orm.Actions(t.Context(), m, notes.Update("a", noteCount.Add(1)))
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []struct {
		wait time.Duration
		want int
	}{{0, 1}, {9 * time.Minute, 1}, {time.Minute, 2}, {0, 2}} {
		now = now.Add(after.wait)
		if err := m.Transact(t.Context(), "token", add); err != nil {
			t.Fatal(err)
		}
		if got := must(notes.Get(t.Context(), m, "a")).Count; got != after.want {
			t.Errorf("at %s count is %d, want %d", now.Format(time.TimeOnly), got, after.want)
		}
	}
	// A cancelled transaction leaves no token behind.
	check, err := orm.Actions(t.Context(), m, notes.Check("none", noteText.Exists()))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := m.Transact(t.Context(), "other", check); !errors.Is(err, orm.KindConditionFailed) {
			t.Errorf("error is %v, want kind %q", err, orm.KindConditionFailed)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// An index whose partition key is the table's sort key holds the items of unique
// values as well; whoever queries it asks for the table's items.
func TestQueryWithoutUniqueValues(t *testing.T) {
	type seat struct {
		Hall string `dynamo:"hall,hash" index:"by_row,range"`
		Row  int    `dynamo:"row,range" index:"by_row,hash"`
		Mail string `dynamo:"mail" unique:"exact"`
	}
	seats := orm.Define[seat, orm.Pair[string, int]]("seats")
	byRow := orm.IndexOf(seats, func(s *seat) *int { return &s.Row }, func(s *seat) *string { return &s.Hall })
	m := ormtest.New()
	for _, hall := range []string{"a", "x"} { // unique# sorts between them
		exec(t, m, seats.Insert(seat{Hall: hall, Row: 0, Mail: hall + "@example.com"}))
	}
	var got []string
	for s, err := range byRow.Query(0).Limit(2).All(t.Context(), m) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.Hall)
	}
	if fmt.Sprint(got) != "[a x]" {
		t.Errorf("halls are %v, want [a x]", got)
	}
}
