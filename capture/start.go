package capture

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/functionlog"
	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/lambdastart"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/internal/sqsqueue"
)

// EnvFailureQueue is the environment variable that holds the physical name of a
// table handler's failure queue. The constructs set it.
const EnvFailureQueue = "VINCI_FAILURE_QUEUE"

// Start runs a table handler in AWS Lambda. It is all that a function's main has to
// do, and it does not return. Store, log and queue are found from the environment,
// logs are JSON lines on standard error, metrics lines on standard output, as with
// [bus.Start]. When definition, parts or environment are wrong, Start logs everything
// that is, and the process exits with status 1.
func Start(def *Definition, parts ...Part) {
	logger := functionlog.Start(bus.LogIDs)
	c, err := fromEnv(os.Getenv, logger, os.Stdout, def, parts)
	if err != nil {
		logger.Error("the function cannot start", "problems", lambdastart.Problems(err))
		os.Exit(1)
	}
	lambda.Start(lambdastart.EndOn(bus.ErrOverrun, c.Handle))
}

// fromEnv makes the consumer of the function that runs. Its error joins what is
// wrong with the program and what is wrong with the environment.
func fromEnv(getenv func(string) string, logger *slog.Logger, metrics io.Writer, def *Definition, parts []Part) (*Consumer, error) {
	errs := []error{Check(def, parts...)}
	log, store, err := eventlog.FromEnv(getenv)
	errs = append(errs, err)
	failures := getenv(EnvFailureQueue)
	if failures == "" {
		errs = append(errs, fmt.Errorf("environment variable %s is not set: it is the physical name of the failure queue", EnvFailureQueue))
	}
	retention, _, err := bus.RetentionFromEnv(getenv)
	errs = append(errs, err)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	d, err := names.FromEnv(getenv)
	if err != nil {
		return nil, err
	}
	return NewConsumer(ConsumerOptions{
		Definition: def, Parts: parts, Store: store, Log: log,
		FailureQueue: newFailureQueue(getenv), QueueName: failures, Retention: retention,
		Metrics: bus.Metrics{Writer: metrics, Application: d.App, Deployment: d.ID}, Logger: logger,
	})
}

// newFailureQueue makes the failure queue of a function.
func newFailureQueue(getenv func(string) string) FailureQueue {
	return sqsFailures{sqsqueue.New(sqs.NewFromConfig(awsenv.Config(getenv)))}
}
