package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// forgetful is a store that knows no tokens, as DynamoDB does after ten minutes
// and some engines do always: a repeated transaction meets its own effect.
type forgetful struct {
	*ormtest.Memory
	reasons func([]*orm.Error) // what the engine leaves out of its reasons
}

func (s forgetful) Transact(ctx context.Context, _ string, actions []orm.Action) error {
	err := s.Memory.Transact(ctx, "", actions)
	var cancelled *orm.TransactionError
	if s.reasons != nil && errors.As(err, &cancelled) {
		s.reasons(cancelled.Reasons)
	}
	return err
}

// What engines leave out of the reasons of a cancelled transaction.
func onlyFirst(reasons []*orm.Error) {
	found := false
	for i, r := range reasons {
		if found {
			reasons[i] = nil
		}
		found = found || r != nil
	}
}

func noItems(reasons []*orm.Error) {
	for _, r := range reasons {
		if r != nil {
			r.Item = nil
		}
	}
}

func TestAppendTriesAgain(t *testing.T) {
	f := newFixture()
	f.seed(t, "order/1", 2) // c1, c2
	other := eventlog.New(f.store, eventlog.Options{Source: "shop", NewID: func() string { return fmt.Sprintf("other%d", len(f.ids(t, "order/1"))) }})
	var tokens []string
	f.store.Before(on(func(n int, c ormtest.Call) error {
		if strings.HasPrefix(c.Token, "other") {
			return nil
		}
		tokens = append(tokens, c.Token)
		if len(tokens) <= 3 { // somebody else is faster three times
			_, err := other.Commit(context.Background(), one("order/1", event.Append))
			return err
		}
		return nil
	}))
	c := one("order/1", event.Append)
	c.Writes = []orm.Write{users.Update("1", userCount.Add(1))}
	got, err := f.Commit(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if want := "[c3 c4 c5 c6]"; fmt.Sprint(tokens) != want {
		t.Errorf("tokens %v, want %s: other parameters need another token", tokens, want)
	}
	if got.ID != "c6" || got.Events[0].ID != "order/1@6" || got.Events[0].CorrelationID != "c6" {
		t.Errorf("got %+v", got)
	}
	if u, err := users.Get(context.Background(), f.store, "1"); err != nil || u.Count != 1 {
		t.Errorf("count %d, %v; want 1", u.Count, err)
	}
	if want := "[5ms 10ms 20ms]"; fmt.Sprint(f.waits) != want {
		t.Errorf("waits %v, want %s", f.waits, want)
	}
	f.store.Before(nil)
	wantIDs(t, f, "order/1", 6)
}

func TestAppendGivesUp(t *testing.T) {
	f := newFixture()
	n := 0
	other := eventlog.New(f.store, eventlog.Options{Source: "shop", NewID: func() string { n++; return fmt.Sprintf("other%d", n) }})
	f.store.Before(func(c ormtest.Call) error {
		if c.Op != "transact" || strings.HasPrefix(c.Token, "other") {
			return nil
		}
		_, err := other.Commit(context.Background(), one("order/1", event.Append))
		return err
	})
	_, err := f.Commit(context.Background(), one("order/1", event.Append))
	var conflict *eventlog.ConflictError
	if !errors.As(err, &conflict) {
		t.Fatalf("got %v, want a conflict", err)
	}
	if conflict.Expected != event.Append || conflict.Current != 10 {
		t.Errorf("got %+v", conflict)
	}
	if len(f.waits) != 9 {
		t.Errorf("waited %d times, want 9", len(f.waits))
	}
}

// An append that lost, and a condition of the caller's that failed in the same
// transaction: a new place would not mend that.
func TestAppendTriesAgainAndMeetsTheCallersCondition(t *testing.T) {
	f := newFixture()
	f.store.Before(on(func(n int, c ormtest.Call) error {
		if n > 1 {
			return nil
		}
		other := eventlog.New(f.store, eventlog.Options{Source: "shop", NewID: func() string { return "other" }})
		rival := one("order/1", event.Append)
		rival.Writes = []orm.Write{users.Insert(user{ID: "9", Email: "a@b.c"})}
		_, err := other.Commit(context.Background(), rival)
		return err
	}))
	c := one("order/1", event.Append)
	c.Writes = []orm.Write{users.Insert(user{ID: "1", Email: "a@b.c"})}
	_, err := f.Commit(context.Background(), c)
	if !errors.Is(err, orm.KindAlreadyExists) || errors.Is(err, eventlog.KindConflict) {
		t.Errorf("got %v, want kind %q alone", err, orm.KindAlreadyExists)
	}
	wantIDs(t, f, "order/1", 1)
}

// A stream that the caller placed by itself is never placed anew.
func TestLateConflict(t *testing.T) {
	for _, expected := range []event.Expected{event.New, event.Expect(2)} {
		t.Run(fmt.Sprint(expected), func(t *testing.T) {
			f := newFixture()
			f.seed(t, "order/1", int(expected))
			f.seed(t, "order/2", 1)
			other := eventlog.New(f.store, eventlog.Options{Source: "shop", NewID: func() string { return "other" }})
			f.store.Before(func(c ormtest.Call) error {
				if c.Op == "get" {
					t.Error("the conflict showed the other's item, and the log was read to be sure")
				}
				if c.Op != "transact" || c.Token == "other" {
					return nil
				}
				_, err := other.Commit(context.Background(), eventlog.Changes{Events: append(
					one("order/1", event.Append).Events,
					orderPlaced.At("order/1", event.Append).Record(placed{}),
					orderPlaced.At("order/2", event.Append).Record(placed{}))})
				return err
			})
			c := one("order/2", event.Append) // conflicts too, and comes first
			c.Events = append(c.Events, one("order/1", expected).Events...)
			_, err := f.Commit(context.Background(), c)
			var conflict *eventlog.ConflictError
			if !errors.As(err, &conflict) {
				t.Fatalf("got %v, want a conflict", err)
			}
			if conflict.Stream != "order/1" || conflict.Expected != expected || conflict.Current != int64(expected)+2 {
				t.Errorf("got %+v", conflict)
			}
			if len(f.waits) > 0 {
				t.Errorf("waited %v", f.waits)
			}
		})
	}
}

func TestPassingFailures(t *testing.T) {
	for name, failure := range map[string]error{"conflict": conflict(2), "throttled": errThrottled, "unavailable": errLost,
		"in progress": &orm.Error{Kind: orm.KindConflict, Op: "transact"}} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			var tokens []string
			f.store.Before(on(func(n int, c ormtest.Call) error {
				tokens = append(tokens, c.Token)
				if n <= 3 {
					return failure
				}
				return nil
			}))
			c := one("order/1", event.Append)
			c.Writes = []orm.Write{users.Update("1", userCount.Add(1))}
			got, err := f.Commit(context.Background(), c)
			if err != nil {
				t.Fatal(err)
			}
			if want := "[c1 c1 c1 c1]"; fmt.Sprint(tokens) != want {
				t.Errorf("tokens %v, want %s", tokens, want)
			}
			if want := "[50ms 100ms 200ms]"; fmt.Sprint(f.waits) != want {
				t.Errorf("waits %v, want %s", f.waits, want)
			}
			if got.Events[0].ID != "order/1@1" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestPassingFailureThatStays(t *testing.T) {
	for _, tt := range []struct {
		failure error
		kind    error
		unknown bool
	}{
		{conflict(1), orm.KindConflict, false},
		{errThrottled, orm.KindThrottled, false},
		{errLost, orm.KindUnavailable, true},
		{&orm.Error{Kind: orm.KindConflict, Op: "transact"}, orm.KindConflict, true}, // one with this token is under way
	} {
		f := newFixture()
		calls := 0
		f.store.Before(on(func(n int, _ ormtest.Call) error { calls = n; return tt.failure }))
		_, err := f.Commit(context.Background(), one("order/1", event.New))
		if !errors.Is(err, tt.kind) || errors.Is(err, eventlog.KindUnknown) != tt.unknown || errors.Is(err, eventlog.KindConflict) {
			t.Errorf("got %v, want kind %q, unknown outcome %v", err, tt.kind, tt.unknown)
		}
		if calls != 10 {
			t.Errorf("%d tries, want 10", calls)
		}
		var total time.Duration
		for _, w := range f.waits {
			total += w
		}
		if total < 9*time.Second || total > 10*time.Second {
			t.Errorf("waited %v in all", total)
		}
	}
}

func TestOtherFailuresAreFinal(t *testing.T) {
	f := newFixture()
	denied := errors.New("AccessDeniedException")
	f.store.Before(on(func(n int, _ ormtest.Call) error { return denied }))
	_, err := f.Commit(context.Background(), one("order/1", event.New))
	if !errors.Is(err, denied) || errors.Is(err, eventlog.KindUnknown) || len(f.waits) > 0 {
		t.Errorf("got %v after %v", err, f.waits)
	}
}

func TestHeadThatCannotBeRead(t *testing.T) {
	f := newFixture()
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "query" {
			return errThrottled
		}
		return nil
	})
	_, err := f.Commit(context.Background(), one("order/1", event.Append))
	if !errors.Is(err, orm.KindThrottled) || !strings.Contains(err.Error(), "order/1") {
		t.Errorf("got %v, want the store's error and the stream named", err)
	}
	f.store.Before(nil)
	wantIDs(t, f, "order/1", 0)
}

