// Command api is the application's HTTP API: one function behind API Gateway, over
// net/http.
package main

import (
	"crypto/rand"
	"os"
	"strings"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/functionlog"
	"github.com/vinci-go/vinci/httpfunc"

	"example.com/app-name/domain/orders"
)

func main() {
	logger := functionlog.Start()
	log, store, err := eventlog.FromEnv(os.Getenv)
	if err != nil {
		logger.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	httpfunc.Start(newHandler(orders.NewService(store, log, time.Now, newID), logger))
}

// newID makes the id of an order: 130 random bits.
func newID() string { return strings.ToLower(rand.Text()) }
