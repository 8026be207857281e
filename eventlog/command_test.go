package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

func command(c eventlog.Changes, id, request string) eventlog.Changes {
	c.Command = eventlog.Command{ID: id, Request: request}
	return c
}

func (f *fixture) commandRecord(t testing.TB, id string) eventlog.StateItem {
	t.Helper()
	s, err := eventlog.State.Get(context.Background(), f.store, eventlog.CommandKey(id))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// counted is a command with an effect of each kind: an event whose place is
// expected, one that is appended, and a write that is no idempotent one.
func counted(id, request string) eventlog.Changes {
	return command(eventlog.Changes{
		Writes: []orm.Write{users.Update("1", userCount.Add(1))},
		Events: []event.Record{
			orderPlaced.At("order/"+id, event.New).Record(placed{1}),
			orderShipped.Record(placed{2}),
			orderPlaced.At("order/all", event.Append).Record(placed{3}),
		},
	}, id, request)
}

func TestCommand(t *testing.T) {
	f := newFixture()
	ctx := event.WithFlow(context.Background(), event.Flow{CausationID: "order/9@4", TenantID: "acme", Actor: "bob", TraceParent: "00-a-b-01"})
	first, err := f.Commit(ctx, counted("pay-1", `{"amount":5}`))
	if err != nil {
		t.Fatal(err)
	}
	if first.Replayed {
		t.Error("the first commit says it is replayed")
	}
	rec := f.commandRecord(t, "pay-1")
	if rec.Kind != eventlog.StateCommand || rec.CommitID != first.ID || rec.ExpiresAt != start.Add(eventlog.DefaultCommandRetention).Unix()+1 {
		t.Errorf("record %+v", rec)
	}
	if strings.Contains(rec.Data, "amount") {
		t.Errorf("the record holds the request: %s", rec.Data)
	}

	// The context is another one the second time: the first result is returned.
	again, err := f.Commit(context.Background(), counted("pay-1", `{"amount":5}`))
	if err != nil {
		t.Fatal(err)
	}
	if !again.Replayed || again.ID != first.ID || !slices.Equal(again.Events, first.Events) {
		t.Errorf("got\n%+v\nwant, replayed,\n%+v", again, first)
	}

	var dup *eventlog.DuplicateCommandError
	_, err = f.Commit(ctx, counted("pay-1", `{"amount":6}`))
	if !errors.As(err, &dup) || !errors.Is(err, eventlog.KindDuplicate) || dup.Same || dup.Command != "pay-1" || dup.First.ID != "" {
		t.Errorf("got %v, want kind %q without the first result", err, eventlog.KindDuplicate)
	}
	if _, err := f.Commit(ctx, counted("pay-2", `{"amount":5}`)); err != nil {
		t.Errorf("another command: %v", err)
	}
	wantIDs(t, f, "order/pay-1", 1)
	wantIDs(t, f, "order/all", 2)
	if u, err := users.Get(ctx, f.store, "1"); err != nil || u.Count != 2 {
		t.Errorf("counted %d, %v: want the two commands once each", u.Count, err)
	}
}

// What a repeated command runs into first is its own doing: that must not be
// what its caller hears.
func TestCommandBeforeItsOwnDoing(t *testing.T) {
	for name, c := range map[string]eventlog.Changes{
		"a new stream":          one("order/1", event.New),
		"an expected version":   one("order/0", event.Expect(2)),
		"an item inserted":      {Writes: []orm.Write{users.Insert(user{ID: "2", Email: "a@b.c"})}},
		"a unique value moved":  {Writes: []orm.Write{users.Update("1", userEmail.Set("new@b.c")).If(userEmail.Eq("old@b.c"))}},
		"an item that has gone": {Writes: []orm.Write{users.Delete("1").If(userEmail.Eq("old@b.c"))}},
		"nothing":               {},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			ctx := context.Background()
			f.seed(t, "order/0", 2)
			if err := orm.Exec(ctx, f.store, users.Insert(user{ID: "1", Email: "old@b.c"})); err != nil {
				t.Fatal(err)
			}
			first, err := f.Commit(ctx, command(c, "c", ""))
			if err != nil {
				t.Fatal(err)
			}
			again, err := f.Commit(ctx, command(c, "c", ""))
			if err != nil || !again.Replayed || again.ID != first.ID {
				t.Errorf("got %+v, %v; want %+v", again, err, first)
			}
			// Without the record it is a conflict like any other.
			if name == "nothing" {
				return
			}
			if got, err := f.Commit(ctx, command(c, "other", "")); err == nil || got.Replayed || errors.Is(err, eventlog.KindDuplicate) {
				t.Errorf("another command: got %+v, %v", got, err)
			}
		})
	}
}

