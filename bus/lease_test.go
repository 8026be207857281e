package bus_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

func TestOnSucceeds(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	var requests atomic.Int64
	k.Store.Before(func(ormtest.Call) error { requests.Add(1); return nil })
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; r.Again {
		t.Fatalf("receipt %+v", r)
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests, want the claim and the outcome", n)
	}
	d := k.Delivery(e.ID)
	wantDelivery(t, d, bus.Succeeded, 1, "")
	if f.count() != 1 || !d.LeaseUntil.IsZero() || d.Trouble != "" || d.EventType != "door.opened" || d.CorrelationID != e.CorrelationID {
		t.Errorf("%d effects, delivery %+v", f.count(), d)
	}
	if want := bustest.Start.Add(bus.DefaultRetention).Unix(); d.ExpiresAt != want || !d.FirstAt.Equal(bustest.Start) || !d.LastAt.Equal(bustest.Start) {
		t.Errorf("delivery %+v, want expiry %d", d, want)
	}
	if r := k.Deliver(e)[0]; r.Again || f.count() != 1 {
		t.Errorf("duplicate: receipt %+v, %d effects", r, f.count())
	}
}

func TestOnRetries(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	f.failWith(errBoom)
	e := opening(k, 1)
	for attempt, hidden := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		r := k.DeliverIn(t.Context(), attempt+1, e)[0]
		if !r.Again || r.Hidden != hidden {
			t.Fatalf("attempt %d: receipt %+v, want hidden for %v", attempt+1, r, hidden)
		}
		d := k.Delivery(e.ID)
		wantDelivery(t, d, bus.Failed, attempt+1, "failed")
		if d.ErrorMessage != "boom" || d.Trouble != "on_door" {
			t.Errorf("delivery %+v", d)
		}
		k.Advance(hidden)
	}
	if tr := k.Troubles(); len(tr) != 1 || tr[0].EventID != e.ID {
		t.Errorf("troubles %+v", tr)
	}
	f.failWith(nil)
	d := k.Settle(e)
	wantDelivery(t, d, bus.Succeeded, 5, "")
	if !d.FirstAt.Equal(bustest.Start) || !d.LastAt.Equal(bustest.Start.Add(15*time.Second)) || len(k.Troubles()) != 0 {
		t.Errorf("delivery %+v, troubles %v", d, k.Troubles())
	}
	if len(k.DeadLetters()) != 0 {
		t.Errorf("dead letters %v", k.DeadLetters())
	}
}

func TestOnDies(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	f.failWith(errors.New("boom\x00" + strings.Repeat("é", 2000)))
	e := opening(k, 1)
	d := k.Settle(e)
	wantDelivery(t, d, bus.Dead, 5, "failed")
	if f.count() != 5 || d.Trouble != "on_door" {
		t.Errorf("%d runs, delivery %+v", f.count(), d)
	}
	letters := k.DeadLetters()
	if len(letters) != 1 || letters[0].Queue != bustest.DeadLetterQueue {
		t.Fatalf("dead letters %+v", letters)
	}
	a := letters[0].Attributes
	if a[bus.AttrEventID] != e.ID || a[bus.AttrEventType] != e.Type || a[bus.AttrSubscription] != "on_door" || a[bus.AttrAttempts] != "5" || a[bus.AttrErrorKind] != "failed" {
		t.Errorf("attributes %v", a)
	}
	if m := a[bus.AttrErrorMessage]; len(m) > 1024 || !strings.HasPrefix(m, "boom\ufffdéé") || !strings.HasSuffix(m, "é…") || m != d.ErrorMessage {
		t.Errorf("error message of %d bytes: %q", len(m), m)
	}
	if letters[0].Body != k.Message(e, 1).Body {
		t.Errorf("body %s", letters[0].Body)
	}
	// What is dead is acknowledged when it comes again.
	if r := k.Deliver(e)[0]; r.Again || f.count() != 5 || len(k.DeadLetters()) != 1 {
		t.Errorf("receipt %+v, %d runs, %d dead letters", r, f.count(), len(k.DeadLetters()))
	}
}

