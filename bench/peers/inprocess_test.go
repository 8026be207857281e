package peers

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
)

// BenchmarkPublish publishes an event and waits until its one handler, which gets
// the decoded data, is done. vinci's bus also matches the type, protects the
// publisher from a panic and hands on the correlation; its handler's error comes
// back. watermill's acknowledges.
func BenchmarkPublish(b *testing.B) {
	b.Run("vinci", func(b *testing.B) {
		sum := 0
		sub := bus.Subscription("sum", bus.To(orderPlaced))
		p, err := bus.NewInProcess(bus.InProcessOptions{Logger: silent}, bus.Register(sub,
			bus.On(orderPlaced, func(_ context.Context, e event.Event[placed]) error { sum += e.Data.Total; return nil })))
		if err != nil {
			b.Fatal(err)
		}
		e, n := envelope(b), 0
		ctx := context.Background()
		b.ReportAllocs()
		for b.Loop() {
			n++
			for _, r := range p.Publish(ctx, e) {
				if r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		}
		if sum != n*order.Total {
			b.Fatalf("the sum is %d after %d events", sum, n)
		}
	})
	b.Run("watermill", func(b *testing.B) {
		p := gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true}, watermill.NopLogger{})
		messages, err := p.Subscribe(context.Background(), "order.placed")
		if err != nil {
			b.Fatal(err)
		}
		sum := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			for m := range messages {
				var data placed
				if err := json.Unmarshal(m.Payload, &data); err != nil {
					m.Nack()
					continue
				}
				sum += data.Total
				m.Ack()
			}
		}()
		payload, n := message.Payload(encoded(b)), 0
		b.ReportAllocs()
		for b.Loop() {
			n++
			if err := p.Publish("order.placed", message.NewMessage("order/7f3c@1", payload)); err != nil {
				b.Fatal(err)
			}
		}
		b.StopTimer()
		if err := p.Close(); err != nil {
			b.Fatal(err)
		}
		<-done
		if sum != n*order.Total {
			b.Fatalf("the sum is %d after %d events", sum, n)
		}
	})
}
