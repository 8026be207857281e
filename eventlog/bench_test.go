package eventlog_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// nowhere answers at once and keeps nothing: what is measured is the log.
type nowhere struct{ orm.Store }

func (nowhere) Transact(context.Context, string, []orm.Action) error { return nil }

func BenchmarkCommit(b *testing.B) {
	l := eventlog.New(nowhere{}, eventlog.Options{Source: "shop"})
	ctx := context.Background()
	for _, n := range []int{1, 10} {
		b.Run(fmt.Sprintf("events=%d", n), func(b *testing.B) {
			c := eventlog.Changes{Writes: []orm.Write{users.Update("1", userCount.Add(1))}}
			for i := range n {
				c.Events = append(c.Events, orderPlaced.At(fmt.Sprintf("order/%d", i), event.New).Record(placed{i}))
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Commit(ctx, c); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEventOfItem(b *testing.B) {
	f := newFixture()
	f.seed(b, "order/1", 1)
	item, err := eventlog.Events.Encode(f.item(b, "order/1", 1))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := fromItem(item); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCommitCommand(b *testing.B) {
	l := eventlog.New(nowhere{}, eventlog.Options{Source: "shop"})
	ctx := context.Background()
	c := one("order/1", event.New)
	c.Command = eventlog.Command{ID: "checkout/8e03978e-40d5-43dd-bc93-6894a57f9324", Request: `{"n":1}`}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Commit(ctx, c); err != nil {
			b.Fatal(err)
		}
	}
}

// A stream of 1,000 events: from its beginning, and from a snapshot at its head.
func BenchmarkLoad(b *testing.B) {
	f := newFixture()
	f.seed(b, "order/1", 1000)
	ctx := context.Background()
	for name, opts := range map[string][]eventlog.LoadOption[tally]{"events=1000": nil, "snapshot": {tallySnapshots}} {
		b.Run(name, func(b *testing.B) {
			sum := eventlog.NewFold(func() tally { return tally{} },
				eventlog.Apply(orderPlaced, func(s tally, e event.Event[placed]) tally { return tally{Sum: s.Sum + e.Data.N} }))
			b.ReportAllocs()
			for b.Loop() {
				if s, _, err := eventlog.Load(ctx, f.Log, "order/1", sum, opts...); err != nil || s.Sum != 1000 {
					b.Fatal(s, err)
				}
			}
		})
	}
}

func BenchmarkHistory(b *testing.B) {
	f := newFixture()
	f.seed(b, "order/1", 1000)
	ctx := context.Background()
	h := f.History(eventlog.HistoryQuery{Types: []string{"order.placed"}, From: start})
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range h.All(ctx) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 1000 {
			b.Fatal(n)
		}
	}
}
