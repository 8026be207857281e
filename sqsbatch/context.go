package sqsbatch

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/internal/bounded"
)

// contextKey is its own type, so that no other package's context value can
// collide.
type contextKey struct{}

type contextValue struct {
	message *events.SQSMessage
	window  bounded.Window
}

func with(ctx context.Context, m *events.SQSMessage, w bounded.Window) context.Context {
	return context.WithValue(ctx, contextKey{}, &contextValue{m, w})
}

// MessageOf is the message that a handler's context is about; false elsewhere.
func MessageOf(ctx context.Context) (events.SQSMessage, bool) {
	if v, ok := ctx.Value(contextKey{}).(*contextValue); ok {
		return *v.message, true
	}
	return events.SQSMessage{}, false
}

// windowOf is the time that the invocation has which ctx belongs to: a handler's
// own context ends before it.
func windowOf(ctx context.Context) (bounded.Window, bool) {
	if v, ok := ctx.Value(contextKey{}).(*contextValue); ok {
		return v.window, true
	}
	return bounded.Window{}, false
}
