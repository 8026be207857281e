package relay

import (
	"context"
	"time"
)

// Error codes of the relay's own, beside those of the service.
const (
	CodeMalformedItem = "MalformedItem" // the record's new image is no event
	CodeTooLarge      = "TooLarge"      // the event does not fit into a request
)

// Failure says that an event could not be published and why. It is the body of a
// message in the failure queue, as JSON. It names the event and does not carry
// it: the event is in the log.
type Failure struct {
	EventID        string    `json:"event_id"` // <stream>@<version>, empty when not even the key can be read
	EventType      string    `json:"event_type,omitempty"`
	Public         bool      `json:"public,omitempty"` // it is the event's public entry; its own went for itself
	ErrorCode      string    `json:"error_code"`
	ErrorMessage   string    `json:"error_message"`
	SequenceNumber string    `json:"sequence_number"` // of the stream record
	StreamARN      string    `json:"stream_arn"`
	FailedAt       time.Time `json:"failed_at"`
}

// FailureQueue takes what cannot be published. Implementations are safe for
// concurrent use.
type FailureQueue interface {
	// Send returns nil once the failure is kept safely.
	Send(ctx context.Context, f Failure) error
}
