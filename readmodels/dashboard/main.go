// Command dashboard makes the dashboards anew, or compares them with the log: see
// vinci rebuild and vinci verify.
package main

import (
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/readmodel/rebuild"
	"github.com/vinci-go/vinci/readmodels"
)

func main() {
	rebuild.Main(orders.ProjectDashboard, readmodels.Dashboard(), orders.DashboardHandlers()...)
}
