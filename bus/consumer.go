package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/backoff"
	"github.com/vinci-go/vinci/internal/bounded"
	"github.com/vinci-go/vinci/orm"
)

// Queue is what a consumer does to its queue, and to the dead-letter queue. It
// must be safe for concurrent use.
type Queue interface {
	// ChangeVisibility hides a received message for d from now on, at most 12
	// hours after it was received.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
	ChangeVisibility(ctx context.Context, queueARN, receiptHandle string, d time.Duration) error
	// SendToDeadLetter returns once the dead-letter queue has the message.
	SendToDeadLetter(ctx context.Context, m DeadLetter) error
}

// ConsumerOptions says what a [Consumer] works with. Subscription, Parts, Store
// and Queue are required, and Log with a handler made with [OnTx].
type ConsumerOptions struct {
	Subscription *Definition
	Parts        []Part
	Store        orm.Store
	Log          *eventlog.Log
	Queue        Queue
	// DeadLetterQueue is the physical name of the subscription's dead-letter
	// queue, in the same region and account as its queue. Empty: it has none, and
	// what is given up is only recorded and logged.
	DeadLetterQueue string

	MaxAttempts int           // failed attempts until an event is dead; default 5
	Concurrency int           // most events of a batch handled at once by On; default 10; 1: all of a batch one after another
	Retention   time.Duration // of delivery records; default and least: DefaultRetention, MinRetention
	Archive     time.Duration // retention of the bus's archive, which raises both; default 0
	// Timeout is how long Handle may take when its context has no deadline, which
	// Lambda's always has; default 15 minutes, Lambda's most, or Visibility where
	// that is shorter and there is no heartbeat.
	Timeout time.Duration
	// Visibility is how long the queue hides a message that it has handed out, at
	// most 12 hours; 0: not known. Handle refuses, with [ErrVisibility], a batch
	// that may take longer, unless there is a heartbeat.
	Visibility time.Duration
	// Heartbeat is how often the messages that are still worked on, or wait for
	// their turn, are hidden for Visibility anew; at most half of it. 0: never. It
	// is for programs that poll a queue themselves: under Lambda the queue's
	// visibility time-out is six times the function's, and no beat is needed.
	Heartbeat time.Duration

	Metrics Metrics // default: none

	changes *Handler // of a table's changes, in place of those of events; see Changes

	Logger *slog.Logger                               // default: slog.Default()
	Now    func() time.Time                           // default: time.Now
	NewID  func() string                              // a new run id, never one twice; default: 26 random characters
	Jitter func(time.Duration) time.Duration          // a random part of a wait, from 0 to all of it; default: evenly spread
	Sleep  func(context.Context, time.Duration) error // waits, or returns the context's error; default: a timer
}

const (
	defaultMaxAttempts = 5
	// A queue's event source gives at most 10 messages at once, unless a window
	// is set: by default all of a batch run at once.
	defaultConcurrency = 10
	defaultTimeout     = 15 * time.Minute
)

// Consumer handles the messages of one subscription's queue. It is safe for
// concurrent use. Make it with [NewConsumer].
type Consumer struct {
	sub         *Definition
	handlers    map[string]*Handler // by event type
	changes     *Handler            // of a table's changes, in place of these
	next        Next                // the middleware, and the event's handler inside
	filter      *filter
	access      *granted
	store       orm.Store
	log         *eventlog.Log
	queue       Queue
	dlq         string
	maxAttempts int
	concurrency int
	retention   time.Duration
	timeout     time.Duration
	visibility  time.Duration
	heartbeat   time.Duration
	metrics     Metrics
	writing     sync.Mutex // of metrics
	logger      *slog.Logger
	now         func() time.Time
	newID       func() string
	jitter      func(time.Duration) time.Duration
	sleep       func(context.Context, time.Duration) error

	runner bounded.Runner // of handlers
}

