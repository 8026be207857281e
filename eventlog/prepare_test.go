package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// outcome stands for what the transactional consumer puts first.
func outcome(id string) orm.Write { return users.Insert(user{ID: id}) }

func prepare(t *testing.T, f *fixture, c eventlog.Changes) *eventlog.Prepared {
	t.Helper()
	p, err := f.Prepare(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (f *fixture) run(p *eventlog.Prepared) error {
	return p.Resolve(f.store.Transact(context.Background(), p.ID(), p.Actions()))
}

func TestPrepare(t *testing.T) {
	f := newFixture()
	f.seed(t, "order/1", 1)
	c := one("order/1", event.Append)
	c.Writes = []orm.Write{outcome("e1"), users.Update("1", userCount.Add(1))}
	p := prepare(t, f, c)
	wantIDs(t, f, "order/1", 1) // nothing has happened yet

	actions := p.Actions()
	if len(actions) != 3 || actions[0].Table.Name != "users" || actions[1].Op != orm.OpUpdate || actions[2].Table.Name != "events" {
		t.Fatalf("actions %+v: want the writes in their order, then the event", actions)
	}
	actions[0] = orm.Action{}
	if p.Actions()[0].Table == nil {
		t.Error("the actions are not the caller's own")
	}
	if e := p.Events(); len(e) != 1 || e[0].ID != "order/1@2" {
		t.Errorf("events %+v", e)
	}
	if err := f.run(p); err != nil {
		t.Fatal(err)
	}
	wantIDs(t, f, "order/1", 2)
	if s := f.item(t, "order/1", 2); s.CommitID != p.ID() {
		t.Errorf("commit %s, want %s", s.CommitID, p.ID())
	}
}

func TestPrepareRefuses(t *testing.T) {
	f := newFixture()
	f.seed(t, "order/1", 2)
	if _, err := f.Prepare(context.Background(), eventlog.Changes{}); !errors.Is(err, eventlog.KindInvalid) {
		t.Errorf("got %v, want kind %q", err, eventlog.KindInvalid)
	}
	ctx := event.WithFlow(context.Background(), event.Flow{Actor: "\xff"})
	if _, err := f.Prepare(ctx, one("order/1", event.Append)); !errors.Is(err, eventlog.KindInvalid) {
		t.Errorf("got %v, want kind %q", err, eventlog.KindInvalid)
	}
	var conflict *eventlog.ConflictError
	if _, err := f.Prepare(context.Background(), one("order/1", event.Expect(1))); !errors.As(err, &conflict) || conflict.Current != 2 {
		t.Errorf("got %v, want a conflict at version 2", err)
	}
}

func TestResolve(t *testing.T) {
	t.Run("repeated without its token", func(t *testing.T) {
		f := newFixture()
		c := one("order/1", event.New)
		c.Writes = []orm.Write{outcome("e1")}
		p := prepare(t, f, c)
		if err := f.run(p); err != nil {
			t.Fatal(err)
		}
		// Every condition fails, by the commit's own doing.
		if err := p.Resolve(f.store.Transact(context.Background(), "", p.Actions())); err != nil {
			t.Errorf("got %v, want nil: it had already happened", err)
		}
	})
	t.Run("conflict", func(t *testing.T) {
		f := newFixture()
		c := one("order/1", event.Append)
		c.Writes = []orm.Write{outcome("e1")}
		p := prepare(t, f, c)
		f.seed(t, "order/1", 1)
		err := f.run(p)
		var conflict *eventlog.ConflictError
		if !errors.As(err, &conflict) || conflict.Stream != "order/1" || conflict.Expected != event.Append || conflict.Current != 1 {
			t.Errorf("got %v", err)
		}
		if errors.Is(err, orm.KindConditionFailed) || errors.Is(err, orm.KindAlreadyExists) {
			t.Errorf("%v looks like a failed condition of the caller's, and only the place of the event was taken", err)
		}
		if err := f.run(prepare(t, f, c)); err != nil {
			t.Errorf("prepared anew: %v", err)
		}
	})
	t.Run("the caller's condition", func(t *testing.T) {
		f := newFixture()
		c := one("order/1", event.Append)
		c.Writes = []orm.Write{outcome("e1")}
		p := prepare(t, f, c)
		if err := orm.Exec(context.Background(), f.store, outcome("e1")); err != nil {
			t.Fatal(err)
		}
		err := f.run(p)
		var cancelled *orm.TransactionError
		if !errors.As(err, &cancelled) || cancelled.Reasons[0] == nil || errors.Is(err, eventlog.KindConflict) {
			t.Errorf("got %v, want the store's error with reason 0", err)
		}
	})
	t.Run("other answers", func(t *testing.T) {
		f := newFixture()
		p := prepare(t, f, one("order/1", event.New))
		if err := p.Resolve(nil); err != nil {
			t.Error(err)
		}
		if err := p.Resolve(errThrottled); !errors.Is(err, errThrottled) {
			t.Errorf("got %v", err)
		}
		if err := p.Resolve(conflict(1)); !errors.Is(err, orm.KindConflict) || errors.Is(err, eventlog.KindConflict) {
			t.Errorf("got %v, want a conflict of transactions and none of the log", err)
		}
		if err := p.Resolve(conflict(2)); err == nil || !errors.Is(err, orm.KindConflict) {
			t.Errorf("another transaction's answer: got %v", err)
		}
	})
}

func ExampleLog_Prepare() {
	f := newFixture()
	ctx := context.Background()
	p, err := f.Prepare(ctx, eventlog.Changes{
		Writes: []orm.Write{outcome("order/9@4")},
		Events: []event.Record{orderShipped.At("order/1", event.Append).Record(placed{N: 1})},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = p.Resolve(f.store.Transact(ctx, p.ID(), p.Actions()))
	fmt.Println(p.Events()[0].ID, err)
	// Output: order/1@1 <nil>
}
