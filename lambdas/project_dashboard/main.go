// Command project_dashboard makes the dashboard of each tenant and month.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
)

func main() { bus.Start(orders.ProjectDashboard, orders.DashboardHandlers()...) }