// The good path costs no read, and one more action of the transaction.
func TestCommandCost(t *testing.T) {
	f := newFixture()
	var calls []string
	f.store.Before(func(c ormtest.Call) error {
		calls = append(calls, fmt.Sprintf("%s %d", c.Op, len(c.Actions)))
		return nil
	})
	if _, err := f.Commit(context.Background(), command(one("order/1", event.New), "c", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Commit(context.Background(), command(one("order/1", event.New), "c", "")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"transact 2", "transact 2"}; !slices.Equal(calls, want) {
		t.Errorf("calls %q, want %q: the record comes with the failed condition", calls, want)
	}
}

func TestCommandRefused(t *testing.T) {
	for _, tt := range []struct{ name, id, request, want string }{
		{"a blank", "a b", "", "without blanks"},
		{"not ASCII", "käse", "", "without blanks"},
		{"too long", strings.Repeat("x", 256), "", "at most 255"},
		{"a request alone", "", "x", "no id"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture()
			f.store.Before(func(c ormtest.Call) error { t.Errorf("a call of the store: %s", c.Op); return nil })
			_, err := f.Commit(context.Background(), command(one("order/1", event.New), tt.id, tt.request))
			if !errors.Is(err, eventlog.KindInvalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want kind %q saying %q", err, eventlog.KindInvalid, tt.want)
			}
		})
	}
	t.Run("the longest", func(t *testing.T) {
		if _, err := newFixture().Commit(context.Background(), command(one("order/1", event.New), strings.Repeat("x", 255), "")); err != nil {
			t.Error(err)
		}
	})
	t.Run("one action too many", func(t *testing.T) {
		f := newFixture()
		var c eventlog.Changes
		for range eventlog.MaxActions {
			c.Events = append(c.Events, orderPlaced.At("order/1", event.New).Record(placed{}))
		}
		_, err := f.Commit(context.Background(), command(c, "c", ""))
		var large *eventlog.TooLargeError
		if !errors.As(err, &large) || large.Actions != eventlog.MaxActions+1 {
			t.Errorf("got %v, want %d actions", err, eventlog.MaxActions+1)
		}
		if _, err := f.Commit(context.Background(), c); err != nil {
			t.Errorf("without a command: %v", err)
		}
	})
	t.Run("negative retention", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		eventlog.New(ormtest.New(), eventlog.Options{Source: "shop", CommandRetention: -time.Second})
	})
}

func TestCommandRecordDamaged(t *testing.T) {
	for name, data := range map[string]string{
		"no JSON":        "{",
		"no time":        `{"request":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}`,
		"no event's id":  `{"request":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","time":"2026-11-21T05:47:19.120000000Z","events":[{"id":"x"}]}`,
		"not the record": `[]`,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			ctx := context.Background()
			err := orm.Exec(ctx, f.store, eventlog.State.Put(eventlog.StateItem{Key: eventlog.CommandKey("c"), Kind: eventlog.StateCommand, Data: data, CommitID: "c0"}))
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.Commit(ctx, command(one("order/1", event.New), "c", ""))
			var dup *eventlog.DuplicateCommandError
			if !errors.As(err, &dup) || dup.Err == nil {
				t.Errorf("got %v, want a duplicate that cannot be read", err)
			}
			wantIDs(t, f, "order/1", 0)
		})
	}
}

// An answer that is lost for good is found in the record, also when the commit
// has no event that could be looked at, and whatever the engine leaves out of
// its reasons.
func TestCommandAnswerLost(t *testing.T) {
	for name, through := range map[string]func(*ormtest.Memory) orm.Store{
		"remembers the token":      func(m *ormtest.Memory) orm.Store { return m },
		"forgets it":               func(m *ormtest.Memory) orm.Store { return forgetful{m, nil} },
		"tells one reason":         func(m *ormtest.Memory) orm.Store { return forgetful{m, onlyFirst} },
		"does not return the item": func(m *ormtest.Memory) orm.Store { return forgetful{m, noItems} },
	} {
		t.Run(name, func(t *testing.T) {
			for lost := 1; lost <= 11; lost++ { // 10 tries: from the first to all
				for events, c := range []eventlog.Changes{
					command(eventlog.Changes{Writes: []orm.Write{users.Update("1", userCount.Add(1))}}, "c", "r"),
					counted("c", "r"),
				} {
					f := newFixtureOn(through)
					n := 0
					f.store.After(func(c ormtest.Call) error {
						if c.Op != "transact" {
							return nil
						}
						if n++; n <= lost {
							return errLost
						}
						return nil
					})
					first, err := f.Commit(context.Background(), c)
					if err != nil || first.Replayed || len(first.Events) != 3*events {
						t.Errorf("%d answers lost: got %+v, %v", lost, first, err)
					}
					again, err := f.Commit(context.Background(), c)
					if err != nil || !again.Replayed || again.ID != first.ID || !slices.Equal(again.Events, first.Events) {
						t.Errorf("%d answers lost, asked again: got %+v, %v", lost, again, err)
					}
					if u, err := users.Get(context.Background(), f.store, "1"); err != nil || u.Count != 1 {
						t.Errorf("%d answers lost: counted %d, %v", lost, u.Count, err)
					}
				}
			}
		})
	}
}

