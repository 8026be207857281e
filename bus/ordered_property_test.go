package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// world is a log with streams, the queue of an ordered subscription, and two
// processes that consume it, of which any call may fail and which may stop for
// good after any.
type world struct {
	r        *rapid.T
	sub      string
	store    *ormtest.Memory
	kits     [2]*bustest.Kit
	messages []events.SQSMessage // in the queue
	wanted   map[string][]int64  // versions of each stream that have a handler
	heads    map[string]int64    // of each stream
	calm     bool                // nothing fails any more
	killed   bool                // the process that runs now is dead
	inside   bool                // a second process runs, inside the first's handler
	seen     map[string][]int64  // effects of the leased handler, by stream
}

func (w *world) chance(label string, percent int) bool {
	return !w.calm && rapid.IntRange(0, 99).Draw(w.r, label) < percent
}

var errKilled = errors.New("the process is dead")

// fault is what happens to a call of store or queue, before or after its effect.
func (w *world) fault(when, op string) error {
	switch {
	case w.calm:
		return nil
	case w.killed:
		return errKilled
	case w.chance("dies "+when+" "+op, 2):
		w.killed = true
		return errKilled
	case w.chance("throttled "+when+" "+op, 5):
		return &orm.Error{Kind: orm.KindUnavailable, Op: op, Table: "all"}
	}
	return nil
}

// handler is the part of both kinds of handler that may go wrong.
func (w *world) handler() error {
	if w.chance("handler fails", 8) {
		return errBoom
	}
	if !w.inside && w.chance("meanwhile", 5) {
		// The lease runs out, or not, and the other process gets messages.
		if w.chance("lease runs out", 60) {
			w.advance(2 * time.Minute)
		}
		w.inside = true
		dead := w.killed
		w.killed = false
		w.deliver(w.kits[1])
		w.killed, w.inside = dead, false
	}
	return nil
}

func (w *world) advance(d time.Duration) {
	for _, k := range w.kits {
		k.Advance(d)
	}
}

// deliver hands some messages of the queue to a process, and keeps those that come
// again.
func (w *world) deliver(k *bustest.Kit) {
	if len(w.messages) == 0 {
		return
	}
	batch := make([]events.SQSMessage, 0, 5)
	for range rapid.IntRange(1, 5).Draw(w.r, "batch") {
		batch = append(batch, w.messages[rapid.IntRange(0, len(w.messages)-1).Draw(w.r, "message")])
	}
	dead := len(k.DeadLetters())
	receipts, err := k.Handle(context.Background(), batch...)
	if err != nil {
		w.r.Fatal(err)
	}
	// What a person redrives comes later.
	for _, l := range k.DeadLetters()[dead:] {
		w.messages = append(w.messages, k.Redriven(l))
	}
	if w.killed || w.chance("answer lost", 5) {
		return // SQS never hears of it
	}
	for i, r := range receipts {
		if !r.Again && !w.chance("comes twice", 10) {
			w.messages = slices.DeleteFunc(w.messages, func(m events.SQSMessage) bool { return m.MessageId == batch[i].MessageId })
		} else if w.chance("hidden", 50) {
			w.advance(r.Hidden)
		}
	}
}

func (w *world) commit() {
	stream := fmt.Sprintf("door/%d", rapid.IntRange(1, 3).Draw(w.r, "stream"))
	dead := w.calm
	w.calm = true
	for range rapid.IntRange(1, 3).Draw(w.r, "events") {
		w.heads[stream]++
		record := doorNoted.At(stream, event.Append).Record(noted{})
		matters := rapid.IntRange(0, 3).Draw(w.r, "type") > 0
		if matters {
			record = doorOpened.At(stream, event.Append).Record(opened{})
		}
		e := w.kits[0].Commit(record)[0]
		if matters {
			w.wanted[stream] = append(w.wanted[stream], w.heads[stream])
			m := w.kits[0].Message(e, 1)
			w.messages = append(w.messages, m)
		}
	}
	w.calm = dead
}

