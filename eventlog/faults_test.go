package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// Whatever fails, before or after its effect, what Commit says is what happened:
// success is exactly one set of events and one count, a known failure is none,
// and no stream has a gap.
func TestCommitUnderFaults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		remembers := rapid.Bool().Draw(t, "remembers tokens")
		f := newFixtureOn(func(m *ormtest.Memory) orm.Store {
			if remembers {
				return m
			}
			return forgetful{m, nil}
		})
		rival := eventlog.New(f.store, eventlog.Options{Source: "shop", NewID: func() func() string {
			n := 0
			return func() string { n++; return fmt.Sprintf("rival%d", n) }
		}()})
		streams := []string{"order/1", "order/2"}
		heads := map[string]int64{}
		count := 0

		// Faults are drawn per call; the rival's calls are never disturbed.
		quiet := false
		undisturbed := func(do func()) { quiet = true; do(); quiet = false }
		compete := func(stream string) {
			undisturbed(func() {
				if _, err := rival.Commit(ctx, one(stream, event.Append)); err != nil {
					t.Fatal(err)
				}
				heads[stream]++
			})
		}
		fault := rapid.SampledFrom([]string{"none", "none", "none", "lost", "throttled", "conflict", "rival", "rival and lost"})
		f.store.Before(func(c ormtest.Call) error {
			if quiet || c.Op != "transact" {
				return nil
			}
			switch kind := fault.Draw(t, "before"); kind {
			case "lost":
				return errLost
			case "throttled":
				return errThrottled
			case "conflict":
				return conflict(len(c.Actions))
			case "rival", "rival and lost":
				compete(rapid.SampledFrom(streams).Draw(t, "rival's stream"))
				if kind != "rival" {
					return errLost
				}
			}
			return nil
		})
		f.store.After(func(c ormtest.Call) error {
			if quiet || c.Op != "transact" || !rapid.Bool().Draw(t, "answer lost") {
				return nil
			}
			if rapid.Bool().Draw(t, "then the rival") {
				undisturbed(func() {
					// Its append comes behind ours, which the model does not know of yet.
					for _, s := range streams {
						if _, err := rival.Commit(ctx, one(s, event.Append)); err != nil {
							t.Fatal(err)
						}
						heads[s]++
					}
				})
			}
			return errLost
		})

		for range rapid.IntRange(1, 8).Draw(t, "commits") {
			var c eventlog.Changes
			for _, stream := range rapid.SliceOfN(rapid.SampledFrom(streams), 1, 3).Draw(t, "streams") {
				expected := rapid.SampledFrom([]event.Expected{event.Append, event.Expected(heads[stream])}).Draw(t, "expected")
				c.Events = append(c.Events, orderPlaced.At(stream, expected).Record(placed{}))
			}
			c.Writes = []orm.Write{users.Update("1", userCount.Add(1))}
			got, err := f.Commit(ctx, c)
			switch {
			case err == nil:
				count++
				for _, e := range got.Events {
					heads[e.Subject]++
					stream, version, _ := event.ParseID(e.ID)
					undisturbed(func() {
						s, err := eventlog.Events.Get(ctx, f.store, orm.Key(stream, version))
						if err != nil || s.CommitID != got.ID {
							t.Fatalf("event %s: commit %q, %v; want %s", e.ID, s.CommitID, err, got.ID)
						}
					})
				}
			case errors.Is(err, eventlog.KindUnknown): // only if it is not in the log, which can be read here
			case errors.Is(err, eventlog.KindInvalid), errors.Is(err, eventlog.KindConflict),
				errors.Is(err, orm.KindThrottled), errors.Is(err, orm.KindConflict):
			default:
				t.Fatalf("unexpected: %v", err)
			}
		}

		quiet = true
		for _, stream := range streams {
			n := int64(0)
			for e, err := range f.Stream(ctx, stream, 1) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				if e.ID != event.EventID(stream, n) {
					t.Fatalf("event %s at place %d", e.ID, n)
				}
			}
			if n != heads[stream] {
				t.Fatalf("stream %s has %d events, %d were reported", stream, n, heads[stream])
			}
		}
		u, err := users.Get(ctx, f.store, "1")
		if err != nil && !errors.Is(err, orm.KindNotFound) {
			t.Fatal(err)
		}
		if u.Count != count {
			t.Fatalf("counted %d, %d commits were reported", u.Count, count)
		}
	})
}
