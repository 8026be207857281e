package eventbridge

import (
	"context"
	"time"
)

// The pauses between attempts double from the first to the longest.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 5 * time.Minute
)

// The values of EXHAUSTED_RETRY_CONDITION.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
const (
	exhaustedAttempts = "MaximumRetryAttempts"
	exhaustedAge      = "MaximumEventAgeInSeconds"
)

// later tries to deliver again in the background. It reports false when the
// service is closed.
func (s *Service) later(d delivery, r *refusal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.opts.Logger.Warn("an event could not be delivered: trying again", s.fields(d, r, 0)...)
	s.retries.Go(func() { s.retry(d, r) })
	return true
}

// retry ends with the event delivered, in the dead-letter queue, or lost with a
// line in the log.
func (s *Service) retry(d delivery, r *refusal) {
	// The caller's context ends with its call; this delivery does not.
	ctx := context.Background()
	policy := d.target.Retry
	pause := firstPause
	for attempts := 0; ; {
		if attempts == policy.MaximumRetryAttempts {
			s.bury(ctx, d, r, attempts, exhaustedAttempts)
			return
		}
		// Half of the pause is chance, so that many failing events do not come back
		// together.
		wait := pause/2 + time.Duration(float64(pause/2)*s.opts.Jitter())
		if s.opts.Now().Add(wait).Sub(d.since) > policy.MaximumEventAge {
			s.bury(ctx, d, r, attempts, exhaustedAge)
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.stop:
			timer.Stop()
			s.lost(d, r, attempts, "the runtime is stopping")
			return
		}
		attempts++
		if r = s.attempt(ctx, d); r == nil {
			return
		}
		if !r.retry {
			s.bury(ctx, d, r, attempts, "")
			return
		}
		pause = min(2*pause, longestPause)
	}
}
