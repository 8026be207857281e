package event

import "strings"

// ParseTraceHeader reads the tracing header of AWS X-Ray, such as
//
//	Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1
//
// as the trace context that says the same: the digits of the root are the trace's
// id, the parent is the span. The span is empty when the header names no parent. ok is
// false when there is no root in it that X-Ray would take.
//
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
// https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids
func ParseTraceHeader(text string) (t TraceParent, ok bool) {
	t.Flags = notSampled
	for field := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Root":
			parts := strings.Split(value, "-")
			if len(parts) != 3 || parts[0] != "1" || len(parts[1]) != rootTime || !isHex(parts[1]+parts[2], 32) {
				return TraceParent{}, false
			}
			t.TraceID = parts[1] + parts[2]
		case "Parent":
			if isHex(value, 16) && strings.Trim(value, "0") != "" {
				t.SpanID = value
			}
		case "Sampled":
			if value == "1" {
				t.Flags = sampled
			}
		}
	}
	if strings.Trim(t.TraceID, "0") == "" {
		return TraceParent{}, false
	}
	return t, true
}

// TraceHeader is the trace context as the tracing header of AWS X-Ray, with the
// decision whether to record the trace. It is the other way round of
// [ParseTraceHeader].
func (t TraceParent) TraceHeader() string {
	decision := "0"
	if t.Sampled() {
		decision = "1"
	}
	header := "Root=1-" + t.TraceID[:rootTime] + "-" + t.TraceID[rootTime:]
	if t.SpanID != "" {
		header += ";Parent=" + t.SpanID
	}
	return header + ";Sampled=" + decision
}

// Sampled reports whether who began the trace wants it recorded: the lowest bit of
// the flags.
//
// https://www.w3.org/TR/trace-context/#sampled-flag
func (t TraceParent) Sampled() bool {
	return len(t.Flags) == 2 && strings.IndexByte("13579bdf", t.Flags[1]) >= 0
}

// The flags that X-Ray's header can say, and how many digits of its root are a time.
const (
	notSampled, sampled = "00", "01"
	rootTime            = 8
)
