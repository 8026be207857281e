package relay

import (
	"context"
	"errors"
	"time"
)

// The limits of one PutEvents request. AWS's page says "less than 1 MB" and not
// which megabyte, so it is the smaller one.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
const (
	MaxEntries = 10
	MaxBytes   = 1_000_000 - 1
)

// Entry is one event of a PutEvents request.
type Entry struct {
	Source string
	Type   string // the detail-type
	Detail string // the envelope as JSON
	Time   time.Time
	// TraceHeader is X-Ray's header of the trace that the event belongs to, empty for
	// none. EventBridge hands it on to the queues; it does not count for the size.
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-related-service-xray.html
	TraceHeader string
}

// Size is what the entry adds to the size of its request, by AWS's rule.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
func (e *Entry) Size() int {
	const timeSize = 14
	return timeSize + len(e.Source) + len(e.Type) + len(e.Detail)
}

// Result is what became of one entry. The zero Result is success.
type Result struct {
	Code    string // the service's error code, empty: accepted
	Message string
}

// Publisher sends events to the bus. Implementations are safe for concurrent use.
type Publisher interface {
	// Publish sends one request of at most MaxEntries and MaxBytes, and returns
	// one result an entry, in their order. The error is for the whole request, of
	// which nothing is known then; a *[RejectedError] says that the service read
	// it and refuses it for what it holds.
	Publish(ctx context.Context, entries []Entry) ([]Result, error)
}

// RejectedError is a request that is refused for what it holds, so that sending
// it again is no use.
type RejectedError struct {
	Code    string
	Message string
	Err     error // the cause, may be nil
}

func (e *RejectedError) Error() string {
	return "the bus rejects the request: " + e.Code + ": " + e.Message
}

func (e *RejectedError) Unwrap() error { return e.Err }

// hopeless reports whether an entry failed for what it is. A code that is not
// known is not hopeless: waiting loses nothing, giving up might.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html
func hopeless(code string) bool {
	switch code {
	case "AccessDeniedException",
		"InvalidAccountIdException",
		"InvalidArgument",
		"MalformedDetail",
		"NotAuthorizedForDetailTypeException",
		"NotAuthorizedForSourceException",
		"RedactionFailure":
		return true
	default:
		return false
	}
}

func rejected(err error) (*RejectedError, bool) {
	var r *RejectedError
	ok := errors.As(err, &r)
	return r, ok
}
