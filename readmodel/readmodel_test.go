package readmodel_test

import (
	"errors"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/readmodel"
)

var sub = bus.Subscription("model", bus.To(event.Match("order.*")), bus.Rebuildable())

// A reader answers what it knows for as long as it may, and no longer than MaxAge.
func TestReader(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := ormtest.New(ormtest.Clock(func() time.Time { return now }))
	reads, broken := 0, error(nil)
	s.Before(func(c ormtest.Call) error {
		if c.Get == nil {
			return nil
		}
		reads++
		return broken
	})
	flip := func(to string) {
		t.Helper()
		g, err := readmodel.Read(t.Context(), s, sub)
		if err != nil {
			t.Fatal(err)
		}
		g.Current = to
		w, err := bus.ChangeGenerations(sub.Name, g)
		if err == nil {
			err = orm.Exec(t.Context(), s, w)
		}
		if err != nil {
			t.Fatal(err)
		}
		reads--
	}
	for _, c := range []struct {
		name        string
		age, passes time.Duration
		reads       int
		want        string
	}{
		{"always", 0, 0, 2, "g2"},
		{"fresh", time.Second, 999 * time.Millisecond, 1, ""},
		{"old", time.Second, time.Second, 2, "g2"},
		{"no longer than MaxAge", time.Hour, readmodel.MaxAge, 2, "g2"},
		{"a clock that goes back", time.Second, -time.Minute, 2, "g2"},
	} {
		r := readmodel.NewReader(s, sub, c.age)
		flip("")
		reads = 0
		if got, err := r.Generation(t.Context()); got != "" || err != nil {
			t.Fatalf("%s: %q, %v", c.name, got, err)
		}
		flip("g2")
		now = now.Add(c.passes)
		if got, err := r.Generation(t.Context()); got != c.want || err != nil || reads != c.reads {
			t.Errorf("%s: %q, %v after %d reads, want %q after %d", c.name, got, err, reads, c.want, c.reads)
		}
	}
	broken = errors.New("boom")
	if _, err := readmodel.NewReader(s, sub, time.Second).Generation(t.Context()); !errors.Is(err, broken) {
		t.Errorf("a store that fails: %v", err)
	}
}
