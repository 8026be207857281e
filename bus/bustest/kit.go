package bustest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// What a kit works with unless the test says otherwise.
const (
	Source          = "bustest"     // of the events
	DeadLetterQueue = "bustest_dlq" // name of the dead-letter queue
	queueARN        = "arn:aws:sqs:us-east-1:000000000000:bustest"
)

// Start is when a kit's clock stands at first.
var Start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// Kit is a consumer with all that it needs. Its methods are safe for concurrent
// use and fail the test, at once, when they cannot do what they say; so they may
// be called from the test's own goroutine only, as testing.T demands.
type Kit struct {
	// Store holds the application's tables and the framework's. Its hooks make it
	// fail.
	Store *ormtest.Memory
	// Log commits to the same store.
	Log *eventlog.Log
	// Consumer is what the kit delivers to.
	Consumer *bus.Consumer

	t        testing.TB
	sub      *bus.Definition
	queue    *queue
	now      atomic.Int64 // nanoseconds since Start
	facts    atomic.Int64
	messages atomic.Int64
	mu       sync.Mutex
	heads    map[string]int64 // of the streams that Event has made events of
}

// Options changes a kit. The zero value is the default.
type Options struct {
	// Store is used in place of an empty one, for handlers that need the store
	// before the kit is made.
	Store *ormtest.Memory
	// Change may change what the consumer is made with.
	Change func(*bus.ConsumerOptions)
}

// New makes a kit that runs a subscription, as [bus.Start] does.
// The test fails when they do not fit.
func New(t testing.TB, sub *bus.Definition, parts ...bus.Part) *Kit {
	t.Helper()
	return With(t, Options{}, sub, parts...)
}

// With is [New] with options.
func With(t testing.TB, o Options, sub *bus.Definition, parts ...bus.Part) *Kit {
	t.Helper()
	k := &Kit{t: t, Store: o.Store, heads: map[string]int64{}, queue: &queue{hidden: map[string]time.Duration{}}}
	if k.Store == nil {
		k.Store = ormtest.New(ormtest.Clock(k.Now))
	}
	k.Log = eventlog.New(k.Store, eventlog.Options{
		Source: Source, Now: k.Now, Jitter: none, Sleep: noSleep,
	})
	co := bus.ConsumerOptions{
		Subscription: sub, Parts: parts,
		Store: k.Store, Log: k.Log, Queue: k.queue, DeadLetterQueue: DeadLetterQueue,
		Now: k.Now, Jitter: none, Sleep: noSleep,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if o.Change != nil {
		o.Change(&co)
	}
	consumer, err := bus.NewConsumer(co)
	if err != nil {
		t.Fatalf("bustest: %v", err)
	}
	k.Consumer, k.sub = consumer, sub
	return k
}

func none(time.Duration) time.Duration { return 0 }

// noSleep waits for nothing, and lets whoever it would have waited for run.
func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// Now is the kit's time.
func (k *Kit) Now() time.Time { return Start.Add(time.Duration(k.now.Load())) }

// Advance moves the kit's clock, so that leases run out.
func (k *Kit) Advance(d time.Duration) { k.now.Add(int64(d)) }

// Event makes the event that a commit would make of a record, without
// committing it: the next one of its stream, or the only one of its own.
func (k *Kit) Event(r event.Record) event.Envelope {
	k.t.Helper()
	if r.Err != nil {
		k.t.Fatalf("bustest: %v", r.Err)
	}
	stream := r.Stream
	if stream == "" {
		stream = fmt.Sprintf("fact/%d", k.facts.Add(1))
	}
	k.mu.Lock()
	k.heads[stream]++
	version := k.heads[stream]
	k.mu.Unlock()
	id := event.EventID(stream, version)
	return event.Envelope{
		Metadata: event.Metadata{
			ID: id, Source: k.sub.Source(Source), Type: r.Type, Subject: stream, Time: k.Now(),
			SchemaVersion: r.SchemaVersion, CorrelationID: "correlation of " + id,
		},
		Data: r.Data,
	}
}

// Delivery is the record of an event at the subscription. The test fails when
// there is none.
func (k *Kit) Delivery(eventID string) bus.Delivery {
	k.t.Helper()
	d, err := bus.Deliveries.Get(context.Background(), k.Store, orm.Key(k.record(eventID), k.sub.Name))
	if errors.Is(err, orm.KindNotFound) {
		k.t.Fatalf("bustest: no delivery of %s at %s", eventID, k.sub.Name)
	}
	if err != nil {
		k.t.Fatalf("bustest: %v", err)
	}
	return d
}

// record is what the record of an event has as its id: an event of another application
// may be named by its own id.
func (k *Kit) record(eventID string) string {
	if of, _ := bus.SplitForeignID(eventID); of != "" {
		return eventID
	}
	return bus.ForeignID(k.sub.From, eventID)
}

// Delivered reports whether there is a record of an event at the subscription.
func (k *Kit) Delivered(eventID string) bool {
	k.t.Helper()
	_, err := bus.Deliveries.Get(context.Background(), k.Store, orm.Key(k.record(eventID), k.sub.Name))
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		k.t.Fatalf("bustest: %v", err)
	}
	return err == nil
}

// Troubles are the deliveries of the subscription that its index lists: failed,
// dead, or tried again without success yet.
func (k *Kit) Troubles() []bus.Delivery {
	k.t.Helper()
	var out []bus.Delivery
	for d, err := range bus.DeliveriesBySubscription.Query(k.sub.Name).All(context.Background(), k.Store) {
		if err != nil {
			k.t.Fatalf("bustest: %v", err)
		}
		out = append(out, d)
	}
	return out
}

// DeadLetters are the messages in the dead-letter queue, in their order.
func (k *Kit) DeadLetters() []bus.DeadLetter { return k.queue.deadLetters() }

// FailQueue makes the queue's calls fail with what f returns, as long as that is
// an error; nil takes f away. op is "hide" or "dead letter". f runs without a
// lock, so it may use the kit.
func (k *Kit) FailQueue(f func(op string) error) { k.queue.failWith(f) }
