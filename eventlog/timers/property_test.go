package timers_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// fate is what became of one timer. It can change only as the arrows say:
//
//	unset ─▶ waiting ─▶ fired (by the function)
//	                └─▶ taken (by a commit that cancels or replaces it)
type fate int

const (
	unset fate = iota
	waiting
	fired
	taken
)

func (f fate) String() string { return [...]string{"unset", "waiting", "fired", "taken"}[f] }

var errCrash = errors.New("the process is gone")

// world is a log under faults, and what is known of every timer that anybody
// tried to set. Timers are told apart by the number in their events.
type world struct {
	*fixture
	t     *rapid.T
	quiet bool // no faults: the test looks itself
	fates []fate
	ids   []string    // of each
	due   []time.Time // of each
	// allowed says which changes the commits allow that are under way; a call of
	// the function may be in the middle of one.
	allowed []change
}

// change reports whether a timer's fate may change so.
type change func(i int, from, to fate) bool

// Whatever fails, before or after its effect, and wherever a call of the function
// dies: each timer that was set fires once and not before its time, or was
// cancelled or replaced, and never both.
func TestEachTimerOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{fixture: newFixture(), t: rt}
		lost := &orm.Error{Kind: orm.KindUnavailable, Op: "transact", Err: errors.New("connection reset")}
		throttled := &orm.Error{Kind: orm.KindThrottled, Op: "transact"}
		before := rapid.SampledFrom([]error{nil, nil, nil, nil, nil, lost, throttled, errCrash})
		after := rapid.SampledFrom([]error{nil, nil, nil, nil, lost, errCrash})
		depth := 0
		w.store.Before(func(c ormtest.Call) error {
			if w.quiet || c.Op != "transact" {
				return nil
			}
			// Another call of the function, in the middle of this one.
			if depth == 0 && rapid.IntRange(0, 7).Draw(rt, "overlap") == 7 {
				depth++
				w.call()
				depth--
			}
			return before.Draw(rt, "before")
		})
		w.store.After(func(c ormtest.Call) error {
			if w.quiet || c.Op != "transact" {
				return nil
			}
			return after.Draw(rt, "after")
		})
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			switch rapid.SampledFrom([]string{"set", "set", "cancel", "call", "call", "wait"}).Draw(rt, "step") {
			case "set":
				w.set()
			case "cancel":
				w.cancel()
			case "call":
				w.call()
			case "wait":
				w.now = w.now.Add(time.Duration(rapid.IntRange(1, 120).Draw(rt, "seconds")) * time.Second)
			}
		}
		// The outage ends: all that waits is fired.
		w.quiet = true
		w.now = w.now.Add(time.Hour)
		w.call()
		for n, f := range w.fates {
			if f == waiting {
				rt.Fatalf("timer %d (%s) was never fired", n, w.ids[n])
			}
		}
		if left := w.store.Items(eventlog.State); len(left) > 0 {
			rt.Fatalf("left: %v", left)
		}
	})
}

var someID = rapid.SampledFrom([]string{"a", "b", "c"})

func (w *world) set() {
	n := len(w.fates)
	timer := eventlog.Timer{
		ID:      someID.Draw(w.t, "id"),
		Due:     w.now.Add(time.Duration(rapid.IntRange(-30, 90).Draw(w.t, "due")) * time.Second),
		Event:   reminded.At("order/"+fmt.Sprint(n%2), event.Append).Record(due{n}),
		Replace: rapid.Bool().Draw(w.t, "replace"),
	}
	w.fates, w.ids, w.due = append(w.fates, unset), append(w.ids, timer.ID), append(w.due, timer.Due)
	err := w.commit(eventlog.Changes{Timers: []eventlog.Timer{timer}}, func(i int, from, to fate) bool {
		return i == n && from == unset && to == waiting ||
			i != n && w.ids[i] == timer.ID && from == waiting && to == taken && timer.Replace
	})
	switch {
	case err == nil && w.fates[n] == unset:
		w.t.Fatalf("timer %d (%s) was set without an error and is not there", n, timer.ID)
	case errors.Is(err, eventlog.KindTimerExists) && w.fates[n] != unset:
		w.t.Fatalf("timer %d (%s): %v, but it was set", n, timer.ID, err)
	}
}

func (w *world) cancel() {
	id := someID.Draw(w.t, "id")
	err := w.commit(eventlog.Changes{Cancel: []string{id}}, func(i int, from, to fate) bool {
		return w.ids[i] == id && from == waiting && to == taken
	})
	for n, f := range w.fates {
		if err == nil && w.ids[n] == id && f == waiting {
			w.t.Fatalf("timer %d (%s) was cancelled without an error and is still there", n, id)
		}
	}
}

// commit commits and observes what that changed.
func (w *world) commit(c eventlog.Changes, allowed change) error {
	w.allowed = append(w.allowed, allowed)
	_, err := w.log.Commit(context.Background(), c)
	w.observe()
	w.allowed = w.allowed[:len(w.allowed)-1]
	return err
}

// call is one call of the function; a crash in it is an error of the store.
func (w *world) call() {
	w.observe() // what a commit in the middle of which this is has done already
	before := w.count(fired)
	a, err := w.Handle(context.Background())
	w.observe()
	if got := w.count(fired) - before; a.Fired > got || (err == nil && a.Failed > 0) {
		w.t.Fatalf("the call says %+v and %v; %d were fired", a, err, got)
	}
}

// observe looks at what is stored and checks how each timer's fate has changed:
// as the commits under way allow, or by the function, whose calls may overlap
// with everything.
func (w *world) observe() {
	was := w.quiet
	w.quiet = true
	defer func() { w.quiet = was }()
	set := map[int]bool{}
	for _, item := range w.store.Items(eventlog.State) {
		s, err := eventlog.State.Decode(item)
		if err != nil {
			w.t.Fatal(err)
		}
		for n := range w.fates { // the number is the event's data, kept as text in text
			if strings.Contains(s.Data, fmt.Sprintf(`{\"n\":%d}`, n)) {
				set[n] = true
			}
		}
	}
	times := map[int]int{}
	for _, stream := range []string{"order/0", "order/1"} {
		for _, n := range w.numbers(w.t, stream) {
			times[n]++
		}
	}
	for _, n := range slices.Sorted(maps.Keys(times)) {
		if times[n] != 1 || set[n] {
			w.t.Fatalf("timer %d (%s): fired %d times, and still set: %v", n, w.ids[n], times[n], set[n])
		}
	}
	for n, from := range w.fates {
		to := from
		switch {
		case times[n] > 0:
			to = fired
		case set[n]:
			to = waiting
		case from == waiting:
			to = taken
		}
		ok := to == from || from == waiting && to == fired && !w.due[n].After(w.now)
		for _, allowed := range w.allowed {
			ok = ok || allowed(n, from, to)
		}
		if !ok {
			w.t.Fatalf("timer %d (%s), due at %s: from %s to %s at %s", n, w.ids[n], w.due[n], from, to, w.now)
		}
		w.fates[n] = to
	}
}

func (w *world) count(f fate) (n int) {
	for _, g := range w.fates {
		if g == f {
			n++
		}
	}
	return n
}
