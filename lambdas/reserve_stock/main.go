// Command reserve_stock sets the stock of an order aside.
package main

import (
	"log/slog"
	"os"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/eventlog"
)

func main() {
	log, _, err := eventlog.FromEnv(os.Getenv)
	if err != nil {
		slog.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	bus.Start(orders.ReserveStock, bus.OnTx(orders.Placed, orders.Reserve(log)))
}
