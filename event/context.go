package event

import "context"

// Flow is what flows by context from a request to the events it causes and on
// to what their handlers cause.
type Flow struct {
	CorrelationID string
	CausationID   string
	TenantID      string
	Actor         string
	TraceParent   string
}

// flowKey is its own type, so that no other package's context value can collide.
type flowKey struct{}

// WithFlow returns a context that carries f in place of the flow ctx has.
func WithFlow(ctx context.Context, f Flow) context.Context {
	return context.WithValue(ctx, flowKey{}, f)
}

// FlowFrom returns the flow of ctx, the zero Flow when it has none.
func FlowFrom(ctx context.Context) Flow {
	f, _ := ctx.Value(flowKey{}).(Flow)
	return f
}

// Flow is what a handler of this event hands on: the events that it commits
// belong to the same request, and this event is their cause.
func (m Metadata) Flow() Flow {
	return Flow{
		CorrelationID: m.CorrelationID,
		CausationID:   m.ID,
		TenantID:      m.TenantID,
		Actor:         m.Actor,
		TraceParent:   m.TraceParent,
	}
}
