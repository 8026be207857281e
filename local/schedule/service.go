package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"
)

// RuleConfig is a scheduled rule.
type RuleConfig struct {
	Name       string
	ARN        string
	Expression string
	Disabled   bool
	Targets    []TargetConfig
}

// TargetConfig is a function that a rule calls.
type TargetConfig struct {
	ID          string
	FunctionARN string
	Input       string // JSON that the function gets; empty: EventBridge's Scheduled Event
}

// Options are the settings of [New]. Invoke and NewID are required.
type Options struct {
	// Invoke calls a function and waits for its end. The error is also that of the
	// function.
	Invoke     func(ctx context.Context, functionARN string, payload []byte) error
	NewID      func() string    // makes ids of events
	Account    string           // empty means 000000000000
	Region     string           // empty means us-east-1
	FinestRate time.Duration    // how often a rule with rate(1 minute) runs; zero means every second
	Now        func() time.Time // nil means time.Now; it must pass as time does
	Logger     *slog.Logger     // nil means silence
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
	if o.Invoke == nil || o.NewID == nil {
		panic("schedule: Options.Invoke or Options.NewID is missing")
	}
	if o.Account == "" {
		o.Account = "000000000000"
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.FinestRate <= 0 {
		o.FinestRate = time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Service{o: o, rules: map[string]*running{}}
}

// Apply makes the rules be exactly these. One that did not change keeps its
// rhythm; one that is gone or changed finishes the calls it has begun. On an
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
		for _, t := range c.Targets {
			if t.Input != "" && !json.Valid([]byte(t.Input)) {
				errs = append(errs, fmt.Errorf("%w: rule %q: the input of target %q is no JSON", ErrConfig, c.Name, t.ID))
			}
		}
		next[c.ARN] = &running{config: c, expression: e}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for arn, old := range s.rules {
		if n := next[arn]; n != nil && reflect.DeepEqual(n.config, old.config) {
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

// Rules are the names of the rules, sorted.
func (s *Service) Rules() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, r := range s.rules {
		all = append(all, r.config.Name)
	}
	slices.Sort(all)
	return all
}

// Close ends all rules. It returns when the calls they had begun have ended, or
// when ctx has: then those go on without anybody waiting.
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
	if r.expression.every == time.Minute {
		r.expression.every = s.o.FinestRate
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
		for _, t := range r.config.Targets {
			s.call(ctx, r, t, at)
		}
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

// call calls one target. A rule that is stopped lets it finish.
func (s *Service) call(ctx context.Context, r *running, t TargetConfig, at time.Time) {
	payload := []byte(t.Input)
	if t.Input == "" {
		payload = s.event(r, at)
	}
	if err := s.o.Invoke(context.WithoutCancel(ctx), t.FunctionARN, payload); err != nil {
		s.o.Logger.Warn("a scheduled call failed", "rule", r.config.Name, "target", t.ID, "function", t.FunctionARN, "error", err.Error())
	}
}

// event is what a target gets that has no input of its own.
func (s *Service) event(r *running, at time.Time) []byte {
	b, err := json.Marshal(struct {
		Version    string    `json:"version"`
		ID         string    `json:"id"`
		DetailType string    `json:"detail-type"`
		Source     string    `json:"source"`
		Account    string    `json:"account"`
		Time       time.Time `json:"time"`
		Region     string    `json:"region"`
		Resources  []string  `json:"resources"`
		Detail     struct{}  `json:"detail"`
	}{
		Version: "0", ID: s.o.NewID(), DetailType: "Scheduled Event", Source: "aws.events",
		Account: s.o.Account, Time: at.UTC().Truncate(time.Second), Region: s.o.Region, Resources: []string{r.config.ARN},
	})
	if err != nil {
		panic(err) // text and a time of our own always marshal
	}
	return b
}
