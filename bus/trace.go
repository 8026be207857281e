package bus

import (
	"fmt"
	"hash/fnv"

	"github.com/vinci-go/vinci/event"
)

// trace is the W3C trace context of one run: the trace of the event, and in it a
// span of the run's own. What the handler commits and calls has that span for its
// parent, and the log lines of the run name both.
//
// https://www.w3.org/TR/trace-context/#traceparent-header
type trace struct{ id, span, flags string }

// traceOf reads the trace context of an event and begins the span of a run, which
// is the same for the same run. It is the zero trace when the event has none, or
// one that is malformed and must not be continued.
func traceOf(traceParent, runID string) trace {
	parent, ok := event.ParseTraceParent(traceParent)
	if !ok {
		return trace{}
	}
	h := fnv.New64a()
	h.Write([]byte(runID)) // a hash.Hash never returns an error
	return trace{id: parent.TraceID, span: fmt.Sprintf("%016x", max(h.Sum64(), 1)), flags: parent.Flags}
}

func (t trace) parent() string {
	return event.TraceParent{TraceID: t.id, SpanID: t.span, Flags: t.flags}.String()
}
