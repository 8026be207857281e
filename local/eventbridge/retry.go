package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The pauses between attempts double from the first to the longest.
const (
	firstPause   = 500 * time.Millisecond
	longestPause = 5 * time.Minute
)

// The values of EXHAUSTED_RETRY_CONDITION.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html#eb-rule-dlq
const (
	exhaustedAttempts = "MaximumRetryAttempts"
	exhaustedAge      = "MaximumEventAgeInSeconds"
)

// waitingRecord is a delivery that is tried again, on the disk. It is written when
// the first attempt has failed: who is delivered to at once costs nothing.
type waitingRecord struct {
	RuleARN, RuleName string
	Target            TargetConfig
	Event, Trace, ID  string
	At                time.Time
	Received, Since   time.Time
	Hops              int
	Attempts          int
	Code, Message     string // of the last refusal
	Dead              *deadRecord
}

type deadRecord struct {
	Code, Message string
	Attempts      int
	Exhausted     string
}

// later tries to deliver again in the background. The error says why the delivery
// could not be kept: then nobody tries.
func (s *Service) later(d delivery, r *refusal) error {
	d.number = s.sequence.Add(1)
	if err := s.keep(&d, r, 0); err != nil {
		return err
	}
	if !s.background(func() { s.retry(d, r, 0) }) {
		s.abandon(&d, r, 0)
		return nil
	}
	s.opts.Logger.Warn("an event could not be delivered: trying again", s.fields(&d, r, 0)...)
	return nil
}

// keep writes a delivery that waits, if there is a disk to write to.
func (s *Service) keep(d *delivery, r *refusal, attempts int) error {
	if !s.store.durable() {
		return nil
	}
	record := waitingRecord{
		RuleARN: d.ruleARN, RuleName: d.ruleName, Target: d.target.TargetConfig, Event: d.event, Trace: d.trace, ID: d.id,
		At: d.at, Received: d.received, Since: d.since, Hops: d.hops, Attempts: attempts, Code: r.code, Message: r.err.Error(),
	}
	if d.dead != nil {
		record.Dead = &deadRecord{d.dead.refusal.code, d.dead.refusal.err.Error(), d.dead.attempts, d.dead.exhausted}
	}
	value, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encoding a delivery: %w", err)
	}
	return s.store.write(op{waiting, number(d.number), value})
}

// forget drops the record of a delivery that has ended. One that stays is
// delivered again after a restart, which is better than never.
func (s *Service) forget(d *delivery) {
	if !s.store.durable() {
		return
	}
	if err := s.store.write(op{bucket: waiting, key: number(d.number)}); err != nil {
		s.opts.Logger.Error("an event that was delivered will be delivered again after a restart", "event_bridge_id", d.id, "target", d.target.ARN, "error", err)
	}
}

// abandon ends a delivery because the service ends.
func (s *Service) abandon(d *delivery, r *refusal, attempts int) {
	if s.store.durable() {
		s.opts.Logger.Info("an event waits on the disk to be delivered", s.fields(d, r, attempts)...)
		return
	}
	s.lost(d, r, attempts, "the runtime is stopping")
}

// resume goes on with deliveries that an earlier process has left.
func (s *Service) resume() error {
	var all []delivery
	var refusals []*refusal
	var attempts []int
	err := s.store.scan(waiting, nil, nil, func(key, value []byte) (bool, error) {
		var w waitingRecord
		if err := json.Unmarshal(value, &w); err != nil {
			return false, fmt.Errorf("a waiting delivery: %w", err)
		}
		t, err := s.compileTarget(w.Target)
		if err != nil {
			return false, fmt.Errorf("a waiting delivery of rule %s: %w", w.RuleARN, err)
		}
		d := delivery{
			ruleARN: w.RuleARN, ruleName: w.RuleName, target: t, event: w.Event, trace: w.Trace, id: w.ID,
			at: w.At, received: w.Received, since: w.Since, hops: w.Hops, number: readNumber(key),
		}
		if w.Dead != nil {
			d.dead = &death{refusal{code: w.Dead.Code, err: errors.New(w.Dead.Message)}, w.Dead.Attempts, w.Dead.Exhausted}
		}
		all, attempts = append(all, d), append(attempts, w.Attempts)
		refusals = append(refusals, &refusal{code: w.Code, err: errors.New(w.Message), retry: true})
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("reading deliveries: %w", err)
	}
	for i := range all {
		s.background(func() { s.retry(all[i], refusals[i], attempts[i]) })
	}
	return nil
}

// retry ends with the event delivered, in the dead-letter queue, lost with a line
// in the log, or, when the service ends, on the disk.
func (s *Service) retry(d delivery, r *refusal, attempts int) {
	// The caller's context ends with its call; this delivery does not.
	ctx := context.Background()
	policy := d.target.retry()
	pause := firstPause
	for {
		// Half of the pause is chance, so that many failing events do not come back
		// together.
		wait := pause/2 + time.Duration(float64(pause/2)*s.opts.Jitter())
		if d.dead == nil {
			switch {
			case attempts >= policy.MaximumRetryAttempts:
				d.dead = &death{*r, attempts, exhaustedAttempts}
			case s.opts.Now().Add(wait).Sub(d.since) > policy.MaximumEventAge:
				d.dead = &death{*r, attempts, exhaustedAge}
			}
			if d.dead != nil {
				wait = 0
			}
		}
		if !s.sleep(wait) {
			s.abandon(&d, r, attempts)
			return
		}
		attempts++
		if d.dead == nil {
			if r = s.attempt(ctx, &d); r != nil && !r.retry {
				d.dead = &death{refusal: *r, attempts: attempts}
			}
		}
		if d.dead != nil {
			r = s.bury(ctx, &d)
		}
		if r == nil {
			s.forget(&d)
			return
		}
		if err := s.keep(&d, r, attempts); err != nil {
			// The older record is there and says less: only the count is behind.
			s.opts.Logger.Error("the state of a delivery could not be written", "event_bridge_id", d.id, "error", err)
		}
		pause = min(2*pause, longestPause)
	}
}

// sleep reports false when the service is closed meanwhile.
func (s *Service) sleep(d time.Duration) bool {
	if d <= 0 {
		select {
		case <-s.stop:
			return false
		default:
			return true
		}
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.stop:
		return false
	}
}
