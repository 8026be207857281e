// Command vinci-timers is the Lambda function that commits the events of timers
// that are due. A scheduled rule calls it every minute; package timers says what
// it does then.
//
// It is part of every application that has an event bus, and built from whichever
// module is synthesized. It takes no settings but the environment variables that
// every function of an application gets.
package main

import (
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/vinci-go/vinci/eventlog/timers"
	"github.com/vinci-go/vinci/functionlog"
)

func main() {
	logger := functionlog.Start().With("function", os.Getenv("AWS_LAMBDA_FUNCTION_NAME"))
	t, err := timers.FromEnv(os.Getenv, logger, os.Stdout)
	if err != nil {
		logger.Error("the timers function cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(t.Handle)
}
