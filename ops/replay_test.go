package ops_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/ops"
)

// A replay by type sends what has not succeeded, and nothing else: what never
// arrived, and what was given up.
func TestReplaySendsWhatHasNotSucceeded(t *testing.T) {
	f, h := charging(t)
	dead := f.dead(h, 2)
	done := f.commit(placed.At("order/done", event.New).Record(order{City: "Ulm"}))[0]
	f.publish(done)
	f.work()
	lost := f.commit(placed.At("order/lost", event.New).Record(order{City: "Ulm"}))[0]
	f.commit(shipped.At("order/lost", event.Append).Record(order{})) // not asked for
	h.handled = nil

	replay := ops.Replay{Selection: ops.Selection{Types: []string{"order.placed"}, From: bustest.Start}}
	var would []string
	dry := replay
	dry.DryRun, dry.Each = true, func(e event.Envelope) { would = append(would, e.ID) }
	p, err := f.ops.Replay(t.Context(), "charge", dry) // which nobody need stand for
	want := []string{dead[0].ID, dead[1].ID, lost.ID}
	if err != nil || !slices.Equal(would, want) || p.Sent != 3 || p.Succeeded != 1 || p.Looked != 4 || !p.Done || p.ID != "" {
		t.Fatalf("dry run: %v, %+v, %v", would, p, err)
	}
	if f.queues.visible(queue("charge")) != 0 || len(f.acts("charge")) != 0 {
		t.Error("the dry run did something")
	}

	replay.Reason = "the rule was wrong"
	p, err = f.ops.Replay(f.ctx, "charge", replay)
	if err != nil || p.Sent != 3 || p.ID != "id1" {
		t.Fatalf("%+v, %v", p, err)
	}
	f.work()
	slices.Sort(h.handled)
	slices.Sort(want)
	if !slices.Equal(h.handled, want) {
		t.Errorf("handled %v, want %v", h.handled, want)
	}
	acts := f.acts("charge")
	if len(acts) != 2 {
		t.Fatalf("acts %+v", acts)
	}
	began, err1 := ops.Replayed.Decode(acts[0])
	ended, err2 := ops.Replayed.Decode(acts[1])
	if err := errors.Join(err1, err2); err != nil || began.Actor != "alice" || began.Data.Phase != ops.Began || began.Data.Reason != "the rule was wrong" || began.Data.To.IsZero() ||
		ended.Data.Phase != ops.Ended || ended.Data.Sent != 3 || ended.Data.Replay != began.Data.Replay {
		t.Errorf("%v: %+v, %+v", err, began, ended)
	}

	p, err = f.ops.Replay(f.ctx, "charge", replay)
	if err != nil || p.Sent != 0 || p.Succeeded != 4 {
		t.Errorf("again: %+v, %v", p, err)
	}
}

func TestReplaySelections(t *testing.T) {
	h := &flaky{}
	sub := bus.Subscription("charge", bus.To(placed, event.Where(shipped, event.Path(shipped, func(o *order) *string { return &o.City }).Eq("Ulm"))))
	f := newFixture(t, part{sub, []bus.Part{bus.On(placed, h.handle), bus.On(shipped, h.handle)}})
	a := f.commit(placed.At(at(1), event.New).Record(order{Number: 1}))[0]
	ctx := event.WithFlow(t.Context(), a.Flow())
	f.advance(time.Minute)
	f.commit(shipped.At(at(1), event.Append).Record(order{City: "Bonn"}))
	f.commit(shipped.At(at(1), event.Append).Record(order{City: "Ulm"}))
	f.advance(time.Minute)
	f.commit(placed.At(at(2), event.New).Record(order{}))
	_ = ctx
	for _, tt := range []struct {
		name string
		sel  ops.Selection
		want string
		not  int // asked
	}{
		{"types", ops.Selection{Types: []string{"order.placed", "order.shipped"}, From: bustest.Start}, "order/1@1 order/1@3 order/2@1", 1},
		{"one type", ops.Selection{Types: []string{"order.placed"}, From: bustest.Start}, "order/1@1 order/2@1", 0},
		{"a range", ops.Selection{Types: []string{"order.placed", "order.shipped"}, From: bustest.Start.Add(30 * time.Second), To: bustest.Start.Add(100 * time.Second)}, "order/1@3", 1},
		{"a stream", ops.Selection{Stream: at(1)}, "order/1@1 order/1@3", 1},
		{"a correlation", ops.Selection{CorrelationID: a.CorrelationID}, "order/1@1", 0},
		{"nothing", ops.Selection{Stream: at(7)}, "", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			p, err := f.ops.Replay(t.Context(), "charge", ops.Replay{Selection: tt.sel, DryRun: true, Each: func(e event.Envelope) { got = append(got, e.ID) }})
			if err != nil || strings.Join(got, " ") != tt.want || p.NotAsked != tt.not {
				t.Errorf("%v, %+v, %v", got, p, err)
			}
		})
	}
}

