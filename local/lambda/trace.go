package lambda

import (
	"context"
	"fmt"

	"github.com/vinci-go/vinci/event"
)

type traceKey struct{}

// WithTrace says which trace an invocation belongs to, by X-Ray's header, as the
// header X-Amzn-Trace-Id of a request or of an Invoke call does on AWS. The function
// finds the same root in its own header, with another parent.
//
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func WithTrace(ctx context.Context, header string) context.Context {
	return context.WithValue(ctx, traceKey{}, header)
}

// traceOf is what a function is told of its trace: that of the caller, or a new one where
// the caller's is none that X-Ray would take. Nothing records traces here, so one is
// sampled only when the caller says so.
func (s *Service) traceOf(ctx context.Context) string {
	given, _ := ctx.Value(traceKey{}).(string)
	t, ok := event.ParseTraceHeader(given)
	if !ok {
		t = event.TraceParent{TraceID: fmt.Sprintf("%08x", s.now().Unix()) + s.random(12)}
	}
	t.SpanID = s.random(8)
	return t.TraceHeader()
}
