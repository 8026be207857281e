package capture

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/capturing"
	"github.com/vinci-go/vinci/orm"
)

// FailureQueue takes changes that are given up. It must be safe for concurrent use.
type FailureQueue interface {
	// Send returns once the queue has the message. Its SourceARN is the stream's,
	// which is of the queue's region and account.
	Send(ctx context.Context, m bus.DeadLetter) error
}

// ConsumerOptions says what a [Consumer] works with. Definition, Parts, Store,
// FailureQueue and QueueName are required, and Log with a handler made with [OnTx].
type ConsumerOptions struct {
	Definition *Definition
	Parts      []Part
	Store      orm.Store
	Log        *eventlog.Log
	// FailureQueue takes what is given up.
	FailureQueue FailureQueue
	// QueueName is its physical name, for messages.
	QueueName string

	MaxAttempts int           // failed attempts until a change is given up; default 5
	Concurrency int           // most items whose changes are handled at once by On; default 10
	Retention   time.Duration // of delivery records; default and least: bus.DefaultRetention, bus.MinRetention
	// Timeout is how long Handle may take when its context has no deadline, which
	// Lambda's always has; default 15 minutes.
	Timeout time.Duration

	Metrics bus.Metrics // default: none

	Logger *slog.Logger                               // default: slog.Default()
	Now    func() time.Time                           // default: time.Now
	NewID  func() string                              // a new run id, never one twice; default: 26 random characters
	Jitter func(time.Duration) time.Duration          // a random part of a wait, from 0 to all of it; default: evenly spread
	Sleep  func(context.Context, time.Duration) error // waits, or returns the context's error; default: a timer
}

const defaultConcurrency = 10

// Consumer handles the changes of one table. It is safe for concurrent use. Make it
// with [NewConsumer].
type Consumer struct {
	def     *Definition
	schema  *orm.Schema
	changes *bus.Changes
	atOnce  int // items
	logger  *slog.Logger
}

// NewConsumer makes a consumer. The error joins everything that is wrong with the
// options: what [Check] finds, and what is missing.
func NewConsumer(o ConsumerOptions) (*Consumer, error) {
	p := sorted(o.Parts)
	errs := []error{check(o.Definition, p)}
	wrong := func(format string, args ...any) {
		e := &bus.Error{Kind: bus.KindDefinition, Op: "consumer of changes", Reason: fmt.Sprintf(format, args...)}
		if o.Definition != nil {
			e.Subscription = o.Definition.Name
		}
		errs = append(errs, e)
	}
	if isNil(o.Store) {
		wrong("ConsumerOptions.Store is nil")
	}
	if isNil(o.FailureQueue) {
		wrong("ConsumerOptions.FailureQueue is nil")
	}
	if o.QueueName == "" {
		wrong("ConsumerOptions.QueueName is empty")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	h := p.handlers[0].made
	changes, err := bus.NewChanges(bus.ConsumerOptions{
		Subscription: &bus.Definition{Name: o.Definition.Name, Access: o.Definition.Access, DefinedAt: o.Definition.DefinedAt},
		Parts:        []bus.Part{bus.Use(p.use...)},
		Store:        o.Store, Log: o.Log, Queue: letters{to: o.FailureQueue}, DeadLetterQueue: o.QueueName,
		MaxAttempts: o.MaxAttempts, Concurrency: o.Concurrency, Retention: o.Retention, Timeout: o.Timeout, Metrics: o.Metrics,
		Logger: o.Logger, Now: o.Now, NewID: o.NewID, Jitter: o.Jitter, Sleep: o.Sleep,
	}, h)
	if err != nil {
		return nil, err
	}
	c := &Consumer{def: o.Definition, schema: o.Definition.Table.Schema(), changes: changes, atOnce: o.Concurrency, logger: o.Logger}
	switch {
	case h.Tx:
		c.atOnce = 1 // they mostly write the same items, see package bus
	case c.atOnce == 0:
		c.atOnce = defaultConcurrency
	}
	if c.logger == nil {
		c.logger = slog.Default()
	}
	return c, nil
}

// letters are the part of a queue that changes need.
type letters struct {
	bus.Queue // nil: a stream's record cannot be hidden
	to        FailureQueue
}

// SendToDeadLetter implements [bus.Queue].
func (l letters) SendToDeadLetter(ctx context.Context, m bus.DeadLetter) error {
	return l.to.Send(ctx, m)
}

// Handle handles one batch of a stream's records, as Lambda hands them out. Give it
// to lambda.Start, with ReportBatchItemFailures on the event source mapping.
//
// The answer names at most one record: the first that must come again. Lambda
// delivers it and all that follow it again. What of those is done by then is known by
// its delivery record and not handled a second time. The only error is
// [bus.ErrOverrun].
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
func (c *Consumer) Handle(ctx context.Context, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	resp := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	b, err := c.changes.Begin(ctx)
	if err != nil {
		return resp, err
	}
	again := make([]bool, len(ev.Records)) // each written by the goroutine of its item
	slots := make(chan struct{}, c.atOnce)
	var running sync.WaitGroup
	for _, q := range c.byItem(ev.Records) {
		running.Go(func() {
			w := &work{batch: b, slots: slots, letter: c.letter, budget: b.Left()}
			for n, r := range q.records {
				if !w.settle(ctx, r) {
					for _, i := range q.index[n:] {
						again[i] = true
					}
					return // what follows waits behind it
				}
			}
		})
	}
	running.Wait()
	b.End()
	for i, failed := range again {
		if failed {
			number := ev.Records[i].Change.SequenceNumber
			c.logger.WarnContext(ctx, "the stream is to be delivered again from here", "subscription", c.def.Name, "sequence_number", number)
			resp.BatchItemFailures = append(resp.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: number})
			break
		}
	}
	return resp, nil
}

// queue is what a batch has of one item, in its order.
type queue struct {
	records []*record
	index   []int // of each in the batch
}

// byItem sorts a batch by items, and leaves out what is not wanted: operations, and
// the items by which the table itself keeps values unique.
func (c *Consumer) byItem(records []events.DynamoDBEventRecord) []*queue {
	var queues []*queue
	at := map[string]*queue{}
	for i := range records {
		r := recordOf(c.schema, &records[i])
		if r.err == nil && (!c.def.Wants(r.op) || c.schema.HoldsUniqueValue(r.key)) {
			continue
		}
		item := r.item(c.schema)
		q := at[item]
		if q == nil {
			q = &queue{}
			at[item], queues = q, append(queues, q)
		}
		q.records, q.index = append(q.records, r), append(q.index, i)
	}
	return queues
}

// work is that on the changes of one item.
type work struct {
	batch  *bus.ChangeBatch
	slots  chan struct{}
	letter func(*record) *capturing.Change
	budget time.Duration // of waits
}

// settle brings a change to its end, and tries it again while there is time: a
// record that is given back to Lambda is delivered at once, and everything behind it
// as well. It reports whether the change is done.
func (w *work) settle(ctx context.Context, r *record) bool {
	ch := w.letter(r)
	for {
		w.slots <- struct{}{}
		again, wait := w.batch.Settle(ctx, ch)
		<-w.slots
		if !again {
			return true
		}
		left := min(w.batch.Left(), w.budget)
		if left <= 0 {
			return false
		}
		// Where the whole wait does not fit, the time there is is waited even so:
		// Lambda would not wait at all.
		if err := w.batch.Wait(ctx, min(wait, left)); err != nil || wait >= left {
			return false
		}
		w.budget -= wait
	}
}
