package ormtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

func noteKey(id string) orm.Item { return orm.Item{"id": &types.AttributeValueMemberS{Value: id}} }

// Each method is a call that the hooks see, with what it was asked for.
func TestEveryMethodIsACall(t *testing.T) {
	ctx := t.Context()
	m := ormtest.New()
	var got []string
	m.Before(func(c ormtest.Call) error {
		got = append(got, fmt.Sprintf("%s %s", c.Op, c.Table()))
		return nil
	})
	schema := notes.Schema()
	put := orm.Action{Op: orm.OpPut, Table: schema, Item: noteKey("a")}
	for _, err := range []error{
		second(m.Get(ctx, &orm.GetRequest{Table: schema, Key: noteKey("a")})),
		second(m.Query(ctx, &orm.QueryRequest{Table: schema, Hash: noteKey("a")["id"]})),
		second(m.Scan(ctx, &orm.ScanRequest{Table: schema})),
		second(m.BatchGet(ctx, &orm.BatchGetRequest{Table: schema, Keys: []orm.Item{noteKey("a")}})),
		second(m.TransactGet(ctx, []orm.GetRequest{{Table: schema, Key: noteKey("a")}})),
		second(m.Do(ctx, put)),
		m.Transact(ctx, "", []orm.Action{put}),
		second(m.BatchWrite(ctx, &orm.BatchWriteRequest{Table: schema, Puts: []orm.Item{noteKey("b")}})),
		m.Backoff(ctx, 3),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"get notes", "query notes", "scan notes", "batch get notes", "transact get notes", "do notes", "transact notes", "batch write notes", "backoff "}
	if !slices.Equal(got, want) {
		t.Errorf("calls are %q, want %q", got, want)
	}
}

func second[T any](_ T, err error) error { return err }

