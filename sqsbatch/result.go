package sqsbatch

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Outcome is what became of one message of a batch.
type Outcome string

// The outcomes. With the first three the message is done with, and Lambda deletes
// it; with the others it comes again.
const (
	OutcomeSucceeded  Outcome = "succeeded"
	OutcomeDuplicate  Outcome = "duplicate"   // its key was handled before
	OutcomeDead       Outcome = "dead"        // it is in the dead-letter queue
	OutcomeFailed     Outcome = "failed"      // an error, or a panic
	OutcomeInProgress Outcome = "in progress" // another run holds the lease of its key
	OutcomeSkipped    Outcome = "skipped"     // one before it in its FIFO group must come again
	OutcomeNotTried   Outcome = "not tried"   // the function's time was up
	OutcomeUnfinished Outcome = "unfinished"  // the handler did not return
	OutcomeUnrecorded Outcome = "unrecorded"  // the handler returned, and its record could not be written
)

// Result is what became of one message, for [Observe].
type Result struct {
	Message  events.SQSMessage
	Outcome  Outcome
	Key      string        // with Idempotent
	Receives int           // how often SQS has handed the message out
	Attempt  int           // which attempt this was; 0: none
	Hidden   time.Duration // until it comes again; 0: until the queue's visibility time-out ends
	Took     time.Duration // of the handler, with the record
	Err      error         // nil for succeeded and duplicate
}

// Again reports whether the message comes again.
func (r Result) Again() bool {
	switch r.Outcome {
	case OutcomeSucceeded, OutcomeDuplicate, OutcomeDead:
		return false
	}
	return true
}

func (r Result) of(c *claim) Result {
	r.Key = c.key
	return r
}

// level is that of an outcome's log line.
func (o Outcome) level() slog.Level {
	switch o {
	case OutcomeSucceeded, OutcomeDuplicate:
		return slog.LevelDebug
	case OutcomeDead, OutcomeUnfinished, OutcomeUnrecorded:
		return slog.LevelError
	}
	return slog.LevelWarn
}

// report writes the one line of a message, and tells whoever observes. A panic of
// theirs may cost no message.
func (b *batch) report(ctx context.Context, r Result) {
	defer func() {
		if p := recover(); p != nil {
			b.logger.ErrorContext(ctx, "the observer panicked", append(b.attrs(&r.Message), slog.Any("panic", p))...)
		}
	}()
	if level := r.Outcome.level(); b.logger.Enabled(ctx, level) {
		attrs := append(b.attrs(&r.Message), slog.String("outcome", string(r.Outcome)), slog.Int("receive", r.Receives),
			slog.Float64("duration_ms", float64(r.Took.Microseconds())/1000))
		if r.Key != "" {
			attrs = append(attrs, slog.String("key", shown(r.Key)))
		}
		if r.Attempt > 0 {
			attrs = append(attrs, slog.Int("attempt", r.Attempt))
		}
		if r.Hidden > 0 {
			attrs = append(attrs, slog.Float64("again_in_s", r.Hidden.Seconds()))
		}
		if r.Err != nil {
			attrs = append(attrs, slog.String("error_kind", string(kindOf(r.Err))), slog.String("error", r.Err.Error()))
		}
		b.logger.Log(ctx, level, "message "+string(r.Outcome), attrs...)
	}
	if b.observe != nil {
		b.observe(ctx, r)
	}
}

// attrs are the ids of a message.
func (b *batch) attrs(m *events.SQSMessage) []any {
	attrs := append(make([]any, 0, 12), slog.String("queue", queueName(m.EventSourceARN)), slog.String("message_id", m.MessageId))
	if group := m.Attributes["MessageGroupId"]; group != "" {
		attrs = append(attrs, slog.String("group", group))
	}
	if b.requestID != "" {
		attrs = append(attrs, slog.String("request_id", b.requestID))
	}
	return attrs
}
