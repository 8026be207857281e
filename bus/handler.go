package bus

import (
	"context"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/place"
)

// Handler is a function for one event type. Make it with [On], [OnTx] or
// [OnBatch]. It is a value, safe for concurrent use when its function is.
type Handler struct {
	eventType event.Type
	place     string // file:line where it was made
	tx        bool
	// run decodes the event and calls the function; nil when there is none. tx is
	// nil for a handler made with On.
	run func(ctx context.Context, e event.Envelope, tx *Tx) error
	// batch makes what collects the events for one call; nil unless the handler
	// was made with OnBatch.
	batch func() collector
}

// EventType is the type of event that the handler is for; nil when it was made
// without a definition.
func (h Handler) EventType() event.Type { return h.eventType }

// Transactional reports whether all that the handler writes is one transaction with
// the outcome: it was made with [OnTx].
func (h Handler) Transactional() bool { return h.tx }

func (h Handler) addTo(p *parts) { p.handlers = append(p.handlers, h) }

// On handles events of one type at least once, under a lease: while it runs,
// nobody else handles the same event for this subscription. It is for effects
// outside DynamoDB, such as mails and calls of other services.
//
// A crash after the effect and before the outcome is recorded makes it happen
// again. [IdempotencyKey] is the same each time: pass it on to whatever can tell
// a repetition by it.
//
// fn may be called for several events at once. Its context ends a little before
// the function's time-out. An error, or a panic, is a failed attempt.
func On[T any](def *event.Definition[T], fn func(context.Context, event.Event[T]) error) Handler {
	h := Handler{place: place.Caller()}
	if def != nil {
		h.eventType = def
	}
	if fn != nil && def != nil {
		h.run = func(ctx context.Context, e event.Envelope, _ *Tx) error {
			ev, err := def.Decode(e)
			if err != nil {
				return &decodeError{err}
			}
			return fn(ctx, ev)
		}
	}
	return h
}

// OnTx handles events of one type exactly once, as far as DynamoDB goes: what fn
// gives to tx and the outcome of the delivery are one transaction, so that a
// second delivery writes nothing.
//
// There is no lease. Two runs for one event may happen at once, and one event
// may need several runs, each with a fresh tx: fn must have no effect outside
// it. Events of one batch are handled in turn.
func OnTx[T any](def *event.Definition[T], fn func(context.Context, event.Event[T], *Tx) error) Handler {
	h := Handler{place: place.Caller(), tx: true}
	if def != nil {
		h.eventType = def
	}
	if fn != nil && def != nil {
		h.run = func(ctx context.Context, e event.Envelope, tx *Tx) error {
			ev, err := def.Decode(e)
			if err != nil {
				return &decodeError{err}
			}
			return fn(ctx, ev, tx)
		}
	}
	return h
}
