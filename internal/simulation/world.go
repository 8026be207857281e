package simulation

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// world is everything there is in one run.
type world struct {
	*scheduler
	store    *store
	log      *eventlog.Log
	stream   *stream
	bus      *eventBus
	failures *failures
	queues   []*queue // in a fixed order
	outside  *outside
	clients  *clients
	timers   *schedule

	ids        int // given out by newID
	duplicates int // messages put twice
	again      int // messages received again
	fired      int // timers
	violations []Violation
}

var silent = slog.New(slog.DiscardHandler)

func newWorld(o Options) (*world, error) {
	w := &world{scheduler: newScheduler(o.Seed, newTrace(o.About))}
	w.store = &store{scheduler: w.scheduler, memory: ormtest.New(ormtest.Clock(func() time.Time { return epoch.Add(w.now) }))}
	w.log = eventlog.New(w.store, eventlog.Options{Source: source, Now: w.clock, NewID: w.newID, Jitter: w.jitter, Sleep: w.sleep})
	w.stream = &stream{world: w}
	for i := range w.stream.shards {
		w.stream.shards[i].name = fmt.Sprint("shard ", i)
	}
	w.store.memory.Subscribe(w.stream.changed)
	w.bus = &eventBus{w}
	w.failures = &failures{world: w, got: map[string]bool{}}
	w.outside = &outside{world: w, runs: map[string]int{}, running: map[string]*task{}}
	w.clients = &clients{world: w, commits: o.Commits, commands: map[int]*command{}}
	w.timers = &schedule{w}
	for _, f := range w.functions() {
		q := &queue{world: w, sub: f.sub, batchSize: f.batchSize, concurrency: f.concurrency, handles: map[string]*message{}}
		q.maxReceives = maxReceives
		if f.sub.Ordered {
			q.maxReceives = orderedMaxReceives
		}
		var err error
		q.consumer, err = bus.NewConsumer(bus.ConsumerOptions{
			Subscription: f.sub, Parts: f.parts, Store: w.store, Log: w.log, Queue: q, DeadLetterQueue: f.sub.Name + "_dlq",
			Timeout: functionTimeout, Logger: silent, Now: w.clock, NewID: w.newID, Jitter: w.jitter, Sleep: w.sleep,
		})
		if err != nil {
			return nil, err
		}
		w.queues = append(w.queues, q)
	}
	return w, nil
}

// newID makes ids of commits and runs.
func (w *world) newID() string {
	w.ids++
	return fmt.Sprintf("id-%d", w.ids)
}

// skew is how much a process's clock is off: less than the margin of a lease,
// also between two.
func (w *world) skew() time.Duration { return w.between(-2*time.Second, 2*time.Second) }

// delivery looks at a record from outside, without a call that could fail.
func (w *world) delivery(eventID string, sub *bus.Definition) bus.Delivery {
	d, err := bus.Deliveries.Get(context.Background(), w.store.memory, orm.Key(eventID, sub.Name))
	if err != nil {
		return bus.Delivery{}
	}
	return d
}

// typeOf is the type of an event in the log, looked at from outside.
func (w *world) typeOf(eventID string) string {
	stream, version, err := event.ParseID(eventID)
	if err != nil {
		return ""
	}
	e, err := eventlog.Events.Get(context.Background(), w.store.memory, orm.Key(stream, version))
	if err != nil {
		return ""
	}
	return e.Type
}

func (w *world) violated(i Invariant, about, format string, args ...any) {
	v := Violation{Invariant: i, About: about, At: w.now, Text: fmt.Sprintf(format, args...)}
	w.trace.note(w.scheduler, "VIOLATED ", v.String())
	w.violations = append(w.violations, v)
}
