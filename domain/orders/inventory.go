package orders

import (
	"context"
	"fmt"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/tables"
)

// Reserve sets the stock of an order aside: all of it or nothing, and never below
// zero. It decides on the order as it is now, at the version that it has: an order
// that is cancelled meanwhile gets no stock, and one whose stock is set aside tells
// the cancellation to give it back.
func Reserve(log *eventlog.Log) func(context.Context, event.Event[OrderPlaced], *bus.Tx) error {
	return func(ctx context.Context, e event.Event[OrderPlaced], tx *bus.Tx) error {
		stream := Stream(e.TenantID, e.Data.OrderID) // an event that was sent anew is in another
		order, version, err := eventlog.Load(ctx, log, stream, Orders)
		if err != nil {
			return fmt.Errorf("load order %s: %w", e.Data.OrderID, err)
		}
		if err := order.exists(); err != nil {
			return bus.Permanent(fmt.Errorf("%s: %w", stream, err))
		}
		if !order.open() {
			return nil
		}
		lines := order.lines()
		keys := make([]orm.Pair[string, string], len(lines))
		for i, line := range lines {
			keys[i] = orm.Key(e.TenantID, line.ProductID)
		}
		stock, err := tables.Inventory.GetBatch(ctx, tx, keys)
		if err != nil {
			return fmt.Errorf("read the stock: %w", err)
		}
		for i, line := range lines {
			available := 0
			if stock[i] != nil {
				available = stock[i].Available
			}
			if available < line.Quantity {
				tx.Record(Rejected.At(stream, event.Expect(version)).Record(InventoryRejected{
					OrderID: order.ID, ProductID: line.ProductID, Wanted: line.Quantity, Available: available,
				}))
				return nil
			}
		}
		for i, line := range lines {
			// Another order may take from it before this is written: then the handler
			// runs again.
			tx.Write(tables.Inventory.Update(keys[i], tables.StockAvailable.Add(-line.Quantity)).If(tables.StockAvailable.Ge(line.Quantity)))
		}
		tx.Record(Reserved.At(stream, event.Expect(version)).Record(InventoryReserved{OrderID: order.ID, Lines: lines}))
		return nil
	}
}

// Release gives back what was set aside for an order that was cancelled.
func Release(_ context.Context, e event.Event[OrderCancelled], tx *bus.Tx) error {
	for _, line := range e.Data.Release {
		tx.Write(tables.Inventory.Update(orm.Key(e.TenantID, line.ProductID), tables.StockAvailable.Add(line.Quantity)))
	}
	return nil
}

// LowStockThreshold is how few of a product are a reason to order more: fewer than
// these.
const LowStockThreshold = 5

// LowStock follows what is in stock, whoever changes it: reservations, releases, and
// people who count.
var LowStock = capture.Define("low_stock", tables.Inventory,
	capture.Operations(capture.Insert, capture.Modify),
	capture.Tenant(tables.Inventory, func(s *tables.Stock) *string { return &s.TenantID }),
	bus.Commits(Low))

// AlertLowStock says that a product's stock has fallen below the threshold, once each
// time that it does. A product that is new has come from plenty.
func AlertLowStock(_ context.Context, c capture.Change[tables.Stock], tx *bus.Tx) error {
	before := LowStockThreshold
	if c.Before != nil {
		before = c.Before.Available
	}
	if c.After == nil || before < LowStockThreshold || c.After.Available >= LowStockThreshold {
		return nil
	}
	tx.Record(Low.Record(InventoryLow{ProductID: c.After.ProductID, Available: c.After.Available}))
	return nil
}
