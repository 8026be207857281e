package bus

import (
	"fmt"
	"hash/fnv"
	"strings"
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
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(traceParent) < length {
		return trace{}
	}
	parts := strings.SplitN(traceParent[:length], "-", 4)
	if len(parts) != 4 {
		return trace{}
	}
	version, id, parent, flags := parts[0], parts[1], parts[2], parts[3]
	switch rest := traceParent[length:]; {
	case !hex(version, 2) || version == "ff":
		return trace{}
	case rest != "" && (version == "00" || rest[0] != '-'): // later versions may add to it
		return trace{}
	case !hex(id, 32) || !hex(parent, 16) || !hex(flags, 2):
		return trace{}
	case strings.Trim(id, "0") == "" || strings.Trim(parent, "0") == "":
		return trace{}
	}
	h := fnv.New64a()
	h.Write([]byte(runID)) // a hash.Hash never returns an error
	return trace{id: id, span: fmt.Sprintf("%016x", max(h.Sum64(), 1)), flags: flags}
}

func (t trace) parent() string { return "00-" + t.id + "-" + t.span + "-" + t.flags }

// hex reports whether s is n lower-case hexadecimal digits.
func hex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}
