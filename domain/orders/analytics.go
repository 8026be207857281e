package orders

import (
	"context"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/tables"
)

// Analyse counts an order in its day. Additions need no order among themselves.
func Analyse(_ context.Context, e event.Event[OrderPlaced], tx *bus.Tx) error {
	pieces := int64(0)
	for _, item := range e.Data.Items {
		pieces += int64(item.Quantity)
	}
	day := e.Time.UTC().Format(time.DateOnly) + "/" + e.Data.Total.Currency
	tx.Write(tables.OrderAnalytics.Update(orm.Key(e.TenantID, day),
		tables.DayOrders.Add(1), tables.DayPieces.Add(pieces), tables.DayValue.Add(e.Data.Total.Amount)))
	return nil
}