// A commit whose answer is lost happened once, whatever it expects and whatever
// the store remembers of it.
func TestLostAnswer(t *testing.T) {
	stores := map[string]func(m *ormtest.Memory) orm.Store{
		"remembers the token":      func(m *ormtest.Memory) orm.Store { return m },
		"forgets it":               func(m *ormtest.Memory) orm.Store { return forgetful{m, nil} },
		"tells one reason":         func(m *ormtest.Memory) orm.Store { return forgetful{m, onlyFirst} },
		"does not return the item": func(m *ormtest.Memory) orm.Store { return forgetful{m, noItems} },
	}
	for name, through := range stores {
		for _, expected := range []event.Expected{event.New, event.Append, event.Expect(2)} {
			t.Run(fmt.Sprintf("%s, expected %d", name, expected), func(t *testing.T) {
				f := newFixtureOn(through)
				head := int(max(expected, 0))
				f.seed(t, "order/1", head)
				f.store.After(on(func(n int, _ ormtest.Call) error {
					if n == 1 {
						return errLost
					}
					return nil
				}))
				c := one("order/1", expected)
				c.Writes = []orm.Write{users.Insert(user{ID: "1", Email: "a@b.c"})}
				c.Events = append(c.Events, orderShipped.Record(placed{}))
				got, err := f.Commit(context.Background(), c)
				if err != nil {
					t.Fatal(err)
				}
				if s := f.item(t, "order/1", int64(head+1)); s.CommitID != got.ID {
					t.Errorf("the log has commit %s, Commit returned %s", s.CommitID, got.ID)
				}
				wantIDs(t, f, "order/1", head+1)
				wantIDs(t, f, "fact/"+got.ID, 1)
			})
		}
	}
}

