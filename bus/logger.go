package bus

import (
	"context"
	"log/slog"
)

// Logger is a logger that carries the ids of the event that a handler's context
// is about: event_id, event_type, subscription, correlation_id and request_id, and
// trace_id and span_id when the event has a W3C trace context. Elsewhere it is
// slog.Default().
func Logger(ctx context.Context) *slog.Logger {
	if a := attemptOf(ctx); a != nil {
		return a.logger.With(a.attrs()...)
	}
	return slog.Default()
}

// LogIDs are the ids of the event that a handler's context is about, those of
// [Logger]; elsewhere none. Package functionlog asks for them.
func LogIDs(ctx context.Context) []slog.Attr {
	if a := attemptOf(ctx); a != nil {
		return a.slogAttrs()
	}
	return nil
}

// IdempotencyKey is the same for every attempt at the event that a handler's
// context is about, and another one for each event and each subscription: pass
// it on to a service that takes such a key, and a repetition has no second
// effect there. It is the subscription's name, a slash, and the event id (in a
// namespace the [RecordID]), at most 256 printable ASCII characters for an event of
// the log. Outside a handler it is empty.
func IdempotencyKey(ctx context.Context) string {
	if a := attemptOf(ctx); a != nil {
		return a.subscription + "/" + a.recordID()
	}
	return ""
}

// slogAttrs are the ids of a message.
func (d *delivery) slogAttrs() []slog.Attr {
	attrs := append(make([]slog.Attr, 0, 8), slog.String("subscription", d.subscription))
	if d.unreadable == nil {
		attrs = append(attrs,
			slog.String("event_id", d.eventID()),
			slog.String("event_type", d.event.Type),
			slog.String("correlation_id", d.event.CorrelationID))
	}
	if d.change != nil {
		attrs = append(attrs, slog.String("sequence_number", d.change.Sequence))
	}
	if d.message != nil {
		attrs = append(attrs, slog.String("message_id", d.message.MessageId))
	}
	if d.inv.requestID != "" {
		attrs = append(attrs, slog.String("request_id", d.inv.requestID))
	}
	if d.trace != (trace{}) {
		attrs = append(attrs, slog.String("trace_id", d.trace.id), slog.String("span_id", d.trace.span))
	}
	if d.namespace != "" {
		attrs = append(attrs, slog.String("namespace", d.namespace))
	}
	if d.replay != "" {
		attrs = append(attrs, slog.String("replay", d.replay))
	}
	return attrs
}

func (d *delivery) attrs() []any {
	var out []any
	for _, a := range d.slogAttrs() {
		out = append(out, a)
	}
	return out
}