// The outcome of the first call stays unknown to its caller. Whatever happened,
// asking again settles it, and it happens once.
func TestCommandAskedAgain(t *testing.T) {
	for name, before := range map[string]bool{"not arrived": true, "arrived": false} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			down := true
			hook := func(c ormtest.Call) error {
				if down && (c.Op == "transact" || c.Op == "get") {
					return errLost
				}
				return nil
			}
			if before {
				f.store.Before(hook)
			} else {
				f.store.After(hook)
			}
			c := command(eventlog.Changes{Writes: []orm.Write{users.Update("1", userCount.Add(1))}}, "c", "r")
			if got, err := f.Commit(context.Background(), c); !errors.Is(err, eventlog.KindUnknown) {
				t.Fatalf("got %+v, %v; want kind %q", got, err, eventlog.KindUnknown)
			}
			down = false
			got, err := f.Commit(context.Background(), c)
			if err != nil || got.Replayed == before {
				t.Errorf("got %+v, %v", got, err)
			}
			if u, err := users.Get(context.Background(), f.store, "1"); err != nil || u.Count != 1 {
				t.Errorf("counted %d, %v", u.Count, err)
			}
		})
	}
}

// While it cannot be read whether the command was done, a conflict is not told
// as one: it may be the command's own doing.
func TestCommandUnreadable(t *testing.T) {
	f := newFixture()
	f.seed(t, "order/1", 1)
	c := command(one("order/1", event.Expect(1)), "c", "")
	if _, err := f.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "get" {
			return errThrottled
		}
		return nil
	})
	_, err := f.Commit(context.Background(), c)
	if !errors.Is(err, orm.KindThrottled) || errors.Is(err, eventlog.KindConflict) || !strings.Contains(fmt.Sprint(err), "done before") {
		t.Errorf("got %v, want the store's error and no conflict", err)
	}
}

