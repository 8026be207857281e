package ops_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/ops"
)

// A subscription to another application's events has its letters and records under the
// other's name, also where its own application has an event of the same id, and no act
// looks for the event in the log.
func TestAnotherApplication(t *testing.T) {
	theirs := &flaky{broken: true}
	own := &flaky{}
	charge := bus.Subscription("charge", bus.From("till"), bus.To(placed))
	ship := bus.Subscription("ship", bus.To(placed))
	f := newFixture(t, part{ship, []bus.Part{bus.On(placed, own.handle)}}, part{charge, []bus.Part{bus.On(placed, theirs.handle)}})
	mine := f.commit(placed.At(at(1), event.New).Record(order{1, "Ulm"}))[0]
	other := mine
	other.Source, other.CausationID = "till.public", ""
	for name, e := range map[string]event.Envelope{"ship": mine, "charge": other} {
		body, err := bus.MessageBody(e)
		if err != nil {
			t.Fatal(err)
		}
		f.queues.put(queue(name), ops.Message{Body: string(body)})
	}
	f.work()
	id := "till:" + mine.ID

	letters, err := f.ops.DeadLetters(t.Context(), "charge", ops.DeadLetters, 0)
	if err != nil || len(letters) != 1 || letters[0].ID() != id || letters[0].EventID != id || letters[0].Delivery == nil || letters[0].Delivery.State != ops.Dead {
		t.Fatalf("letters %+v, %v", letters, err)
	}
	for eventID, want := range map[string]string{id: "charge", mine.ID: "ship"} {
		if ds, err := f.ops.Deliveries(t.Context(), eventID); err != nil || len(ds) != 1 || ds[0].Subscription != want || ds[0].EventID != eventID {
			t.Errorf("deliveries of %s: %+v, %v, want one at %s", eventID, ds, err, want)
		}
	}
	if got := f.trouble("charge"); len(got) != 1 || got[0].EventID != id {
		t.Errorf("trouble: %+v", got)
	}
	if askers, err := f.ops.Askers(mine); err != nil || !slices.Equal(askers, []string{"ship"}) {
		t.Errorf("askers of its own event: %v, %v", askers, err)
	}
	for name, act := range map[string]func() error{
		"replay": func() error {
			_, err := f.ops.Replay(f.ctx, "charge", ops.Replay{Selection: ops.Selection{Stream: at(1)}})
			return err
		},
		"edit": func() error {
			_, err := f.ops.Edit(f.ctx, "charge", mine.ID, json.RawMessage(`{"number":2}`), "")
			return err
		},
	} {
		if err := act(); !errors.Is(err, ops.KindRefused) || !strings.Contains(err.Error(), "in the log of till") {
			t.Errorf("%s: %v", name, err)
		}
	}

	theirs.broken = false
	done, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{IDs: []string{id}})
	if err != nil || done.Messages != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	f.work()
	if len(theirs.handled) != 1 || len(own.handled) != 1 {
		t.Errorf("handled %v of till and %v of its own", theirs.handled, own.handled)
	}
	if acts := f.acts("charge"); len(acts) != 1 || acts[0].CausationID != id {
		t.Errorf("acts: %+v", acts)
	}
}
