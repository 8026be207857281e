// Command vinci-relay is the Lambda function that carries events from the log to
// the bus. It is called with the change stream of the table "events"; package
// relay says what it does with it.
//
// It is part of every application that has an event bus, and built from whichever
// module is synthesized. It takes no settings but the environment variables that
// every function of an application gets.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/functionlog"
)

func main() {
	logger := functionlog.Start().With("function", os.Getenv("AWS_LAMBDA_FUNCTION_NAME"))
	r, err := relay.FromEnv(os.Getenv, logger, os.Stdout)
	if err != nil {
		logger.Error("the relay cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(r.Handle)
}
