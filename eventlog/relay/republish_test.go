package relay_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// again is a republisher on a log in memory that holds n events order/<i>@1, one a
// minute from start on, the odd ones of them public and shipped, the others placed.
type again struct {
	log      *eventlog.Log
	store    *ormtest.Memory
	bus      bus
	queue    queue
	now      time.Time
	waits    []time.Duration
	progress []relay.Progress
}

type fact struct {
	N int `json:"n"`
}

func newAgain(t *testing.T, n int) *again {
	t.Helper()
	a := &again{store: ormtest.New(), now: start}
	id := 0
	a.log = eventlog.New(a.store, eventlog.Options{
		Source: "shop", Now: func() time.Time { return a.now },
		NewID: func() string { id++; return fmt.Sprint("c", id) },
	})
	placed := event.Define[fact]("order.placed")
	shipped := event.Define[fact]("order.shipped", event.Public(func(f fact) fact { return f }, 2))
	for i := range n {
		def := placed
		if i%2 == 1 {
			def = shipped
		}
		stream := fmt.Sprint("order/", i)
		if _, err := a.log.Commit(context.Background(), eventlog.Changes{Events: []event.Record{def.At(stream, event.New).Record(fact{i})}}); err != nil {
			t.Fatal(err)
		}
		a.now = a.now.Add(time.Minute)
	}
	return a
}

func (a *again) run(ctx context.Context, rate int, w relay.Window) (relay.Progress, error) {
	if w.Types == nil {
		w.Types = []string{"order.placed", "order.shipped"}
	}
	if w.From.IsZero() {
		w.From = start
	}
	r := relay.NewRepublisher(relay.RepublishOptions{
		Log: a.log, Source: "shop", Publisher: &a.bus, Failures: &a.queue, Rate: rate,
		Progress: func(p relay.Progress) { a.progress = append(a.progress, p) },
		Logger:   slog.New(slog.DiscardHandler),
		Now:      func() time.Time { return a.now },
		Jitter:   func(d time.Duration) time.Duration { return d },
		Sleep: func(ctx context.Context, d time.Duration) error {
			a.waits = append(a.waits, d)
			a.now = a.now.Add(d)
			return ctx.Err()
		},
	})
	return r.Run(ctx, w)
}

func TestRepublish(t *testing.T) {
	a := newAgain(t, 6)
	p, err := a.run(context.Background(), 0, relay.Window{})
	if err != nil {
		t.Fatal(err)
	}
	if got := ids(a.bus.accepted); got != "0 1 1+ 2 3 3+ 4 5 5+" {
		t.Errorf("published %s", got)
	}
	want := relay.Progress{Events: 6, Last: start.Add(5 * time.Minute), Done: true}
	if p != want || len(a.progress) != 1 || a.progress[0] != want {
		t.Errorf("got %+v, told %+v", p, a.progress)
	}
	// The same bytes as the relay sends.
	item, err := a.store.Get(context.Background(), &orm.GetRequest{Table: eventlog.Events.Schema(), Key: eventlog.Events.Schema().KeyOf(a.store.Items(eventlog.Events)[0])})
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture()
	f.handle(t, context.Background(), record(t, "INSERT", 1, item))
	if i := slices.Index(a.bus.accepted, f.bus.accepted[0]); i < 0 || a.bus.entries[i] != f.bus.entries[0] {
		t.Errorf("the relay sends %+v", f.bus.entries[0])
	}
}

func TestRepublishWindow(t *testing.T) {
	for _, tt := range []struct {
		name   string
		window relay.Window
		want   string
	}{
		{"one type", relay.Window{Types: []string{"order.placed"}}, "0 2 4"},
		{"from", relay.Window{From: start.Add(4 * time.Minute)}, "4 5 5+"},
		{"from and to", relay.Window{From: start.Add(time.Minute), To: start.Add(3 * time.Minute)}, "1 1+ 2"},
		{"nothing", relay.Window{From: start.Add(time.Hour)}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newAgain(t, 6)
			p, err := a.run(context.Background(), 0, tt.window)
			if err != nil || !p.Done || ids(a.bus.accepted) != tt.want {
				t.Errorf("published %q, %+v, %v; want %q", ids(a.bus.accepted), p, err, tt.want)
			}
		})
	}
	a := newAgain(t, 0)
	if _, err := a.run(context.Background(), 0, relay.Window{Types: []string{}}); err == nil || !strings.Contains(err.Error(), "name at least one event type") {
		t.Errorf("got %v", err)
	}
}

