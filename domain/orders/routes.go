package orders

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/tables"
)

// The routes of the HTTP API, in the form that API Gateway and net/http share.
const (
	RoutePlace     = "POST /orders"
	RoutePay       = "POST /orders/{order_id}/pay"
	RouteConfirm   = "POST /orders/{order_id}/confirm"
	RouteFulfil    = "POST /orders/{order_id}/fulfil"
	RouteCancel    = "POST /orders/{order_id}/cancel"
	RouteList      = "GET /orders"
	RouteRead      = "GET /orders/{order_id}"
	RouteDashboard = "GET /dashboard"
	RouteStock     = "GET /inventory/{product_id}"
	RouteSetStock  = "PUT /inventory/{product_id}"
	RouteEndpoint  = "PUT /endpoints/{kind}"
)

// Routes lists every route.
func Routes() []string {
	return []string{
		RoutePlace, RoutePay, RouteConfirm, RouteFulfil, RouteCancel,
		RouteList, RouteRead, RouteDashboard, RouteStock, RouteSetStock, RouteEndpoint,
	}
}

// APIAccess is what the API's function may touch.
func APIAccess() []bus.Grant {
	return []bus.Grant{
		bus.Writes(tables.Inventory, tables.Endpoints),
		bus.Reads(tables.OrderSummaries, tables.Dashboards),
		bus.Commits(Placed, Due, Captured, Confirmed, Fulfilled, Cancelled),
		bus.ReadsSettings(PaymentWindow),
	}
}
