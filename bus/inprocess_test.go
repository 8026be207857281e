package bus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// process is a program of one process: a store, a log that is followed, and a bus.
type process struct {
	*bus.InProcess
	store *ormtest.Memory
	log   *eventlog.Log

	mu       sync.Mutex
	reported []bus.Result
}

func newProcess(t *testing.T, regs ...bus.Registration) *process {
	t.Helper()
	p := &process{store: ormtest.New()}
	log := eventlog.New(p.store, eventlog.Options{Source: "shop"})
	var err error
	p.InProcess, err = bus.NewInProcess(bus.InProcessOptions{
		Store: p.store, Log: log, Logger: slog.New(slog.DiscardHandler),
		Report: func(_ context.Context, rs []bus.Result) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.reported = append(p.reported, rs...)
		},
	}, regs...)
	if err != nil {
		t.Fatal(err)
	}
	p.log = p.Follow(log)
	return p
}

// newBare makes a bus that keeps nothing.
func newBare(t *testing.T, timeout time.Duration, regs ...bus.Registration) *bus.InProcess {
	t.Helper()
	b, err := bus.NewInProcess(bus.InProcessOptions{Timeout: timeout, Logger: slog.New(slog.DiscardHandler)}, regs...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func envelope(id string, r event.Record) event.Envelope {
	stream, _, _ := event.ParseID(id)
	return event.Envelope{
		Metadata: event.Metadata{ID: id, Source: "shop", Type: r.Type, Subject: stream, Time: bustest.Start, SchemaVersion: r.SchemaVersion, CorrelationID: "c-" + id},
		Data:     r.Data,
	}
}

func open(n int) event.Envelope {
	return envelope(fmt.Sprintf("door/%d@1", n), doorOpened.Record(opened{N: n}))
}

func named(name string, handle func(context.Context, event.Event[opened]) error) bus.Registration {
	return bus.Register(bus.Subscription(name, bus.To(doorOpened)), bus.On(doorOpened, handle))
}

func results(rs []bus.Result) string {
	var lines []string
	for _, r := range rs {
		lines = append(lines, fmt.Sprintf("%s %s %v", r.Subscription, r.EventID, r.Err))
	}
	return strings.Join(lines, "\n")
}

// A handler that fails, panics, ends its goroutine or never returns is felt by
// nobody else.
func TestInProcessIsolation(t *testing.T) { synctest.Test(t, testIsolation) }

func testIsolation(t *testing.T) {
	var handled []string
	end := make(chan struct{})
	defer close(end)
	b := newBare(t, 10*time.Second,
		named("first", func(_ context.Context, e event.Event[opened]) error { handled = append(handled, e.ID); return nil }),
		named("fails", func(context.Context, event.Event[opened]) error { return errBoom }),
		named("panics", func(context.Context, event.Event[opened]) error { panic("help") }),
		named("hangs", func(ctx context.Context, e event.Event[opened]) error {
			if e.Data.N == 1 {
				<-end
			}
			return nil
		}),
		named("waits", func(ctx context.Context, _ event.Event[opened]) error { <-ctx.Done(); return ctx.Err() }),
		named("last", func(_ context.Context, e event.Event[opened]) error { handled = append(handled, e.ID); return nil }),
	)
	got := b.Publish(t.Context(), open(1), open(2))
	want := []struct {
		id  string
		sub string
		err error
	}{
		{"door/1@1", "first", nil}, {"door/1@1", "fails", errBoom}, {"door/1@1", "panics", bus.KindPanic}, {"door/1@1", "hangs", bus.KindUnfinished},
		{"door/1@1", "waits", context.DeadlineExceeded}, {"door/1@1", "last", nil},
		{"door/2@1", "first", nil}, {"door/2@1", "fails", errBoom}, {"door/2@1", "panics", bus.KindPanic}, {"door/2@1", "hangs", nil},
		{"door/2@1", "waits", context.DeadlineExceeded}, {"door/2@1", "last", nil},
	}
	if len(got) != len(want) {
		t.Fatalf("results\n%s", results(got))
	}
	for i, w := range want {
		if got[i].Subscription != w.sub || got[i].EventID != w.id || !errors.Is(got[i].Err, w.err) || (w.err == nil) != (got[i].Err == nil) {
			t.Errorf("result %d: %+v, want %+v", i, got[i], w)
		}
	}
	if !slices.Equal(handled, []string{"door/1@1", "door/1@1", "door/2@1", "door/2@1"}) {
		t.Errorf("handled %v", handled)
	}
}

// Types, families and content are matched as the rules do; who has no handler for
// an event has no result.
func TestInProcessMatches(t *testing.T) {
	n := event.Path(doorOpened, func(o *opened) *int { return &o.N })
	nothing := func(context.Context, event.Event[opened]) error { return nil }
	b := newBare(t, 0,
		bus.Register(bus.Subscription("by_type", bus.To(doorOpened)), bus.On(doorOpened, nothing)),
		bus.Register(bus.Subscription("by_family", bus.To(event.Match("door.*"))), bus.OnBatch(doorClosed, func(_ context.Context, es []event.Event[closed]) []error {
			return make([]error, len(es))
		})),
		bus.Register(bus.Subscription("by_content", bus.To(event.Where(doorOpened, n.Gt(5)))), bus.On(doorOpened, nothing)),
	)
	for _, tt := range []struct {
		e    event.Envelope
		want string
	}{
		{open(1), "by_type door/1@1 <nil>"},
		{open(6), "by_type door/6@1 <nil>\nby_content door/6@1 <nil>"},
		{envelope("door/1@2", doorClosed.Record(closed{})), "by_family door/1@2 <nil>"},
		{envelope("log/1@1", doorNoted.Record(noted{})), ""},
	} {
		if got := results(b.Publish(t.Context(), tt.e)); got != tt.want {
			t.Errorf("%s: results\n%s\nwant\n%s", tt.e.ID, got, tt.want)
		}
	}
	if got := results(b.Publish(t.Context(), open(1), open(6))); got != "by_type door/1@1 <nil>\nby_type door/6@1 <nil>\nby_content door/6@1 <nil>" {
		t.Errorf("of two events:\n%s", got)
	}
}

// The same parts see the same things in Lambda and in one process.
func TestInProcessSameMiddleware(t *testing.T) {
	var steps []string
	mw := func(name string) bus.Middleware {
		return func(next bus.Next) bus.Next {
			return func(ctx context.Context, e event.Envelope) error {
				steps = append(steps, name+" "+bus.IdempotencyKey(ctx)+" "+event.FlowFrom(ctx).CorrelationID)
				return next(ctx, e)
			}
		}
	}
	parts := []bus.Part{
		bus.Use(mw("outer"), mw("inner")),
		bus.On(doorOpened, func(ctx context.Context, e event.Event[opened]) error {
			steps = append(steps, "handler "+e.ID+" "+bus.IdempotencyKey(ctx))
			return nil
		}),
	}
	sub := bus.Subscription("seen", bus.To(doorOpened))
	kit := bustest.New(t, sub, parts...)
	kit.Deliver(open(1))
	want := slices.Clone(steps)
	for name, b := range map[string]*bus.InProcess{
		"bare": newBare(t, 0, bus.Register(sub, parts...)), "with a time-out": newBare(t, time.Minute, bus.Register(sub, parts...)),
		"with a store": newProcess(t, bus.Register(sub, parts...)).InProcess,
	} {
		steps = nil
		b.Publish(t.Context(), open(1))
		if len(want) != 3 || !slices.Equal(steps, want) {
			t.Errorf("%s: %q, in Lambda %q", name, steps, want)
		}
	}
}

// With a store an event is handled once, however often it is published, and one
// that was given up says so.
func TestInProcessRecords(t *testing.T) {
	runs := map[string]int{}
	fail := error(nil)
	p := newProcess(t,
		bus.Register(txDoor, bus.OnTx(doorOpened, countUp)),
		named("leased", func(_ context.Context, e event.Event[opened]) error { runs[e.ID]++; return fail }))
	for range 3 {
		if got := results(p.Publish(t.Context(), open(1))); got != "tx_door door/1@1 <nil>\nleased door/1@1 <nil>" {
			t.Errorf("results\n%s", got)
		}
	}
	c, err := counters.Get(t.Context(), p.store, "doors")
	if err != nil || c.Count != 1 || runs["door/1@1"] != 1 {
		t.Errorf("counted %d, %v, %d runs", c.Count, err, runs["door/1@1"])
	}
	fail = bus.Permanent(errBoom)
	if rs := p.Publish(t.Context(), open(2)); !errors.Is(rs[1].Err, errBoom) {
		t.Errorf("results\n%s", results(rs))
	}
	fail = nil
	if rs := p.Publish(t.Context(), open(2)); !errors.Is(rs[1].Err, bus.KindDead) || rs[0].Err != nil {
		t.Errorf("results\n%s", results(rs))
	}
}

// What a log commits that is followed is published: what handlers commit comes
// after their own event, and its results are the publisher's.
func TestInProcessFollow(t *testing.T) {
	var order []string
	var p *process
	noteIt := bus.Subscription("note_it", bus.To(doorOpened), bus.Commits(doorNoted))
	p = newProcess(t,
		bus.Register(noteIt, bus.OnTx(doorOpened, func(_ context.Context, e event.Event[opened], tx *bus.Tx) error {
			order = append(order, "note_it")
			tx.Record(doorNoted.Record(noted{Text: fmt.Sprint(e.Data.N)}))
			return nil
		})),
		named("close_it", func(ctx context.Context, e event.Event[opened]) error {
			order = append(order, "close_it")
			_, err := p.log.Commit(ctx, eventlog.Changes{Events: []event.Record{doorClosed.At(e.Subject, event.Append).Record(closed{})}})
			return err
		}),
		bus.Register(bus.Subscription("last", bus.To(event.Match("door.*"), event.Match("log.*"))),
			bus.On(doorClosed, func(_ context.Context, e event.Event[closed]) error {
				order = append(order, "closed by "+e.CausationID)
				return errBoom
			}),
			bus.On(doorNoted, func(_ context.Context, e event.Event[noted]) error {
				order = append(order, "noted "+e.Data.Text)
				return nil
			})))
	c, err := p.log.Commit(t.Context(), eventlog.Changes{Events: []event.Record{doorOpened.At("door/1", event.New).Record(opened{N: 7})}})
	if err != nil {
		t.Fatal(err) // the handlers' errors are not the commit's
	}
	if want := []string{"note_it", "close_it", "noted 7", "closed by " + c.Events[0].ID}; !slices.Equal(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
	if len(p.reported) != 4 || p.reported[3].EventID != "door/1@2" || !errors.Is(p.reported[3].Err, errBoom) || p.reported[2].Err != nil {
		t.Errorf("reported\n%s", results(p.reported))
	}
	// Published by hand, what follows is in the results, too.
	order = nil
	rs := p.Publish(t.Context(), open(2))
	if len(rs) != 4 || rs[3].Subscription != "last" || !errors.Is(rs[3].Err, errBoom) {
		t.Errorf("results\n%s", results(rs))
	}
}

// A transaction whose answers are all lost has happened, and what it recorded is
// published.
func TestInProcessFollowLostAnswers(t *testing.T) {
	var heard []string
	p := newProcess(t,
		bus.Register(txDoor, bus.OnTx(doorOpened, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
			tx.Record(doorNoted.Record(noted{Text: "lost"}))
			return nil
		})),
		bus.Register(bus.Subscription("hear", bus.To(doorNoted)), bus.On(doorNoted, func(_ context.Context, e event.Event[noted]) error {
			heard = append(heard, e.Data.Text)
			return nil
		})))
	p.store.After(func(c ormtest.Call) error {
		if c.Op == "transact" {
			return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op}
		}
		return nil
	})
	if rs := p.Publish(t.Context(), open(1)); len(rs) != 2 || rs[0].Err != nil || rs[1].Err != nil || !slices.Equal(heard, []string{"lost"}) {
		t.Errorf("heard %q, results\n%s", heard, results(rs))
	}
}

// The publisher's context has ended by the time the commit is done: the handlers
// run all the same.
func TestInProcessFollowAfterCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ran := false
	p := newProcess(t, named("any", func(ctx context.Context, _ event.Event[opened]) error { ran = true; return ctx.Err() }))
	p.store.After(func(c ormtest.Call) error {
		if c.Op == "transact" {
			cancel()
		}
		return nil
	})
	if _, err := p.log.Commit(ctx, eventlog.Changes{Events: []event.Record{doorOpened.Record(opened{})}}); err != nil {
		t.Fatal(err)
	}
	if len(p.reported) != 1 || p.reported[0].Err != nil || !ran {
		t.Errorf("ran: %v, reported\n%s", ran, results(p.reported))
	}
}

