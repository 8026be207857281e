// Command count_sales counts what is ordered.
package main

import (
	"github.com/vinci-go/vinci/bus"

	"example.com/app-name/domain/orders"
)

func main() { bus.Start(orders.CountSales, bus.OnTx(orders.Placed, orders.AddToSales)) }
