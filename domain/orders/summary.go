package orders

import (
	"context"
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/tables"
)

// SummaryHandlers make the summaries. The subscription is ordered: each order's
// events come in their order, so that the last one says the status.
func SummaryHandlers() []bus.Part {
	return []bus.Part{
		bus.OnTx(Placed, func(ctx context.Context, e event.Event[OrderPlaced], tx *bus.Tx) error {
			s := tables.OrderSummary{
				Model: tables.ModelKey(bus.Namespace(ctx), e.TenantID), OrderID: e.Data.OrderID,
				CustomerID: e.Data.CustomerID, CustomerName: e.Data.CustomerName,
				Total: e.Data.Total.Amount, Currency: e.Data.Total.Currency,
				Status: string(StatusPlaced), PlacedAt: e.Time.UTC(),
			}
			top := int64(-1)
			for _, item := range e.Data.Items {
				s.ItemCount += item.Quantity
				if item.Price > top {
					s.TopItem, top = item.Title, item.Price
				}
			}
			tx.Write(tables.OrderSummaries.Put(s))
			return nil
		}),
		summarise(Captured, func(d PaymentCaptured) string { return d.OrderID }, func(s *tables.OrderSummary, e event.Event[PaymentCaptured]) {
			s.Status, s.PaidAt = string(StatusPaid), e.Time.UTC()
		}),
		summarise(Confirmed, func(d OrderConfirmed) string { return d.OrderID }, func(s *tables.OrderSummary, e event.Event[OrderConfirmed]) {
			s.Status, s.ConfirmedAt = string(StatusConfirmed), e.Time.UTC()
		}),
		summarise(Fulfilled, func(d OrderFulfilled) string { return d.OrderID }, func(s *tables.OrderSummary, e event.Event[OrderFulfilled]) {
			s.Status, s.FulfilledAt = string(StatusFulfilled), e.Time.UTC()
		}),
		summarise(Cancelled, func(d OrderCancelled) string { return d.OrderID }, func(s *tables.OrderSummary, e event.Event[OrderCancelled]) {
			s.Status, s.CancelledAt, s.Reason = string(StatusCancelled), e.Time.UTC(), e.Data.Reason
		}),
	}
}

// summarise changes the summary of an order that was placed before.
func summarise[T any](def *event.Definition[T], orderID func(T) string, change func(*tables.OrderSummary, event.Event[T])) bus.Handler {
	return bus.OnTx(def, func(ctx context.Context, e event.Event[T], tx *bus.Tx) error {
		key := orm.Key(tables.ModelKey(bus.Namespace(ctx), e.TenantID), orderID(e.Data))
		s, err := tables.OrderSummaries.Get(ctx, tx, key)
		if errors.Is(err, orm.KindNotFound) {
			// The stream begins with order.placed, which was handled before this, unless
			// somebody sent it anew (`vinci dlq send`): then it is still to come.
			return fmt.Errorf("order %s has no summary yet", orderID(e.Data))
		}
		if err != nil {
			return fmt.Errorf("read the summary of order %s: %w", orderID(e.Data), err)
		}
		change(&s, e)
		tx.Write(tables.OrderSummaries.Put(s))
		return nil
	})
}