func TestPermanent(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	f.failWith(bus.Permanent(errBoom))
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; r.Again {
		t.Errorf("receipt %+v", r)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Dead, 1, "permanent")
	if letters := k.DeadLetters(); len(letters) != 1 || letters[0].Attributes[bus.AttrErrorMessage] != "boom" {
		t.Errorf("dead letters %+v", letters)
	}
	if bus.Permanent(nil) != nil || !errors.Is(bus.Permanent(errBoom), errBoom) || !errors.Is(bus.Permanent(errBoom), bus.KindPermanent) {
		t.Error("Permanent")
	}
}

func TestWithoutDeadLetterQueue(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.DeadLetterQueue = "" }})
	f.failWith(bus.Permanent(errBoom))
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; r.Again {
		t.Errorf("receipt %+v", r)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Dead, 1, "permanent")
	if r, err := k.Handle(t.Context(), k.Raw("no event", 1)); err != nil || r[0].Again {
		t.Errorf("an undecodable message comes again for ever: %+v, %v", r, err)
	}
	if len(k.DeadLetters()) != 0 {
		t.Errorf("dead letters %v", k.DeadLetters())
	}
}

func TestDeadLetterQueueFails(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	f.failWith(bus.Permanent(errBoom))
	k.FailQueue(func(op string) error {
		if op == "dead letter" {
			return errBoom
		}
		return nil
	})
	e := opening(k, 1)
	r := k.Deliver(e)[0]
	if !r.Again || r.Hidden == 0 {
		t.Fatalf("the event is lost: %+v", r)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Failed, 1, "permanent")
	if r, err := k.Handle(t.Context(), k.Raw("no event", 1)); err != nil || !r[0].Again {
		t.Fatalf("the undecodable message is lost: %+v, %v", r, err)
	}
	k.FailQueue(nil)
	wantDelivery(t, k.Settle(e), bus.Dead, 2, "permanent")
	if len(k.DeadLetters()) != 1 {
		t.Errorf("dead letters %v", k.DeadLetters())
	}
}

// The fifth attempt has failed and could not be given up: there is no sixth.
func TestDeadLetterQueueFailsAtLast(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.MaxAttempts = 1 }})
	f.failWith(errBoom)
	k.FailQueue(func(string) error { return errBoom })
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; !r.Again || r.Hidden != 0 {
		t.Fatalf("receipt %+v", r)
	}
	k.FailQueue(nil)
	if r := k.Deliver(e)[0]; r.Again || f.count() != 1 {
		t.Fatalf("receipt %+v, %d runs", r, f.count())
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Dead, 1, "failed")
	if a := k.DeadLetters()[0].Attributes; a[bus.AttrErrorMessage] != "boom" {
		t.Errorf("attributes %v", a)
	}
}

func TestLeaseKeepsOthersAway(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	k := bustest.New(t, bus.Subscription("slow", bus.To(doorOpened)), bus.On(doorOpened, func(context.Context, event.Event[opened]) error {
		entered <- struct{}{}
		<-release
		return nil
	}))
	e := opening(k, 1)
	first := k.Message(e, 1)
	var wg sync.WaitGroup
	wg.Go(func() {
		if r, err := k.Handle(t.Context(), first); err != nil || r[0].Again {
			t.Errorf("first: %+v, %v", r, err)
		}
	})
	<-entered
	k.Advance(10 * time.Minute)
	// 15 minutes and a margin of 5 seconds were asked for, 10 minutes are over.
	if r := k.Deliver(e)[0]; !r.Again || r.Hidden != 5*time.Minute+5*time.Second {
		t.Errorf("second: %+v", r)
	}
	d := k.Delivery(e.ID)
	wantDelivery(t, d, bus.Processing, 1, "")
	if d.Stuck(k.Now()) || !d.Stuck(d.LeaseUntil) {
		t.Errorf("stuck: %+v", d)
	}
	close(release)
	wg.Wait()
	wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 1, "")
	if r := k.Deliver(e)[0]; r.Again {
		t.Errorf("third: %+v", r)
	}
}

