package books

import (
	"context"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Application is its name.
const Application = "books"

// Order is what shop tells of an order.
type Order struct {
	OrderID string `json:"order_id"`
	Cents   int64  `json:"cents"`
}

// Ring is what till tells of a ring.
type Ring struct {
	Cents int64 `json:"cents"`
}

// Entry is what was earned with one thing.
type Entry struct {
	Name  string `dynamo:"name,hash"`
	Cents int64  `dynamo:"cents"`
	Count int64  `dynamo:"count"`
}

var (
	// Placed is shop's event.
	Placed = event.Define[Order]("order.placed", event.Version(2), event.Since(2))
	// Rang is till's event, which is on shop's bus, too.
	Rang = event.Define[Ring]("till.rang")

	// Entries is the table.
	Entries = orm.Define[Entry, string]("entries")
	cents   = orm.Number(Entries, func(e *Entry) *int64 { return &e.Cents })
	count   = orm.Number(Entries, func(e *Entry) *int64 { return &e.Count })

	// KeepOrders is to shop's events.
	KeepOrders = bus.Subscription("keep_orders", bus.From("shop"), bus.To(event.Match("order.*")), bus.Writes(Entries))
	// KeepRings is to till's.
	KeepRings = bus.Subscription("keep_rings", bus.From("till"), bus.To(Rang), bus.Writes(Entries))
)

// KeepOrder adds an order up.
func KeepOrder(_ context.Context, e event.Event[Order], tx *bus.Tx) error {
	tx.Write(Entries.Update("orders", cents.Add(e.Data.Cents), count.Add(1)))
	return nil
}

// KeepRing adds a ring up.
func KeepRing(_ context.Context, e event.Event[Ring], tx *bus.Tx) error {
	tx.Write(Entries.Update("rings", cents.Add(e.Data.Cents), count.Add(1)))
	return nil
}
