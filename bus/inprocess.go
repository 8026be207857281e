package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// InProcess delivers events to subscriptions in the program that publishes them,
// with no queue in between: for programs of one process, and for tests of several
// subscriptions together. It takes what [Start] takes, so a subscription moves
// between the two by one line:
//
//	bus.Start(users.CountTotal, bus.OnTx(users.Created, countTotal)) // in Lambda
//
//	b, err := bus.NewInProcess(bus.InProcessOptions{Store: store, Log: log},
//		bus.Register(users.CountTotal, bus.OnTx(users.Created, countTotal)))
//	service := users.NewService(store, b.Follow(log))
//
// Types and content of events are matched as a rule of EventBridge does, each run
// goes through the same middleware, and nothing that one handler does (an error, a
// panic, more time than it has) is felt by another. What differs is what a queue
// would do:
//
//   - Publish returns when all handlers have, with the error of each. Nothing is
//     tried again by itself: publish the event again.
//   - With a store, each delivery is recorded, so an event that is published twice
//     is handled once, as [OnTx] and [On] promise. Without one, nothing is known of
//     earlier deliveries; OnTx and [Ordered] need the store and the log.
//   - Events that were not handled when the process ended are lost to the bus, not
//     to the log: publish them from there.
//
// It is safe for concurrent use. Make it with [NewInProcess].
type InProcess struct {
	consumers []*inProcess
	timeout   time.Duration
	report    func(context.Context, []Result)
}

// InProcessOptions says what an [InProcess] works with. The zero value is a bus
// that keeps nothing, for handlers made with [On] and [OnBatch].
type InProcessOptions struct {
	Store orm.Store     // of delivery records and for transactional handlers
	Log   *eventlog.Log // goes with Store: both or none
	// Timeout is how long a handler may run. Its context ends a tenth before, at
	// most two seconds, and a handler that does not return then is left behind. 0:
	// the publisher's deadline counts alike. Without one it is 15 minutes with a
	// Store, because a lease has an end, and otherwise as long as the handler takes.
	Timeout time.Duration
	// Report is told of the results of events that a followed log has committed.
	// Nil: the log lines of the events say it all.
	Report func(context.Context, []Result)

	MaxAttempts int           // see ConsumerOptions
	Retention   time.Duration // see ConsumerOptions

	Metrics Metrics                                    // default: none
	Logger  *slog.Logger                               // default: slog.Default()
	Now     func() time.Time                           // default: time.Now
	NewID   func() string                              // see ConsumerOptions
	Jitter  func(time.Duration) time.Duration          // see ConsumerOptions
	Sleep   func(context.Context, time.Duration) error // see ConsumerOptions
}

// Registration is a subscription and what runs it. Make it with [Register].
type Registration struct {
	sub   *Definition
	parts []Part
}

// Register names a subscription and what runs it, as [Start] does.
func Register(sub *Definition, parts ...Part) Registration { return Registration{sub, parts} }

// Result says what became of one event at one subscription.
type Result struct {
	Subscription string
	EventID      string
	// Err is nil when the event was handled, now or before. It is the handler's own
	// error, or one of this package: of [KindPanic], [KindUnfinished] when the
	// handler was left behind, [KindDead] when it was given up earlier.
	Err error
}

// KindDead: an event was published again that its subscription has given up.
const KindDead Kind = "dead"

