// Command analyse_orders counts orders by tenant and day.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
)

func main() { bus.Start(orders.AnalyseOrders, bus.OnTx(orders.Placed, orders.Analyse)) }
