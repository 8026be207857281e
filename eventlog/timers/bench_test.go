package timers_test

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/timers"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// BenchmarkTimer sets a timer and fires it, without a network.
func BenchmarkTimer(b *testing.B) {
	now := start
	log := eventlog.New(ormtest.New(), eventlog.Options{Source: "shop", Now: func() time.Time { return now }})
	t := timers.New(timers.Options{Log: log, Logger: slog.New(slog.DiscardHandler), Metrics: io.Discard, Now: func() time.Time { return now }})
	r := reminded.At("order/1", event.Append).Record(due{1})
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := log.PublishAt(ctx, "", now, r); err != nil {
			b.Fatal(err)
		}
		if a, err := t.Handle(ctx); err != nil || a.Fired != 1 {
			b.Fatal(a, err)
		}
	}
}