// The rate holds over pages, whatever the publishing itself takes.
func TestRepublishRate(t *testing.T) {
	a := newAgain(t, 25)
	began := a.now
	took := 300 * time.Millisecond
	a.bus.answer = func(_ int, id string) relay.Result {
		if id == "order/0@1" { // the time of one slow request
			a.now = a.now.Add(took)
		}
		return relay.Result{}
	}
	p, err := a.run(context.Background(), 10, relay.Window{})
	if err != nil || p.Events != 25 {
		t.Fatalf("%+v, %v", p, err)
	}
	if got := fmt.Sprint(a.waits); got != "[700ms 1s]" {
		t.Errorf("waits %s", got)
	}
	if took := a.now.Sub(began); took != 2*time.Second {
		t.Errorf("25 events at 10 a second took %s until the last page", took)
	}
}

// A run that stops goes on from its cursor, in another process: nothing is left
// out, and only the page it stopped in comes twice.
func TestRepublishResumes(t *testing.T) {
	a := newAgain(t, 25)
	broken := true
	a.bus.fail = func(int, []string) error {
		if broken && len(a.bus.accepted) >= 18 { // in the second page of ten
			return errors.New("no route to host")
		}
		return nil
	}
	p, err := a.run(context.Background(), 10, relay.Window{})
	if !errors.Is(err, relay.ErrNotPublished) || !strings.Contains(err.Error(), "no route to host") || !strings.Contains(err.Error(), "event order/17@1") {
		t.Errorf("got %v", err)
	}
	if p.Events != 10 || p.Cursor == "" || p.Done {
		t.Fatalf("progress %+v", p)
	}
	first := len(a.bus.accepted)
	broken = false
	rest, err := a.run(context.Background(), 10, relay.Window{Cursor: p.Cursor})
	if err != nil || rest.Events != 15 || !rest.Done {
		t.Errorf("went on to %+v, %v", rest, err)
	}
	if a.bus.accepted[first] != "order/10@1" {
		t.Errorf("went on with %s", a.bus.accepted[first])
	}
	for i := range 25 {
		if !slices.Contains(a.bus.accepted, fmt.Sprintf("order/%d@1", i)) {
			t.Errorf("event %d was left out", i)
		}
	}
	// Another window's cursor is refused.
	if _, err := a.run(context.Background(), 10, relay.Window{From: start.Add(time.Second), Cursor: p.Cursor}); !errors.As(err, new(*eventlog.QueryError)) {
		t.Errorf("got %v", err)
	}
}

// What can never be published is given up by id, and the run goes on.
func TestRepublishGivesUp(t *testing.T) {
	a := newAgain(t, 4)
	a.bus.answer = func(_ int, id string) relay.Result {
		if id == "order/1@1+" {
			return relay.Result{Code: "MalformedDetail", Message: "no"}
		}
		return relay.Result{}
	}
	p, err := a.run(context.Background(), 0, relay.Window{})
	if err != nil || p.Failed != 1 || p.Events != 4 || ids(a.bus.accepted) != "0 1 2 3 3+" {
		t.Errorf("published %s, %+v, %v", ids(a.bus.accepted), p, err)
	}
	if len(a.queue.got) != 1 || a.queue.got[0].EventID != "order/1@1" || !a.queue.got[0].Public || a.queue.got[0].SequenceNumber != "" {
		t.Errorf("failure queue has %+v", a.queue.got)
	}
	a = newAgain(t, 4)
	a.bus.answer = func(int, string) relay.Result { return relay.Result{Code: "MalformedDetail"} }
	a.queue.fail = func(relay.Failure) error { return errQueue }
	if _, err := a.run(context.Background(), 0, relay.Window{}); !errors.Is(err, relay.ErrNotPublished) || !strings.Contains(err.Error(), errQueue.Error()) {
		t.Errorf("got %v", err)
	}
}

func TestRepublishStopped(t *testing.T) {
	a := newAgain(t, 25)
	ctx, stop := context.WithCancel(context.Background())
	a.bus.fail = func(n int, _ []string) error {
		if n == 2 {
			stop()
		}
		return nil
	}
	p, err := a.run(ctx, 10, relay.Window{})
	if !errors.Is(err, context.Canceled) || p.Events != 10 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestRepublishOptionsThatAreWrong(t *testing.T) {
	a := newAgain(t, 0)
	for _, o := range []relay.RepublishOptions{
		{Source: "shop", Publisher: &bus{}, Failures: &queue{}},
		{Log: a.log, Publisher: &bus{}, Failures: &queue{}},
		{Log: a.log, Source: "shop", Failures: &queue{}},
		{Log: a.log, Source: "shop", Publisher: &bus{}, Failures: &queue{}, Rate: -1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for %+v", o)
				}
			}()
			relay.NewRepublisher(o)
		}()
	}
}
