package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/schedule"
)

// finishSchedule checks a rule that is due by time: that it is on the default
// bus, where alone AWS takes it, and that it may call its targets, which are
// functions.
func (p *planner) finishSchedule(ru *rule) {
	c := schedule.RuleConfig{
		Name: ru.resource.Name, ARN: ru.resource.ARN,
		Expression: ru.props.ScheduleExpression, Disabled: ru.props.State == "DISABLED",
	}
	if len(ru.props.EventPattern) > 0 {
		p.report.fail(ru.resource, "ScheduleExpression", "is set beside EventPattern; served is one of them")
	}
	if bus := ru.props.EventBusName; bus != "" && bus != "default" {
		p.report.fail(ru.resource, "EventBusName", "AWS would refuse it (ValidationException: ScheduleExpression is supported only on the default event bus.)")
	}
	if _, err := schedule.Parse(c.Expression); err != nil {
		p.report.fail(ru.resource, "ScheduleExpression", "%v", err)
	}
	for i, t := range ru.props.Targets {
		at := fmt.Sprintf("Targets[%d]", i)
		f, ok := p.functions[t.Arn]
		if !ok {
			p.missing(ru.resource, at+".Arn", t.Arn, "this assembly has no function %q; served as targets of a schedule are functions", t.Arn)
			continue
		}
		if t.SqsParameters.MessageGroupId != "" {
			p.report.fail(ru.resource, at+".SqsParameters", "is for queues, and the target is function %s", f.config.Name)
		}
		if dlq := t.DeadLetterConfig.Arn; dlq != "" {
			if _, ok := p.queues[dlq]; !ok {
				p.missing(ru.resource, at+".DeadLetterConfig.Arn", dlq, "this assembly has no queue %q", dlq)
			}
			p.report.noEffect(ru.resource, "Targets.DeadLetterConfig", "a function here can always be called")
		}
		if err := p.ruleMayInvoke(ru, f); err != nil {
			p.report.fail(ru.resource, at+".Arn", "EventBridge could not call it (FailedInvocations): %v", err)
		}
		c.Targets = append(c.Targets, schedule.TargetConfig{ID: t.Id, FunctionARN: t.Arn, Input: t.Input})
	}
	p.plan.schedules = append(p.plan.schedules, c)
}

// ruleMayInvoke judges the function's resource policy as Lambda does when
// EventBridge calls it for a rule.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-lambda-permissions
func (p *planner) ruleMayInvoke(ru *rule, f *function) error {
	need := iam.Need{Action: "lambda:InvokeFunction", Resource: f.config.ARN, Context: map[string][]string{
		"aws:SourceArn": {ru.resource.ARN}, "aws:SourceAccount": {p.env.Account},
	}}
	for _, d := range f.allowed {
		if d.DecideFor(iam.Principal{Service: "events.amazonaws.com"}, need).Allowed() {
			return nil
		}
	}
	return fmt.Errorf("no AWS::Lambda::Permission lets events.amazonaws.com invoke function %s for %s", f.config.Name, ru.resource.ARN)
}

func (r *Runtime) startSchedules(p *plan) error {
	r.schedules = schedule.New(schedule.Options{
		Invoke: r.invokeScheduled, NewID: rand.Text,
		Account: r.config.Account, Region: r.config.Region, FinestRate: r.config.FinestRate,
		Now: r.config.Now, Logger: r.logger.With("service", "schedule"),
	})
	return r.schedules.Apply(p.schedules)
}

// invokeScheduled calls a function without lines for calls that had nothing to
// do: a schedule calls all the time.
func (r *Runtime) invokeScheduled(ctx context.Context, functionARN string, payload []byte) error {
	result, err := r.lambda.InvokeQuietly(ctx, functionARN, payload)
	if err != nil {
		return err
	}
	if result.FunctionError != "" {
		return errors.New(string(result.Payload))
	}
	return nil
}
