package bus

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/lambdastart"
)

// EnvDeadLetterQueue is the environment variable that holds the physical name of
// a subscription's dead-letter queue; it is not set when there is none.
const EnvDeadLetterQueue = "VINCI_DEAD_LETTER_QUEUE"

// Start runs the handlers of a subscription in AWS Lambda. It is all that a
// function's main has to do, and it does not return.
//
// Store, log and queue are found from the environment that every function of an
// application gets. A handler that needs more is a closure; one that needs the
// store or the log outside of a [Tx] gets them in main from
// eventlog.FromEnv(os.Getenv).
//
// Logs are JSON lines on standard error. When subscription, handlers or
// environment are wrong, Start logs everything that is, and the process exits
// with status 1 before it asks for the first message.
func Start(sub *Definition, handlers ...Handler) {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	c, err := fromEnv(os.Getenv, logger, sub, handlers)
	if err != nil {
		logger.Error("the function cannot start", "problems", problems(err))
		os.Exit(1)
	}
	lambda.Start(endOnOverrun(c.Handle))
}

// fromEnv makes the consumer of the function that runs. Its error joins what is
// wrong with the program and what is wrong with the environment.
func fromEnv(getenv func(string) string, logger *slog.Logger, sub *Definition, handlers []Handler) (*Consumer, error) {
	log, store, err := eventlog.FromEnv(getenv)
	if err := errors.Join(Check(sub, handlers...), err); err != nil {
		return nil, err
	}
	return NewConsumer(ConsumerOptions{
		Subscription: sub, Handlers: handlers,
		Store: store, Log: log, Queue: newQueue(awsenv.Config(getenv)), DeadLetterQueue: getenv(EnvDeadLetterQueue),
		Logger: logger,
	})
}

// endOnOverrun lets the process end when a handler that cannot be stopped still
// runs.
func endOnOverrun(handle func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
	return lambdastart.EndOn(ErrOverrun, handle)
}

// problems takes joined errors apart, one line each.
func problems(err error) []string { return lambdastart.Problems(err) }
