package bustest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type placed struct {
	Total int `json:"total"`
}

type sum struct {
	Name  string `dynamo:"name,hash"`
	Total int    `dynamo:"total"`
}

var (
	orderPlaced = event.Define[placed]("order.placed")
	sums        = orm.Define[sum, string]("sums")
	total       = orm.Number(sums, func(s *sum) *int { return &s.Total })
	addUp       = bus.Subscription("add_up", bus.To(orderPlaced), bus.Writes(sums))
	notify      = bus.Subscription("notify", bus.To(orderPlaced))
)

func add(_ context.Context, e event.Event[placed], tx *bus.Tx) error {
	tx.Write(sums.Update("all", total.Add(e.Data.Total)))
	return nil
}

// An example of how a domain tests its handlers.
func TestAddUp(t *testing.T) {
	kit := bustest.New(t, addUp, bus.OnTx(orderPlaced, add))
	first := kit.Event(orderPlaced.At("order/1", event.New).Record(placed{Total: 10}))
	second := kit.Event(orderPlaced.Record(placed{Total: 5}))
	if again := kit.DeliverParallel(20, first); again != 0 {
		t.Errorf("%d messages come again", again)
	}
	if r := kit.Deliver(second, first); r[0] != (bustest.Receipt{EventID: second.ID}) || r[1] != (bustest.Receipt{EventID: first.ID}) {
		t.Errorf("receipts %+v", r)
	}
	s, err := sums.Get(t.Context(), kit.Store, "all")
	if err != nil || s.Total != 15 {
		t.Errorf("sum %+v, %v", s, err)
	}
	if d := kit.Delivery(first.ID); d.Status != bus.Succeeded || d.Attempts != 1 {
		t.Errorf("delivery %+v", d)
	}
}

func TestSettleMovesTheClock(t *testing.T) {
	fails := 3
	kit := bustest.New(t, notify, bus.On(orderPlaced, func(context.Context, event.Event[placed]) error {
		if fails--; fails >= 0 {
			return errors.New("busy")
		}
		return nil
	}))
	d := kit.Settle(kit.Event(orderPlaced.Record(placed{})))
	if d.Status != bus.Succeeded || d.Attempts != 4 {
		t.Errorf("delivery %+v", d)
	}
	if took := kit.Now().Sub(bustest.Start); took != 7*time.Second {
		t.Errorf("it took %v, want 1 + 2 + 4 seconds", took)
	}
}

func TestEventsOfAStream(t *testing.T) {
	kit := bustest.New(t, addUp, bus.OnTx(orderPlaced, add))
	r := orderPlaced.At("order/1", event.Append).Record(placed{})
	for i, want := range []string{"order/1@1", "order/1@2", "order/1@3"} {
		e := kit.Event(r)
		if e.ID != want || e.Subject != "order/1" || e.Type != "order.placed" || e.CorrelationID == "" || !e.Time.Equal(bustest.Start) {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if a, b := kit.Event(orderPlaced.Record(placed{})), kit.Event(orderPlaced.Record(placed{})); a.ID == b.ID {
		t.Errorf("two facts of one id: %s", a.ID)
	}
}

func TestSharedStore(t *testing.T) {
	store := ormtest.New()
	a := bustest.With(t, bustest.Options{Store: store}, addUp, bus.OnTx(orderPlaced, add))
	b := bustest.With(t, bustest.Options{Store: store}, notify, bus.On(orderPlaced, func(context.Context, event.Event[placed]) error { return nil }))
	e := a.Event(orderPlaced.Record(placed{Total: 1}))
	a.Deliver(e)
	if b.Delivered(e.ID) {
		t.Error("a delivery of one subscription counts for another")
	}
	b.Deliver(e)
	if !b.Delivered(e.ID) || b.Delivery(e.ID).Subscription != "notify" {
		t.Errorf("delivery %+v", b.Delivery(e.ID))
	}
}

// recorder is a testing.TB that notes a failure instead of failing.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	panic(r)
}

// A kit must fail the test where it cannot do what it is asked.
func TestFailsTheTest(t *testing.T) {
	never := func(context.Context, event.Event[placed]) error { return errors.New("never") }
	tests := map[string]func(tb testing.TB){
		"handlers that do not fit": func(tb testing.TB) { bustest.New(tb, notify) },
		"no delivery":              func(tb testing.TB) { bustest.New(tb, notify, bus.On(orderPlaced, never)).Delivery("order/1@1") },
		"wrong record": func(tb testing.TB) {
			bustest.New(tb, notify, bus.On(orderPlaced, never)).Event(orderPlaced.At("", event.New).Record(placed{}))
		},
		"never settled": func(tb testing.TB) {
			k := bustest.With(tb, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.MaxAttempts = 100 }}, notify, bus.On(orderPlaced, never))
			k.Settle(k.Event(orderPlaced.Record(placed{})))
		},
	}
	for name, do := range tests {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			func() {
				defer func() {
					if p := recover(); p != nil && p != any(r) {
						panic(p)
					}
				}()
				do(r)
			}()
			if r.failed == "" {
				t.Error("the test goes on")
			}
		})
	}
}
