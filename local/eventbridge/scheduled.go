package eventbridge

import (
	"context"
	"errors"
	"time"

	"github.com/vinci-go/vinci/local/schedule"
)

// schedule gives the clock the scheduled rules of a state. s.changing is held.
func (s *Service) schedule(st *state) error {
	s.mu.Lock()
	running := s.started && !s.closed
	s.mu.Unlock()
	if !running {
		return nil
	}
	var rules []schedule.RuleConfig
	for _, r := range st.buses[defaultBus].sorted {
		if r.ScheduleExpression == "" {
			continue
		}
		rules = append(rules, schedule.RuleConfig{Name: r.Name, ARN: r.ARN, Expression: r.ScheduleExpression, Every: s.hurry(r), Disabled: r.Disabled})
	}
	if err := s.clock.Apply(rules); !errors.Is(err, schedule.ErrClosed) {
		return err
	}
	return nil
}

// hurry is how often a rule runs that would run every minute; zero means as it
// says.
func (s *Service) hurry(r *rule) time.Duration {
	if r.origin != fromAssembly || r.ScheduleExpression != "rate(1 minute)" || s.opts.FinestRate == time.Minute {
		return 0
	}
	return s.opts.FinestRate
}

// due sends a schedule's event to its rule's targets.
func (s *Service) due(ctx context.Context, c schedule.RuleConfig, at time.Time) {
	if !s.begin() {
		return
	}
	defer s.calls.Done()
	r := s.state.Load().buses[defaultBus].rules[c.Name]
	if r == nil || r.Disabled {
		return // it has changed a moment ago
	}
	id := s.opts.NewID()
	event := s.scheduledEvent(r, id, at)
	now := s.opts.Now()
	in := intake{}
	for _, t := range r.targets {
		d := delivery{ruleARN: r.ARN, ruleName: r.Name, target: t, event: event, id: id, since: now, received: now, at: at}
		if c.Every > 0 && t.service == "lambda" && s.opts.CallFrequently != nil {
			s.callFrequently(ctx, &d)
			continue
		}
		in.due = append(in.due, d)
	}
	for _, err := range s.deliver(ctx, &in) {
		if err != nil {
			s.opts.Logger.Error("the event of a schedule could not be kept, and is lost for a target", "rule", r.ARN, "error", err)
		}
	}
}

// callFrequently is one of many calls: what fails is logged, for the next comes by
// itself.
func (s *Service) callFrequently(ctx context.Context, d *delivery) {
	failed := func(err error) {
		s.opts.Logger.Warn("a scheduled call failed", "rule", d.ruleName, "target", d.target.ID, "function", d.target.ARN, "error", err.Error())
	}
	payload, r := s.payload(d)
	if r == nil {
		r = s.permitted(s.opts.Functions.ResourcePolicy(d.target.ARN), "lambda:InvokeFunction", d.target.ARN, d.ruleARN)
	}
	if r != nil {
		failed(r.err)
		return
	}
	if err := s.opts.CallFrequently(ctx, d.target.ARN, []byte(payload)); err != nil {
		failed(err)
	}
}

// scheduledEvent is what a target of a schedule gets that has no input of its own.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html
func (s *Service) scheduledEvent(r *rule, id string, at time.Time) string {
	e := Entry{Source: "aws.events", DetailType: "Scheduled Event", Detail: "{}", Resources: []string{r.ARN}}
	return string(s.event(&e, id, at))
}
