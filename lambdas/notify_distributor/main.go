// Command notify_distributor tells distributors of orders.
package main

import (
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/orm"
)

// callTimeout bounds one call, whatever the function's own time-out: a service that
// hangs is tried again and not waited for.
const callTimeout = 5 * time.Second

func main() {
	store, err := orm.FromEnv(os.Getenv)
	if err != nil {
		slog.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	caller := &orders.Caller{Store: store, Client: &http.Client{Timeout: callTimeout}, Now: time.Now}
	bus.Start(orders.NotifyDistributor, bus.On(orders.Placed, caller.Notify))
}
