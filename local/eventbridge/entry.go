package eventbridge

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// Entry is one event to put.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
type Entry struct {
	Source       string
	DetailType   string
	Detail       string // a JSON object
	EventBusName string // or ARN; empty means default
	Resources    []string
	Time         time.Time // zero means now
	TraceHeader  string    // handed on to queues as AWSTraceHeader
}

// Result is what became of an entry: an id, or a code and a message.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
type Result struct {
	EventID      string
	ErrorCode    string
	ErrorMessage string
}

// The codes of failed entries.
const (
	CodeInvalidArgument        = "InvalidArgument"
	CodeMalformedDetail        = "MalformedDetail"
	CodeNotAuthorizedForSource = "NotAuthorizedForSourceException"
	CodeInternalFailure        = "InternalFailure"
)

// AWS's limits.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html
const (
	maxEntries    = 10
	maxSize       = 1 << 20 // the entries of a call must be smaller
	maxDetailType = 128
	maxDepth      = 1000
	maxTrace      = 500
)

// size counts as AWS does.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
func (e *Entry) size() int {
	n := len(e.Source) + len(e.DetailType) + len(e.Detail)
	for _, r := range e.Resources {
		n += len(r)
	}
	if !e.Time.IsZero() {
		n += 14
	}
	return n
}

// check returns the entry's failure, nil when there is none.
func (e *Entry) check() *Result {
	required := func(name string) *Result {
		return &Result{ErrorCode: CodeInvalidArgument, ErrorMessage: "Parameter " + name + " is not valid. Reason: " + name + " is a required argument."}
	}
	switch {
	case e.Source == "":
		return required("Source")
	case e.DetailType == "":
		return required("DetailType")
	case e.Detail == "":
		return required("Detail")
	case utf8.RuneCountInString(e.DetailType) > maxDetailType:
		return &Result{ErrorCode: CodeInvalidArgument, ErrorMessage: "Parameter DetailType is not valid. Reason: DetailType must be at most 128 characters."}
	case strings.HasPrefix(e.Source, "aws."):
		return &Result{ErrorCode: CodeNotAuthorizedForSource, ErrorMessage: "Not authorized for the source."}
	case !busName.MatchString(nameOf(e.EventBusName)):
		return &Result{ErrorCode: CodeInvalidArgument, ErrorMessage: "Parameter EventBusName is not valid. Reason: it must be a name or an ARN of an event bus."}
	case !isObject(e.Detail):
		return &Result{ErrorCode: CodeMalformedDetail, ErrorMessage: "Detail is malformed."}
	}
	return nil
}

func isObject(detail string) bool {
	b := []byte(detail)
	return utf8.Valid(b) && json.Valid(b) && bytes.TrimLeft(b, " \t\r\n")[0] == '{' && depth(b) <= maxDepth
}

// depth is how deep valid JSON is nested.
func depth(b []byte) int {
	deepest, now, text := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}

// event is the entry as rules see it and targets get it. The order of fields is
// EventBridge's; the detail's bytes are those that were put.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
func (s *Service) event(e *Entry, id string, t time.Time) []byte {
	var b bytes.Buffer
	b.Grow(len(e.Detail) + 320)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	text := func(s string) {
		if err := enc.Encode(s); err != nil {
			panic("eventbridge: a string could not be encoded: " + err.Error()) // encoding/json encodes every string
		}
		b.Truncate(b.Len() - 1) // the line break
	}
	b.WriteString(`{"version":"0","id":`)
	text(id)
	b.WriteString(`,"detail-type":`)
	text(e.DetailType)
	b.WriteString(`,"source":`)
	text(e.Source)
	b.WriteString(`,"account":`)
	text(s.opts.Account)
	b.WriteString(`,"time":`)
	text(t.UTC().Format("2006-01-02T15:04:05Z"))
	b.WriteString(`,"region":`)
	text(s.opts.Region)
	b.WriteString(`,"resources":[`)
	for i, r := range e.Resources {
		if i > 0 {
			b.WriteByte(',')
		}
		text(r)
	}
	b.WriteString(`],"detail":`)
	b.WriteString(e.Detail)
	b.WriteByte('}')
	return b.Bytes()
}