// A replay that stops goes on from its cursor: nothing is left out.
func TestReplayResumes(t *testing.T) {
	for _, by := range []string{"type", "stream"} {
		t.Run(by, func(t *testing.T) {
			f, h := charging(t)
			var want []string
			for i := range 25 {
				want = append(want, f.commit(placed.At(at(1), event.Append).Record(order{Number: i}))[0].ID)
			}
			r := ops.Replay{Selection: ops.Selection{Stream: at(1)}, Rate: 10}
			if by == "type" {
				r.Selection = ops.Selection{Types: []string{"order.placed"}, From: bustest.Start, To: f.now()}
			}
			f.queues.fail = func(op, _ string) error {
				if op == "send" && len(f.queues.sends) == 2 {
					return errors.New("the line is cut")
				}
				return nil
			}
			var last ops.ReplayProgress
			r.Progress = func(p ops.ReplayProgress) { last = p }
			p, err := f.ops.Replay(f.ctx, "charge", r)
			if err == nil || p.Sent != 20 || p.Done || p.Cursor == "" || p.Cursor != last.Cursor {
				t.Fatalf("%+v, %v", p, err)
			}
			f.queues.fail = nil
			r.Cursor, r.ID = p.Cursor, p.ID
			p, err = f.ops.Replay(f.ctx, "charge", r)
			if err != nil || p.Sent != 5 || !p.Done {
				t.Errorf("%+v, %v", p, err)
			}
			f.work()
			if len(h.handled) != len(want) {
				t.Errorf("handled %d of %d", len(h.handled), len(want))
			}
			var phases []string
			for _, e := range f.acts("charge") {
				a, err := ops.Replayed.Decode(e)
				if err != nil || a.Data.Replay != p.ID {
					t.Errorf("%+v, %v", a, err)
				}
				phases = append(phases, fmt.Sprint(a.Data.Phase, a.Data.Resumed))
			}
			if got := strings.Join(phases, " "); got != "beganfalse stoppedfalse begantrue endedfalse" {
				t.Errorf("acts: %s", got)
			}
			r.Selection = ops.Selection{Stream: at(2)}
			if _, err := f.ops.Replay(f.ctx, "charge", r); !errors.Is(err, ops.KindInvalid) {
				t.Errorf("the cursor of another replay: %v", err)
			}
		})
	}
}

func TestReplayRate(t *testing.T) {
	f, _ := charging(t)
	for range 25 {
		f.commit(placed.At(at(1), event.Append).Record(order{}))
	}
	began := f.now()
	if _, err := f.ops.Replay(f.ctx, "charge", ops.Replay{Selection: ops.Selection{Stream: at(1)}, Rate: 5}); err != nil {
		t.Fatal(err)
	}
	if took := f.now().Sub(began); took < 4*time.Second || took > 6*time.Second {
		t.Errorf("25 messages at 5 a second took %s", took)
	}
	if m := slices.Max(f.queues.sends); m > 5 {
		t.Errorf("%d messages at once", m)
	}
}

func TestReplayStopped(t *testing.T) {
	f, _ := charging(t)
	for range 25 {
		f.commit(placed.At(at(1), event.Append).Record(order{}))
	}
	ctx, stop := context.WithCancel(f.ctx)
	p, err := f.ops.Replay(ctx, "charge", ops.Replay{Selection: ops.Selection{Stream: at(1)}, Rate: 10, Progress: func(ops.ReplayProgress) { stop() }})
	if !errors.Is(err, context.Canceled) || p.Sent != 10 || p.Cursor == "" {
		t.Errorf("%+v, %v", p, err)
	}
	acts := f.acts("charge")
	if a, err := ops.Replayed.Decode(acts[len(acts)-1]); err != nil || a.Data.Phase != ops.Stopped || a.Data.Sent != 10 {
		t.Errorf("%+v, %v", a, err)
	}
}

// In a namespace everything is handled once more, by a subscription that says so.
func TestReplayAgain(t *testing.T) {
	f, h := charging(t, bus.Rebuildable())
	e := f.commit(placed.At(at(1), event.New).Record(order{City: "Ulm"}))[0]
	f.publish(e)
	f.work()
	r := ops.Replay{Selection: ops.Selection{Stream: at(1)}, Again: "spring"}
	for i, want := range []int{1, 0} { // once, however often it is asked for
		p, err := f.ops.Replay(f.ctx, "charge", r)
		if err != nil || p.Sent != want {
			t.Fatalf("%d: %+v, %v", i, p, err)
		}
		f.work()
	}
	if len(h.handled) != 2 {
		t.Errorf("handled %v", h.handled)
	}
	ds, err := f.ops.Deliveries(t.Context(), e.ID, "spring")
	if err != nil || len(ds) != 2 || ds[1].Namespace != "spring" || ds[1].EventID != e.ID || ds[1].State != ops.Succeeded {
		t.Errorf("%+v, %v", ds, err)
	}
	r.Again = "Spring"
	if _, err := f.ops.Replay(f.ctx, "charge", r); !errors.Is(err, ops.KindInvalid) {
		t.Errorf("a wrong name: %v", err)
	}
	f, _ = charging(t)
	if _, err := f.ops.Replay(f.ctx, "charge", ops.Replay{Selection: ops.Selection{Stream: at(1)}, Again: "spring"}); !errors.Is(err, ops.KindRefused) {
		t.Errorf("a subscription that is not rebuildable: %v", err)
	}
}

