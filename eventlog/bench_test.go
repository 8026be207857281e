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

func BenchmarkFromItem(b *testing.B) {
	f := newFixture()
	f.seed(b, "order/1", 1)
	item, err := eventlog.Events.Encode(f.item(b, "order/1", 1))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := eventlog.FromItem("shop", item); err != nil {
			b.Fatal(err)
		}
	}
}
