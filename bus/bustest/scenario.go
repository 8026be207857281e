package bustest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// Scenario says what the log holds before something happens, and then which events
// that commits:
//
//	bustest.Given(t, orders.Placed.At("order/1", event.New).Record(placed)).
//		When(func(ctx context.Context, s *bustest.Scenario) error {
//			return orders.NewService(s.Store, s.Log).Ship(ctx, "1")
//		}).
//		Then(orders.Shipped.At("order/1", event.Append).Record(shipped))
//
// Whatever commits to the store counts, by whichever log. Time stands still.
type Scenario struct {
	// Store holds the application's tables and the framework's.
	Store *ormtest.Memory
	// Log commits to the store.
	Log *eventlog.Log

	t     testing.TB
	given []event.Envelope

	mu        sync.Mutex
	committed []committed
	broken    error // why the stream could not be read
}

// committed is an event with what is outside its envelope.
type committed struct {
	event.Envelope
	public        string
	publicVersion int
}

// Given begins a scenario with events in the log, each committed alone, in their
// order. The test fails at once when one cannot be.
func Given(t testing.TB, history ...event.Record) *Scenario {
	t.Helper()
	now := func() time.Time { return Start }
	s := &Scenario{t: t, Store: ormtest.New(ormtest.Clock(now))}
	s.Store.Subscribe(s.note)
	s.Log = eventlog.New(s.Store, eventlog.Options{Source: Source, Now: now, Jitter: none, Sleep: noSleep})
	for i, r := range history {
		if _, err := s.Log.Commit(t.Context(), eventlog.Changes{Events: []event.Record{r}}); err != nil {
			t.Fatalf("bustest: given event %d (%s): %v", i, r.Type, err)
		}
	}
	for _, c := range s.take() {
		s.given = append(s.given, c.Envelope)
	}
	return s
}

// note keeps what comes into the log.
func (s *Scenario) note(r ormtest.Record) {
	if r.Table.Name != eventlog.Events.Schema().Name || r.New == nil {
		return
	}
	stored, err := eventlog.Events.Decode(r.New)
	var e event.Envelope
	if err == nil {
		e, err = stored.Envelope(Source)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken = errors.Join(s.broken, err)
	s.committed = append(s.committed, committed{e, stored.Public, stored.PublicVersion})
}

// take returns what was committed since the last time.
func (s *Scenario) take() []committed {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		s.t.Fatalf("bustest: read the log: %v", s.broken)
	}
	out := s.committed
	s.committed = nil
	return out
}

// When does what is to be tested.
func (s *Scenario) When(do func(ctx context.Context, s *Scenario) error) *Outcome {
	s.t.Helper()
	err := do(s.t.Context(), s)
	return &Outcome{t: s.t, Scenario: s, err: err, got: s.take()}
}

// WhenHandled delivers the given events to a subscription, one after another, as
// [bus.Start] would. The outcome's error joins those of the attempts that failed.
func (s *Scenario) WhenHandled(sub *bus.Definition, parts ...bus.Part) *Outcome {
	s.t.Helper()
	var mu sync.Mutex
	failed := map[string]error{} // by event
	watch := func(next bus.Next) bus.Next {
		return func(ctx context.Context, e event.Envelope) error {
			err := next(ctx, e)
			mu.Lock()
			defer mu.Unlock()
			failed[e.ID] = err
			return err
		}
	}
	kit := With(s.t, Options{Store: s.Store}, sub, append([]bus.Part{bus.Use(watch)}, parts...)...)
	return s.When(func(context.Context, *Scenario) error {
		var errs []error
		for _, e := range s.given {
			if sub.Matches(e.Type) {
				kit.Deliver(e)
			}
		}
		for _, e := range s.given {
			d, err := bus.Deliveries.Get(s.t.Context(), s.Store, orm.Key(e.ID, sub.Name))
			switch {
			case errors.Is(err, orm.KindNotFound):
			case err != nil:
				s.t.Fatalf("bustest: %v", err)
			case d.Status != bus.Failed && d.Status != bus.Dead:
			case failed[e.ID] != nil:
				errs = append(errs, fmt.Errorf("%s: %w", e.ID, failed[e.ID]))
			default:
				errs = append(errs, fmt.Errorf("%s: %s: %s", e.ID, d.ErrorKind, d.ErrorMessage))
			}
		}
		return errors.Join(errs...)
	})
}

// Outcome is what became of a scenario.
type Outcome struct {
	// Scenario is the scenario, for a look into its store.
	Scenario *Scenario

	t      testing.TB
	err    error
	got    []committed
	ignore []string
}

// Ignoring leaves members of the data out of the comparison, by their JSON names
// and wherever they are in it: ids and times that a test cannot know.
func (o *Outcome) Ignoring(members ...string) *Outcome {
	o.ignore = append(o.ignore, members...)
	return o
}

// Then expects that it went well and that exactly these events were committed, in
// this order: their type, version, stream, data and public form. A record without a
// stream may have any of its own. Without an argument it expects none.
func (o *Outcome) Then(want ...event.Record) *Outcome {
	o.t.Helper()
	if o.err != nil {
		o.t.Errorf("it failed: %v", o.err)
	}
	o.compare(want)
	return o
}

// ThenError expects an error that is target, as errors.Is says, and exactly these
// events, mostly none. It is what [Outcome.Then] is for success.
func (o *Outcome) ThenError(target error, want ...event.Record) *Outcome {
	o.t.Helper()
	switch {
	case o.err == nil:
		o.t.Errorf("it went well, want the error: %v", target)
	case !errors.Is(o.err, target):
		o.t.Errorf("the error is\n  %v\nwant\n  %v", o.err, target)
	}
	o.compare(want)
	return o
}

func (o *Outcome) compare(want []event.Record) {
	o.t.Helper()
	var wants, gots [][]string
	for i, r := range want {
		if r.Err != nil {
			o.t.Fatalf("bustest: expected event %d (%s): %v", i, r.Type, r.Err)
		}
		stream := r.Stream
		if stream == "" {
			stream = ownStream
		}
		wants = append(wants, o.lines(r.Type, r.SchemaVersion, stream, string(r.Data), string(r.Public), r.PublicVersion))
	}
	for i, e := range o.got {
		stream := e.Subject
		if strings.HasPrefix(stream, "fact/") && (i >= len(want) || want[i].Stream == "") {
			stream = ownStream
		}
		gots = append(gots, o.lines(e.Type, e.SchemaVersion, stream, string(e.Data), e.public, e.publicVersion))
	}
	if !slices.EqualFunc(wants, gots, slices.Equal[[]string]) {
		o.t.Errorf("committed were %d events, want %d (- wanted, + committed):\n%s", len(o.got), len(want), strings.Join(diff(wants, gots), "\n"))
	}
}

// ownStream stands for the stream that the log gives to a fact.
const ownStream = "a stream of its own"

func (o *Outcome) lines(eventType string, version int, stream, data, public string, publicVersion int) []string {
	lines := []string{fmt.Sprintf("%s v%d in %s", eventType, version, stream)}
	lines = append(lines, o.json(data)...)
	if public != "" {
		lines = append(append(lines, fmt.Sprintf("  public v%d", publicVersion)), o.json(public)...)
	}
	return lines
}
