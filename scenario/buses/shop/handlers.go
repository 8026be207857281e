package shop

import (
	"context"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Total is what one of the subscriptions has added up.
type Total struct {
	Name  string `dynamo:"name,hash"`
	Cents int64  `dynamo:"cents"`
	Count int64  `dynamo:"count"`
}

var (
	// Totals is shop's table.
	Totals = orm.Define[Total, string]("totals")
	cents  = orm.Number(Totals, func(t *Total) *int64 { return &t.Cents })
	count  = orm.Number(Totals, func(t *Total) *int64 { return &t.Count })

	// Bill and Ship are to the same event.
	Bill = bus.Subscription("bill", bus.To(Placed), bus.Writes(Totals))
	Ship = bus.Subscription("ship", bus.To(Placed), bus.Writes(Totals))
)

// AddTo adds orders up, under a name.
func AddTo(name string) func(context.Context, event.Event[OrderPlaced], *bus.Tx) error {
	return func(_ context.Context, e event.Event[OrderPlaced], tx *bus.Tx) error {
		tx.Write(Totals.Update(name, cents.Add(e.Data.Cents), count.Add(1)))
		return nil
	}
}
