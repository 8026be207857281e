package relay

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
)

// FromEnv makes the relay of the function that runs, from the environment
// variables that every function of an application gets. getenv is os.Getenv,
// metrics is where the function's log lines go.
func FromEnv(getenv func(string) string, logger *slog.Logger, metrics io.Writer) (*Relay, error) {
	d, err := names.FromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	cfg := awsenv.Config(getenv)
	return New(Options{
		Source:     d.App,
		Deployment: d.ID,
		Publisher:  NewPublisher(eventbridge.NewFromConfig(cfg), d.BusFromEnv(getenv)),
		Failures:   NewFailureQueue(sqs.NewFromConfig(cfg), d.RelayFailedQueue()),
		Logger:     logger,
		Metrics:    metrics,
	}), nil
}
