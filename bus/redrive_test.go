package bus_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
)

// An event that was given up is tried once more for each time that somebody
// moves its message back, and never for a late duplicate.
func TestRedrive(t *testing.T) {
	broken := errors.New("the other service is down")
	var cause error
	on := bus.On(doorOpened, func(context.Context, event.Event[opened]) error { return cause })
	onTx := bus.OnTx(doorOpened, func(context.Context, event.Event[opened], *bus.Tx) error { return cause })
	for name, handler := range map[string]bus.Handler{"On": on, "OnTx": onTx} {
		t.Run(name, func(t *testing.T) {
			cause = broken
			k := bustest.New(t, onDoor, handler, bus.On(doorClosed, closing))
			e := opening(k, 1)
			wantDelivery(t, k.Settle(e), bus.Dead, 5, "failed")

			k.Deliver(e) // a late duplicate
			wantDelivery(t, k.Delivery(e.ID), bus.Dead, 5, "failed")
			if n := len(k.DeadLetters()); n != 1 {
				t.Fatalf("%d dead letters after a duplicate, want 1", n)
			}
			redrive := func() bus.Delivery {
				letters := k.DeadLetters()
				receipts, err := k.Handle(t.Context(), k.Redriven(letters[len(letters)-1]))
				if err != nil || receipts[0].Again {
					t.Fatalf("receipts %+v, %v", receipts, err)
				}
				return k.Delivery(e.ID)
			}
			wantDelivery(t, redrive(), bus.Dead, 6, "failed")
			if n := len(k.DeadLetters()); n != 2 {
				t.Fatalf("%d dead letters, want 2", n)
			}
			cause = nil
			d := redrive()
			if d.Status != bus.Succeeded || d.Attempts != 7 || d.ErrorKind != "" || d.Trouble != "" {
				t.Errorf("delivery %+v, want success at the seventh attempt", d)
			}
			d = redrive() // once more, by mistake
			if d.Status != bus.Succeeded || d.Attempts != 7 {
				t.Errorf("delivery %+v, want it as it was", d)
			}
		})
	}
}

// The dead-letter queue was out of reach when the last attempt had failed, so that
// SQS moved the message, and the record never came to say dead: a person's redrive
// is one more attempt all the same. It is one: a run of it that never ended is no
// reason for another.
func TestRedriveOfWhatSQSMoved(t *testing.T) {
	for _, receives := range []int{1, 2} {
		runs, broken := 0, true
		k := bustest.New(t, onDoor, bus.On(doorOpened, func(context.Context, event.Event[opened]) error {
			if runs++; broken {
				return errors.New("the other service is down")
			}
			return nil
		}), bus.On(doorClosed, closing))
		k.FailQueue(func(op string) error {
			if op == "dead letter" {
				return errors.New("no such queue")
			}
			return nil
		})
		e := opening(k, 1)
		for n := 1; n <= 10; n++ {
			k.Advance(k.DeliverIn(t.Context(), n, e)[0].Hidden)
		}
		wantDelivery(t, k.Delivery(e.ID), bus.Failed, 5, "failed")
		k.FailQueue(nil)
		broken = false
		m := k.Redriven(bus.DeadLetter{Body: k.Message(e, 1).Body, Attributes: map[string]string{bus.AttrSubscription: onDoor.Name}})
		m.Attributes["ApproximateReceiveCount"] = strconv.Itoa(receives)
		if _, err := k.Handle(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if receives == 1 {
			wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 6, "")
		} else {
			wantDelivery(t, k.Delivery(e.ID), bus.Dead, 5, "failed")
		}
	}
}

// A letter of another subscription's queue is no redrive of this one's.
func TestForeignLetterIsNoRedrive(t *testing.T) {
	runs := 0
	k := bustest.New(t, onDoor, bus.On(doorOpened, func(context.Context, event.Event[opened]) error {
		runs++
		return bus.Permanent(errors.New("never"))
	}), bus.On(doorClosed, closing))
	e := opening(k, 1)
	k.Settle(e)
	l := k.DeadLetters()[0]
	l.Attributes[bus.AttrSubscription] = "somebody_else"
	if _, err := k.Handle(t.Context(), k.Redriven(l)); err != nil {
		t.Fatal(err)
	}
	if runs != 1 {
		t.Errorf("%d runs, want 1", runs)
	}
}

// silent is an error without a text.
type silent struct{}

func (silent) Error() string { return "" }

// An error may say nothing: its attempts count like those of any other.
func TestErrorsWithoutText(t *testing.T) {
	for name, h := range map[string]bus.Handler{
		"On":   bus.On(doorOpened, func(context.Context, event.Event[opened]) error { return silent{} }),
		"OnTx": bus.OnTx(doorOpened, func(context.Context, event.Event[opened], *bus.Tx) error { return silent{} }),
	} {
		t.Run(name, func(t *testing.T) {
			k := bustest.New(t, onDoor, h, bus.On(doorClosed, closing))
			e := opening(k, 1)
			wantDelivery(t, k.Settle(e), bus.Dead, 5, "failed")
			if l := k.DeadLetters(); len(l) != 1 || l[0].Attributes[bus.AttrErrorKind] != "failed" {
				t.Errorf("dead letters %+v", l)
			}
		})
	}
}
