package bus_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
)

type sale struct {
	Cents  int64  `json:"cents"`
	Secret string `json:"secret"`
}

type seenSale struct {
	Cents int64 `json:"cents"`
}

var (
	// The publisher's own, and what its consumers make of it.
	saleMade = event.Define[sale]("sale.made", event.Version(4), event.Since(4),
		event.Public(func(s sale) seenSale { return seenSale{s.Cents} }, 2))
	theirSale = event.PublicOf[seenSale](saleMade)
	addUp     = bus.Subscription("add_up", bus.From("till"), bus.To(theirSale))
)

func seen(context.Context, event.Event[seenSale]) error { return nil }

// What the publisher sends as its public entry is handled once, and the record says
// whose event it was.
func TestFrom(t *testing.T) {
	var cents []int64
	var key, cause string
	k := bustest.New(t, addUp, bus.On(theirSale, func(ctx context.Context, e event.Event[seenSale]) error {
		cents, key, cause = append(cents, e.Data.Cents), bus.IdempotencyKey(ctx), event.FlowFrom(ctx).CausationID
		return nil
	}))
	r := saleMade.At("sale/7", event.New).Record(sale{500, "pin"})
	r.Data, r.SchemaVersion = r.Public, r.PublicVersion // as the relay publishes it
	e := k.Event(r)
	if e.Source != "till.public" || e.SchemaVersion != 2 {
		t.Fatalf("the event is %+v", e.Metadata)
	}
	if got := k.Settle(e); got.Status != bus.Succeeded || got.EventID != "till:sale/7@1" {
		t.Errorf("the record is %+v", got)
	}
	k.Settle(e)
	if !slices.Equal(cents, []int64{500}) {
		t.Errorf("handled %v, want one event of 500", cents)
	}
	if key != "add_up/till:sale/7@1" || cause != "till:sale/7@1" {
		t.Errorf("idempotency key %q, cause %q", key, cause)
	}

	// What is not of the application that it is from is none of its business, whatever
	// rule had let it in: also the event as the publisher itself sees it.
	for _, source := range []string{"till", "mill.public", bustest.Source} {
		other := e
		other.Source, other.ID = source, "sale/8@1"
		if got := k.Deliver(other)[0]; got.Again || len(cents) != 1 || k.Delivered("sale/8@1") {
			t.Errorf("an event of %s: %+v, handled %v", source, got, cents)
		}
	}
}

// A subscription to one's own events drops those of another application, which its queue
// may hold when it was to that one before: two applications may each have a sale/7@1.
func TestFromNoMore(t *testing.T) {
	handled := 0
	own := event.Define[seenSale]("sale.made")
	k := bustest.New(t, bus.Subscription("add_up", bus.To(own)), bus.On(own, func(context.Context, event.Event[seenSale]) error {
		handled++
		return nil
	}))
	e := k.Event(own.At("sale/7", event.New).Record(seenSale{500}))
	theirs := e
	theirs.Source = "till.public"
	if got := k.Deliver(theirs)[0]; got.Again || handled != 0 || k.Delivered("sale/7@1") {
		t.Errorf("an event of till: %+v, handled %d", got, handled)
	}
	if got := k.Settle(e); got.Status != bus.Succeeded || handled != 1 {
		t.Errorf("its own: %+v, handled %d", got, handled)
	}
}

// An event that is given up is in the dead-letter queue under the same name.
func TestFromDead(t *testing.T) {
	k := bustest.New(t, addUp, bus.On(theirSale, func(context.Context, event.Event[seenSale]) error {
		return bus.Permanent(errors.New("no"))
	}))
	r := saleMade.At("sale/7", event.New).Record(sale{Cents: 1})
	r.Data, r.SchemaVersion = r.Public, r.PublicVersion
	if got := k.Settle(k.Event(r)); got.Status != bus.Dead {
		t.Fatalf("the record is %+v", got)
	}
	if letters := k.DeadLetters(); len(letters) != 1 || letters[0].Attributes[bus.AttrEventID] != "till:sale/7@1" {
		t.Errorf("dead letters %+v", letters)
	}
}

func TestFromRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		sub  *bus.Definition
		says string
	}{
		"no name":       {bus.Subscription("x", bus.From(""), bus.To(theirSale)), `application name ""`},
		"a bad name":    {bus.Subscription("x", bus.From("Till"), bus.To(theirSale)), `application name "Till"`},
		"ordered":       {bus.Subscription("x", bus.From("till"), bus.To(theirSale), bus.Ordered()), "in the log of till"},
		"rebuildable":   {bus.Subscription("x", bus.From("till"), bus.To(theirSale), bus.Rebuildable()), "in the log of till"},
		"inner shape":   {bus.Subscription("x", bus.From("till"), bus.To(saleMade)), "event.PublicOf[seenSale]"},
		"two from":      {bus.Subscription("x", bus.From("till"), bus.From("mill"), bus.To(theirSale)), "bus.From is there twice"},
		"with handlers": {bus.Subscription("x", bus.From("till"), bus.To(theirSale), bus.Ordered()), "bus.Ordered"},
	} {
		if err := bus.Check(tt.sub, bus.On(theirSale, seen)); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
	if err := addUp.Err(); err != nil {
		t.Error(err)
	}
}

// Names of events of others are taken apart as they were made, and no event of one's
// own looks like one.
func TestForeignID(t *testing.T) {
	app := rapid.StringMatching(`[a-z][a-z0-9-]{0,23}`)
	stream := rapid.StringMatching(`[a-z][a-z0-9_]{0,8}/[!-~]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		a, id := app.Draw(t, "application"), event.EventID(stream.Draw(t, "stream"), rapid.Int64Range(1, 99).Draw(t, "version"))
		if gotApp, gotID := bus.SplitForeignID(bus.ForeignID(a, id)); gotApp != a || gotID != id {
			t.Errorf("%s of %s became %q, %q", id, a, gotApp, gotID)
		}
		if gotApp, gotID := bus.SplitForeignID(bus.ForeignID("", id)); gotApp != "" || gotID != id {
			t.Errorf("%s became %q, %q", id, gotApp, gotID)
		}
		if _, _, err := event.ParseID(bus.ForeignID(a, id)); err == nil {
			t.Errorf("%s of %s can be an event of one's own", id, a)
		}
	})
}