// NewInProcess makes a bus of subscriptions. The error joins all that is wrong with
// them, as that of [NewConsumer] does, and names a subscription that is there
// twice.
func NewInProcess(o InProcessOptions, regs ...Registration) (*InProcess, error) {
	b := &InProcess{timeout: o.Timeout, report: o.Report}
	var errs []error
	wrong := func(sub *Definition, format string, args ...any) {
		e := &Error{Kind: KindDefinition, Op: "in-process bus", Reason: fmt.Sprintf(format, args...)}
		if sub != nil {
			e.Subscription, e.DefinedAt = sub.Name, sub.DefinedAt
		}
		errs = append(errs, e)
	}
	if o.Timeout < 0 {
		wrong(nil, "Timeout is %v: it cannot be negative, 0 is none", o.Timeout)
	}
	bare := isNil(o.Store)
	if bare != (o.Log == nil) {
		wrong(nil, "Store and Log go together: give both, or none for a bus that keeps nothing")
	}
	log := o.Log
	if log != nil {
		log = b.Follow(log) // what transactional handlers commit is published as well
	}
	seen := map[string]string{}
	for _, reg := range regs {
		if reg.sub != nil {
			if before, twice := seen[reg.sub.Name]; twice {
				wrong(reg.sub, "it is registered twice, or another one of this name (%s) is", before)
			}
			seen[reg.sub.Name] = reg.sub.DefinedAt
			if bare && reg.sub.Ordered {
				wrong(reg.sub, "it is ordered, and reads the order from the log: give Store and Log")
				continue
			}
		}
		co := ConsumerOptions{
			Subscription: reg.sub, Parts: reg.parts,
			Store: o.Store, Log: log, Queue: noQueue{},
			MaxAttempts: o.MaxAttempts, Retention: o.Retention,
			Metrics: o.Metrics, Logger: o.Logger, Now: o.Now, NewID: o.NewID, Jitter: o.Jitter, Sleep: o.Sleep,
		}
		if bare {
			co.Store = noStore{} // which no handler gets to see
		}
		c, err := NewConsumer(co)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		b.consumers = append(b.consumers, &inProcess{Consumer: c, bare: bare})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return b, nil
}

// noStore and noQueue stand for what is not there and is not asked for.
type (
	noStore struct{ orm.Store }
	noQueue struct{ Queue }
)

// Publish hands events to the subscriptions that ask for them and returns what
// became of each: in the order of the events, and for each in the order in which
// the subscriptions were registered. It returns no result where no subscription
// asks for an event, or none has a handler for it.
//
// Handlers run one after another. Events that they commit through a log that the
// bus follows come after those that are given here, and their results are among
// those returned.
//
// Within a handler, Publish runs what it is given before it returns. To an ordered
// subscription, one that is at work on the same stream cannot publish.
func (b *InProcess) Publish(ctx context.Context, es ...event.Envelope) []Result {
	p := &publication{bus: b, events: es}
	ctx = context.WithValue(ctx, publicationKey{}, p)
	var results []Result
	for {
		e, more := p.next()
		if !more {
			return results
		}
		results = b.deliver(ctx, e, results)
	}
}

// deliver hands one event to all that ask for it.
func (b *InProcess) deliver(ctx context.Context, e event.Envelope, results []Result) []Result {
	for _, c := range b.consumers {
		if c.handlers[e.Type] == nil {
			continue
		}
		r := Result{Subscription: c.sub.Name, EventID: e.ID}
		wants, err := c.wants(e)
		switch {
		case err != nil:
			r.Err = &decodeError{err}
		case !wants:
			continue
		default:
			r.Err = c.handle(ctx, e, b.timeout)
		}
		results = append(results, r)
	}
	return results
}

// Follow returns a log that commits to the same store, and publishes here what it
// has committed, after the commit and before Commit returns. A handler's error is
// none of the commit's: it is logged, and told to InProcessOptions.Report.
//
// Handlers run although the context of the commit may have ended meanwhile. What a
// handler commits with the context that it got is published when the handlers of
// its own event are done.
//
// What transactional handlers record is always published.
func (b *InProcess) Follow(log *eventlog.Log) *eventlog.Log {
	return log.Following(func(ctx context.Context, es []event.Envelope) {
		if p, ok := ctx.Value(publicationKey{}).(*publication); ok && p.bus == b && p.add(es) {
			return
		}
		results := b.Publish(context.WithoutCancel(ctx), es...)
		if b.report != nil {
			b.report(ctx, results)
		}
	})
}

// publication is one call of Publish and what follows from it.
type publication struct {
	bus *InProcess

	mu     sync.Mutex
	events []event.Envelope
	done   bool
}

type publicationKey struct{}

// next returns the next event; when there is none, the publication is over.
func (p *publication) next() (event.Envelope, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.events) == 0 {
		p.done = true
		return event.Envelope{}, false
	}
	e := p.events[0]
	p.events = p.events[1:]
	return e, true
}

// add takes events that follow from the others, unless the publication is over: a
// handler that was left behind may still commit.
func (p *publication) add(es []event.Envelope) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return false
	}
	p.events = append(p.events[:len(p.events):len(p.events)], es...)
	return true
}
