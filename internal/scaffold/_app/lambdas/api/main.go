// Command api is the application's HTTP API: one function behind API Gateway, over
// net/http.
package main

import (
	"crypto/rand"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/vinci-go/vinci/eventlog"

	"example.com/app-name/domain/orders"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	log, store, err := eventlog.FromEnv(os.Getenv)
	if err != nil {
		logger.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	handler := newHandler(orders.NewService(store, log, time.Now, newID), logger)
	lambda.Start(httpadapter.NewV2(handler).ProxyWithContext)
}

// newID makes the id of an order: 130 random bits.
func newID() string { return strings.ToLower(rand.Text()) }
