package bus_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

var (
	doorModel    = bus.Subscription("door_model", bus.To(doorOpened), bus.Writes(counters), bus.Rebuildable())
	doorInOrder  = bus.Subscription("door_in_order", bus.To(doorOpened), bus.Writes(counters), bus.Rebuildable(), bus.Ordered())
	doorNoModel  = bus.Subscription("door_no_model", bus.To(doorOpened), bus.Writes(counters))
	errNotInNext = errors.New("not in this generation")
)

// model counts doors in each generation; failing is the one in which it fails.
type model struct {
	failing string
	fails   bool
	runs    []string
}

func (m *model) count(ctx context.Context, e event.Event[opened], tx *bus.Tx) error {
	g := bus.Namespace(ctx)
	m.runs = append(m.runs, bus.RecordID(e.ID, g))
	if m.fails && g == m.failing {
		return errNotInNext
	}
	tx.Write(counters.Update("doors of "+g, count.Add(1)))
	return nil
}

func setGenerations(t *testing.T, s orm.Store, sub *bus.Definition, change func(*bus.Generations)) {
	t.Helper()
	g, err := bus.ReadGenerations(t.Context(), s, sub.Name)
	if err != nil {
		t.Fatal(err)
	}
	change(&g)
	w, err := bus.ChangeGenerations(sub.Name, g)
	if err != nil {
		t.Fatal(err)
	}
	if err := orm.Exec(t.Context(), s, w); err != nil {
		t.Fatal(err)
	}
}

func building(g *bus.Generations) { g.Building, g.Last = "g2", 2 }

func flipped(g *bus.Generations) {
	g.Retired = append(g.Retired, bus.Retired{Generation: g.Current})
	g.Current, g.Building = g.Building, ""
}

// countedIn is how many doors each generation has.
func countedIn(t *testing.T, s orm.Reader, generations ...string) (n []int) {
	t.Helper()
	for _, g := range generations {
		c, err := counters.Get(t.Context(), s, "doors of "+g)
		if err != nil && !errors.Is(err, orm.KindNotFound) {
			t.Fatal(err)
		}
		n = append(n, c.Count)
	}
	return n
}

// A live event is handled in every generation that the pointer names, and the message
// comes again until all are settled.
func TestGenerations(t *testing.T) {
	for _, sub := range []*bus.Definition{doorModel, doorInOrder} {
		t.Run(sub.Name, func(t *testing.T) {
			m := &model{}
			k := bustest.New(t, sub, bus.OnTx(doorOpened, m.count))
			commit := func(n int) event.Envelope {
				return k.Commit(doorOpened.At("door/1", event.Append).Record(opened{N: n}))[0]
			}
			want := func(n ...int) {
				t.Helper()
				if got := countedIn(t, k.Store, "", "g2"); !slices.Equal(got, n) {
					t.Errorf("counted %v, want %v; runs %v", got, n, m.runs)
				}
			}
			first := commit(1)
			k.Deliver(first)
			want(1, 0)

			setGenerations(t, k.Store, sub, building)
			second := commit(2)
			k.Deliver(second)
			inNext := 1
			if sub.Ordered {
				inNext = 2 // it begins at the stream's first event
			}
			want(2, inNext)
			if d := k.Delivery(bus.RecordID(second.ID, "g2")); d.Status != bus.Succeeded {
				t.Errorf("the record in g2 is %s", d.Status)
			}

			// One fails: the message comes again, and the other is not handled twice.
			m.failing, m.fails = "g2", true
			third := commit(3)
			if r := k.Deliver(third)[0]; !r.Again || r.Hidden <= 0 {
				t.Errorf("receipt %+v", r)
			}
			want(3, inNext)
			m.fails = false
			k.Advance(time.Minute)
			if r := k.DeliverIn(t.Context(), 2, third)[0]; r.Again {
				t.Errorf("receipt %+v", r)
			}
			want(3, inNext+1)

			// Pending at the flip: it still comes to the new generation, and to no other.
			m.failing, m.fails = "g2", true
			fourth := commit(4)
			k.Deliver(fourth)
			want(4, inNext+1)
			setGenerations(t, k.Store, sub, flipped)
			m.fails = false
			k.Advance(time.Minute)
			if r := k.DeliverIn(t.Context(), 2, fourth)[0]; r.Again {
				t.Errorf("receipt %+v", r)
			}
			want(4, inNext+2)
			k.Deliver(commit(5))
			want(4, inNext+3)
		})
	}
}

