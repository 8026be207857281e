// Command notify_distributor tells distributors of orders.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/orm"
)

func main() {
	store, err := orm.FromEnv(os.Getenv)
	if err != nil {
		slog.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	caller := &orders.Caller{Store: store, Client: orders.NewClient(), Now: time.Now}
	bus.Start(orders.NotifyDistributor, bus.On(orders.Placed, caller.Notify))
}