// crashed is an error by which a test's store plays dead: nothing that the
// consumer does afterwards has an effect.
func crash(k *bustest.Kit, when func(ormtest.Call) bool) {
	var dead atomic.Bool
	k.Store.Before(func(c ormtest.Call) error {
		if dead.Load() || when(c) {
			dead.Store(true)
			return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op, Table: "all", Err: errors.New("the process is gone")}
		}
		return nil
	})
	k.FailQueue(func(string) error { return errors.New("the process is gone") })
}

func revive(k *bustest.Kit) {
	k.Store.Before(nil)
	k.FailQueue(nil)
}

// At-least-once: the effect has happened, its outcome is not recorded.
func TestCrashBetweenEffectAndOutcome(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	e := opening(k, 1)
	crash(k, func(ormtest.Call) bool { return f.count() == 1 })
	if r := k.Deliver(e)[0]; !r.Again {
		t.Fatal("the event is lost")
	}
	revive(k)
	if tr := k.Troubles(); len(tr) != 0 {
		t.Errorf("a first attempt is in the index: %v", tr)
	}
	r := k.Deliver(e)[0]
	if !r.Again || f.count() != 1 {
		t.Fatalf("the lease did not hold: %+v, %d effects", r, f.count())
	}
	k.Advance(r.Hidden)
	wantDelivery(t, k.Settle(e), bus.Succeeded, 2, "")
	if f.count() != 2 || len(k.Troubles()) != 0 {
		t.Errorf("%d effects, troubles %v", f.count(), k.Troubles())
	}
}

// A message that ends the process each time it is handled must not do so for
// ever.
func TestPoisonThatCrashes(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	e := opening(k, 1)
	for n := 1; n <= 5; n++ {
		crash(k, func(ormtest.Call) bool { return f.count() == n })
		if r := k.Deliver(e)[0]; !r.Again {
			t.Fatalf("attempt %d: the event is lost", n)
		}
		revive(k)
		d := k.Delivery(e.ID)
		wantDelivery(t, d, bus.Processing, n, "")
		if inIndex := d.Trouble != ""; inIndex != (n > 1) {
			t.Errorf("attempt %d: in the index: %v", n, inIndex)
		}
		k.Advance(d.LeaseUntil.Sub(k.Now()))
	}
	if r := k.Deliver(e)[0]; r.Again || f.count() != 5 {
		t.Fatalf("receipt %+v, %d runs", r, f.count())
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Dead, 5, "unfinished")
	if letters := k.DeadLetters(); len(letters) != 1 || letters[0].Attributes[bus.AttrErrorKind] != "unfinished" {
		t.Errorf("dead letters %+v", letters)
	}
}

// Every request may have happened though its answer was lost.
func TestLostAnswers(t *testing.T) {
	tests := []struct {
		fail  error
		want  bus.Status
		calls int
	}{
		{nil, bus.Succeeded, 2},               // claim, outcome
		{errBoom, bus.Failed, 2},              // claim, outcome
		{bus.Permanent(errBoom), bus.Dead, 3}, // claim, outcome, death
	}
	for _, tt := range tests {
		for lose := 1; lose <= tt.calls; lose++ {
			k, f := leasedKit(t, bustest.Options{})
			f.failWith(tt.fail)
			calls := 0
			k.Store.After(func(c ormtest.Call) error {
				if c.Op != "do" {
					return nil
				}
				if calls++; calls == lose {
					return &orm.Error{Kind: orm.KindUnavailable, Op: "do", Table: "deliveries"}
				}
				return nil
			})
			e := opening(k, 1)
			r := k.Deliver(e)[0]
			k.Store.After(nil)
			d := k.Delivery(e.ID)
			if f.count() != 1 || d.Attempts != 1 || d.Status != tt.want || r.Again != (tt.want == bus.Failed) || r.Hidden > time.Second {
				t.Errorf("%v, answer %d lost: %d runs, receipt %+v, delivery %+v", tt.fail, lose, f.count(), r, d)
			}
			if n := len(k.DeadLetters()); n > 1 {
				t.Errorf("%v, answer %d lost: %d dead letters", tt.fail, lose, n)
			}
		}
	}
}

