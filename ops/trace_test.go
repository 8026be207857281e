package ops_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
)

// shape is a tree in one line: each event with what it caused in brackets.
func shape(nodes []*ops.Node) string {
	var out []string
	for _, n := range nodes {
		s := n.Event.ID
		for _, d := range n.Deliveries {
			s += "/" + string(d.State)
		}
		if len(n.Caused) > 0 {
			s += "(" + shape(n.Caused) + ")"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

func TestTree(t *testing.T) {
	f, h := charging(t)
	commit := func(flow event.Flow, stream string) event.Envelope {
		t.Helper()
		c, err := f.first.Log.Commit(event.WithFlow(t.Context(), flow), eventlog.Changes{Events: []event.Record{placed.At(stream, event.Append).Record(order{City: "Ulm"})}})
		if err != nil {
			t.Fatal(err)
		}
		f.advance(time.Second)
		e, err := f.first.Log.Get(t.Context(), c.Events[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	root := commit(event.Flow{CorrelationID: "c", CausationID: "request"}, "order/a")
	first := commit(root.Flow(), "order/b")
	commit(first.Flow(), "order/c")
	commit(root.Flow(), "order/d")
	commit(event.Flow{CorrelationID: "c"}, "order/e")
	commit(event.Flow{CorrelationID: "other", CausationID: root.ID}, "order/x")
	// Ids come from outside, too: these are each other's cause.
	commit(event.Flow{CorrelationID: "c", CausationID: "order/g@1"}, "order/f")
	commit(event.Flow{CorrelationID: "c", CausationID: "order/f@1"}, "order/g")
	f.publish(root)
	f.work()
	h.broken = true
	f.publish(first)
	f.work()

	tree, err := f.ops.TreeOf(t.Context(), "order/c@1")
	want := "order/a@1/succeeded(order/b@1/dead(order/c@1) order/d@1) order/e@1 order/f@1 order/g@1"
	if err != nil || shape(tree.Roots) != want || tree.CorrelationID != "c" || tree.Events != 7 || tree.Truncated {
		t.Errorf("%s\nwant %s\n%v", shape(tree.Roots), want, err)
	}
	if _, err := f.ops.TreeOf(t.Context(), "order/z@1"); !errors.Is(err, ops.KindUnknown) {
		t.Errorf("got %v", err)
	}
}

func TestTroubleStates(t *testing.T) {
	f, _ := charging(t)
	now := f.now()
	put := func(id string, d bus.Delivery) {
		t.Helper()
		d.EventID, d.Subscription, d.FirstAt, d.LastAt, d.EventType, d.Trouble = id, "charge", now, now, "order.placed", "charge"
		if err := orm.Exec(t.Context(), f.first.Store, bus.Deliveries.Put(d)); err != nil {
			t.Fatal(err)
		}
	}
	put("order/1@1", bus.Delivery{Status: bus.Failed, Attempts: 2, ErrorKind: "failed", ErrorMessage: "no"})
	put("order/2@1!spring", bus.Delivery{Status: bus.Dead, Attempts: 5})
	put("order/3@1", bus.Delivery{Status: bus.Processing, Attempts: 1, LeaseUntil: now.Add(-time.Second), Duration: 1500 * time.Microsecond})
	put("order/4@1", bus.Delivery{Status: bus.Processing, Attempts: 1, LeaseUntil: now.Add(time.Minute)})
	var got []string
	for _, x := range f.trouble("charge") {
		got = append(got, fmt.Sprintf("%s %s %s %t %s", x.EventID, x.Namespace, x.State, x.GivenUp, x.Duration()))
	}
	want := "order/1@1  failed false 0s; order/2@1 spring dead true 0s; order/3@1  stuck false 1.5ms; order/4@1  processing false 0s"
	if s := strings.Join(got, "; "); s != want {
		t.Errorf("%s\nwant %s", s, want)
	}
	for _, err := range f.ops.Trouble(t.Context(), "chrge") {
		if !errors.Is(err, ops.KindUnknown) {
			t.Errorf("got %v", err)
		}
	}
	if b, err := f.ops.Backlog(t.Context(), "charge"); err != nil || b.DeadLetters == nil || b.Queue != (ops.Depth{}) {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestWants(t *testing.T) {
	f := newFixture(t, part{bus.Subscription("all", bus.To(event.Match("order.*"))), []bus.Part{bus.On(placed, (&flaky{}).handle)}})
	got, err := f.ops.Wants("all", []string{"order.placed", "user.created", "order.shipped"})
	if err != nil || strings.Join(got, " ") != "order.placed order.shipped" {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOptionsThatAreWrong(t *testing.T) {
	f, _ := charging(t)
	_, err := ops.New(ops.Options{Application: "Shop", Deployment: "prod", Subscriptions: []ops.Subscription{{Name: "x"}, {Name: "Bad"}}})
	for _, says := range []string{`application name "Shop"`, "Options.Store is nil", "Options.Log is nil", "x: it has no pattern", `"Bad"`} {
		if err == nil || !errors.Is(err, ops.KindInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v lacks %q", err, says)
		}
	}
	o, err := ops.New(ops.Options{Application: bustest.Source, Deployment: "test", Store: f.first.Store, Log: f.first.Log, Subscriptions: []ops.Subscription{ops.Of(bus.Subscription("charge", bus.To(placed)))}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Redrive(f.ctx, "charge", ops.Pick{All: true}); !errors.Is(err, ops.KindInvalid) || !strings.Contains(err.Error(), "Queues is nil") {
		t.Errorf("without queues: %v", err)
	}
	for _, def := range []event.Type{ops.Redriven, ops.Purged, ops.Skipped, ops.Edited, ops.Replayed, ops.Republished} {
		if def.Err() != nil {
			t.Error(def.Err())
		}
	}
	if err := event.CheckStream(ops.RepublishStream); err != nil {
		t.Error(err)
	}
}