// Several goroutines commit to one stream: an ordered subscription handles its
// events one at a time, in order, all of them.
func TestInProcessOrdered(t *testing.T) {
	sub := bus.Subscription("in_order", bus.To(doorOpened), bus.Ordered())
	var seen []string // the lock of the stream guards it
	p := newProcess(t, bus.Register(sub, bus.On(doorOpened, func(_ context.Context, e event.Event[opened]) error {
		seen = append(seen, e.ID)
		return nil
	})))
	const writers, each = 8, 10
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				if _, err := p.log.Commit(t.Context(), eventlog.Changes{Events: []event.Record{doorOpened.At("door/1", event.Append).Record(opened{})}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if len(seen) != writers*each {
		t.Errorf("%d events were handled", len(seen))
	}
	for i, id := range seen {
		if id != event.EventID("door/1", int64(i+1)) {
			t.Fatalf("at %d: %s", i, id)
		}
	}
	for _, r := range p.reported {
		if r.Err != nil {
			t.Errorf("%+v", r)
		}
	}
}

func TestInProcessOrderedFailure(t *testing.T) {
	sub := bus.Subscription("in_order", bus.To(doorOpened), bus.Ordered())
	var p *process
	fail := true
	p = newProcess(t, bus.Register(sub, bus.On(doorOpened, func(ctx context.Context, e event.Event[opened]) error {
		if e.ID == "door/1@2" && fail {
			return errBoom
		}
		if rs := p.Publish(ctx, open(1)); len(rs) != 1 || rs[0].Err == nil { // it would wait for itself
			t.Errorf("results\n%s", results(rs))
		}
		return nil
	})))
	for range 3 {
		if _, err := p.log.Commit(t.Context(), eventlog.Changes{Events: []event.Record{doorOpened.At("door/1", event.Append).Record(opened{})}}); err != nil {
			t.Fatal(err)
		}
	}
	if len(p.reported) != 3 || p.reported[0].Err != nil || !errors.Is(p.reported[1].Err, errBoom) || p.reported[2].Err == nil || !strings.Contains(p.reported[2].Err.Error(), "waits for door/1@2") {
		t.Errorf("reported\n%s", results(p.reported))
	}
	c, err := bus.ReadCheckpoint(t.Context(), p.store, "in_order", "door/1")
	if err != nil || c.Position != 1 || c.BlockedBy != "door/1@2" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestInProcessDefinitions(t *testing.T) {
	store := ormtest.New()
	log := eventlog.New(store, eventlog.Options{Source: "shop"})
	nothing := func(context.Context, event.Event[opened]) error { return nil }
	good := bus.Register(bus.Subscription("good", bus.To(doorOpened)), bus.On(doorOpened, nothing))
	for name, tt := range map[string]struct {
		o    bus.InProcessOptions
		regs []bus.Registration
		want string
	}{
		"transactional without a store": {regs: []bus.Registration{bus.Register(txDoor, bus.OnTx(doorOpened, countUp))}, want: "transactional"},
		"ordered without a store":       {regs: []bus.Registration{bus.Register(bus.Subscription("o", bus.To(doorOpened), bus.Ordered()), bus.On(doorOpened, nothing))}, want: "it is ordered"},
		"store without a log":           {o: bus.InProcessOptions{Store: store}, want: "Store and Log go together"},
		"log without a store":           {o: bus.InProcessOptions{Log: log}, want: "Store and Log go together"},
		"negative time-out":             {o: bus.InProcessOptions{Timeout: -1}, want: "cannot be negative"},
		"twice":                         {regs: []bus.Registration{good, good}, want: "registered twice"},
		"nil":                           {regs: []bus.Registration{bus.Register(nil)}, want: "the definition is nil"},
		"no handler":                    {regs: []bus.Registration{bus.Register(onDoor, bus.On(doorOpened, nothing))}, want: "has no handler"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := bus.NewInProcess(tt.o, tt.regs...)
			if !errors.Is(err, bus.KindDefinition) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

func ExampleInProcess() {
	store := ormtest.New()
	log := eventlog.New(store, eventlog.Options{Source: "shop"})
	b, err := bus.NewInProcess(bus.InProcessOptions{Store: store, Log: log, Logger: slog.New(slog.DiscardHandler)},
		bus.Register(txDoor, bus.OnTx(doorOpened, countUp)),
		bus.Register(bus.Subscription("greet", bus.To(doorOpened)), bus.On(doorOpened, func(_ context.Context, e event.Event[opened]) error {
			fmt.Println("welcome at", e.Subject)
			return nil
		})),
	)
	if err != nil {
		panic(err)
	}
	log = b.Follow(log) // what it commits is published
	ctx := context.Background()
	if _, err := log.Commit(ctx, eventlog.Changes{Events: []event.Record{doorOpened.At("door/1", event.New).Record(opened{})}}); err != nil {
		panic(err)
	}
	c, err := counters.Get(ctx, store, "doors")
	fmt.Println(c.Count, err)
	// Output:
	// welcome at door/1
	// 1 <nil>
}

func BenchmarkInProcess(b *testing.B) {
	n := 0
	ip, err := bus.NewInProcess(bus.InProcessOptions{Logger: slog.New(slog.DiscardHandler)},
		bus.Register(bus.Subscription("count", bus.To(doorOpened)), bus.On(doorOpened, func(context.Context, event.Event[opened]) error { n++; return nil })))
	if err != nil {
		b.Fatal(err)
	}
	e, ctx := open(1), b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if rs := ip.Publish(ctx, e); len(rs) != 1 || rs[0].Err != nil {
			b.Fatal(rs)
		}
	}
	if n == 0 {
		b.Error("nothing was handled")
	}
}

// A lease has an end, so with a store a handler has one, too.
func TestInProcessDefaultTimeout(t *testing.T) {
	for _, stored := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			o := bus.InProcessOptions{Logger: slog.New(slog.DiscardHandler)}
			if stored {
				o.Store = ormtest.New()
				o.Log = eventlog.New(o.Store, eventlog.Options{Source: "test"})
			}
			var left time.Duration
			b, err := bus.NewInProcess(o, bus.Register(onDoor, bus.On(doorOpened, func(ctx context.Context, _ event.Event[opened]) error {
				if end, ok := ctx.Deadline(); ok {
					left = time.Until(end)
				}
				return nil
			}), bus.On(doorClosed, closing)))
			if err != nil {
				t.Fatal(err)
			}
			r := doorOpened.At("door/1", event.New).Record(opened{N: 1})
			e := event.Envelope{Metadata: event.Metadata{ID: "door/1@1", Source: "test", Type: r.Type, Time: time.Now(), SchemaVersion: 1}, Data: r.Data}
			if results := b.Publish(t.Context(), e); len(results) != 1 || results[0].Err != nil {
				t.Fatalf("%+v", results)
			}
			if want := map[bool]time.Duration{true: 15*time.Minute - 2*time.Second}[stored]; left != want {
				t.Errorf("store %t: the handler has %v, want %v", stored, left, want)
			}
		})
	}
}
