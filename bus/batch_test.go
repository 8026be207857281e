package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// batches is a function for OnBatch that remembers its calls.
type batches struct {
	calls  [][]string
	answer func(es []event.Event[opened]) []error // nil: all is well
}

func (b *batches) handle(_ context.Context, es []event.Event[opened]) []error {
	var ids []string
	for _, e := range es {
		ids = append(ids, e.ID)
	}
	b.calls = append(b.calls, ids)
	if b.answer == nil {
		return nil
	}
	return b.answer(es)
}

func (b *batches) want(t *testing.T, calls ...[]string) {
	t.Helper()
	if fmt.Sprint(b.calls) != fmt.Sprint(calls) {
		t.Errorf("calls %v, want %v", b.calls, calls)
	}
	b.calls = nil
}

func openings(k *bustest.Kit, n int) []event.Envelope {
	es := make([]event.Envelope, n)
	for i := range es {
		es[i] = opening(k, i)
	}
	return es
}

// All events of the type in one call, beside other handlers; each has an outcome
// of its own, and what is settled does not come again.
func TestOnBatch(t *testing.T) {
	b := &batches{answer: func(es []event.Event[opened]) []error {
		errs := make([]error, len(es))
		for i, e := range es {
			switch e.Data.N {
			case 1:
				errs[i] = errBoom
			case 2:
				errs[i] = bus.Permanent(errBoom)
			}
		}
		return errs
	}}
	others := 0
	sub := bus.Subscription("bulk", bus.To(event.Match("door.*")))
	k := bustest.New(t, sub, bus.OnBatch(doorOpened, b.handle), bus.On(doorClosed, func(context.Context, event.Event[closed]) error { others++; return nil }))
	es := openings(k, 4)
	undecodable, newer := opening(k, 5), opening(k, 6)
	undecodable.Data, newer.SchemaVersion = json.RawMessage(`{"N":"many"}`), 2
	r := k.Deliver(es[0], undecodable, k.Event(doorClosed.Record(closed{})), es[1], es[2], newer, es[3])
	b.want(t, []string{"door/0@1", "door/1@1", "door/2@1", "door/3@1"})
	var again []int
	for i, r := range r {
		if r.Again {
			again = append(again, i)
		}
	}
	if !slices.Equal(again, []int{3, 5}) || others != 1 {
		t.Errorf("messages %v come again, %d others", again, others)
	}
	wantDelivery(t, k.Delivery(es[0].ID), bus.Succeeded, 1, "")
	wantDelivery(t, k.Delivery(es[1].ID), bus.Failed, 1, "failed")
	wantDelivery(t, k.Delivery(es[2].ID), bus.Dead, 1, "permanent")
	wantDelivery(t, k.Delivery(es[3].ID), bus.Succeeded, 1, "")
	wantDelivery(t, k.Delivery(undecodable.ID), bus.Dead, 1, "undecodable")
	wantDelivery(t, k.Delivery(newer.ID), bus.Failed, 1, "newer schema version")
	if r[3].Hidden != time.Second || r[5].Hidden != time.Minute || len(k.DeadLetters()) != 2 {
		t.Errorf("receipts %+v, dead letters %v", r, k.DeadLetters())
	}

	b.answer = nil
	k.Deliver(es...)
	b.want(t, []string{"door/1@1"})
	wantDelivery(t, k.Delivery(es[1].ID), bus.Succeeded, 2, "")
	// Nothing to do is no call.
	k.Deliver(es...)
	b.want(t)
}

// One event twice in a batch: the second waits for the lease of the first.
func TestOnBatchDuplicateInside(t *testing.T) {
	b := &batches{}
	k := bustest.New(t, txDoor, bus.OnBatch(doorOpened, b.handle))
	e := opening(k, 1)
	r := k.Deliver(e, e)
	b.want(t, []string{e.ID})
	if r[0].Again == r[1].Again {
		t.Errorf("receipts %+v, want one that waits for the other's lease", r)
	}
	wantDelivery(t, k.Settle(e), bus.Succeeded, 1, "")
	b.want(t)
}

func TestOnBatchFailsAsOne(t *testing.T) {
	tests := []struct {
		name   string
		answer func([]event.Event[opened]) []error
		kind   string
	}{
		{"too few", func([]event.Event[opened]) []error { return []error{nil} }, "failed"},
		{"none, and not nil", func([]event.Event[opened]) []error { return []error{} }, "failed"},
		{"too many", func([]event.Event[opened]) []error { return make([]error, 3) }, "failed"},
		{"panic", func([]event.Event[opened]) []error { panic("boom") }, "panic"},
		{"goexit", func([]event.Event[opened]) []error { runtime.Goexit(); return nil }, "panic"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &batches{answer: tt.answer}
			k := bustest.New(t, txDoor, bus.OnBatch(doorOpened, b.handle))
			es := openings(k, 2)
			for i, r := range k.Deliver(es...) {
				if !r.Again {
					t.Errorf("receipt %+v", r)
				}
				wantDelivery(t, k.Delivery(es[i].ID), bus.Failed, 1, tt.kind)
			}
			b.answer = nil
			k.Deliver(es...)
			wantDelivery(t, k.Delivery(es[1].ID), bus.Succeeded, 2, "")
		})
	}
}