// The same when the caller goes away in between.
func TestCommandCancelled(t *testing.T) {
	f := newFixture()
	f.seed(t, "order/1", 1)
	c := command(one("order/1", event.Expect(1)), "c", "")
	if _, err := f.Commit(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	f.store.After(func(c ormtest.Call) error {
		if c.Op == "query" { // of the head, which the command itself has moved
			cancel()
		}
		return nil
	})
	if got, err := f.Commit(ctx, c); !errors.Is(err, context.Canceled) || errors.Is(err, eventlog.KindConflict) {
		t.Errorf("got %+v, %v; want the context's error and no conflict", got, err)
	}
}

// A unique value that is taken over between two attempts, of which the first's
// answer is lost: with a command it is safe to make the write anew.
func TestCommandMadeAnewAfterALostAnswer(t *testing.T) {
	f := newFixture()
	ctx := context.Background()
	if err := orm.Exec(ctx, f.store, users.Insert(user{ID: "1", Email: "old@b.c"})); err != nil {
		t.Fatal(err)
	}
	quiet := false
	f.store.Before(on(func(n int, c ormtest.Call) error {
		if quiet || n > 1 {
			return nil
		}
		quiet = true
		err := orm.Exec(ctx, f.store, users.Update("1", userEmail.Set("other@b.c")))
		quiet = false
		if err != nil {
			t.Error(err)
		}
		return errLost
	}))
	c := eventlog.Changes{Writes: []orm.Write{users.Update("1", userEmail.Set("new@b.c"), userCount.Add(1))}}
	got, err := f.Commit(ctx, command(c, "c", ""))
	if err != nil || got.Replayed {
		t.Fatalf("got %+v, %v", got, err)
	}
	if u, err := users.Get(ctx, f.store, "1"); err != nil || u.Email != "new@b.c" || u.Count != 1 {
		t.Errorf("got %+v, %v", u, err)
	}
}

func TestCommandParallel(t *testing.T) {
	f := newFixture()
	const parallel = 16
	var wg sync.WaitGroup
	results := make([]eventlog.Commit, parallel)
	for i := range parallel {
		wg.Go(func() {
			var err error
			if results[i], err = f.Commit(context.Background(), counted("c", "r")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	originals := 0
	for _, r := range results {
		if !r.Replayed {
			originals++
		}
		if r.ID != results[0].ID || !slices.Equal(r.Events, results[0].Events) {
			t.Errorf("got %+v and %+v", r, results[0])
		}
	}
	if originals != 1 {
		t.Errorf("%d of them did it, want 1", originals)
	}
	wantIDs(t, f, "order/all", 1)
}

func TestPrepareCommand(t *testing.T) {
	f := newFixture()
	c := command(one("order/1", event.New), "c", "r")
	c.Writes = []orm.Write{outcome("e1")}
	p := prepare(t, f, c)
	if a := p.Actions(); len(a) != 3 || a[2].Table.Name != "state" {
		t.Fatalf("actions %+v: want the write, the event and the record", a)
	}
	if err := f.run(p); err != nil {
		t.Fatal(err)
	}
	if err := p.Resolve(f.store.Transact(context.Background(), "", p.Actions())); err != nil {
		t.Errorf("repeated without its token: got %v, want nil", err)
	}
	var dup *eventlog.DuplicateCommandError
	if err := f.run(prepare(t, f, c)); !errors.As(err, &dup) || !dup.Same || dup.First.ID != p.ID() || !slices.Equal(dup.First.Events, p.Events()) {
		t.Errorf("got %v, want the first commit", err)
	}
	if err := f.run(prepare(t, f, command(one("order/1", event.New), "c", "x"))); !errors.As(err, &dup) || dup.Same || errors.Is(err, eventlog.KindConflict) {
		t.Errorf("got %v, want another request", err)
	}
}

func TestCommitted(t *testing.T) {
	store := ormtest.New()
	var told []event.Envelope
	l := eventlog.New(store, eventlog.Options{Source: "shop", Committed: func(_ context.Context, e []event.Envelope) { told = append(told, e...) }})
	ctx := context.Background()
	c := command(one("order/1", event.New), "c", "")
	for range 2 { // told once
		if _, err := l.Commit(ctx, c); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.Commit(ctx, one("order/1", event.New)); !errors.Is(err, eventlog.KindConflict) {
		t.Fatal(err)
	}
	if _, err := l.Commit(ctx, eventlog.Changes{Writes: []orm.Write{outcome("1")}}); err != nil {
		t.Fatal(err)
	}
	p, err := l.Prepare(ctx, one("order/2", event.New))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Resolve(store.Transact(ctx, p.ID(), p.Actions())); err != nil {
		t.Fatal(err)
	}
	p.Announce(ctx)
	var got []string
	for _, e := range told {
		got = append(got, e.ID+string(e.Data))
	}
	if want := []string{`order/1@1{"n":1}`, `order/2@1{"n":1}`}; !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// Commands under faults, asked for by several at once in turn: whatever is lost
// before or after its effect, each command happens at most once, exactly once
// when anybody was told so, and all who were told were told the same.
func TestCommandUnderFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		remembers := rapid.Bool().Draw(t, "remembers tokens")
		f := newFixtureOn(func(m *ormtest.Memory) orm.Store {
			if remembers {
				return m
			}
			return forgetful{m, nil}
		})
		ids := []string{"a", "b", "c"}
		quiet := false
		var ask func(depth int)
		told := map[string]eventlog.Commit{}
		did := map[string]int{}
		fault := rapid.SampledFrom([]string{"none", "none", "none", "lost", "throttled", "conflict", "somebody else"})
		depth := 0
		f.store.Before(func(c ormtest.Call) error {
			if quiet {
				return nil
			}
			switch fault.Draw(t, "before "+c.Op) {
			case "lost":
				return errLost
			case "throttled":
				return errThrottled
			case "conflict":
				if c.Op == "transact" {
					return conflict(len(c.Actions))
				}
			case "somebody else":
				if depth < 2 {
					ask(depth)
				}
			}
			return nil
		})
		f.store.After(func(c ormtest.Call) error {
			if quiet || c.Op == "backoff" || rapid.IntRange(0, 2).Draw(t, "answer lost") > 0 {
				return nil
			}
			return errLost
		})
		ask = func(d int) {
			depth = d + 1
			defer func() { depth = d }()
			id := rapid.SampledFrom(ids).Draw(t, "command")
			got, err := f.Commit(ctx, counted(id, id))
			switch {
			case err == nil:
				if !got.Replayed {
					did[id]++
				}
				if was, ok := told[id]; ok && (was.ID != got.ID || !slices.Equal(was.Events, got.Events)) {
					t.Fatalf("command %s: told %+v, then %+v", id, was, got)
				}
				told[id] = got
			case errors.Is(err, eventlog.KindUnknown), errors.Is(err, orm.KindThrottled), errors.Is(err, orm.KindUnavailable), errors.Is(err, orm.KindConflict):
			case errors.Is(err, eventlog.KindConflict) && got.ID == "":
				// The last try of an append was outrun by another command.
				if _, ok := told[id]; ok {
					t.Fatalf("command %s was done, and then: %v", id, err)
				}
			default:
				t.Fatalf("command %s: unexpected: %v", id, err)
			}
		}
		for range rapid.IntRange(1, 10).Draw(t, "asked") {
			ask(0)
		}
		quiet = true
		done := 0
		for _, id := range ids {
			item, err := eventlog.State.Get(ctx, f.store, eventlog.CommandKey(id))
			if errors.Is(err, orm.KindNotFound) {
				if _, ok := told[id]; ok {
					t.Fatalf("command %s: told that it was done, and it was not", id)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			done++
			if was, ok := told[id]; ok && was.ID != item.CommitID {
				t.Fatalf("command %s: told commit %s, it is %s", id, was.ID, item.CommitID)
			}
			if did[id] > 1 {
				t.Fatalf("command %s: %d callers were told that they did it", id, did[id])
			}
			n := 0
			for e, err := range f.Stream(ctx, "order/"+id, 1) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				if s, err := eventlog.Events.Get(ctx, f.store, orm.Key("order/"+id, int64(n))); err != nil || s.CommitID != item.CommitID {
					t.Fatalf("event %s: commit %s, %v; want %s", e.ID, s.CommitID, err, item.CommitID)
				}
			}
			if n != 1 {
				t.Fatalf("command %s: %d events in its stream, want 1", id, n)
			}
		}
		u, err := users.Get(ctx, f.store, "1")
		if err != nil && !errors.Is(err, orm.KindNotFound) {
			t.Fatal(err)
		}
		if u.Count != done {
			t.Fatalf("counted %d, %d commands are recorded", u.Count, done)
		}
	})
}

// The worst of it: the lost attempt arrives after all, when a new one is already
// on its way. The record lets only one of them happen, and both are this call's.
func TestCommandLateAttempt(t *testing.T) {
	var committed int
	store := ormtest.New()
	ctx := context.Background()
	if err := orm.Exec(ctx, store, users.Insert(user{ID: "1", Email: "old@b.c"})); err != nil {
		t.Fatal(err)
	}
	l := eventlog.New(store, eventlog.Options{Source: "shop",
		Sleep:     func(context.Context, time.Duration) error { return nil },
		Committed: func(context.Context, []event.Envelope) { committed++ },
	})
	quiet, late := false, ormtest.Call{}
	move := func(to string) {
		if err := orm.Exec(ctx, store, users.Update("1", userEmail.Set(to))); err != nil {
			t.Error(err)
		}
	}
	store.Before(on(func(n int, c ormtest.Call) error {
		if quiet {
			return nil
		}
		quiet = true
		defer func() { quiet = false }()
		switch {
		case late.Token == "":
			late = c
			move("other@b.c")
			return errLost
		case c.Token != late.Token:
			move("old@b.c")
			if err := store.Transact(ctx, late.Token, late.Actions); err != nil {
				t.Errorf("the late attempt: %v", err)
			}
		}
		return nil
	}))
	got, err := l.Commit(ctx, command(eventlog.Changes{
		Writes: []orm.Write{users.Update("1", userEmail.Set("new@b.c"), userCount.Add(1))},
		Events: []event.Record{orderPlaced.At("order/1", event.Append).Record(placed{})},
	}, "c", ""))
	if err != nil || got.Replayed || got.ID != late.Token {
		t.Errorf("got %+v, %v; want the first attempt, %s", got, err, late.Token)
	}
	if u, err := users.Get(ctx, store, "1"); err != nil || u.Count != 1 || committed != 1 {
		t.Errorf("counted %d, told %d times, %v; want once", u.Count, committed, err)
	}
}