// The try of a backoff is in its call, its error is the hook's, and it does not
// wait.
func TestBackoff(t *testing.T) {
	m := ormtest.New()
	var tries []int
	m.Before(func(c ormtest.Call) error {
		if c.Op == "backoff" {
			tries = append(tries, c.Try)
		}
		if c.Try == 3 {
			return context.DeadlineExceeded
		}
		return nil
	})
	for try, want := range map[int]error{1: nil, 30: nil, 3: context.DeadlineExceeded} {
		before := time.Now()
		if err := m.Backoff(t.Context(), try); err != want {
			t.Errorf("try %d: error is %v, want %v", try, err, want)
		}
		if wait := time.Since(before); wait > time.Second {
			t.Errorf("try %d took %s", try, wait)
		}
	}
	slices.Sort(tries)
	if !slices.Equal(tries, []int{1, 3, 30}) {
		t.Errorf("tries are %v", tries)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Backoff(ctx, 1); err != context.Canceled {
		t.Errorf("error is %v, want the context's", err)
	}
}

func TestClockTellsNow(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	if got := ormtest.New(ormtest.Clock(func() time.Time { return at })).Now(); !got.Equal(at) {
		t.Errorf("now is %s, want %s", got, at)
	}
	if got := time.Since(ormtest.New().Now()); got < 0 || got > time.Minute {
		t.Errorf("without a clock, now is %s ago", got)
	}
}

// A batch leaves undone what the hook says, and gives it back as it was asked.
func TestUnprocessed(t *testing.T) {
	ctx := t.Context()
	m := ormtest.New()
	schema := notes.Schema()
	var asked []string
	left := map[string]bool{"b": true, "d": true}
	m.Unprocessed(func(c ormtest.Call, key orm.Item) bool {
		id := key["id"].(*types.AttributeValueMemberS).Value
		asked = append(asked, c.Op+" "+id)
		if _, err := m.Get(ctx, &orm.GetRequest{Table: schema, Key: key}); err != nil { // a hook may use the store
			t.Error(err)
		}
		return left[id]
	})
	exec(t, m, notes.Put(note{ID: "c"}), notes.Put(note{ID: "d"}))
	item := func(id, text string) orm.Item { return must(notes.Encode(note{ID: id, Text: text})) }
	written, err := m.BatchWrite(ctx, &orm.BatchWriteRequest{Table: schema, Puts: []orm.Item{item("a", "x"), item("b", "y")}, Deletes: []orm.Item{noteKey("c"), noteKey("d")}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(written.Puts)+show(written.Deletes), show([]orm.Item{item("b", "y")})+show([]orm.Item{noteKey("d")}); got != want {
		t.Errorf("left undone are %s, want %s", got, want)
	}
	if want := []string{"batch write a", "batch write b", "batch write c", "batch write d"}; !slices.Equal(asked, want) {
		t.Errorf("asked were %q, want %q", asked, want)
	}
	if got := len(m.Items(notes)); got != 2 { // a and d
		t.Errorf("%d items are there, want 2: %s", got, show(m.Items(notes)))
	}
	read, err := m.BatchGet(ctx, &orm.BatchGetRequest{Table: schema, Keys: []orm.Item{noteKey("a"), noteKey("b"), noteKey("d")}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := show(read.Unprocessed), show([]orm.Item{noteKey("b"), noteKey("d")}); got != want {
		t.Errorf("unprocessed are %s, want %s", got, want)
	}
	if len(read.Items) != 1 {
		t.Errorf("%d items were read, want 1", len(read.Items))
	}
	m.Unprocessed(nil)
	if read, err = m.BatchGet(ctx, &orm.BatchGetRequest{Table: schema, Keys: []orm.Item{noteKey("b"), noteKey("d")}}); err != nil || len(read.Unprocessed) > 0 || len(read.Items) != 1 {
		t.Errorf("without the hook: %+v, %v", read, err)
	}
}

// A batch that is wrong is refused whole, whatever the hook leaves undone.
func TestUnprocessedIsChecked(t *testing.T) {
	m := ormtest.New()
	m.Unprocessed(func(_ ormtest.Call, key orm.Item) bool { return key["id"] == nil })
	r := &orm.BatchWriteRequest{Table: notes.Schema(), Puts: []orm.Item{noteKey("a"), {"text": &types.AttributeValueMemberS{Value: "x"}}}}
	if _, err := m.BatchWrite(t.Context(), r); !errors.Is(err, orm.KindValidation) {
		t.Errorf("error is %v, want kind %q", err, orm.KindValidation)
	}
	if n := len(m.Items(notes)); n > 0 {
		t.Errorf("%d items of a refused batch are written", n)
	}
}

// What GetBatch and PutBatch leave to the store comes to an end through it.
func TestBatchesWithUnprocessed(t *testing.T) {
	ctx := t.Context()
	m := ormtest.New()
	tries, backoffs := map[string]int{}, 0
	m.Unprocessed(func(c ormtest.Call, key orm.Item) bool {
		id := c.Op + show(key)
		tries[id]++
		return tries[id] <= len(id)%3 // some come through at once, some at the third try
	})
	m.Before(func(c ormtest.Call) error {
		if c.Op == "backoff" {
			backoffs++
		}
		return nil
	})
	var items []note
	var keys []string
	for i := range 130 {
		items = append(items, note{ID: fmt.Sprint("n", i*i), Text: "x"})
		keys = append(keys, items[i].ID)
	}
	if err := quiet.PutBatch(ctx, m, items); err != nil {
		t.Fatal(err)
	}
	got, err := quiet.GetBatch(ctx, m, keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range got {
		if one == nil || one.ID != keys[i] {
			t.Fatalf("item %d is %+v, want %s", i, one, keys[i])
		}
	}
	if backoffs == 0 {
		t.Error("what was left undone was asked for again without waiting")
	}
}

// Records of a batch are in the stream like those of other writes.
func TestSubscribeToBatch(t *testing.T) {
	m := ormtest.New()
	var got []string
	m.Subscribe(func(r ormtest.Record) { got = append(got, r.Event+" "+show(r.Key)) })
	exec(t, m, notes.Put(note{ID: "b"}))
	got = nil
	if _, err := m.BatchWrite(t.Context(), &orm.BatchWriteRequest{Table: notes.Schema(), Puts: []orm.Item{noteKey("a")}, Deletes: []orm.Item{noteKey("b"), noteKey("none")}}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"INSERT " + show(noteKey("a")), "REMOVE " + show(noteKey("b"))}; !slices.Equal(got, want) {
		t.Errorf("records are %q, want %q", got, want)
	}
}
