package lambda

import "context"

type functionKey struct{}

// WithPoller marks what Lambda does with the credentials of a function's role: see
// [PollsFor].
func WithPoller(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, functionKey{}, name)
}

// PollsFor is the name of the function for whose event source mapping a method of
// [Queues] or [Streams] is called, by that method's context. Lambda makes such
// calls with the credentials of the function's role.
//
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
func PollsFor(ctx context.Context) (function string, ok bool) {
	function, ok = ctx.Value(functionKey{}).(string)
	return function, ok
}