func newWorld(t *testing.T, r *rapid.T, sub *bus.Definition, parts func(*world) []bus.Part) *world {
	w := &world{r: r, sub: sub.Name, store: ormtest.New(), wanted: map[string][]int64{}, heads: map[string]int64{}, seen: map[string][]int64{}}
	for i := range w.kits {
		w.kits[i] = bustest.With(t, bustest.Options{Store: w.store, Change: func(o *bus.ConsumerOptions) {
			quiet(o)
			o.Timeout = time.Minute
			o.Concurrency = 1
		}}, sub, parts(w)...)
		w.kits[i].FailQueue(func(op string) error { return w.fault("before", op) })
	}
	w.store.Before(func(c ormtest.Call) error { return w.fault("before", c.Op) })
	w.store.After(func(c ormtest.Call) error { return w.fault("after", c.Op) })
	return w
}

// live lets time pass with all that can go wrong, and then until the queue is
// empty without.
func (w *world) live() {
	for range rapid.IntRange(1, 25).Draw(w.r, "steps") {
		switch rapid.IntRange(0, 3).Draw(w.r, "step") {
		case 0:
			w.commit()
		default:
			w.killed = false // a new process
			w.deliver(w.kits[rapid.IntRange(0, 1).Draw(w.r, "process")])
		}
		if w.chance("time passes", 30) {
			w.advance(time.Minute)
		}
	}
	w.calm, w.killed = true, false
	for turns := 0; len(w.messages) > 0; turns++ {
		if turns > 2000 {
			w.r.Fatalf("%d messages never end", len(w.messages))
		}
		w.advance(time.Hour)
		w.deliver(w.kits[0])
	}
}

// Whatever fails, whoever dies, and however messages come: a transactional handler
// of an ordered subscription handles the events of each stream once, in their
// order, and all of them.
func TestOrderedExactlyOnceInOrder(t *testing.T) {
	sub := bus.Subscription("in_order_tx", bus.To(doorOpened), bus.Ordered(), bus.Writes(journals))
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, r, sub, func(w *world) []bus.Part {
			return []bus.Part{bus.OnTx(doorOpened, func(_ context.Context, e event.Event[opened], tx *bus.Tx) error {
				return errors.Join(w.handler(), note(e.Metadata, tx))
			})}
		})
		w.live()
		for stream, want := range w.wanted {
			j, err := journals.Get(context.Background(), w.store, stream)
			if err != nil && !errors.Is(err, orm.KindNotFound) {
				r.Fatal(err)
			}
			if !slices.Equal(j.Versions, want) {
				r.Errorf("%s: handled %v, want %v", stream, j.Versions, want)
			}
			w.wantEnd(stream, want)
		}
	})
}

// wantEnd checks that a stream is read to the last event of its own, and free.
func (w *world) wantEnd(stream string, want []int64) {
	c := w.kits[0].Checkpoint(stream)
	if c.BlockedBy != "" || len(want) > 0 && c.Position < want[len(want)-1] {
		w.r.Errorf("checkpoint %+v, want at least %v", c, want)
	}
	for _, v := range want {
		id := event.EventID(stream, v)
		if d, err := bus.Deliveries.Get(context.Background(), w.store, orm.Key(id, w.sub)); err != nil || d.Status != bus.Succeeded {
			w.r.Errorf("delivery of %s: %+v, %v", id, d, err)
		}
	}
}

// The same with a leased handler, whose effects may be repeated and never come
// early.
func TestOrderedAtLeastOnceInOrder(t *testing.T) {
	sub := bus.Subscription("in_order", bus.To(doorOpened), bus.Ordered())
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, r, sub, func(w *world) []bus.Part {
			return []bus.Part{bus.On(doorOpened, func(_ context.Context, e event.Event[opened]) error {
				_, version, err := event.ParseID(e.ID)
				if err != nil {
					return err
				}
				w.seen[e.Subject] = append(w.seen[e.Subject], version)
				return w.handler()
			})}
		})
		w.live()
		for stream, want := range w.wanted {
			if got := slices.Compact(slices.Clone(w.seen[stream])); !slices.Equal(got, want) {
				r.Errorf("%s: effects %v, want %v in this order", stream, w.seen[stream], want)
			}
			w.wantEnd(stream, want)
		}
	})
}