// NewConsumer makes a consumer. The error joins everything that is wrong with
// the options: what [Check] finds, and what is missing.
func NewConsumer(o ConsumerOptions) (*Consumer, error) {
	var errs []error
	p := sorted(o.Parts)
	if o.changes == nil {
		if err := check(o.Subscription, p); err != nil {
			errs = append(errs, err)
		}
	}
	wrong := func(format string, args ...any) {
		e := &Error{Kind: KindDefinition, Op: "consumer", Reason: fmt.Sprintf(format, args...)}
		if o.Subscription != nil {
			e.Subscription = o.Subscription.Name
		}
		errs = append(errs, e)
	}
	if isNil(o.Store) {
		wrong("ConsumerOptions.Store is nil")
	}
	if isNil(o.Queue) {
		wrong("ConsumerOptions.Queue is nil")
	}
	if o.MaxAttempts < 0 || o.Concurrency < 0 || o.Timeout < 0 {
		wrong("MaxAttempts, Concurrency and Timeout cannot be negative (got %d, %d, %v): 0 means the default", o.MaxAttempts, o.Concurrency, o.Timeout)
	}
	if err := o.checkVisibility(); err != nil {
		wrong("%v", err)
	}
	retention, err := checkRetention(o.Retention, o.Archive)
	if err != nil {
		wrong("%v", err)
	}
	next, err := chain(p.use)
	if err != nil {
		wrong("%v", err)
	}
	for _, h := range p.handlers {
		if h.tx && o.Log == nil {
			wrong("ConsumerOptions.Log is nil, and the handler at %s is transactional: what it writes goes through the log", h.place)
		}
	}
	if o.Subscription != nil && o.Subscription.Ordered && o.Log == nil {
		wrong("ConsumerOptions.Log is nil, and the subscription is ordered: it reads the order from the log")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	filter, err := newFilter(o.Subscription.Selectors)
	if err != nil {
		return nil, &Error{Kind: KindDefinition, Op: "consumer", Subscription: o.Subscription.Name, DefinedAt: o.Subscription.DefinedAt, Err: err}
	}
	c := &Consumer{
		sub: o.Subscription, handlers: make(map[string]*Handler, len(p.handlers)), next: next, filter: filter, access: grantedBy(o.Subscription),
		store: o.Store, log: o.Log, queue: o.Queue, dlq: o.DeadLetterQueue,
		maxAttempts: o.MaxAttempts, concurrency: o.Concurrency, retention: retention, timeout: o.Timeout,
		visibility: o.Visibility, heartbeat: o.Heartbeat, metrics: o.Metrics, changes: o.changes,
		logger: o.Logger, now: o.Now, newID: o.NewID, jitter: o.Jitter, sleep: o.Sleep,
	}
	for _, h := range p.handlers {
		c.handlers[h.eventType.Name()] = &h
	}
	c.defaults()
	return c, nil
}

func (c *Consumer) defaults() {
	if c.maxAttempts == 0 {
		c.maxAttempts = defaultMaxAttempts
	}
	if c.concurrency == 0 {
		c.concurrency = defaultConcurrency
	}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
		if c.visibility > 0 && c.heartbeat == 0 {
			c.timeout = min(c.timeout, c.visibility)
		}
	}
	if c.logger == nil {
		c.logger = slog.Default()
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.newID == nil {
		c.newID = rand.Text
	}
	if c.jitter == nil {
		c.jitter = backoff.Jitter
	}
	if c.sleep == nil {
		c.sleep = backoff.Sleep
	}
}

// Handle handles one batch of messages, as Lambda hands them out. Give it to
// lambda.Start, with ReportBatchItemFailures on the event source mapping.
//
// The response names the messages that must come again; the others are done
// with, and Lambda deletes them. Handle returns no error for a message that
// could not be handled, not even when none could: a failed attempt is recorded
// and comes again, and Lambda would slow the whole queue down for an error. So
// Lambda's metric Errors counts only what the consumer cannot account for:
// crashes, time-outs, and [ErrOverrun].
//
// Events with a handler made with On are handled at the same time, those with
// OnBatch together, beside them, and those with OnTx in turn, beside them all.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func (c *Consumer) Handle(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	var response events.SQSEventResponse
	if c.runner.Overrunning() {
		return response, c.refuseOverrun(ctx, batch)
	}
	inv := c.invocation(ctx)
	if err := c.runsTooLong(inv); err != nil {
		return response, err
	}
	ds := make([]*delivery, len(batch.Records))
	for i := range batch.Records {
		ds[i] = c.receive(inv, &batch.Records[i])
	}
	arrivals, ds := c.spread(ctx, ds)
	stop := c.keepHidden(ctx, arrivals)
	c.settleAll(ctx, ds)
	stop()
	c.measure(inv)
	for _, a := range arrivals {
		if a.again {
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: a.message.MessageId})
		}
	}
	return response, nil
}

