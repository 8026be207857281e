package sqsbatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/lambdastart"
	"github.com/vinci-go/vinci/internal/sqsqueue"
	"github.com/vinci-go/vinci/orm"
)

// Handler handles one message. nil acknowledges it; with any error it comes again
// (see [Permanent] and [RetryAfter] for two that say more). A panic is an error.
// It is called by several goroutines at once, and must return when its context
// ends.
type Handler func(ctx context.Context, m events.SQSMessage) error

// Function is what lambda.Start takes for a function of an SQS queue.
type Function = func(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error)

// ErrOverrun is what a [Function] fails with as long as a handler of an earlier
// batch still runs, which did not return when its context had ended. Nobody can
// stop it but the end of the process, and a second run of its message beside it is
// what must not be: [Start] ends the process then, and Lambda starts a new one.
var ErrOverrun = errors.New("a handler of an earlier batch did not return when its context ended and still runs: the process must end to stop it")

// Handle makes a function of a handler, for lambda.Start. The event source mapping
// must have ReportBatchItemFailures, or Lambda takes every batch for handled.
//
// The response names the messages that must come again; Lambda deletes the others.
// The function fails as a whole only when nothing can be said of single messages:
// with [ErrOverrun], and when what it is given is no batch of SQS. It does not fail
// when all messages did: Lambda would slow the queue down for it.
//
// Messages of a standard queue are handled at the same time, see [Concurrency].
// Those of a FIFO queue are handled in order in each message group, groups at the
// same time. The first of a group that fails ends its group for this batch: the
// rest comes again with it and is not tried before. One that goes to the
// [DeadLetterQueue] is out of the way, and the group goes on, as it does with a
// redrive policy: where the rest of a group must not be handled without it, use
// neither.
//
// A message that the time does not suffice for is not begun, and comes again.
//
// The error joins everything that is wrong with the options.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func Handle(h Handler, options ...Option) (Function, error) {
	p, err := newProcessor(h, options)
	if err != nil {
		return nil, err
	}
	return p.handle, nil
}

// Start runs a handler in AWS Lambda: all that a function's main has to do. It does
// not return. Logs are JSON lines on standard error, of the level that the environment
// variable VINCI_LOG_LEVEL says (INFO when it is not set), and SQS is reached with the
// credentials of the environment, unless options say otherwise. When options are
// wrong, everything that is wrong is logged, and the process exits with status 1.
func Start(h Handler, options ...Option) {
	level, levelErr := lambdastart.LogLevel(os.Getenv)
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	if levelErr != nil {
		logger.Warn("the log level cannot be read: it is INFO", "variable", lambdastart.EnvLogLevel, "error", levelErr.Error())
	}
	client := sqs.NewFromConfig(awsenv.Config(os.Getenv))
	function, err := Handle(h, append([]Option{Logger(logger), Client(client)}, options...)...)
	if err != nil {
		logger.Error("the function cannot start", "problems", lambdastart.Problems(err))
		os.Exit(1)
	}
	lambda.Start(lambdastart.EndOn(ErrOverrun, function))
}

// Store is the store of a Lambda function with one table, whose name in AWS is
// given: region, credentials and endpoint come from the environment through getenv
// (os.Getenv in a program), without the SDK's config package, which would add
// megabytes to the function. Missing credentials are an error of the first call.
func Store(getenv func(string) string, table string) orm.Store {
	return orm.NewDynamoDB(dynamodb.NewFromConfig(awsenv.Config(getenv)), func(string) string { return table })
}

// checkBatch refuses what is no batch of SQS: of a message that cannot be named
// nothing can be said.
func checkBatch(batch events.SQSEvent) error {
	for i, m := range batch.Records {
		if m.MessageId == "" {
			return fmt.Errorf("record %d of the batch has no messageId: the function must be invoked by an SQS event source", i)
		}
		if _, err := sqsqueue.ParseARN(m.EventSourceARN); err != nil {
			return fmt.Errorf("record %d of the batch: %w", i, err)
		}
	}
	return nil
}
