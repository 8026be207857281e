package orders

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/tables"
)

// The six reactions to an order that was placed. Each has its own queue, function and
// record: none waits for another, and the response waits for none.
var (
	// ReserveStock sets the stock aside, or says that there is too little.
	ReserveStock = bus.Subscription("reserve_stock", bus.To(Placed), bus.Writes(tables.Inventory), bus.Commits(Reserved, Rejected))

	// ConfirmOrder mails the customer.
	ConfirmOrder = bus.Subscription("confirm_order", bus.To(Placed), bus.Reads(tables.Endpoints))

	// NotifyDistributor tells the tenant's distributor.
	NotifyDistributor = bus.Subscription("notify_distributor", bus.To(Placed), bus.Reads(tables.Endpoints), bus.ReadsSettings(TellDistributors))

	// AnalyseOrders counts by day.
	AnalyseOrders = bus.Subscription("analyse_orders", bus.To(Placed), bus.Writes(tables.OrderAnalytics))

	// AuditOrders writes down every fact about an order.
	AuditOrders = bus.Subscription("audit_orders",
		bus.To(Placed, Reserved, Rejected, Captured, Confirmed, Fulfilled, Cancelled), bus.Appends(tables.OrderAudit))

	// ProjectDashboard makes the dashboard.
	ProjectDashboard = bus.Subscription("project_dashboard",
		bus.To(Placed, Captured, Confirmed, Fulfilled, Cancelled), bus.Writes(tables.Dashboards), bus.Rebuildable())
)

// What else follows from the events of an order.
var (
	// ProjectSummary makes the summaries, each order's events in their order.
	ProjectSummary = bus.Subscription("project_summary",
		bus.To(Placed, Captured, Confirmed, Fulfilled, Cancelled), bus.Writes(tables.OrderSummaries), bus.Ordered(), bus.Rebuildable())

	// ReleaseStock gives back what was set aside for an order that is cancelled.
	ReleaseStock = bus.Subscription("release_stock", bus.To(Cancelled), bus.Writes(tables.Inventory))

	// OrderProcess cancels what cannot go on: orders without stock, and those that
	// were not paid in time.
	OrderProcess = bus.Subscription("order_process", bus.To(Rejected, Due), bus.Commits(Cancelled))
)
