package capturing

import (
	"context"

	"github.com/vinci-go/vinci/event"
)

// Change is one change on its way to its handler.
type Change struct {
	Event    event.Envelope // its id, type, time and flow; it has no data
	Sequence string         // its sequence number, for log lines
	Source   string         // ARN of the stream
	Letter   func() string  // the body of its message in the failure queue
	Value    any            // what the handler gets
}

// Handler runs for every change. Tx is *bus.Tx, nil for a handler that is not
// transactional.
type Handler[Tx any] struct {
	Place string // file:line where it was made
	Tx    bool
	Run   func(ctx context.Context, value any, tx Tx) error
}

// Undecodable is the error of a change that its table's definition cannot read.
type Undecodable struct{ Err error }

// Error implements error.
func (u *Undecodable) Error() string { return u.Err.Error() }

// Unwrap returns what is wrong.
func (u *Undecodable) Unwrap() error { return u.Err }
