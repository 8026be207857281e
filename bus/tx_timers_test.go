package bus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
)

// remind sets a timer with the count, and takes back the one of before.
func remind(ctx context.Context, e event.Event[opened], tx *bus.Tx) error {
	tx.Write(counters.Update("doors", count.Add(1)))
	tx.SetTimers(eventlog.Timer{ID: "door/close", Due: e.Time.Add(time.Hour), Event: doorNoted.Record(noted{"close it"}), Replace: true})
	tx.CancelTimers("door/open")
	return nil
}

func dueTimers(t *testing.T, k *bustest.Kit) (all []eventlog.DueTimer) {
	t.Helper()
	for timer, err := range k.Log.DueTimers(t.Context(), bustest.Start.Add(24*time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, timer)
	}
	return all
}

// Timers are in the handler's transaction: a duplicate sets none, and they belong
// to the event that was handled.
func TestTxTimers(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, remind))
	if _, err := k.Log.PublishAt(t.Context(), "door/open", bustest.Start, doorNoted.Record(noted{"open it"})); err != nil {
		t.Fatal(err)
	}
	e := opening(k, 1)
	k.Deliver(e)
	due := dueTimers(t, k)
	if len(due) != 1 || due[0].ID != "door/close" || counted(t, k) != 1 {
		t.Fatalf("timers %+v, counted %d; want the one that was set", due, counted(t, k))
	}
	c, fired, err := k.Log.Fire(t.Context(), due[0])
	if err != nil || !fired {
		t.Fatal(fired, err)
	}
	if got := c.Events[0]; got.CausationID != e.ID || got.CorrelationID != e.CorrelationID {
		t.Errorf("fired %+v, want it caused by %s", got, e.ID)
	}
	k.Deliver(e)
	if due := dueTimers(t, k); len(due) != 0 || counted(t, k) != 1 {
		t.Errorf("a duplicate set %+v, counted %d", due, counted(t, k))
	}
}

// Middleware that runs the handler again begins anew, also with the timers: the
// first run's would be one more action on the same item, or a timer that nobody
// wants any more.
func TestTxTimersOfRunsThatFailed(t *testing.T) {
	again := func(next bus.Next) bus.Next {
		return func(ctx context.Context, e event.Envelope) error {
			if err := next(ctx, e); err == nil {
				return err
			}
			return next(ctx, e)
		}
	}
	runs := 0
	k := bustest.New(t, txDoor, bus.Use(again), bus.OnTx(doorOpened, func(ctx context.Context, e event.Event[opened], tx *bus.Tx) error {
		runs++
		if err := remind(ctx, e, tx); err != nil || runs > 1 {
			return err
		}
		tx.SetTimers(eventlog.Timer{ID: "door/lock", Due: e.Time, Event: doorNoted.Record(noted{"lock it"})})
		return errors.New("the first run fails")
	}))
	e := opening(k, 1)
	k.Deliver(e)
	wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 1, "")
	if due := dueTimers(t, k); len(due) != 1 || due[0].ID != "door/close" || counted(t, k) != 1 || runs != 2 {
		t.Errorf("timers %+v, counted %d after %d runs; want what the second run asked for", due, counted(t, k), runs)
	}
}

func TestTxTimersNotGranted(t *testing.T) {
	none := bus.Subscription("tx_none", bus.To(doorOpened), bus.Writes(counters))
	for name, h := range map[string]func(*bus.Tx){
		"set":    func(tx *bus.Tx) { tx.SetTimers(eventlog.Timer{Due: bustest.Start, Event: doorNoted.Record(noted{})}) },
		"cancel": func(tx *bus.Tx) { tx.CancelTimers("a") },
	} {
		t.Run(name, func(t *testing.T) {
			k := bustest.New(t, none, bus.OnTx(doorOpened, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
				h(tx)
				return nil
			}))
			e := opening(k, 1)
			k.Deliver(e)
			wantDelivery(t, k.Delivery(e.ID), bus.Dead, 1, string(bus.KindAccess))
		})
	}
}

// What cannot be a timer fails the attempt, and nothing of it is written.
func TestTxTimersInvalid(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
		tx.Write(counters.Update("doors", count.Add(1)))
		tx.SetTimers(eventlog.Timer{ID: "no blanks", Due: bustest.Start, Event: doorNoted.Record(noted{})})
		return nil
	}))
	e := opening(k, 1)
	k.Deliver(e)
	if d := k.Delivery(e.ID); d.Status == bus.Succeeded || counted(t, k) != 0 {
		t.Errorf("delivery %s, counted %d", d.Status, counted(t, k))
	}
	if there, err := eventlog.State.Exists(t.Context(), k.Store, eventlog.TimerKey("no blanks")); there || err != nil {
		t.Errorf("%v, %v", there, err)
	}
}