// All answers are lost, but the log can be read.
func TestAnswersAlwaysLost(t *testing.T) {
	f := newFixture()
	f.store.After(on(func(int, ormtest.Call) error { return errLost }))
	if _, err := f.Commit(context.Background(), one("order/1", event.New)); err != nil {
		t.Errorf("got %v, want success: the log shows it", err)
	}
	wantIDs(t, f, "order/1", 1)

	// Without an event there is nothing to see.
	_, err := f.Commit(context.Background(), eventlog.Changes{Writes: []orm.Write{users.Update("1", userCount.Add(1))}})
	var unknown *eventlog.UnknownOutcomeError
	if !errors.As(err, &unknown) || unknown.CommitID != "c2" || unknown.Tries != 10 {
		t.Errorf("got %v, want an unknown outcome of c2 after 10 tries", err)
	}

	// Nor when the log cannot be read either.
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "get" {
			return errThrottled
		}
		return nil
	})
	_, err = f.Commit(context.Background(), one("order/2", event.New))
	if !errors.As(err, &unknown) || !errors.Is(err, orm.KindThrottled) || !errors.Is(err, orm.KindUnavailable) {
		t.Errorf("got %v, want an unknown outcome with both causes", err)
	}
}

// An engine that neither remembers the token nor shows the item, and a log that
// cannot be read: the append may be its own, and must not be made twice.
func TestAppendThatMayHaveHappened(t *testing.T) {
	f := newFixtureOn(func(m *ormtest.Memory) orm.Store {
		return forgetful{m, func(reasons []*orm.Error) { reasons[0].Item = nil }}
	})
	lost := on(func(n int, _ ormtest.Call) error {
		if n == 1 {
			return errLost
		}
		return nil
	})
	f.store.After(lost)
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "get" {
			return errThrottled
		}
		return nil
	})
	_, err := f.Commit(context.Background(), one("order/1", event.Append))
	if !errors.Is(err, eventlog.KindUnknown) {
		t.Errorf("got %v, want kind %q", err, eventlog.KindUnknown)
	}
	wantIDs(t, f, "order/1", 1)
}

