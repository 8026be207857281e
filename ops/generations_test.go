package ops_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
)

// generations sets those of the read model of charge.
func (f *fixture) generations(change func(*bus.Generations)) {
	f.t.Helper()
	g, err := bus.ReadGenerations(f.t.Context(), f.first.Store, "charge")
	if err != nil {
		f.t.Fatal(err)
	}
	change(&g)
	w, err := bus.ChangeGenerations("charge", g)
	if err == nil {
		err = orm.Exec(f.t.Context(), f.first.Store, w)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func build(g *bus.Generations) { g.Building, g.Last = "g2", 2 }

func flip(g *bus.Generations) {
	g.Retired = append(g.Retired, bus.Retired{Generation: g.Current})
	g.Current, g.Building = g.Building, ""
}

// What is asked of a subscription is asked of its read model's current generation.
func TestCurrentGeneration(t *testing.T) {
	f, h := charging(t, bus.Rebuildable())
	h.broken = true
	e := f.commit(placed.At(at(1), event.New).Record(order{City: "Ulm"}))[0]
	f.publish(e)
	f.work()
	if got := f.trouble("charge"); len(got) != 1 || got[0].Namespace != "" {
		t.Fatalf("trouble %+v", got)
	}
	h.broken = false
	f.generations(build)
	replay := func(r ops.Replay, want int) {
		t.Helper()
		r.Stream = at(1)
		if p, err := f.ops.Replay(f.ctx, "charge", r); err != nil || p.Sent != want {
			t.Errorf("replay %q: %+v, %v, want %d sent", r.Again, p, err, want)
		}
	}
	replay(ops.Replay{Again: "g2"}, 1)
	if _, err := f.ops.Replay(f.ctx, "charge", ops.Replay{Selection: ops.Selection{Stream: at(1)}, Again: "g7"}); !errors.Is(err, ops.KindRefused) {
		t.Errorf("a generation that is not live: %v", err)
	}
	replay(ops.Replay{Again: "g7", DryRun: true}, 1)
	f.work()

	deliveries := func(namespaces ...string) (out []string) {
		t.Helper()
		ds, err := f.ops.Deliveries(t.Context(), e.ID, namespaces...)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range ds {
			out = append(out, d.Namespace+" "+string(d.State))
		}
		return out
	}
	if got, want := deliveries("g2"), []string{" dead", "g2 succeeded"}; !slices.Equal(got, want) {
		t.Errorf("deliveries %q, want %q", got, want)
	}
	letters, err := f.ops.DeadLetters(t.Context(), "charge", ops.DeadLetters, 0)
	if err != nil || len(letters) != 1 || letters[0].Delivery == nil || letters[0].Delivery.State != ops.Dead {
		t.Errorf("letters %+v, %v", letters, err)
	}

	f.generations(flip)
	if got, want := deliveries("g2"), []string{"g2 succeeded"}; !slices.Equal(got, want) {
		t.Errorf("after the flip: deliveries %q, want %q", got, want)
	}
	tree, err := f.ops.TreeOf(t.Context(), e.ID)
	if err != nil || len(tree.Roots[0].Deliveries) != 1 || tree.Roots[0].Deliveries[0].Namespace != "g2" {
		t.Errorf("after the flip: %+v, %v", tree.Roots, err)
	}
	if got := f.trouble("charge"); len(got) != 0 {
		t.Errorf("after the flip: trouble %+v", got)
	}
	letters, err = f.ops.DeadLetters(t.Context(), "charge", ops.DeadLetters, 0)
	if err != nil || len(letters) != 1 || letters[0].Delivery == nil || letters[0].Delivery.State != ops.Succeeded {
		t.Errorf("after the flip: letters %+v, %v", letters, err)
	}
	replay(ops.Replay{}, 0)

	// What is sent is handled in the current generation.
	lost := f.commit(placed.At(at(2), event.New).Record(order{City: "Ulm"}))[0]
	if p, err := f.ops.Replay(f.ctx, "charge", ops.Replay{Selection: ops.Selection{Stream: at(2)}}); err != nil || p.Sent != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	f.work()
	if d := f.kits["charge"].Delivery(bus.RecordID(lost.ID, "g2")); d.Status != bus.Succeeded {
		t.Errorf("the lost event is %s", d.Status)
	}
}

// Skip means the current generation when the id names none.
func TestSkipInGeneration(t *testing.T) {
	f, h := charging(t, bus.Rebuildable(), bus.Ordered())
	f.generations(build)
	f.generations(flip)
	h.broken = true
	es := f.commit(placed.At(at(1), event.New).Record(order{}), placed.At(at(1), event.Append).Record(order{}))
	f.publish(es...)
	f.work()
	h.broken = false
	if err := f.ops.Skip(f.ctx, "charge", es[0].ID, ""); err != nil {
		t.Fatal(err)
	}
	f.work()
	if got := f.trouble("charge"); len(got) != 0 || !slices.Equal(h.handled, []string{es[1].ID}) {
		t.Errorf("trouble %+v, handled %v", got, h.handled)
	}
	if n := f.queues.visible(dlq("charge")); n != 0 {
		t.Errorf("%d letters are left", n)
	}
}

// An event that is sent anew takes the old one's place in every generation that is
// live, and in those that are made later.
func TestEditInGenerations(t *testing.T) {
	f, h := charging(t, bus.Rebuildable(), bus.Ordered())
	f.generations(build)
	e := f.commit(placed.At(at(1), event.New).Record(order{City: "nowhere"}))[0]
	f.publish(e)
	f.work()
	if n := f.queues.visible(dlq("charge")); n != 2 {
		t.Fatalf("%d letters", n)
	}
	m, err := f.ops.Edit(f.ctx, "charge", e.ID, []byte(`{"number":1,"city":"Ulm"}`), "")
	if err != nil {
		t.Fatal(err)
	}
	sent, err := f.first.Log.Get(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	f.publish(sent)
	f.advance(time.Minute)
	f.work()
	if n := f.queues.visible(dlq("charge")); n != 0 || !slices.Equal(h.handled, []string{m.ID, m.ID}) || len(f.trouble("charge")) != 0 {
		t.Errorf("%d letters, handled %v, trouble %+v", n, h.handled, f.trouble("charge"))
	}
	replaced, err := f.ops.Replaced(t.Context(), "charge")
	if err != nil || !slices.Equal(replaced, []string{e.ID}) {
		t.Errorf("replaced %v, %v", replaced, err)
	}
	for range 2 {
		if err := f.ops.PassOver(t.Context(), "charge", "g3", replaced); err != nil {
			t.Fatal(err)
		}
	}
	if d := f.kits["charge"].Delivery(bus.RecordID(e.ID, "g3")); d.Status != bus.Ignored || d.ErrorKind != ops.EditedKind {
		t.Errorf("in g3 it is %s (%s)", d.Status, d.ErrorKind)
	}
	if err := f.ops.PassOver(t.Context(), "charge", "g3", []string{"order/9@1"}); !errors.Is(err, ops.KindUnknown) {
		t.Errorf("an event that the log does not have: %v", err)
	}
}
