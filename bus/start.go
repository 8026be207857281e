package bus

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/functionlog"
	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/lambdastart"
	"github.com/vinci-go/vinci/internal/names"
)

// EnvDeadLetterQueue is the environment variable that holds the physical name of
// a subscription's dead-letter queue; it is not set when there is none.
const EnvDeadLetterQueue = "VINCI_DEAD_LETTER_QUEUE"

// Start runs a subscription in AWS Lambda: its handlers, with the middleware
// around them. It is all that a
// function's main has to do, and it does not return.
//
// Store, log and queue are found from the environment that every function of an
// application gets. A handler that needs more is a closure; one that needs the
// store or the log outside of a [Tx] gets them in main from
// eventlog.FromEnv(os.Getenv).
//
// Logs are JSON lines on standard error, as package functionlog writes them: whatever
// a handler logs with its context has the event's ids. [Metrics] are lines on standard
// output. When subscription, parts or environment are wrong, Start logs everything that is, and the process exits
// with status 1 before it asks for the first message.
func Start(sub *Definition, parts ...Part) {
	logger := functionlog.Start(LogIDs)
	c, err := fromEnv(os.Getenv, logger, os.Stdout, sub, parts)
	if err != nil {
		logger.Error("the function cannot start", "problems", problems(err))
		os.Exit(1)
	}
	lambda.Start(endOnOverrun(c.Handle))
}

// fromEnv makes the consumer of the function that runs. Its error joins what is
// wrong with the program and what is wrong with the environment.
func fromEnv(getenv func(string) string, logger *slog.Logger, metrics io.Writer, sub *Definition, parts []Part) (*Consumer, error) {
	log, store, err := eventlog.FromEnv(getenv)
	visibility, visibilityErr := visibilityFromEnv(getenv)
	retention, archive, retentionErr := RetentionFromEnv(getenv)
	if err := errors.Join(Check(sub, parts...), err, visibilityErr, retentionErr); err != nil {
		return nil, err
	}
	d, err := names.FromEnv(getenv)
	if err != nil {
		return nil, err
	}
	return NewConsumer(ConsumerOptions{
		Subscription: sub, Parts: parts,
		Store: store, Log: log, Queue: newQueue(awsenv.Config(getenv)), DeadLetterQueue: getenv(EnvDeadLetterQueue),
		Visibility: visibility, Retention: retention, Archive: archive,
		Metrics: Metrics{Writer: metrics, Application: d.App, Deployment: d.ID}, Logger: logger,
	})
}

// endOnOverrun lets the process end when a handler that cannot be stopped still
// runs.
func endOnOverrun(handle func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	return lambdastart.EndOn(ErrOverrun, handle)
}

// problems takes joined errors apart, one line each.
func problems(err error) []string { return lambdastart.Problems(err) }
