// Command project_summary makes the summary of each order.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
)

func main() { bus.Start(orders.ProjectSummary, orders.SummaryHandlers()...) }
