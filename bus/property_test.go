package bus_test

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// Whatever fails before or after its effect, and however often and late events
// come again: a transactional handler counts each once, and a leased one has its
// effect or is known to be dead.
func TestNothingLostNothingTwice(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		handlerFails := func() bool { return false }
		fail := func() error {
			if handlerFails() {
				return errBoom
			}
			return nil
		}
		seen := map[string]int{}
		store := ormtest.New()
		tx := bustest.With(t, bustest.Options{Store: store, Change: quiet}, txDoor,
			bus.OnTx(doorOpened, func(ctx context.Context, e event.Event[opened], tx *bus.Tx) error {
				return errors.Join(countUp(ctx, e, tx), fail())
			}))
		on := bustest.With(t, bustest.Options{Store: store, Change: quiet}, onDoor,
			bus.On(doorOpened, func(_ context.Context, e event.Event[opened]) error {
				seen[e.ID]++
				return fail()
			}),
			bus.On(doorClosed, closing))

		chance := func(label string, percent int) bool { return rapid.IntRange(0, 99).Draw(r, label) < percent }
		store.Before(func(c ormtest.Call) error {
			if c.Op == "get" || !chance("refused", 15) {
				return nil
			}
			if c.Op == "transact" && chance("by conflict", 50) {
				return conflict(c)
			}
			return &orm.Error{Kind: orm.KindThrottled, Op: c.Op, Table: "all"}
		})
		store.After(func(c ormtest.Call) error {
			if c.Op == "get" || !chance("answer lost", 15) {
				return nil
			}
			return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op, Table: "all"}
		})
		handlerFails = func() bool { return chance("handler fails", 10) }
		dead := func(op string) error {
			if op == "dead letter" && chance("no dead-letter queue", 30) {
				return errBoom
			}
			return nil
		}
		tx.FailQueue(dead)
		on.FailQueue(dead)

		es := make([]event.Envelope, rapid.IntRange(1, 4).Draw(r, "events"))
		for i := range es {
			es[i] = opening(tx, i)
		}
		for range rapid.IntRange(1, 12).Draw(r, "deliveries") {
			e := es[rapid.IntRange(0, len(es)-1).Draw(r, "event")]
			for _, k := range []*bustest.Kit{tx, on} {
				if receipt := k.DeliverIn(context.Background(), 1, e)[0]; chance("in time", 80) {
					k.Advance(receipt.Hidden)
				}
			}
		}

		store.Before(nil)
		store.After(nil)
		handlerFails = func() bool { return false }
		tx.FailQueue(nil)
		on.FailQueue(nil)
		succeeded := 0
		for _, e := range es {
			if d := tx.Settle(e); d.Status == bus.Succeeded {
				succeeded++
			} else if d.Status != bus.Dead || !buried(tx, e.ID) {
				r.Errorf("lost: %+v", d)
			}
			d := on.Settle(e)
			if d.Status == bus.Succeeded && seen[e.ID] == 0 || d.Status != bus.Succeeded && !buried(on, e.ID) {
				r.Errorf("lost after %d runs: %+v", seen[e.ID], d)
			}
			if d.Attempts > 5 || d.Attempts < seen[e.ID] && d.Status != bus.Dead {
				r.Errorf("%d runs, %+v", seen[e.ID], d)
			}
		}
		if n := counted(t, tx); n != succeeded {
			r.Errorf("counted %d of %d events", n, succeeded)
		}
	})
}

func buried(k *bustest.Kit, id string) bool {
	for _, l := range k.DeadLetters() {
		if l.Attributes[bus.AttrEventID] == id {
			return true
		}
	}
	return false
}
