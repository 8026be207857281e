package sqsbatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/vinci-go/vinci/internal/bounded"
	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/internal/sqsqueue"
)

// processor handles the batches of one function.
type processor struct {
	handler Handler

	queue  *sqsqueue.Queue // nil: SQS is not asked for anything
	dlq    sqsqueue.ARN
	hasDLQ bool

	records    *Records // nil: not idempotent
	key        func(events.SQSMessage) (string, error)
	payload    func(events.SQSMessage) ([]byte, error)
	hasPayload bool

	maxAttempts           int
	concurrency           int
	firstDelay, mostDelay time.Duration
	timeout               time.Duration // of one message; 0: none of its own
	functionTimeout       time.Duration
	observe               func(context.Context, Result)
	logger                *slog.Logger
	jitter                func(time.Duration) time.Duration

	runner   bounded.Runner
	problems []error
}

// batch is one invocation.
type batch struct {
	*processor
	window    bounded.Window
	requestID string
}

func (p *processor) handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	var response events.SQSEventResponse
	if err := checkBatch(in); err != nil {
		return response, err
	}
	if p.runner.Overrunning() {
		for i := range in.Records {
			p.hide(ctx, &in.Records[i], time.Second) // to whoever is free
		}
		return response, ErrOverrun
	}
	b := &batch{processor: p, window: bounded.WindowOf(ctx, p.functionTimeout)}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		b.requestID = lc.AwsRequestID
	}
	again := make([]bool, len(in.Records))
	slots := make(chan struct{}, p.concurrency)
	var lanes sync.WaitGroup
	for _, lane := range lanesOf(in.Records) {
		slots <- struct{}{}
		lanes.Go(func() {
			defer func() { <-slots }()
			b.handleLane(ctx, in.Records, lane, again)
		})
	}
	lanes.Wait()
	for i, m := range in.Records {
		if again[i] {
			response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return response, nil
}

// lanesOf divides a batch into what is to be handled in order, by index: each
// message group of a FIFO queue, and each message of a standard queue, where a
// group says only what is fair.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
func lanesOf(ms []events.SQSMessage) [][]int {
	lanes := make([][]int, 0, len(ms))
	group := map[string]int{} // the lane of each
	for i := range ms {
		if !isFIFO(&ms[i]) {
			lanes = append(lanes, []int{i})
			continue
		}
		id := ms[i].Attributes["MessageGroupId"]
		lane, ok := group[id]
		if !ok {
			lane = len(lanes)
			group[id], lanes = lane, append(lanes, nil)
		}
		lanes[lane] = append(lanes[lane], i)
	}
	return lanes
}

// handleLane handles messages in turn, up to the first that must come again. The
// others are hidden as long as that one: while SQS holds one message of a group
// back, it hands out none.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
func (b *batch) handleLane(ctx context.Context, ms []events.SQSMessage, lane []int, again []bool) {
	var stopped *Result
	for _, i := range lane {
		var r Result
		if stopped == nil {
			r = b.settle(ctx, &ms[i])
		} else {
			r = Result{Message: ms[i], Outcome: OutcomeSkipped, Hidden: stopped.Hidden,
				Err: fmt.Errorf("message %s before it in group %q must be handled first", stopped.Message.MessageId, ms[i].Attributes["MessageGroupId"])}
		}
		if r.Again() {
			again[i] = true
			if r.Hidden > 0 && !b.hide(ctx, &ms[i], r.Hidden) {
				r.Hidden = 0
			}
			if stopped == nil {
				stopped = &r
			}
		}
		r.Receives = consume.Receives(&ms[i])
		b.report(ctx, r)
	}
}

// settle brings one message to its end. Whatever happens, the others go on.
func (b *batch) settle(ctx context.Context, m *events.SQSMessage) (r Result) {
	began := time.Now()
	defer func() {
		if p := recover(); p != nil { // of a key function, a client or a store: handlers have a recover of their own
			b.logger.ErrorContext(ctx, "handling a message panicked", append(b.attrs(m), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))...)
			r = b.failed(ctx, m, consume.Receives(m), &Error{Kind: KindPanic, Op: "handle", Reason: fmt.Sprint("panic: ", p)})
		}
		r.Message, r.Took = *m, time.Since(began)
	}()
	if b.window.Over() {
		return Result{Outcome: OutcomeNotTried, Hidden: time.Second, Err: errTooLate}
	}
	if b.key == nil {
		err, done := b.call(ctx, m)
		switch {
		case !done:
			return Result{Outcome: OutcomeUnfinished, Attempt: consume.Receives(m), Hidden: b.rest(), Err: errOverran}
		case err != nil:
			return b.failed(ctx, m, consume.Receives(m), err)
		}
		return Result{Outcome: OutcomeSucceeded, Attempt: consume.Receives(m)}
	}
	c, err := b.claimFor(m)
	if err != nil {
		return b.failed(ctx, m, consume.Receives(m), err)
	}
	return b.settleOnce(ctx, m, c)
}

// claimFor finds key and payload of a message.
func (b *batch) claimFor(m *events.SQSMessage) (*claim, error) {
	key, err := b.key(*m)
	switch {
	case errors.Is(err, KindUndecodable):
		return nil, err
	case err != nil:
		return nil, &Error{Kind: KindKey, Op: "key", Err: err}
	}
	if key == "" {
		return nil, &Error{Kind: KindKey, Op: "key", Reason: "the key function returned an empty key: all such messages would be one"}
	}
	payload, err := b.payload(*m)
	if err != nil {
		return nil, &Error{Kind: KindKey, Op: "payload", Key: shown(key), Err: err}
	}
	c := &claim{Records: b.records, key: key, payloadHash: hashOf(payload), lease: b.window.Lease(), runID: b.records.newID()}
	if b.hasDLQ {
		c.maxAttempts = b.maxAttempts
	}
	return c, nil
}

