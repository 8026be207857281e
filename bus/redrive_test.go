package bus_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
)

// letter is a dead letter as SQS hands it out after somebody has moved it back.
func letter(k *bustest.Kit, l bus.DeadLetter) events.SQSMessage {
	m := k.Raw(l.Body, 1)
	m.MessageAttributes = map[string]events.SQSMessageAttribute{}
	for name, value := range l.Attributes {
		m.MessageAttributes[name] = events.SQSMessageAttribute{DataType: "String", StringValue: &value}
	}
	return m
}

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
				receipts, err := k.Handle(t.Context(), letter(k, letters[len(letters)-1]))
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
	if _, err := k.Handle(t.Context(), letter(k, l)); err != nil {
		t.Fatal(err)
	}
	if runs != 1 {
		t.Errorf("%d runs, want 1", runs)
	}
}
