package peers

import (
	"context"
	"testing"

	"github.com/hallgren/eventsourcing"
	"github.com/hallgren/eventsourcing/aggregate"
	"github.com/hallgren/eventsourcing/eventstore/memory"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/eventlogtest"
)

const (
	streamEvents = 1000
	perCommit    = 50 // a commit of the log is one transaction of at most 100 actions
)

// Order is the aggregate on the peer's side: it adds up what was placed.
type Order struct {
	aggregate.Root
	Total int
}

// Register implements the peer's aggregate.
func (o *Order) Register(r aggregate.RegisterFunc) { r(&placed{}) }

// Transition implements the peer's aggregate.
func (o *Order) Transition(e eventsourcing.Event) {
	if p, ok := e.Data().(*placed); ok {
		o.Total += p.Total
	}
}

var total = eventlog.NewFold(func() int { return 0 },
	eventlog.Apply(orderPlaced, func(sum int, e event.Event[placed]) int { return sum + e.Data.Total }))

// appendOurs appends a stream. Ours also keeps two indexes, checks sizes and
// conditions as DynamoDB does, and records every change for the stream.
func appendOurs(tb testing.TB, log *eventlog.Log, stream string) {
	tb.Helper()
	expected := event.New
	for n := 0; n < streamEvents; n += perCommit {
		var c eventlog.Changes
		for range perCommit {
			c.Events = append(c.Events, orderPlaced.At(stream, expected).Record(order))
		}
		if _, err := log.Commit(context.Background(), c); err != nil {
			tb.Fatal(err)
		}
		expected = event.Expect(int64(n + perCommit))
	}
}

func appendTheirs(tb testing.TB, store *memory.Memory, id string) {
	tb.Helper()
	o := &Order{}
	if err := o.SetID(id); err != nil {
		tb.Fatal(err)
	}
	for n := 0; n < streamEvents; n += perCommit {
		for range perCommit {
			data := order
			aggregate.TrackChange(o, &data)
		}
		if err := aggregate.Save(store, o); err != nil {
			tb.Fatal(err)
		}
	}
}

// BenchmarkAppend appends a stream of 1,000 events to a new memory store, 50 at a
// time, each under the condition that nobody else has written.
func BenchmarkAppend(b *testing.B) {
	b.Run("vinci", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			appendOurs(b, eventlogtest.New("shop").Log, "order/1")
		}
	})
	b.Run("hallgren", func(b *testing.B) {
		aggregate.Register(&Order{})
		b.ReportAllocs()
		for b.Loop() {
			appendTheirs(b, memory.Create(), "1")
		}
	})
}

// BenchmarkLoad loads that stream into its aggregate.
func BenchmarkLoad(b *testing.B) {
	ctx := context.Background()
	b.Run("vinci", func(b *testing.B) {
		log := eventlogtest.New("shop")
		appendOurs(b, log.Log, "order/1")
		b.ReportAllocs()
		for b.Loop() {
			sum, version, err := eventlog.Load(ctx, log.Log, "order/1", total)
			if err != nil || version != streamEvents || sum != streamEvents*order.Total {
				b.Fatal(sum, version, err)
			}
		}
	})
	b.Run("hallgren", func(b *testing.B) {
		aggregate.Register(&Order{})
		store := memory.Create()
		appendTheirs(b, store, "1")
		b.ReportAllocs()
		for b.Loop() {
			var o Order
			if err := aggregate.Load(ctx, store, "1", &o); err != nil || o.Version() != streamEvents || o.Total != streamEvents*order.Total {
				b.Fatal(o.Total, o.Version(), err)
			}
		}
	})
}