// settleOnce handles a message under its key.
func (b *batch) settleOnce(ctx context.Context, m *events.SQSMessage, c *claim) Result {
	rec, err := c.take(ctx)
	var before *done
	switch {
	case errors.As(err, &before):
		return Result{Outcome: OutcomeDuplicate, Key: c.key, Attempt: rec.Attempts}
	case errors.Is(err, errExhausted):
		r := b.failed(ctx, m, rec.Attempts, err)
		if r.Outcome == OutcomeDead {
			// A message that is moved back must find the key free.
			if err := c.abandon(ctx, rec); err != nil {
				r.Outcome, r.Err = OutcomeFailed, errors.Join(r.Err, err)
			}
		}
		return r.of(c)
	case err != nil:
		return b.failed(ctx, m, rec.Attempts, err).of(c)
	}
	err, returned := b.call(ctx, m)
	if !returned {
		// The lease stays: the handler still runs.
		return Result{Outcome: OutcomeUnfinished, Key: c.key, Attempt: rec.Attempts, Hidden: c.untilFree(rec), Err: errOverran}
	}
	var unrecorded error
	if err == nil {
		unrecorded = c.succeed(ctx, rec, "", "")
	} else {
		unrecorded = c.fail(ctx, rec, err)
	}
	switch {
	case errors.As(unrecorded, &before):
		return Result{Outcome: OutcomeSucceeded, Key: c.key, Attempt: rec.Attempts} // by another run, if not by this
	case unrecorded == nil && err == nil:
		return Result{Outcome: OutcomeSucceeded, Key: c.key, Attempt: rec.Attempts}
	case unrecorded == nil:
		return b.failed(ctx, m, rec.Attempts, err).of(c)
	case isPermanent(err):
		return b.failed(ctx, m, rec.Attempts, err).of(c) // it needs no record to be given up
	default:
		// Nobody can claim it before the lease ends.
		return Result{Outcome: OutcomeUnrecorded, Key: c.key, Attempt: rec.Attempts, Hidden: c.untilFree(rec), Err: errors.Join(err, unrecorded)}
	}
}

// untilFree is how long the lease of a run still lasts.
func (c *claim) untilFree(rec Record) time.Duration {
	return consume.Seconds(rec.LeaseUntil.Sub(c.now()))
}

// rest is how long the process may still run a handler that was left behind.
func (b *batch) rest() time.Duration { return consume.Seconds(b.window.Lease()) }

// failed decides what becomes of a message that failed: it comes again, or it is
// given up.
func (b *batch) failed(ctx context.Context, m *events.SQSMessage, attempts int, cause error) Result {
	var (
		own  *Error
		wait *retryAfter
	)
	r := Result{Outcome: OutcomeFailed, Attempt: attempts, Err: cause}
	if errors.Is(cause, KindInProgress) && errors.As(cause, &own) {
		r.Outcome, r.Hidden = OutcomeInProgress, consume.Seconds(own.Until.Sub(b.now()))
		return r
	}
	if b.hasDLQ && (isPermanent(cause) || isAttempt(cause) && attempts >= b.maxAttempts) {
		err := b.deadLetter(ctx, m, attempts, cause)
		if err == nil {
			r.Outcome = OutcomeDead
			return r
		}
		r.Err = errors.Join(cause, err)
		attempts = consume.Receives(m) // tried at every receive
	}
	if !isAttempt(cause) {
		attempts = consume.Receives(m)
	}
	r.Hidden = b.delay(attempts)
	if errors.As(cause, &wait) {
		r.Hidden = min(b.mostDelay, consume.Seconds(wait.d))
	}
	return r
}

// now is the clock that leases are by.
func (b *batch) now() time.Time {
	if b.records == nil {
		return time.Now()
	}
	return b.records.now()
}

// call runs the handler. done is false when it was left behind.
func (b *batch) call(ctx context.Context, m *events.SQSMessage) (err error, done bool) {
	w := b.window
	if b.timeout > 0 {
		w = w.Shorter(b.timeout)
	}
	err, done = b.runner.Run(with(ctx, m, b.window), w, func(ctx context.Context) error {
		return b.protect(ctx, m)
	})
	if errors.Is(err, bounded.ErrExited) {
		err = &Error{Kind: KindPanic, Op: "handle", Err: err}
	}
	return err, done
}

// protect turns a panic of the handler into an error.
func (b *batch) protect(ctx context.Context, m *events.SQSMessage) (err error) {
	defer func() {
		if p := recover(); p != nil {
			b.logger.ErrorContext(ctx, "the handler panicked", append(b.attrs(m), slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))...)
			err = &Error{Kind: KindPanic, Op: "handle", Reason: fmt.Sprint("the handler panicked: ", p)}
		}
	}()
	return b.handler(ctx, *m)
}

var (
	errTooLate = &Error{Kind: KindTimeout, Op: "handle", Reason: "the function's time was up before its turn came: a longer time-out or a smaller batch lets all of a batch run"}
	errOverran = &Error{Kind: KindUnfinished, Op: "handle", Reason: "the handler did not return when its context ended: it must give up then"}
)
