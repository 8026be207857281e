package event

import "strings"

// TraceParent is a W3C trace context: whose trace something belongs to, and which
// span of it is the parent.
//
// https://www.w3.org/TR/trace-context/#traceparent-header
type TraceParent struct {
	TraceID string // 32 lower-case hexadecimal digits, not all zero
	SpanID  string // 16 of them, not all zero
	Flags   string // 2 of them
}

// ParseTraceParent reads a traceparent header. ok is false when it is malformed:
// such a trace must not be continued.
func ParseTraceParent(text string) (t TraceParent, ok bool) {
	const length = len("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if len(text) < length {
		return TraceParent{}, false
	}
	parts := strings.SplitN(text[:length], "-", 4)
	if len(parts) != 4 {
		return TraceParent{}, false
	}
	version := parts[0]
	t = TraceParent{TraceID: parts[1], SpanID: parts[2], Flags: parts[3]}
	switch rest := text[length:]; {
	case !isHex(version, 2) || version == "ff":
	case rest != "" && (version == "00" || rest[0] != '-'): // later versions may add to it
	case !isHex(t.TraceID, 32) || !isHex(t.SpanID, 16) || !isHex(t.Flags, 2):
	case strings.Trim(t.TraceID, "0") == "" || strings.Trim(t.SpanID, "0") == "":
	default:
		return t, true
	}
	return TraceParent{}, false
}

// String is the header, in version 00.
func (t TraceParent) String() string { return "00-" + t.TraceID + "-" + t.SpanID + "-" + t.Flags }

// isHex reports whether s is n lower-case hexadecimal digits.
func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == ""
}
