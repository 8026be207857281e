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

	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/eventlog"
)

func main() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	log, store, err := eventlog.FromEnv(os.Getenv)
	if err != nil {
		logger.Error("the function cannot start", "error", err)
		os.Exit(1)
	}
	service := users.NewService(store, log, time.Now, newID)
	lambda.Start(httpadapter.NewV2(newHandler(service, logger)).ProxyWithContext)
}

// newID makes a user id: 80 random bits. crypto/rand.Read never fails.
func newID() string {
	var b [10]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
