package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type placed struct {
	N int `json:"n"`
}

var (
	orderPlaced  = event.Define[placed]("order.placed")
	orderShipped = event.Define[placed]("order.shipped", event.Version(3), event.Since(3))
)

type user struct {
	ID    string `dynamo:"id,hash"`
	Email string `dynamo:"email" unique:"normalized"`
	Count int    `dynamo:"count"`
	Note  string `dynamo:"note,omitempty"`
}

var (
	users     = orm.Define[user, string]("users")
	userCount = orm.Number(users, func(u *user) *int { return &u.Count })
	userEmail = orm.Attr(users, func(u *user) *string { return &u.Email })
	userNote  = orm.Attr(users, func(u *user) *string { return &u.Note })
)

var start = time.Date(2026, 11, 21, 5, 47, 19, 120000000, time.UTC)

// fixture is a log on a memory store, with time, ids and luck under control.
type fixture struct {
	*eventlog.Log
	store *ormtest.Memory

	mu    sync.Mutex
	waits []time.Duration
}

func newFixture() *fixture {
	return newFixtureOn(func(m *ormtest.Memory) orm.Store { return m })
}

// newFixtureOn has the log use the memory store through another one.
func newFixtureOn(through func(*ormtest.Memory) orm.Store) *fixture {
	var id atomic.Int64
	f := &fixture{store: ormtest.New()}
	f.Log = eventlog.New(through(f.store), eventlog.Options{
		Source: "shop",
		Now:    func() time.Time { return start },
		NewID:  func() string { return "c" + strconv.FormatInt(id.Add(1), 10) },
		Jitter: func(d time.Duration) time.Duration { return d },
		Sleep: func(ctx context.Context, d time.Duration) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.waits = append(f.waits, d)
			return ctx.Err()
		},
	})
	return f
}

// on makes a hook for the transactions only, told how many came before.
func on(f func(n int, c ormtest.Call) error) func(ormtest.Call) error {
	n := 0
	return func(c ormtest.Call) error {
		if c.Op != "transact" {
			return nil
		}
		n++
		return f(n, c)
	}
}

var (
	errLost      = &orm.Error{Kind: orm.KindUnavailable, Op: "transact", Err: errors.New("connection reset")}
	errThrottled = &orm.Error{Kind: orm.KindThrottled, Op: "transact"}
)

// conflict is what DynamoDB answers when another transaction is at an item.
func conflict(actions int) error {
	e := &orm.TransactionError{Reasons: make([]*orm.Error, actions)}
	e.Reasons[actions-1] = &orm.Error{Kind: orm.KindConflict, Op: "insert", Table: "events"}
	return e
}

func one(stream string, expected event.Expected) eventlog.Changes {
	return eventlog.Changes{Events: []event.Record{orderPlaced.At(stream, expected).Record(placed{1})}}
}

// seed appends n events.
func (f *fixture) seed(t testing.TB, stream string, n int) {
	t.Helper()
	for i := range n {
		if _, err := f.Commit(context.Background(), one(stream, event.Expected(i))); err != nil {
			t.Fatal(err)
		}
	}
}

// ids reads a stream as the ids of its events, each with its commit's.
func (f *fixture) ids(t testing.TB, stream string) []string {
	t.Helper()
	var got []string
	for e, err := range f.Stream(context.Background(), stream, 1) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.ID)
	}
	return got
}

func wantIDs(t testing.TB, f *fixture, stream string, n int) {
	t.Helper()
	var want []string
	for i := range n {
		want = append(want, event.EventID(stream, int64(i+1)))
	}
	if got := f.ids(t, stream); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("stream %s has %v, want %v", stream, got, want)
	}
}

// item reads one event as it is stored.
func (f *fixture) item(t testing.TB, stream string, version int64) eventlog.Stored {
	t.Helper()
	s, err := eventlog.Events.Get(context.Background(), f.store, orm.Key(stream, version))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fromItem reads an item of the log as the event that it is.
func fromItem(item orm.Item) (event.Envelope, error) {
	s, err := eventlog.StoredOf(item)
	if err != nil {
		return event.Envelope{}, err
	}
	return s.Envelope("shop")
}