func TestReplaysThatAreNone(t *testing.T) {
	f, _ := charging(t)
	for says, r := range map[string]ops.Replay{
		"say which events":            {},
		"either types":                {Selection: ops.Selection{Types: []string{"order.placed"}, Stream: at(1)}},
		"HistoryQuery.From is zero":   {Selection: ops.Selection{Types: []string{"order.placed"}}},
		"does not ask for events":     {Selection: ops.Selection{Types: []string{"order.shipped"}, From: bustest.Start}},
		"a range of time goes":        {Selection: ops.Selection{Stream: at(1), From: bustest.Start}},
		"rate -1":                     {Selection: ops.Selection{Stream: at(1)}, Rate: -1},
		"it has no slash":             {Selection: ops.Selection{Stream: "order"}},
		"is none of stream order/1":   {Selection: ops.Selection{Stream: at(1)}, Cursor: "order/2@1"},
		"this is no cursor":           {Selection: ops.Selection{CorrelationID: "c"}, Cursor: "x"},
		"correlation id of 300 bytes": {Selection: ops.Selection{CorrelationID: strings.Repeat("c", 300)}},
	} {
		r.DryRun = true
		if _, err := f.ops.Replay(t.Context(), "charge", r); !errors.Is(err, ops.KindInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", says, err)
		}
	}
}

// An ordered subscription has a checkpoint of its own in each namespace, and what
// blocks a stream there is found and skipped there.
func TestReplayAgainInOrder(t *testing.T) {
	f, h := charging(t, bus.Rebuildable(), bus.Ordered())
	var es []event.Envelope
	for i := range 3 {
		es = append(es, f.commit(placed.At(at(1), event.Append).Record(order{Number: i}))...)
	}
	f.publish(es...)
	f.work()
	h.broken = true
	p, err := f.ops.Replay(f.ctx, "charge", ops.Replay{Selection: ops.Selection{Stream: at(1)}, Again: "spring"})
	if err != nil || p.Sent != 3 {
		t.Fatalf("%+v, %v", p, err)
	}
	f.work()
	h.broken = false
	got := f.trouble("charge")
	if len(got) != 1 || got[0].State != ops.Blocked || got[0].Namespace != "spring" || got[0].EventID != es[0].ID {
		t.Fatalf("trouble %+v", got)
	}
	if err := f.ops.Skip(f.ctx, "charge", es[0].ID, ""); !errors.Is(err, bus.KindNotBlocked) {
		t.Errorf("skipped outside of the namespace: %v", err)
	}
	if err := f.ops.Skip(f.ctx, "charge", bus.RecordID(es[0].ID, "spring"), ""); err != nil {
		t.Fatal(err)
	}
	f.work()
	want := []string{es[0].ID, es[1].ID, es[2].ID, es[1].ID, es[2].ID}
	if !slices.Equal(h.handled, want) || len(f.trouble("charge")) != 0 {
		t.Errorf("handled %v, want %v, trouble %+v", h.handled, want, f.trouble("charge"))
	}
}

// Without a record nobody knows whether an old event was handled: it is not sent
// unless somebody says so. One that is known to have failed is.
func TestReplayOld(t *testing.T) {
	f, h := charging(t)
	f.commit(placed.At(at(1), event.New).Record(order{}))
	f.dead(h, 1)
	f.advance(bus.MinRetention - time.Minute)
	recent := ops.Replay{Selection: ops.Selection{Types: []string{"order.placed"}, From: bustest.Start}, DryRun: true}
	if p, err := f.ops.Replay(t.Context(), "charge", recent); err != nil || p.Sent != 2 || p.Old != 0 {
		t.Errorf("%+v, %v", p, err)
	}
	f.advance(2 * time.Minute)
	for _, tt := range []struct {
		old       bool
		sent, not int
	}{{false, 1, 1}, {true, 2, 0}} {
		r := recent
		r.Old = tt.old
		if p, err := f.ops.Replay(t.Context(), "charge", r); err != nil || p.Sent != tt.sent || p.Old != tt.not {
			t.Errorf("%+v: %+v, %v", tt, p, err)
		}
	}
	f, _ = charging(t, bus.Ordered(), bus.Rebuildable())
	f.commit(placed.At(at(1), event.New).Record(order{}))
	f.advance(bus.MinRetention + time.Minute)
	for _, again := range []string{"", "spring"} {
		r := recent
		r.Again = again
		if p, err := f.ops.Replay(t.Context(), "charge", r); err != nil || p.Sent != 1 || p.Old != 0 {
			t.Errorf("again %q: %+v, %v", again, p, err)
		}
	}
}
