package orders

import (
	"context"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/tables"
)

// auditTime sorts as text.
const auditTime = "2006-01-02T15:04:05.000000000Z"

// Audit makes the handler that writes one type of event down, whatever it says.
func Audit[T any](def *event.Definition[T], orderID func(T) string) bus.Handler {
	return bus.OnTx(def, func(_ context.Context, e event.Event[T], tx *bus.Tx) error {
		tx.Write(tables.OrderAudit.Insert(tables.AuditEntry{
			TenantID: e.TenantID, Entry: e.Time.UTC().Format(auditTime) + " " + e.ID,
			EventID: e.ID, EventType: e.Type, OrderID: orderID(e.Data), Actor: e.Actor, At: e.Time.UTC(),
		}))
		return nil
	})
}

// AuditHandlers write down every fact about an order.
func AuditHandlers() []bus.Part {
	return []bus.Part{
		Audit(Placed, func(d OrderPlaced) string { return d.OrderID }),
		Audit(Reserved, func(d InventoryReserved) string { return d.OrderID }),
		Audit(Rejected, func(d InventoryRejected) string { return d.OrderID }),
		Audit(Captured, func(d PaymentCaptured) string { return d.OrderID }),
		Audit(Confirmed, func(d OrderConfirmed) string { return d.OrderID }),
		Audit(Fulfilled, func(d OrderFulfilled) string { return d.OrderID }),
		Audit(Cancelled, func(d OrderCancelled) string { return d.OrderID }),
	}
}
