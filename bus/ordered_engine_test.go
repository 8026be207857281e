package bus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// deafQueue takes everything and keeps nothing.
type deafQueue struct{}

func (deafQueue) ChangeVisibility(context.Context, string, string, time.Duration) error { return nil }
func (deafQueue) SendToDeadLetter(context.Context, bus.DeadLetter) error                { return nil }

// What the conditions of a checkpoint mean to DynamoDB is what they mean to the
// store in memory.
func TestOrderedOnTheEngine(t *testing.T) {
	store := ormtest.StartEngine(t).Store(t, eventlog.Events, eventlog.State, bus.Deliveries, journals)
	log := eventlog.New(store, eventlog.Options{Source: "shop"})
	now := time.Now()
	fails := map[string]error{}
	consumer, err := bus.NewConsumer(bus.ConsumerOptions{
		Subscription: inOrderTx, Store: store, Log: log, Queue: deafQueue{}, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
		Parts: []bus.Part{bus.OnTx(doorOpened, func(_ context.Context, e event.Event[opened], tx *bus.Tx) error {
			return errors.Join(fails[e.ID], note(e.Metadata, tx))
		})},
	})
	if err != nil {
		t.Fatal(err)
	}
	deliver := func(version int64, again bool) {
		t.Helper()
		e, err := log.Get(t.Context(), event.EventID("door/1", version))
		if err != nil {
			t.Fatal(err)
		}
		body, err := bus.MessageBody(e)
		if err != nil {
			t.Fatal(err)
		}
		r, err := consumer.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: string(body), EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:q"}}})
		if err != nil || (len(r.BatchItemFailures) > 0) != again {
			t.Errorf("version %d: %+v, %v; comes again: want %v", version, r, err, again)
		}
	}
	want := func(checkpoint string, versions ...int64) {
		t.Helper()
		c, err := bus.ReadCheckpoint(t.Context(), store, inOrderTx.Name, "door/1")
		if got := fmt.Sprintf("%d %s %v", c.Position, c.BlockedBy, !c.LeaseUntil.IsZero()); err != nil || got != checkpoint {
			t.Errorf("checkpoint %s, %v; want %s", got, err, checkpoint)
		}
		j, err := journals.Get(t.Context(), store, "door/1")
		if err != nil || !slices.Equal(j.Versions, versions) {
			t.Errorf("handled %v, %v; want %v", j.Versions, err, versions)
		}
	}
	for range 4 {
		if _, err := log.Commit(t.Context(), eventlog.Changes{Events: []event.Record{doorOpened.At("door/1", event.Append).Record(opened{})}}); err != nil {
			t.Fatal(err)
		}
	}
	fails["door/1@2"] = errBoom
	deliver(3, true) // reads from the start, and is blocked on its way
	want("1 door/1@2 true", 1)
	deliver(4, true) // waits
	fails["door/1@2"] = bus.Permanent(errBoom)
	now = now.Add(time.Minute)
	deliver(2, false) // given up
	want("1 door/1@2 false", 1)
	deliver(3, false) // behind it: the log has it
	want("1 door/1@2 false", 1)
	if err := bus.Skip(t.Context(), store, inOrderTx.Name, "door/1@3", ""); !errors.Is(err, bus.KindNotBlocked) {
		t.Errorf("skip another: %v", err)
	}
	if err := bus.Skip(t.Context(), store, inOrderTx.Name, "door/1@2", "no such door"); err != nil {
		t.Fatal(err)
	}
	deliver(2, false)
	want("4  false", 1, 3, 4)
	deliver(4, false)
	want("4  false", 1, 3, 4)
}