func TestThrottledClaimIsNoAttempt(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	e := opening(k, 1)
	k.Store.Before(func(c ormtest.Call) error { return &orm.Error{Kind: orm.KindThrottled, Op: c.Op, Table: "deliveries"} })
	r := k.DeliverIn(t.Context(), 3, e)[0]
	if !r.Again || r.Hidden != 4*time.Second || f.count() != 0 {
		t.Errorf("receipt %+v, %d runs; want hidden as for a third receive", r, f.count())
	}
	k.Store.Before(nil)
	if k.Delivered(e.ID) {
		t.Errorf("delivery %+v", k.Delivery(e.ID))
	}
	wantDelivery(t, k.Settle(e), bus.Succeeded, 1, "")
}

// The lease ran out while the handler ran, and another run has settled, or
// holds, the delivery when the first returns.
func TestLeaseLost(t *testing.T) {
	for _, otherSettles := range []bool{true, false} {
		var k *bustest.Kit
		var runs atomic.Int64
		var e event.Envelope
		k = bustest.New(t, bus.Subscription("slow", bus.To(doorOpened)), bus.On(doorOpened, func(ctx context.Context, _ event.Event[opened]) error {
			if runs.Add(1) > 1 {
				return nil
			}
			k.Advance(time.Hour)
			if otherSettles {
				_, err := k.Handle(ctx, k.Message(e, 2))
				return err
			}
			// Somebody claims it and goes on.
			d := k.Delivery(e.ID)
			d.RunID, d.LeaseUntil, d.Attempts = "another", k.Now().Add(time.Minute), 2
			return orm.Exec(ctx, k.Store, bus.Deliveries.Put(d))
		}))
		e = opening(k, 1)
		r := k.Deliver(e)[0]
		if otherSettles {
			wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 2, "")
			if r.Again {
				t.Errorf("receipt %+v of an event that is settled", r)
			}
			continue
		}
		wantDelivery(t, k.Delivery(e.ID), bus.Processing, 2, "")
		if !r.Again || r.Hidden != time.Minute {
			t.Errorf("receipt %+v of an event that somebody else handles", r)
		}
	}
}

func TestParallelClaims(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	e := opening(k, 1)
	f.failWith(errBoom)
	k.Deliver(e)
	f.failWith(nil)
	// Of many that take over a failed delivery at once, one does.
	k.DeliverParallel(50, e)
	wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 2, "")
	if f.count() != 2 {
		t.Errorf("%d runs, want the failed one and one more", f.count())
	}
}

// Two consumers have seen that an event failed and want to try it again: one of them
// does. The other one's write comes too late.
func TestTakenOverByOneOnly(t *testing.T) {
	for name, tt := range map[string]struct {
		sub *bus.Definition
		of  string // the table whose item both want
	}{
		"the delivery's lease": {bus.Subscription("once", bus.To(doorOpened)), bus.Deliveries.Schema().Name},
		"the stream's lease":   {bus.Subscription("once", bus.To(doorOpened), bus.Ordered()), eventlog.State.Schema().Name},
	} {
		t.Run(name, func(t *testing.T) {
			var k *bustest.Kit
			var again []bustest.Receipt
			var e event.Envelope
			runs := 0
			k = bustest.New(t, tt.sub, bus.On(doorOpened, func(context.Context, event.Event[opened]) error {
				if runs++; runs == 1 {
					return errors.New("not yet")
				}
				return nil
			}))
			e = k.Commit(doorOpened.At("door/1", event.New).Record(opened{N: 1}))[0]
			k.Advance(k.Deliver(e)[0].Hidden)
			updates := 0
			k.Store.Before(func(c ormtest.Call) error {
				if c.Op == "do" && c.Actions[0].Op == orm.OpUpdate && c.Table() == tt.of {
					updates++
				}
				// An ordered subscription tries first as if nobody had the stream.
				if want := map[bool]int{false: 1, true: 2}[tt.sub.Ordered]; updates == want {
					k.Store.Before(nil)
					again = k.DeliverIn(t.Context(), 2, e)
				}
				return nil
			})
			outer := k.DeliverIn(t.Context(), 2, e)
			if runs != 2 || len(again) != 1 || again[0].Again {
				t.Errorf("%d runs, want one that failed and one more; receipts %+v inside, %+v outside", runs, again, outer)
			}
			wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 2, "")
		})
	}
}
