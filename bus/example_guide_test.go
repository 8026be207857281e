package bus_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// docs/events.md shows lines of this file.

type OrderPlacedV1 struct {
	OrderID string  `json:"order_id"`
	Total   float64 `json:"total"`
}

type OrderPlaced struct {
	OrderID string `json:"order_id" validate:"required"`
	Cents   int64  `json:"cents" validate:"min=0"`
	Note    string `json:"note,omitempty"`
}

type OrderExpired struct {
	OrderID string `json:"order_id"`
}

// PublicOrder is what other applications see of an order.
type PublicOrder struct {
	OrderID string `json:"order_id"`
}

var (
	Placed = event.Define[OrderPlaced]("order.placed",
		event.Version(2),
		event.Upcast(1, func(old OrderPlacedV1) (OrderPlaced, error) {
			return OrderPlaced{OrderID: old.OrderID, Cents: int64(old.Total*100 + 0.5)}, nil
		}),
		event.Public(func(o OrderPlaced) PublicOrder { return PublicOrder{o.OrderID} }, 1))
	Expired = event.Define[OrderExpired]("order.expired")
)

type Day struct {
	Day    string `dynamo:"day,hash"`
	Orders int64  `dynamo:"orders"`
}

var (
	Days      = orm.Define[Day, string]("days")
	DayOrders = orm.Number(Days, func(d *Day) *int64 { return &d.Orders })
)

var orderCents = event.Path(Placed, func(o *OrderPlaced) *int64 { return &o.Cents })

var (
	CountOrders = bus.Subscription("count_orders", bus.To(Placed), bus.Writes(Days))
	ThankLarge  = bus.Subscription("thank_large", bus.To(event.Where(Placed, orderCents.Ge(100_00))))
)

func countOrder(_ context.Context, e event.Event[OrderPlaced], tx *bus.Tx) error {
	tx.Write(Days.Update(e.Time.Format(time.DateOnly), DayOrders.Add(1)))
	return nil
}

func thank(ctx context.Context, e event.Event[OrderPlaced]) error {
	fmt.Println("thanks for", e.Data.OrderID, "under the key", bus.IdempotencyKey(ctx))
	return nil
}

func timed(next bus.Next) bus.Next {
	return func(ctx context.Context, e event.Envelope) error {
		err := next(ctx, e)
		bus.Logger(ctx).Debug("handled", "type", e.Type)
		return err
	}
}

func Example_guide() {
	ctx := context.Background()
	now := func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }
	store := ormtest.New(ormtest.Clock(now))
	log := eventlog.New(store, eventlog.Options{Source: "shop", Now: now})
	b, err := bus.NewInProcess(bus.InProcessOptions{Logger: slog.New(slog.DiscardHandler), Store: store, Log: log, Now: now},
		bus.Register(CountOrders, bus.OnTx(Placed, countOrder), bus.Use(timed)),
		bus.Register(ThankLarge, bus.On(Placed, thank)))
	if err != nil {
		fmt.Println(err)
		return
	}
	log = b.Follow(log)

	place := func(id string, cents int64) {
		c, err := log.Commit(ctx, eventlog.Changes{
			Events:  []event.Record{Placed.At("order/"+id, event.New).Record(OrderPlaced{OrderID: id, Cents: cents})},
			Timers:  []eventlog.Timer{{ID: "expire/" + id, Due: now().Add(48 * time.Hour), Event: Expired.At("order/"+id, event.Append).Record(OrderExpired{id})}},
			Command: eventlog.Command{ID: "place-" + id},
		})
		fmt.Println(len(c.Events), c.Replayed, err)
	}
	place("1", 12_50)
	place("2", 250_00)
	place("2", 250_00) // the client asks again

	day, err := Days.Get(ctx, store, "2026-11-21")
	fmt.Println(day.Orders, err)
	// Output:
	// 1 false <nil>
	// thanks for 2 under the key thank_large/order/2@1
	// 1 false <nil>
	// 1 true <nil>
	// 2 <nil>
}
