package eventlog_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// The same log over DynamoDB's protocol: what it relies on of a real engine is
// that failed conditions return the item they found, and that a query can read
// the head of a stream.
func TestOnEngine(t *testing.T) {
	e := ormtest.StartEngine(t)
	store := e.Store(t, eventlog.Events, users)
	ctx := context.Background()
	l := eventlog.New(store, eventlog.Options{Source: "shop"})

	t.Run("commit and read", func(t *testing.T) {
		c := one("order/1", event.New)
		c.Writes = []orm.Write{users.Insert(user{ID: "1", Email: "alice@example.com"})}
		c.Events = append(c.Events, orderShipped.At("order/1", event.Append).Record(placed{2}))
		commit, err := l.Commit(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		var got []event.Metadata
		for e, err := range l.Stream(ctx, "order/1", 1) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Metadata)
		}
		if len(got) != 2 || got[0] != commit.Events[0] || got[1] != commit.Events[1] {
			t.Errorf("got %+v, want %+v", got, commit.Events)
		}
	})
	t.Run("conflicts", func(t *testing.T) {
		for expected, current := range map[event.Expected]int64{event.New: 2, event.Expect(1): 2, event.Expect(3): 2} {
			var conflict *eventlog.ConflictError
			if _, err := l.Commit(ctx, one("order/1", expected)); !errors.As(err, &conflict) || conflict.Current != current {
				t.Errorf("expected %d: got %v", expected, err)
			}
		}
	})
	t.Run("the caller's condition", func(t *testing.T) {
		c := one("order/2", event.New)
		c.Writes = []orm.Write{users.Insert(user{ID: "2", Email: "ALICE@example.com"})}
		if _, err := l.Commit(ctx, c); !errors.Is(err, orm.KindAlreadyExists) {
			t.Errorf("got %v, want kind %q", err, orm.KindAlreadyExists)
		}
	})
	t.Run("own commit", func(t *testing.T) {
		p, err := l.Prepare(ctx, one("order/3", event.New))
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{p.ID(), ""} { // the second time as if the token were forgotten
			if err := p.Resolve(store.Transact(ctx, token, p.Actions())); err != nil {
				t.Errorf("token %q: %v", token, err)
			}
		}
	})
	t.Run("parallel appends", func(t *testing.T) {
		const writers, each = 4, 5
		var wg sync.WaitGroup
		for range writers {
			wg.Go(func() {
				for range each {
					if _, err := l.Commit(ctx, one("order/4", event.Append)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		n := 0
		for _, err := range l.Stream(ctx, "order/4", 1) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != writers*each {
			t.Errorf("%d events, want %d", n, writers*each)
		}
	})
}
