package local

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/eventbridge"
)

type rule struct {
	resource *assembly.Resource
	props    ruleProperties
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbus.html
type busProperties struct {
	Name        string `cfn:",required"`
	Description label
	Tags        label

	DeadLetterConfig noEffect `why:"it is for events that cannot be decrypted, and nothing is encrypted here"`
	KmsKeyIdentifier noEffect `why:"events are not encrypted here"`
	LogConfig        noEffect `why:"the bus keeps no log here"`
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-rule.html
type ruleProperties struct {
	EventBusName       string
	EventPattern       json.RawMessage
	ScheduleExpression string
	State              string
	Targets            []struct {
		Arn              string `cfn:",required"`
		DeadLetterConfig struct {
			Arn string
		}
		Id          string `cfn:",required"`
		Input       string
		RetryPolicy struct {
			MaximumEventAgeInSeconds *int
			MaximumRetryAttempts     *int
		}
		SqsParameters struct {
			MessageGroupId string
		}
	}
	Description label
	Name        label // the assembly has read it
	Tags        label
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbuspolicy.html
type busPolicyProperties struct {
	Statement struct {
		Effect string `cfn:",required"`
		// What else it says does not matter for callers of the own account.
		Action, Condition, Principal, Resource, Sid label
	} `cfn:",required"`
	EventBusName label
	StatementId  label
}

func (p *planner) readBus(r *assembly.Resource) {
	var props busProperties
	if decode(&p.report, r, &props) {
		p.plan.buses = append(p.plan.buses, eventbridge.BusConfig{Name: r.Name, ARN: r.ARN})
	}
}

// readBusPolicy: a policy that allows opens the bus to other accounts, of which
// there are none here; one that denies would have to be judged.
func (p *planner) readBusPolicy(r *assembly.Resource) {
	var props busPolicyProperties
	if !decode(&p.report, r, &props) {
		return
	}
	if props.Statement.Effect != "Allow" {
		p.report.fail(r, "Statement.Effect", "is %q; served is Allow: the local bus does not judge its own policy", props.Statement.Effect)
		return
	}
	p.report.noEffect(r, "", "there are no other accounts here, and roles of this one need no entry")
}

func (p *planner) readRule(r *assembly.Resource) {
	var props ruleProperties
	if !decode(&p.report, r, &props) {
		return
	}
	p.rules = append(p.rules, &rule{resource: r, props: props})
}

// finishRules checks that buses, targets and dead-letter queues exist.
func (p *planner) finishRules() {
	for _, ru := range p.rules {
		switch ru.props.State {
		case "", "ENABLED", "DISABLED":
		default:
			p.report.fail(ru.resource, "State", "is %q; served are ENABLED and DISABLED", ru.props.State)
		}
		if ru.props.ScheduleExpression != "" {
			p.finishSchedule(ru)
			continue
		}
		c := eventbridge.RuleConfig{
			Name: ru.resource.Name, ARN: ru.resource.ARN, EventBusName: "default",
			EventPattern: ru.props.EventPattern, Disabled: ru.props.State == "DISABLED",
		}
		if name := ru.props.EventBusName; name != "" {
			c.EventBusName = name
			if _, after, ok := strings.Cut(name, ":event-bus/"); ok {
				c.EventBusName = after
			}
		}
		if !p.hasBus(c.EventBusName) {
			p.missing(ru.resource, "EventBusName", c.EventBusName, "this assembly has no event bus %q", c.EventBusName)
		}
		if len(c.EventPattern) == 0 {
			p.report.fail(ru.resource, "EventPattern", "is missing, and so is ScheduleExpression: a rule has one of them")
		} else if _, err := pattern.Compile(c.EventPattern); err != nil {
			p.report.fail(ru.resource, "EventPattern", "%v", err)
		}
		for i, t := range ru.props.Targets {
			at := fmt.Sprintf("Targets[%d]", i)
			if t.Input != "" {
				p.report.fail(ru.resource, at+".Input", "is not served for a rule with a pattern: its targets get the event")
			}
			if _, ok := p.queues[t.Arn]; !ok {
				p.missing(ru.resource, at+".Arn", t.Arn, "this assembly has no queue %q; served are queues", t.Arn)
			}
			if dlq := t.DeadLetterConfig.Arn; dlq != "" {
				if _, ok := p.queues[dlq]; !ok {
					p.missing(ru.resource, at+".DeadLetterConfig.Arn", dlq, "this assembly has no queue %q", dlq)
				}
			}
			retry := eventbridge.DefaultRetry()
			retry.MaximumEventAge = secondsOr(t.RetryPolicy.MaximumEventAgeInSeconds, retry.MaximumEventAge)
			if n := t.RetryPolicy.MaximumRetryAttempts; n != nil {
				retry.MaximumRetryAttempts = *n
			}
			target := eventbridge.TargetConfig{
				ID: t.Id, ARN: t.Arn, DeadLetterARN: t.DeadLetterConfig.Arn,
				Retry: &retry, MessageGroupID: t.SqsParameters.MessageGroupId,
			}
			c.Targets = append(c.Targets, target)
		}
		p.plan.rules = append(p.plan.rules, c)
	}
}

func (p *planner) hasBus(name string) bool {
	if name == "default" {
		return true
	}
	for _, b := range p.plan.buses {
		if b.Name == name {
			return true
		}
	}
	return false
}

func (p *plan) events() eventbridge.Config {
	return eventbridge.Config{Buses: p.buses, Rules: p.rules}
}
