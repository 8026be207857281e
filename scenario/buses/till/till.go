package till

import (
	"context"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario/buses/shop"
)

// Application is its name.
const Application = "till"

// Rung says that the till rang for an order.
type Rung struct {
	OrderID string `json:"order_id"`
	Cents   int64  `json:"cents"`
	Drawer  int    `json:"drawer"`
}

// PublicRung is what others see of it.
type PublicRung struct {
	Cents int64 `json:"cents"`
}

// Count is how often the till rang, and for how much.
type Count struct {
	Key   string `dynamo:"count_key,hash"`
	Rings int64  `dynamo:"rings"`
	Cents int64  `dynamo:"cents"`
}

var (
	// Rang is till's own event.
	Rang = event.Define[Rung]("till.rang", event.Public(func(r Rung) PublicRung { return PublicRung{r.Cents} }, 1))
	// Placed is shop's event, as others see it.
	Placed = event.PublicOf[shop.PublicOrder](shop.Placed)

	// Counts is till's table.
	Counts = orm.Define[Count, string]("counts")
	rings  = orm.Number(Counts, func(c *Count) *int64 { return &c.Rings })
	cents  = orm.Number(Counts, func(c *Count) *int64 { return &c.Cents })

	// Ring is to shop's events, and commits till's.
	Ring = bus.Subscription("ring", bus.From(shop.Application), bus.To(Placed), bus.Commits(Rang))
	// CountRings is to till's own.
	CountRings = bus.Subscription("count_rings", bus.To(Rang), bus.Writes(Counts))
)

// RingFor rings for an order.
func RingFor(_ context.Context, e event.Event[shop.PublicOrder], tx *bus.Tx) error {
	tx.Record(Rang.At("till/front", event.Append).Record(Rung{OrderID: e.Data.OrderID, Cents: e.Data.Cents, Drawer: 1}))
	return nil
}

// AddRing counts a ring.
func AddRing(_ context.Context, e event.Event[Rung], tx *bus.Tx) error {
	tx.Write(Counts.Update("all", rings.Add(1), cents.Add(e.Data.Cents)))
	return nil
}