// One that does not return keeps the leases of all.
func TestOnBatchOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Now = time.Now }}, txDoor,
			bus.OnBatch(doorOpened, func(context.Context, []event.Event[opened]) []error { <-release; return nil }))
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		es := openings(k, 2)
		for i, r := range k.DeliverIn(ctx, 1, es...) {
			if !r.Again || r.Hidden != 6*time.Second {
				t.Errorf("receipt %+v", r)
			}
			wantDelivery(t, k.Delivery(es[i].ID), bus.Processing, 1, "")
		}
		if _, err := k.Handle(t.Context(), k.Message(es[0], 2)); !errors.Is(err, bus.ErrOverrun) {
			t.Errorf("error %v, want %v", err, bus.ErrOverrun)
		}
		close(release)
		synctest.Wait()
	})
}

// Each event goes through the middleware of its own, and what that puts into the
// context is found again in the event's.
func TestOnBatchMiddleware(t *testing.T) {
	type key struct{}
	var order []string
	mw := func(next bus.Next) bus.Next {
		return func(ctx context.Context, e event.Envelope) error {
			order = append(order, "in "+e.ID)
			defer func() { order = append(order, "out "+e.ID) }()
			switch e.ID {
			case "door/1@1":
				return nil // not its business
			case "door/2@1":
				panic("boom")
			}
			return next(context.WithValue(ctx, key{}, "of "+e.ID), e)
		}
	}
	k := bustest.New(t, txDoor, bus.Use(mw), bus.OnBatch(doorOpened, func(ctx context.Context, es []event.Event[opened]) []error {
		if f := event.FlowFrom(ctx); f != (event.Flow{}) || bus.IdempotencyKey(ctx) != "" || ctx.Value(key{}) != nil {
			t.Errorf("the batch's context has the flow %+v", f)
		}
		sub, cancel := context.WithCancel(ctx)
		for _, e := range es {
			order = append(order, "handled "+e.ID)
			of := bus.EventContext(sub, e.ID)
			if of.Value(key{}) != "of "+e.ID || bus.IdempotencyKey(of) != "tx_door/"+e.ID || event.FlowFrom(of) != e.Flow() || of.Err() != nil {
				t.Errorf("the context of %s has %v, %q, %+v", e.ID, of.Value(key{}), bus.IdempotencyKey(of), event.FlowFrom(of))
			}
			deadline, cancelOf := context.WithTimeout(of, time.Hour)
			defer cancelOf()
			defer func() { <-deadline.Done() }() // it ends with the batch's, or this test does not
		}
		cancel()
		<-bus.EventContext(sub, es[0].ID).Done()
		if bus.EventContext(ctx, "door/9@1") != ctx {
			t.Error("an event of another batch has a context")
		}
		return nil
	}))
	es := openings(k, 4)
	k.Deliver(es...)
	wantDelivery(t, k.Delivery(es[0].ID), bus.Succeeded, 1, "")
	wantDelivery(t, k.Delivery(es[1].ID), bus.Succeeded, 1, "")
	wantDelivery(t, k.Delivery(es[2].ID), bus.Failed, 1, "panic")
	wantDelivery(t, k.Delivery(es[3].ID), bus.Succeeded, 1, "")
	want := []string{"in door/0@1", "in door/1@1", "out door/1@1", "in door/2@1", "out door/2@1", "in door/3@1", "handled door/0@1", "handled door/3@1", "out door/3@1", "out door/0@1"}
	if !slices.Equal(order, want) {
		t.Errorf("order\n%q\nwant\n%q", order, want)
	}
	if bus.EventContext(t.Context(), es[0].ID) != t.Context() {
		t.Error("outside of a batch")
	}
}

// Whatever fails, and however events share batches: each is handled at least
// once or known to be dead, and each failure is counted.
func TestOnBatchNothingLost(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		chance := func(label string, percent int) bool { return rapid.IntRange(0, 99).Draw(r, label) < percent }
		handled := map[string]int{}
		failed := map[string]int{}
		store := ormtest.New()
		k := bustest.With(t, bustest.Options{Store: store, Change: func(o *bus.ConsumerOptions) { quiet(o); o.Concurrency = 1 }}, onDoor,
			bus.OnBatch(doorOpened, func(_ context.Context, es []event.Event[opened]) []error {
				if chance("batch panics", 5) {
					for _, e := range es {
						failed[e.ID]++
					}
					panic("boom")
				}
				errs := make([]error, len(es))
				for i, e := range es {
					if chance("event fails", 15) {
						errs[i] = errBoom
						failed[e.ID]++
						continue
					}
					handled[e.ID]++
				}
				return errs
			}), bus.On(doorClosed, closing))
		refusing := true
		store.Before(func(c ormtest.Call) error {
			if !refusing || c.Op == "get" || !chance("refused", 10) {
				return nil
			}
			return &orm.Error{Kind: orm.KindThrottled, Op: c.Op, Table: "all"}
		})
		es := openings(k, rapid.IntRange(1, 5).Draw(r, "events"))
		for range rapid.IntRange(1, 8).Draw(r, "batches") {
			var batch []events.SQSMessage
			for range rapid.IntRange(1, 6).Draw(r, "messages") {
				batch = append(batch, k.Message(es[rapid.IntRange(0, len(es)-1).Draw(r, "event")], 1))
			}
			receipts, err := k.Handle(context.Background(), batch...)
			if err != nil {
				r.Fatal(err)
			}
			for _, receipt := range receipts {
				k.Advance(receipt.Hidden)
			}
		}
		refusing = false
		for _, e := range es {
			d := k.Settle(e)
			if d.Status == bus.Succeeded && handled[e.ID] == 0 || d.Status == bus.Dead && !buried(k, e.ID) {
				r.Errorf("lost: %d runs, %+v", handled[e.ID], d)
			}
			if d.Attempts < failed[e.ID] {
				r.Errorf("%d failures, %+v", failed[e.ID], d)
			}
		}
	})
}
