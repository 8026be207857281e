package eventlogtest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// Conformance checks that a log on a store keeps its promises: what a commit
// writes and what it refuses, that a command is done once, what is read in which
// order, that a snapshot changes nothing but the price, that a timer fires once.
//
// newStore makes a store that has the given tables, all empty. Its global indexes
// must be up to date when a write returns: on DynamoDB itself, wait for them in
// the store's Query.
func Conformance(t *testing.T, newStore func(t *testing.T, tables ...orm.Definition) orm.Store) {
	for _, group := range []struct {
		name   string
		checks []check
	}{
		{"commit", commitChecks},
		{"command", commandChecks},
		{"read", readChecks},
		{"history", historyChecks},
		{"load", loadChecks},
		{"timers", timerChecks},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.checks {
				t.Run(c.name, func(t *testing.T) {
					s := &suite{T: t, ctx: t.Context(), store: newStore(t, eventlog.Events, eventlog.State, accounts)}
					s.now = time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)
					s.log = s.newLog()
					c.run(s)
				})
			}
		})
	}
}

// check is one promise.
type check struct {
	name string
	run  func(*suite)
}

// suite is what a check works with: an empty store and a log on it.
type suite struct {
	*testing.T
	ctx   context.Context
	store orm.Store
	log   *eventlog.Log
	clock
}

// newLog is another program's log on the same store.
func (s *suite) newLog() *eventlog.Log {
	return eventlog.New(s.store, eventlog.Options{Source: "conformance", Now: s.Now})
}

// account stands for the application's own state.
type account struct {
	ID      string `dynamo:"id,hash"`
	Owner   string `dynamo:"owner,omitempty" unique:"exact"`
	Balance int    `dynamo:"balance"`
}

var (
	accounts = orm.Define[account, string]("accounts")
	balance  = orm.Number(accounts, func(a *account) *int { return &a.Balance })
)

type amount struct {
	N    int    `json:"n"`
	Text string `json:"text,omitempty"`
}

var (
	paidIn  = event.Define[amount]("money.paid_in")
	paidOut = event.Define[amount]("money.paid_out", event.Version(2), event.Since(2))
)

// in is an event of a stream.
func in(stream string, expected event.Expected, n int) event.Record {
	return paidIn.At(stream, expected).Record(amount{N: n})
}

func changes(events ...event.Record) eventlog.Changes { return eventlog.Changes{Events: events} }

// commit commits what must succeed.
func (s *suite) commit(c eventlog.Changes) eventlog.Commit {
	s.Helper()
	got, err := s.log.Commit(s.ctx, c)
	if err != nil {
		s.Fatal(err)
	}
	return got
}

// versions are the versions and numbers of a stream, as text.
func (s *suite) wantStream(stream string, want ...int) {
	s.Helper()
	var got []int
	for e, err := range eventlog.Decoded(paidIn, s.log.Stream(s.ctx, stream, 1)) {
		if err != nil {
			s.Fatal(err)
		}
		got = append(got, e.Data.N)
		if id := event.EventID(stream, int64(len(got))); e.ID != id {
			s.Fatalf("event %s at the place of %s", e.ID, id)
		}
	}
	if !slices.Equal(got, want) {
		s.Errorf("stream %s has %v, want %v", stream, got, want)
	}
}

func (s *suite) wantBalance(id string, want int) {
	s.Helper()
	if a, err := accounts.Get(s.ctx, s.store, id); err != nil || a.Balance != want {
		s.Errorf("account %s has %d, %v; want %d", id, a.Balance, err, want)
	}
}

func (s *suite) wantIDs(what string, seq iter.Seq2[event.Envelope, error], want ...string) {
	s.Helper()
	var got []string
	for e, err := range seq {
		if err != nil {
			s.Fatalf("%s: %v", what, err)
		}
		got = append(got, e.ID)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Errorf("%s: got %v, want %v", what, got, want)
	}
}
