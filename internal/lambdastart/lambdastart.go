package lambdastart

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// EndOn lets the process end when handle fails with overrun: a handler that cannot
// be stopped still runs in it. aws-lambda-go ends it after it has reported this
// type of error, and Lambda starts a new one.
func EndOn[In, Out any](overrun error, handle func(context.Context, In) (Out, error)) func(context.Context, In) (Out, error) {
	return func(ctx context.Context, in In) (Out, error) {
		out, err := handle(ctx, in)
		if errors.Is(err, overrun) {
			err = messages.InvokeResponse_Error{Message: err.Error(), Type: "Overrun", ShouldExit: true}
		}
		return out, err
	}
}

// Problems takes joined errors apart, one line each, for the log of a function
// that cannot start.
func Problems(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var out []string
		for _, e := range joined.Unwrap() {
			out = append(out, Problems(e)...)
		}
		return out
	}
	return []string{err.Error()}
}