// A lost answer, then a definite refusal by a condition of the caller's: the
// commit did not happen, and that is what is said.
func TestLostRequestThenRefusal(t *testing.T) {
	f := newFixture()
	f.store.Before(on(func(n int, _ ormtest.Call) error {
		if n > 1 {
			return nil
		}
		f.store.Before(nil)
		if err := orm.Exec(context.Background(), f.store, users.Insert(user{ID: "9", Email: "a@b.c"})); err != nil {
			t.Fatal(err)
		}
		return errLost
	}))
	c := one("order/1", event.New)
	c.Writes = []orm.Write{users.Insert(user{ID: "1", Email: "a@b.c"})}
	_, err := f.Commit(context.Background(), c)
	if !errors.Is(err, orm.KindAlreadyExists) || errors.Is(err, eventlog.KindUnknown) {
		t.Errorf("got %v, want kind %q", err, orm.KindAlreadyExists)
	}
	wantIDs(t, f, "order/1", 0)
}

// The same with a log that cannot be read: it may be the attempt's own address
// that is taken, so nobody may be told that it is somebody else's.
func TestLostRequestThenRefusalUnread(t *testing.T) {
	f := newFixture()
	transacts := on(func(n int, _ ormtest.Call) error {
		if n > 1 {
			return nil
		}
		if err := orm.Exec(context.Background(), f.store, users.Insert(user{ID: "9", Email: "a@b.c"})); err != nil {
			t.Fatal(err)
		}
		return errLost
	})
	f.store.Before(func(c ormtest.Call) error {
		switch {
		case c.Op == "get":
			return errThrottled
		case c.Op == "transact" && c.Token == "":
			return nil // the other's
		}
		return transacts(c)
	})
	c := one("order/1", event.New)
	c.Writes = []orm.Write{users.Insert(user{ID: "1", Email: "a@b.c"})}
	_, err := f.Commit(context.Background(), c)
	if !errors.Is(err, eventlog.KindUnknown) || errors.Is(err, orm.KindAlreadyExists) {
		t.Errorf("got %v, want kind %q alone", err, eventlog.KindUnknown)
	}
	if !strings.Contains(err.Error(), "email") {
		t.Errorf("%v does not tell what was answered", err)
	}
}

// An attempt that is still under way when it was outrun must never land beside
// the one that took its place.
func TestAttemptUnderWayCannotLandLater(t *testing.T) {
	f := newFixture()
	var late []orm.Action
	f.store.Before(on(func(n int, c ormtest.Call) error {
		if n > 1 {
			return nil
		}
		late = c.Actions // sent, without an answer yet
		other := eventlog.New(f.store, eventlog.Options{Source: "shop", NewID: func() string { return "other" }})
		if _, err := other.Commit(context.Background(), one("order/1", event.Append)); err != nil {
			t.Fatal(err)
		}
		return errLost
	}))
	c := one("order/1", event.Append)
	c.Writes = []orm.Write{users.Update("1", userCount.Add(1))}
	got, err := f.Commit(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != "c2" || got.Events[0].ID != "order/1@2" {
		t.Errorf("got %+v", got)
	}
	if err := f.store.Transact(context.Background(), "c1", late); !errors.Is(err, orm.KindConditionFailed) && !errors.Is(err, orm.KindAlreadyExists) {
		t.Errorf("the first attempt landed after all: %v", err)
	}
	if u, err := users.Get(context.Background(), f.store, "1"); err != nil || u.Count != 1 {
		t.Errorf("count %d, %v; want 1", u.Count, err)
	}
}

func TestContextEnds(t *testing.T) {
	ended, end := context.WithCancel(context.Background())
	end()
	f := newFixture()
	_, err := f.Commit(ended, one("order/1", event.New))
	if !errors.Is(err, context.Canceled) || errors.Is(err, eventlog.KindUnknown) {
		t.Errorf("got %v, want the context's error and a known outcome", err)
	}

	ctx, cancel := context.WithCancel(context.Background())
	f.store.Before(on(func(int, ormtest.Call) error {
		cancel()
		return &orm.Error{Kind: orm.KindUnavailable, Op: "transact", Err: ctx.Err()}
	}))
	_, err = f.Commit(ctx, one("order/1", event.New))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, eventlog.KindUnknown) {
		t.Errorf("got %v, want the context's error and an unknown outcome", err)
	}

	ctx, cancel = context.WithCancel(context.Background())
	f.store.Before(on(func(int, ormtest.Call) error {
		cancel()
		return errThrottled
	}))
	_, err = f.Commit(ctx, one("order/1", event.New))
	if !errors.Is(err, context.Canceled) || errors.Is(err, eventlog.KindUnknown) {
		t.Errorf("got %v, want the context's error and a known outcome", err)
	}
}