// Messages in a namespace: those of a generation that is over are acknowledged without
// a run; all others are handled in it alone.
func TestNamespaceOfGeneration(t *testing.T) {
	m := &model{}
	k := bustest.New(t, doorModel, bus.OnTx(doorOpened, m.count))
	setGenerations(t, k.Store, doorModel, func(g *bus.Generations) { g.Current, g.Building, g.Last = "g3", "g4", 4 })
	for namespace, runs := range map[string]bool{"g2": false, "g3": true, "g4": true, "g5": false, "spring": true, "g3x": true} {
		m.runs = nil
		e := opening(k, len(namespace))
		message := k.Redriven(bus.DeadLetter{Body: k.Message(e, 1).Body, Attributes: map[string]string{bus.AttrNamespace: namespace}})
		r, err := k.Handle(t.Context(), message)
		if err != nil || r[0].Again {
			t.Errorf("%s: %+v, %v", namespace, r, err)
		}
		var want []string
		if runs {
			want = []string{bus.RecordID(e.ID, namespace)}
		}
		if !slices.Equal(m.runs, want) {
			t.Errorf("%s: runs %v, want %v", namespace, m.runs, want)
		}
	}
	if len(k.DeadLetters()) != 0 {
		t.Errorf("dead letters %v", k.DeadLetters())
	}
}

// The pointer is read once a batch, consistently, and by rebuildable subscriptions
// only. Without it nothing is handled.
func TestPointerIsRead(t *testing.T) {
	for _, sub := range []*bus.Definition{doorModel, doorNoModel} {
		m := &model{}
		k := bustest.New(t, sub, bus.OnTx(doorOpened, m.count))
		reads, broken := 0, false
		k.Store.Before(func(c ormtest.Call) error {
			if c.Get != nil && c.Get.Table == eventlog.State.Schema() {
				if reads++; c.Get.Eventual {
					t.Error("it is not read strongly consistent")
				}
				if broken {
					return &orm.Error{Kind: orm.KindUnavailable, Op: "get"}
				}
			}
			return nil
		})
		k.Deliver(opening(k, 1), opening(k, 2), opening(k, 3))
		if want := map[*bus.Definition]int{doorModel: 1}[sub]; reads != want || len(m.runs) != 3 {
			t.Errorf("%s: %d reads, %d runs, want %d and 3", sub.Name, reads, len(m.runs), want)
		}
		if sub != doorModel {
			continue
		}
		broken = true
		junk, err := k.Handle(t.Context(), k.Raw("junk", 1), k.Message(opening(k, 4), 1))
		if err != nil || junk[0].Again || !junk[1].Again || junk[1].Hidden <= 0 || len(m.runs) != 3 || len(k.DeadLetters()) != 1 {
			t.Errorf("without the pointer: %+v, %v, %d runs, %d dead letters", junk, err, len(m.runs), len(k.DeadLetters()))
		}
	}
}

// What is given up in a generation is a dead letter of its own, and only there.
func TestDeadInGeneration(t *testing.T) {
	m := &model{failing: "g2", fails: true}
	k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.MaxAttempts = 1 }}, doorModel, bus.OnTx(doorOpened, m.count))
	setGenerations(t, k.Store, doorModel, building)
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; r.Again {
		t.Errorf("%+v", r)
	}
	letters := k.DeadLetters()
	if len(letters) != 1 || letters[0].Attributes[bus.AttrNamespace] != "g2" || k.Delivery(e.ID).Status != bus.Succeeded {
		t.Fatalf("letters %+v, status %s", letters, k.Delivery(e.ID).Status)
	}
	// A message that is no event is one dead letter, however many generations there are.
	if _, err := k.Handle(t.Context(), k.Raw("junk", 1)); err != nil || len(k.DeadLetters()) != 2 {
		t.Errorf("%v, %d letters", err, len(k.DeadLetters()))
	}
	m.fails = false
	if _, err := k.Handle(t.Context(), k.Redriven(letters[0])); err != nil {
		t.Fatal(err)
	}
	if got := countedIn(t, k.Store, "", "g2"); !slices.Equal(got, []int{1, 1}) {
		t.Errorf("counted %v", got)
	}
}

// An ordered subscription sends a message whose event is in no stream to the
// dead-letter queue once.
func TestNoEventInOrder(t *testing.T) {
	k := bustest.New(t, doorInOrder, bus.OnTx(doorOpened, (&model{}).count))
	setGenerations(t, k.Store, doorInOrder, building)
	k.Deliver(opening(k, 1))
	if len(k.DeadLetters()) != 1 {
		t.Errorf("%d letters", len(k.DeadLetters()))
	}
}

