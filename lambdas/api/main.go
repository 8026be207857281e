// Command api is the application's HTTP API: one function behind API Gateway,
// over net/http.
package main

import (
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/readmodel"
	"github.com/vinci-go/vinci/settings"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
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
	lambda.Start(httpadapter.NewV2(handler).ProxyWithContext)
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
