// Command api is the application's HTTP API: one function behind API Gateway,
// over net/http.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"time"

	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/functionlog"
	"github.com/vinci-go/vinci/httpfunc"

	"github.com/vinci-go/vinci/readmodel"
	"github.com/vinci-go/vinci/settings"
)

func main() {
	logger := functionlog.Start()
	log, store, err := eventlog.FromEnv(os.Getenv)
	if err != nil {
		logger.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	values, err := settings.FromEnv(os.Getenv, store, settings.Options{})
	if err != nil {
		logger.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	handler := newHandler(&api{
		service: users.NewService(store, log, time.Now, newID),
		orders:  orders.NewService(store, log, orders.Options{Now: time.Now, NewID: newID, Settings: values}),
		queries: orders.NewQueries(store,
			readmodel.NewReader(store, orders.ProjectSummary, modelAge),
			readmodel.NewReader(store, orders.ProjectDashboard, modelAge)),
		now:    time.Now,
		logger: logger,
	})
	httpfunc.Start(handler)
}

// modelAge is how long the function remembers which generation of a read model is
// the current one.
const modelAge = 5 * time.Second

// newID makes the id of a user or an order: 80 random bits. crypto/rand.Read never fails.
func newID() string {
	var b [10]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