func TestGenerationsInProcess(t *testing.T) {
	for _, sub := range []*bus.Definition{doorModel, doorInOrder} {
		m := &model{}
		memory := ormtest.New()
		log := eventlog.New(memory, eventlog.Options{Source: "test"})
		b, err := bus.NewInProcess(bus.InProcessOptions{Store: memory, Log: log}, bus.Register(sub, bus.OnTx(doorOpened, m.count)))
		if err != nil {
			t.Fatal(err)
		}
		log = b.Follow(log)
		commit := func() {
			t.Helper()
			if _, err := log.Commit(t.Context(), eventlog.Changes{Events: []event.Record{doorOpened.At("door/1", event.Append).Record(opened{})}}); err != nil {
				t.Fatal(err)
			}
		}
		setGenerations(t, memory, sub, building)
		commit()
		setGenerations(t, memory, sub, flipped)
		commit()
		if got := countedIn(t, memory, "", "g2"); !slices.Equal(got, []int{1, 2}) {
			t.Errorf("%s: counted %v", sub.Name, got)
		}
		memory.Before(func(c ormtest.Call) error {
			if c.Get != nil && c.Get.Table == eventlog.State.Schema() {
				return errBoom
			}
			return nil
		})
		e := event.Envelope{Metadata: event.Metadata{ID: "door/1@1", Type: doorOpened.Name(), SchemaVersion: 1, Time: time.Now()}, Data: []byte(`{"N":1}`)}
		if rs := b.Publish(t.Context(), e); len(rs) != 1 || !errors.Is(rs[0].Err, errBoom) {
			t.Errorf("%s: without the pointer: %+v", sub.Name, rs)
		}
	}
}

// An event that was sent anew for another subscription is handled in no generation.
func TestOnlyFor(t *testing.T) {
	for id, want := range map[string]string{"ops/charge/x@1": "charge", "ops/charge@3": "", "order/ops/x@1": "", "": "", "ops/": "", "ops//x@1": ""} {
		if got := bus.OnlyFor(id); got != want {
			t.Errorf("%q is only for %q, want %q", id, got, want)
		}
	}
	m := &model{}
	k := bustest.New(t, doorModel, bus.OnTx(doorOpened, m.count))
	setGenerations(t, k.Store, doorModel, building)
	for _, stream := range []string{"ops/door_model/a", "ops/charge/b"} {
		k.Deliver(k.Commit(doorOpened.At(stream, event.New).Record(opened{}))...)
	}
	if want := []string{"ops/door_model/a@1", "ops/door_model/a@1!g2"}; !slices.Equal(m.runs, want) {
		t.Errorf("runs %v, want %v", m.runs, want)
	}
}

func TestGenerationNames(t *testing.T) {
	var g bus.Generations
	if g.Next() != "g2" || g.Over("") || g.Over("spring") || !g.Over("g2") || !slices.Equal(g.Live(), []string{""}) {
		t.Errorf("of a model that was never rebuilt: next %s, live %q", g.Next(), g.Live())
	}
	g = bus.Generations{Current: "g9", Building: "g10", Last: 10, Retired: []bus.Retired{{Generation: "g7"}, {Generation: "g8", Aborted: true}}}
	if g.Next() != "g11" || !g.Over("") || !g.Over("g8") || g.Over("g10") {
		t.Errorf("next %s", g.Next())
	}
	if g.Building = ""; !g.Over("") || !g.Over("g10") || g.Over("g9") {
		t.Error("of a model that was rebuilt, only the current generation is not over")
	}
	if err := bus.CheckNamespace(g.Next()); err != nil {
		t.Error(err)
	}
}

// Of two changes that were made from the same state the second one fails.
func TestChangeGenerations(t *testing.T) {
	s := ormtest.New()
	for range 2 {
		g, err := bus.ReadGenerations(t.Context(), s, "m")
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []error{nil, orm.KindConditionFailed} {
			g.Current, g.Last = g.Next(), g.Last+i
			w, err := bus.ChangeGenerations("m", g)
			if err != nil {
				t.Fatal(err)
			}
			if err := orm.Exec(t.Context(), s, w); !errors.Is(err, want) {
				t.Errorf("change %d: %v", i, err)
			}
		}
	}
	if err := orm.Exec(t.Context(), s, eventlog.State.Put(eventlog.StateItem{Key: eventlog.ModelKey("broken"), Data: "{"})); err != nil {
		t.Fatal(err)
	}
	if _, err := bus.ReadGenerations(t.Context(), s, "broken"); err == nil {
		t.Error("a broken pointer is read")
	}
}
