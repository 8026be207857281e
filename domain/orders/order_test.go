package orders_test

import (
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/eventlog"
)

// TestSubscriptionsFitTheirHandlers: what each subscription asks for has a handler.
func TestSubscriptionsFitTheirHandlers(t *testing.T) {
	log := (*eventlog.Log)(nil) // handlers are made, not run
	caller := &orders.Caller{}
	for sub, parts := range map[*bus.Definition][]bus.Part{
		orders.ReserveStock:      {bus.OnTx(orders.Placed, orders.Reserve(log))},
		orders.ConfirmOrder:      {bus.On(orders.Placed, orders.Mail(caller))},
		orders.NotifyDistributor: {bus.On(orders.Placed, caller.Notify)},
		orders.AnalyseOrders:     {bus.OnTx(orders.Placed, orders.Analyse)},
		orders.AuditOrders:       orders.AuditHandlers(),
		orders.ProjectDashboard:  orders.DashboardHandlers(),
		orders.ProjectSummary:    orders.SummaryHandlers(),
		orders.ReleaseStock:      {bus.OnTx(orders.Cancelled, orders.Release)},
		orders.OrderProcess:      {bus.OnTx(orders.Rejected, orders.CancelRejected(log)), bus.OnTx(orders.Due, orders.CancelUnpaid(log))},
	} {
		if err := bus.Check(sub, parts...); err != nil {
			t.Error(err)
		}
	}
}
