// Command release_stock gives back what was set aside for an order that is cancelled.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
)

func main() { bus.Start(orders.ReleaseStock, bus.OnTx(orders.Cancelled, orders.Release)) }
