package orders

import (
	"context"
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
)

// The reasons for which the process cancels an order.
const (
	ReasonUnpaid     = "it was not paid in time"
	ReasonOutOfStock = "there is not enough of a product"
)

// CancelUnpaid cancels an order whose time to be paid is over. The payment and the
// timer may meet: what the order says counts, not that the timer came.
func CancelUnpaid(log *eventlog.Log) func(context.Context, event.Event[PaymentDue], *bus.Tx) error {
	return func(ctx context.Context, e event.Event[PaymentDue], tx *bus.Tx) error {
		return cancel(ctx, log, Stream(e.TenantID, e.Data.OrderID), tx, ReasonUnpaid, func(o Order) bool { return o.Status == StatusPlaced })
	}
}

// CancelRejected cancels an order for which there is not enough stock.
func CancelRejected(log *eventlog.Log) func(context.Context, event.Event[InventoryRejected], *bus.Tx) error {
	return func(ctx context.Context, e event.Event[InventoryRejected], tx *bus.Tx) error {
		reason := fmt.Sprintf("%s: %d of %s were wanted, %d are there", ReasonOutOfStock, e.Data.Wanted, e.Data.ProductID, e.Data.Available)
		return cancel(ctx, log, Stream(e.TenantID, e.Data.OrderID), tx, reason, func(Order) bool { return true })
	}
}

// cancel decides on the order as it is now. An order that is settled already is
// left as it is.
func cancel(ctx context.Context, log *eventlog.Log, stream string, tx *bus.Tx, reason string, still func(Order) bool) error {
	order, version, err := eventlog.Load(ctx, log, stream, Orders)
	if err != nil {
		return fmt.Errorf("load order of %s: %w", stream, err)
	}
	if err := order.exists(); err != nil {
		return bus.Permanent(fmt.Errorf("%s: %w", stream, err))
	}
	if !still(order) {
		return nil
	}
	cancelled, err := order.Cancel(reason)
	if errors.Is(err, Conflict) {
		return nil
	}
	if err != nil {
		return err
	}
	tx.Record(Cancelled.At(stream, event.Expect(version)).Record(cancelled))
	tx.CancelTimers(unpaidTimer(stream))
	return nil
}
