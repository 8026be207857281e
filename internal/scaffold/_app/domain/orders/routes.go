package orders

import (
	"github.com/vinci-go/vinci/bus"

	"example.com/app-name/tables"
)

// The routes of the HTTP API, in the form that API Gateway and net/http share.
const (
	RoutePlace = "POST /orders"
	RouteSold  = "GET /sales/{product}"
)

// Routes lists every route: the infrastructure makes each.
func Routes() []string {
	return []string{
		RoutePlace,
		RouteSold,
	}
}

// APIAccess is what the API's function may touch.
func APIAccess() []bus.Grant {
	return []bus.Grant{
		bus.Writes(tables.Orders),
		bus.Reads(tables.Sales),
		bus.Commits(Placed),
	}
}
