package schedule

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// RuleConfig is a scheduled rule as far as time goes. What its targets are is the
// caller's.
type RuleConfig struct {
	Name       string // for messages
	ARN        string // tells one rule from another
	Expression string // rate(…) or cron(…)
	// Every is how often a rule with a rate runs in place of what Expression says;
	// zero means as Expression says.
	Every    time.Duration
	Disabled bool // it is never due
}

// Options are the settings of [New]. Due is required.
type Options struct {
	// Due is told that a rule is due, and of which time. A rule waits for it to
	// return: what comes due meanwhile is left out.
	Due func(ctx context.Context, r RuleConfig, at time.Time)
	Now func() time.Time // nil means time.Now; it must pass as time does
}

// Service runs scheduled rules. It is safe for concurrent use.
type Service struct {
	o Options

	mu     sync.Mutex
	closed bool
	rules  map[string]*running // by ARN
	all    sync.WaitGroup
}

// running is a rule with its goroutine.
type running struct {
	config     RuleConfig
	expression Expression
	stop       context.CancelFunc
}

// Errors of [Service.Apply].
var (
	ErrConfig = errors.New("the schedules are not valid")
	ErrClosed = errors.New("the schedules have ended")
)

// New returns a service without rules. It panics without a required option.
func New(o Options) *Service {
	if o.Due == nil {
		panic("schedule: Options.Due is missing")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{o: o, rules: map[string]*running{}}
}

// Apply makes the rules be exactly these. One that did not change keeps its
// rhythm; one that is gone or changed finishes the call of Due that it has begun. On an
// error, of kind [ErrConfig], which reports all that is wrong, nothing has changed.
func (s *Service) Apply(rules []RuleConfig) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	var errs []error
	next := map[string]*running{}
	for _, c := range rules {
		e, err := Parse(c.Expression)
		if err != nil {
			errs = append(errs, fmt.Errorf("%w: rule %q: %w", ErrConfig, c.Name, err))
		}
		if next[c.ARN] != nil {
			errs = append(errs, fmt.Errorf("%w: rule %q: its ARN is another one's already", ErrConfig, c.Name))
		}
		if c.Every > 0 && e.every > 0 {
			e.every = c.Every
		}
		next[c.ARN] = &running{config: c, expression: e}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for arn, old := range s.rules {
		if n := next[arn]; n != nil && n.config == old.config {
			next[arn] = old
			continue
		}
		old.stop()
	}
	for _, r := range next {
		if r.stop == nil {
			s.start(r)
		}
	}
	s.rules = next
	return nil
}

// Close ends all rules. It returns when the calls of Due they had begun have
// ended, or when ctx has: then those go on without anybody waiting.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for _, r := range s.rules {
		r.stop()
	}
	s.rules = map[string]*running{}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.all.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// start runs a rule until it is stopped. s.mu is held.
func (s *Service) start(r *running) {
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	if r.config.Disabled {
		return
	}
	s.all.Go(func() { s.run(ctx, r) })
}

func (s *Service) run(ctx context.Context, r *running) {
	for at := r.expression.Next(s.o.Now()); !at.IsZero(); {
		timer := time.NewTimer(at.Sub(s.o.Now()))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		// A rule that is stopped lets it finish.
		s.o.Due(context.WithoutCancel(ctx), r.config, at)
		at = after(r.expression, at, s.o.Now())
	}
}

// after is when a schedule that was due at a time is due again, leaving out what
// has passed by now. A rate keeps its rhythm.
func after(e Expression, at, now time.Time) time.Time {
	if e.every > 0 && now.After(at) {
		return at.Add(now.Sub(at)/e.every*e.every + e.every)
	}
	if now.Before(at) {
		now = at // a clock that was set back must not repeat a time
	}
	return e.Next(now)
}
