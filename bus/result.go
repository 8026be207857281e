package bus

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/vinci-go/vinci/internal/consume"
)

// What a log line says of a message. The first four are the statuses of the
// record.
const (
	outcomeSucceeded   = "succeeded"
	outcomeFailed      = "failed"
	outcomeDead        = "dead"
	outcomeIgnored     = "ignored"
	outcomeFiltered    = "filtered"    // the subscription asks for other content, acknowledged
	outcomeDuplicate   = "duplicate"   // settled before, acknowledged
	outcomeLeased      = "leased"      // another run holds the lease
	outcomeUnfinished  = "unfinished"  // the handler did not return
	outcomeUnrecorded  = "unrecorded"  // the record could not be read or written
	outcomeUndecodable = "undecodable" // no event, given up
	outcomeNotTried    = "not tried"   // the function's time was up
	outcomeOver        = "over"        // of a generation that is not live any more, acknowledged
	outcomeBlocked     = "blocked"     // its stream waits for another event, in an ordered subscription
)

// result is what became of one message.
type result struct {
	outcome string
	again   bool          // it must come again
	hide    time.Duration // not before; 0: when the queue's own time-out ends
	attempt int           // 0: not known
	took    time.Duration // of the handler
	was     Status        // of a duplicate: how it had ended
	err     error
}

// unrecorded is the result of a write of the record that did not succeed.
func (c *Consumer) unrecorded(d *delivery, err error) result {
	var before *settledBefore
	if errors.As(err, &before) {
		if before.was.Status.Settled() {
			return result{outcome: outcomeDuplicate, attempt: before.was.Attempts, was: before.was.Status}
		}
		return c.leased(before.was)
	}
	return result{outcome: outcomeUnrecorded, again: true, hide: c.retryDelay(retryBase, d.receives), err: err}
}

// leased hides a message until the run that has it must have ended.
func (c *Consumer) leased(by Delivery) result {
	return result{outcome: outcomeLeased, again: true, hide: consume.Seconds(by.LeaseUntil.Sub(c.now())), attempt: by.Attempts}
}

// report writes the one line of an event, and counts it.
func (c *Consumer) report(ctx context.Context, d *delivery, r result) {
	if c.metrics.Writer != nil {
		d.inv.tally.count(d, r, c.now())
	}
	level := slog.LevelInfo
	switch r.outcome {
	case outcomeFailed, outcomeLeased, outcomeNotTried, outcomeBlocked:
		level = slog.LevelWarn
	case outcomeDead, outcomeUndecodable, outcomeUnfinished, outcomeUnrecorded:
		level = slog.LevelError
	}
	if !c.logger.Enabled(ctx, level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 16), d.slogAttrs()...)
	attrs = append(attrs, slog.String("outcome", r.outcome), slog.Int("receive", d.receives))
	if r.attempt > 0 {
		attrs = append(attrs, slog.Int("attempt", r.attempt))
	}
	attrs = append(attrs, slog.Float64("duration_ms", float64(r.took.Microseconds())/1000))
	if r.hide > 0 {
		attrs = append(attrs, slog.Float64("again_in_s", r.hide.Seconds()))
	}
	if r.err != nil {
		attrs = append(attrs, slog.String("error_kind", kindOf(r.err)), slog.String("error", r.err.Error()))
	}
	what := "event "
	if d.change != nil {
		what = "change "
	}
	c.logger.LogAttrs(ctx, level, what+r.outcome, attrs...)
}
