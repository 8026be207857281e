// Command notify_distributor tells distributors of orders.
package main

import (
	"log/slog"
	"os"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

func main() {
	store, err := orm.FromEnv(os.Getenv)
	if err != nil {
		slog.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	values, err := settings.FromEnv(os.Getenv, store, settings.Options{MaxAge: switchAge})
	if err != nil {
		slog.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	caller := &orders.Caller{Store: store, Client: orders.NewClient(), Now: time.Now, Settings: values}
	bus.Start(orders.NotifyDistributor, bus.On(orders.Placed, caller.Notify))
}

// switchAge is how long the function goes by what it knows of its switch: whoever turns
// it off is in a hurry.
const switchAge = 5 * time.Second