func TestParallelAppends(t *testing.T) {
	f := newFixture()
	l := eventlog.New(f.store, eventlog.Options{Source: "shop"})
	const writers, each = 8, 25
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for range writers {
		wg.Go(func() {
			for range each {
				c := one("order/1", event.Append)
				c.Writes = []orm.Write{users.Update("1", userCount.Add(1))}
				got, err := l.Commit(context.Background(), c)
				if err != nil {
					t.Error(err)
					continue
				}
				mu.Lock()
				if seen[got.Events[0].ID] {
					t.Errorf("event %s is two commits'", got.Events[0].ID)
				}
				seen[got.Events[0].ID] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	wantIDs(t, f, "order/1", writers*each)
	if u, err := users.Get(context.Background(), f.store, "1"); err != nil || u.Count != writers*each {
		t.Errorf("count %d, %v; want %d", u.Count, err, writers*each)
	}
}

// Of many that expect the same version one wins, and every loser hears of it.
func TestParallelExpectations(t *testing.T) {
	f := newFixture()
	f.seed(t, "order/1", 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 50 {
		wg.Go(func() {
			_, err := f.Commit(context.Background(), one("order/1", event.Expect(1)))
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, eventlog.KindConflict) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d won, want 1", won)
	}
	wantIDs(t, f, "order/1", 2)
}

// A process that stands still between two tries for longer than tokens are known:
// what no condition keeps from happening twice is not sent again.
func TestForgottenToken(t *testing.T) {
	for name, c := range map[string]eventlog.Changes{
		"a write":            {Writes: []orm.Write{users.Update("1", userCount.Add(1))}},
		"a write, an event":  {Writes: []orm.Write{users.Update("1", userCount.Add(1))}, Events: one("order/1", event.Append).Events},
		"a write, a command": {Writes: []orm.Write{users.Update("1", userCount.Add(1))}, Command: eventlog.Command{ID: "c"}},
	} {
		for _, happened := range []bool{true, false} {
			now := start
			store := ormtest.New(ormtest.Clock(func() time.Time { return now }))
			l := eventlog.New(store, eventlog.Options{
				Source: "shop",
				Now:    func() time.Time { return now },
				Sleep:  func(context.Context, time.Duration) error { now = now.Add(11 * time.Minute); return nil },
			})
			lost := on(func(n int, _ ormtest.Call) error {
				if n == 1 {
					return errLost
				}
				return nil
			})
			if happened {
				store.After(lost)
			} else {
				store.Before(lost)
			}
			_, err := l.Commit(context.Background(), c)
			// Only what left something of its own can be seen.
			if seen := happened && len(c.Events)+len(c.Command.ID) > 0; (err == nil) != seen || err != nil && !errors.Is(err, eventlog.KindUnknown) {
				t.Errorf("%s that happened %v: got %v", name, happened, err)
			}
			u, err := users.Get(context.Background(), store, "1")
			if err != nil && happened || (u.Count == 1) != happened {
				t.Errorf("%s that happened %v: counted %d, %v", name, happened, u.Count, err)
			}
		}
	}
}
