package orders

import (
	"context"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"

	"example.com/app-name/tables"
)

// CountSales counts what is ordered: a subscription says what it wants and what its
// function may touch, and nothing else is allowed to that.
var CountSales = bus.Subscription("count_sales", bus.To(Placed), bus.Writes(tables.Sales))

// AddToSales counts an order exactly once, however often it is delivered: what it
// writes is one transaction with the record that the event was handled.
func AddToSales(_ context.Context, e event.Event[OrderPlaced], tx *bus.Tx) error {
	tx.Write(tables.Sales.Update(e.Data.Product, tables.SaleUnits.Add(int64(e.Data.Quantity))))
	return nil
}
