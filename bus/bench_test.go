package bus_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// swallow is a store that answers at once: what is left is the consumer's own
// work, with the encoding of what it writes.
type swallow struct{ orm.Store }

func (swallow) Get(context.Context, *orm.GetRequest) (orm.Item, error)      { return nil, nil }
func (swallow) Query(context.Context, *orm.QueryRequest) (*orm.Page, error) { return &orm.Page{}, nil }
func (swallow) Do(context.Context, orm.Action) (orm.Item, error)            { return orm.Item{}, nil }
func (swallow) Transact(context.Context, string, []orm.Action) error        { return nil }

// BenchmarkConsume is the overhead of one event without any network: message in,
// handler called, records made, line logged.
func BenchmarkConsume(b *testing.B) {
	benchmarks := []struct {
		name    string
		sub     *bus.Definition
		handler bus.Handler
	}{
		{"On", bus.Subscription("bench", bus.To(doorOpened)), bus.On(doorOpened, func(context.Context, event.Event[opened]) error { return nil })},
		{"OnTx", txDoor, bus.OnTx(doorOpened, countUp)},
		{"OnBatch", bus.Subscription("bench", bus.To(doorOpened)), bus.OnBatch(doorOpened, func(context.Context, []event.Event[opened]) []error { return nil })},
		{"Where", bus.Subscription("bench", bus.To(event.Where(doorOpened, event.Path(doorOpened, func(o *opened) *int { return &o.N }).Gt(0)))),
			bus.On(doorOpened, func(context.Context, event.Event[opened]) error { return nil })},
	}
	for _, bb := range benchmarks {
		b.Run(bb.name, func(b *testing.B) {
			k := bustest.With(b, bustest.Options{Change: func(o *bus.ConsumerOptions) {
				o.Store = swallow{}
				o.Log = eventlog.New(swallow{}, eventlog.Options{Source: "bench"})
				o.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil))
			}}, bb.sub, bb.handler)
			batch := events.SQSEvent{Records: []events.SQSMessage{k.Message(opening(k, 1), 1)}}
			b.ReportAllocs()
			for b.Loop() {
				r, err := k.Consumer.Handle(context.Background(), batch)
				if err != nil || len(r.BatchItemFailures) != 0 {
					b.Fatal(r, err)
				}
			}
		})
	}
}
