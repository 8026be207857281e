package sqsbatch_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/sqsbatch"
)

var (
	handled = sqsbatch.DefineTable("handled")
	errBoom = errors.New("boom")
)

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// kit is a function with its queue, its table and its clock.
type kit struct {
	t       testing.TB
	clock   *clock
	queue   *fakeQueue
	store   *ormtest.Memory
	records *sqsbatch.Records
	results []sqsbatch.Result
	mu      sync.Mutex
	logs    strings.Builder
	handle  sqsbatch.Function
}

func noJitter(time.Duration) time.Duration               { return 0 }
func noSleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// newKit makes a queue and the records; run makes the function.
func newKit(t testing.TB, arn string) *kit {
	k := &kit{t: t, clock: newClock()}
	k.queue = newQueue(arn, k.clock.now)
	k.store = ormtest.New(ormtest.Clock(k.clock.now))
	k.records = k.newRecords(k.store)
	return k
}

func (k *kit) newRecords(s orm.Store) *sqsbatch.Records {
	return sqsbatch.NewRecords(s, handled, sqsbatch.RecordOptions{Now: k.clock.now, Jitter: noJitter, Sleep: noSleep})
}

func (k *kit) run(h sqsbatch.Handler, options ...sqsbatch.Option) *kit {
	k.t.Helper()
	f, err := sqsbatch.Handle(h, append([]sqsbatch.Option{
		sqsbatch.Client(k.queue), sqsbatch.Jitter(noJitter),
		sqsbatch.Logger(slog.New(slog.NewTextHandler(lockedWriter{k}, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		sqsbatch.Observe(func(_ context.Context, r sqsbatch.Result) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.results = append(k.results, r)
		}),
	}, options...)...)
	if err != nil {
		k.t.Fatal(err)
	}
	k.handle = f
	return k
}

type lockedWriter struct{ k *kit }

func (w lockedWriter) Write(p []byte) (int, error) {
	w.k.mu.Lock()
	defer w.k.mu.Unlock()
	return w.k.logs.Write(p)
}

// deliver hands out a batch and returns the ids that come again.
func (k *kit) deliver() []string { return k.deliverIn(context.Background()) }

func (k *kit) deliverIn(ctx context.Context) []string {
	k.t.Helper()
	k.results = nil
	batch := k.queue.receive(10)
	response, err := k.handle(ctx, batch)
	if err != nil {
		k.t.Fatal(err)
	}
	k.queue.settle(batch, response)
	return failures(response)
}

// outcomes of the last batch, by message id.
func (k *kit) want(outcomes ...sqsbatch.Outcome) {
	k.t.Helper()
	slices.SortFunc(k.results, func(a, b sqsbatch.Result) int { return strings.Compare(a.Message.MessageId, b.Message.MessageId) })
	var got []sqsbatch.Outcome
	for _, r := range k.results {
		got = append(got, r.Outcome)
	}
	if !slices.Equal(got, outcomes) {
		k.t.Errorf("outcomes %q, want %q", got, outcomes)
		for _, r := range k.results {
			k.t.Log(r.Message.MessageId, r.Outcome, r.Err)
		}
	}
}

func byBody(m events.SQSMessage) (string, error) { return m.Body, nil }

func (k *kit) record(key string) sqsbatch.Record {
	k.t.Helper()
	r, err := handled.Get(context.Background(), k.store, key)
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		k.t.Fatal(err)
	}
	return r
}
