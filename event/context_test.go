package event_test

import (
	"context"
	"testing"

	"github.com/vinci-go/vinci/event"
)

func TestFlow(t *testing.T) {
	ctx := context.Background()
	if got := event.FlowFrom(ctx); got != (event.Flow{}) {
		t.Errorf("a context without a flow has %+v", got)
	}
	f := event.Flow{CorrelationID: "c", CausationID: "x", TenantID: "t", Actor: "a", TraceParent: "p"}
	ctx = event.WithFlow(ctx, f)
	if got := event.FlowFrom(ctx); got != f {
		t.Errorf("got %+v, want %+v", got, f)
	}
	if got := event.FlowFrom(event.WithFlow(ctx, event.Flow{Actor: "b"})); got != (event.Flow{Actor: "b"}) {
		t.Errorf("got %+v, want the inner flow alone", got)
	}
}

func TestMetadataFlow(t *testing.T) {
	m := event.Metadata{ID: "user/1@1", CorrelationID: "c", CausationID: "request", TenantID: "t", Actor: "a", TraceParent: "p"}
	want := event.Flow{CorrelationID: "c", CausationID: "user/1@1", TenantID: "t", Actor: "a", TraceParent: "p"}
	if got := m.Flow(); got != want {
		t.Errorf("got %+v, want %+v: the event is the cause of what its handler does", got, want)
	}
}