// settleAll brings all messages of a batch to their ends.
func (c *Consumer) settleAll(ctx context.Context, ds []*delivery) {
	slots := make(chan struct{}, c.concurrency)
	var running sync.WaitGroup
	start := running.Go
	if c.concurrency == 1 {
		start = func(f func()) { f() }
	}
	var inTurn, inOrder []*delivery
	type kind struct { // of what one call may take
		handler   *Handler
		namespace string
	}
	var together [][]*delivery // by kind
	place := map[kind]int{}
	for _, d := range ds {
		switch {
		case d.unplaced != nil || d.over:
			inTurn = append(inTurn, d)
		case c.sub.Ordered:
			inOrder = append(inOrder, d)
		case d.handler == nil || d.filtered || d.handler.tx:
			inTurn = append(inTurn, d)
		case d.handler.batch != nil:
			k := kind{d.handler, d.namespace}
			at, ok := place[k]
			if !ok {
				at = len(together)
				place[k], together = at, append(together, nil)
			}
			together[at] = append(together[at], d)
		default:
			start(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				c.finish(ctx, d, c.settle(ctx, d))
			})
		}
	}
	for _, group := range together {
		start(func() {
			for i, r := range c.settleBatch(ctx, group) {
				c.finish(ctx, group[i], r)
			}
		})
	}
	c.settleOrdered(ctx, inOrder)
	for _, d := range inTurn {
		c.finish(ctx, d, c.settle(ctx, d))
	}
	running.Wait()
}

// settle is the way of one event, whatever brought it: to the middleware and the
// handler that are to run, to its record, its log line and its metrics. Whatever
// happens, the others go on.
func (c *Consumer) settle(ctx context.Context, d *delivery) result {
	return c.guard(ctx, d, func() result {
		r, done := c.unhandled(ctx, d)
		switch {
		case done:
		case d.handler.tx:
			r = c.handleTx(ctx, d)
		default:
			r = c.handleLeased(ctx, d)
		}
		c.report(ctx, d, r)
		return r
	})
}

// guard makes a panic of what the consumer itself calls cost one event. Handlers
// have a recover of their own.
func (c *Consumer) guard(ctx context.Context, d *delivery, f func() result) (r result) {
	defer func() {
		if p := recover(); p != nil {
			c.logger.ErrorContext(ctx, "the consumer panicked", append(d.attrs(), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))...)
			r = result{outcome: outcomeUnrecorded, again: true, err: &Error{Kind: KindPanic, Op: "consume", Subscription: d.subscription, Reason: fmt.Sprint("the consumer panicked: ", p)}}
		}
	}()
	return f()
}

// unhandled ends an event that needs no handler, or for which there is no time.
func (c *Consumer) unhandled(ctx context.Context, d *delivery) (r result, done bool) {
	switch {
	case d.unreadable != nil:
		return c.discard(ctx, d, d.unreadable), true
	case d.unplaced != nil:
		return result{outcome: outcomeUnrecorded, again: true, hide: c.retryDelay(retryBase, d.receives), err: d.unplaced}, true
	case d.over:
		return result{outcome: outcomeOver}, true
	case d.inv.tooLate():
		return result{outcome: outcomeNotTried, again: true, hide: time.Second, err: errTooLate}, true
	case d.filtered && d.receives == 1:
		return result{outcome: outcomeFiltered}, true
	case d.filtered, d.handler == nil:
		return c.ignore(ctx, d), true
	}
	return result{}, false
}

// ignore records an event that has no handler, or that is not asked for any more
// and may have been tried before.
func (c *Consumer) ignore(ctx context.Context, d *delivery) result {
	if _, err := c.write(ctx, d, Ignored, d.ignored(c)); err != nil {
		return c.unrecorded(d, err)
	}
	return result{outcome: outcomeIgnored}
}

// flow is the context in which an event is handled: what the handler commits
// belongs to the same request.
func (d *delivery) flow(ctx context.Context) context.Context {
	f := d.event.Flow()
	f.CausationID = d.eventID()
	if d.trace != (trace{}) {
		f.TraceParent = d.trace.parent()
	}
	return event.WithFlow(ctx, f)
}
