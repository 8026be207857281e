package relay

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/internal/backoff"
)

// MessageChanged is logged, at level error, for each item of the log that was
// changed or removed. It never changes, so that a log filter can look for it.
const MessageChanged = "an item of the event log was changed: the log is written once, find out who may change it"

// Options says what a [Relay] works with. Source, Publisher and Failures are
// required.
type Options struct {
	Source     string // the application's name
	Deployment string // a dimension of the metrics
	Publisher  Publisher
	Failures   FailureQueue

	Logger  *slog.Logger                               // default: slog.Default()
	Metrics io.Writer                                  // gets lines in CloudWatch's embedded metric format; default: none
	Now     func() time.Time                           // default: time.Now
	Jitter  func(time.Duration) time.Duration          // a random part of a wait, from 0 to all of it; default: evenly spread
	Sleep   func(context.Context, time.Duration) error // waits, or returns the context's error; default: a timer
}

// Relay publishes the records of the log's change stream. It is safe for
// concurrent use; Lambda calls it for one batch at a time.
type Relay struct {
	o Options
}

// New makes a relay. It panics when a required option is missing: such a program
// is written wrong.
func New(o Options) *Relay {
	switch {
	case o.Source == "":
		panic("relay.New: Options.Source is empty: it is the application's name")
	case o.Publisher == nil:
		panic("relay.New: Options.Publisher is nil")
	case o.Failures == nil:
		panic("relay.New: Options.Failures is nil")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = io.Discard
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = backoff.Jitter
	}
	if o.Sleep == nil {
		o.Sleep = backoff.Sleep
	}
	return &Relay{o: o}
}

// Handle publishes one batch of stream records. Its answer names at most one
// record: the first that has to be delivered again. The error is always nil,
// because an error would make Lambda deliver what was already published as well.
func (r *Relay) Handle(ctx context.Context, ev events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, deadline.Add(-answerTime))
		defer stop()
	}
	b := &batch{relay: r, firstFailed: -1}
	for i := range ev.Records {
		record := &ev.Records[i]
		if record.EventName != string(events.DynamoDBOperationTypeInsert) {
			b.changed++
			r.o.Logger.ErrorContext(ctx, MessageChanged, "change", record.EventName, "event_id", idOf(record.Change.Keys),
				"sequence_number", record.Change.SequenceNumber, "user", record.UserIdentity)
			continue
		}
		b.add(ctx, i, record)
		if b.failed() {
			break // what follows is delivered again anyway
		}
	}
	// Also after a failure: what waits to be sent stands before it.
	b.send(ctx)
	r.count(b)

	resp := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	if b.failed() {
		number := ev.Records[b.firstFailed].Change.SequenceNumber
		r.o.Logger.WarnContext(ctx, "the stream is to be delivered again from here", "sequence_number", number, "published", b.published)
		resp.BatchItemFailures = append(resp.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: number})
	}
	return resp, nil
}
