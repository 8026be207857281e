package local

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/schedule"
)

type rule struct {
	resource *assembly.Resource
	props    ruleProperties
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbus.html
type busProperties struct {
	Name        string `cfn:",required"`
	Description string
	Policy      json.RawMessage
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
	Description        string
	RoleArn            string
	Targets            []targetProperties
	Name               label // the assembly has read it
	Tags               label
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-events-rule-target.html
type targetProperties struct {
	Arn              string `cfn:",required"`
	DeadLetterConfig struct {
		Arn string
	}
	Id               string `cfn:",required"`
	Input            string
	InputPath        string
	InputTransformer *struct {
		InputPathsMap map[string]string
		InputTemplate string `cfn:",required"`
	}
	RetryPolicy *struct {
		MaximumEventAgeInSeconds *int
		MaximumRetryAttempts     *int
	}
	RoleArn       string
	SqsParameters struct {
		MessageGroupId string
	}
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbuspolicy.html
type busPolicyProperties struct {
	EventBusName string
	StatementId  string `cfn:",required"`
	Statement    json.RawMessage
	// The older form of a statement.
	Action    string
	Principal string
	Condition *struct{ Type, Key, Value string }
}

// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-archive.html
type archiveProperties struct {
	ArchiveName   label // the assembly has read it
	Description   string
	EventPattern  json.RawMessage
	RetentionDays int
	SourceArn     string `cfn:",required"`

	KmsKeyIdentifier noEffect `why:"events are not encrypted here"`
}

func (p *planner) readBus(r *assembly.Resource) {
	var props busProperties
	if !decode(&p.report, r, &props) {
		return
	}
	c := eventbridge.BusConfig{Name: r.Name, ARN: r.ARN, Description: props.Description}
	if len(props.Policy) > 0 {
		if _, err := iam.ParseResource(props.Policy); err != nil {
			p.report.fail(r, "Policy", "%v", err)
			return
		}
		c.Policy = string(props.Policy)
	}
	p.plan.buses = append(p.plan.buses, c)
}

// readBusPolicy adds a statement to the policy of a bus.
func (p *planner) readBusPolicy(r *assembly.Resource) {
	var props busPolicyProperties
	if !decode(&p.report, r, &props) {
		return
	}
	p.later = append(p.later, func() {
		name := busNameOf(props.EventBusName)
		for i := range p.plan.buses {
			if p.plan.buses[i].Name == name {
				p.addStatement(r, &p.plan.buses[i], props)
				return
			}
		}
		if name == "default" {
			bus := eventbridge.BusConfig{Name: "default"}
			p.addStatement(r, &bus, props)
			p.plan.buses = append(p.plan.buses, bus)
			return
		}
		p.missing(r, "EventBusName", name, "this assembly has no event bus %q", name)
	})
}

// addStatement judges what can be judged. A statement that allows, and that the
// local IAM cannot read, is for other accounts or organizations, of which there
// are none; one that denies must be read.
func (p *planner) addStatement(r *assembly.Resource, bus *eventbridge.BusConfig, props busPolicyProperties) {
	statement := map[string]json.RawMessage{}
	text := func(v any) json.RawMessage {
		raw, err := json.Marshal(v)
		if err != nil {
			panic(err) // texts only
		}
		return raw
	}
	if len(props.Statement) > 0 {
		if err := json.Unmarshal(props.Statement, &statement); err != nil {
			p.report.fail(r, "Statement", "must be an object")
			return
		}
	} else {
		statement["Effect"], statement["Action"] = text("Allow"), text(props.Action)
		statement["Principal"], statement["Resource"] = text(principal(props.Principal)), text(p.env.Arn("events", "event-bus/"+bus.Name))
		if c := props.Condition; c != nil {
			statement["Condition"] = text(map[string]map[string]string{c.Type: {c.Key: c.Value}})
		}
	}
	statement["Sid"] = text(props.StatementId)
	raw := text(map[string]any{"Version": "2012-10-17", "Statement": []any{statement}})
	if _, err := iam.ParseResource(raw); err != nil {
		if string(statement["Effect"]) == `"Allow"` {
			p.report.noEffect(r, "", "it cannot be judged here, and only allows: roles of this account need no entry")
		} else {
			p.report.fail(r, "Statement", "%v", err)
		}
		return
	}
	policy := struct {
		Version   string
		Statement []json.RawMessage
	}{Version: "2012-10-17"}
	if bus.Policy != "" {
		if err := json.Unmarshal([]byte(bus.Policy), &policy); err != nil {
			p.report.fail(r, "Statement", "the bus has a policy already, whose Statement is no list: %v", err)
			return
		}
	}
	policy.Statement = append(policy.Statement, text(statement))
	bus.Policy = string(text(policy))
}

func (p *planner) readRule(r *assembly.Resource) {
	var props ruleProperties
	if !decode(&p.report, r, &props) {
		return
	}
	p.rules = append(p.rules, &rule{resource: r, props: props})
}

// readArchive checks that the archive's bus exists, which may be read later.
func (p *planner) readArchive(r *assembly.Resource) {
	var props archiveProperties
	if !decode(&p.report, r, &props) {
		return
	}
	if len(props.EventPattern) > 0 {
		if _, err := pattern.Compile(props.EventPattern); err != nil {
			p.report.fail(r, "EventPattern", "%v", err)
		}
	}
	if props.RetentionDays < 0 {
		p.report.fail(r, "RetentionDays", "is %d; allowed are 0 (for ever) and more", props.RetentionDays)
	}
	p.later = append(p.later, func() {
		if !strings.Contains(props.SourceArn, ":event-bus/") || !p.hasBus(busNameOf(props.SourceArn)) {
			p.missing(r, "SourceArn", props.SourceArn, "this assembly has no event bus %q", props.SourceArn)
		}
	})
	p.plan.archives = append(p.plan.archives, eventbridge.ArchiveConfig{
		Name: r.Name, EventSourceARN: props.SourceArn, Description: props.Description, EventPattern: props.EventPattern, RetentionDays: props.RetentionDays,
	})
}

// busNameOf takes a name or an ARN, as AWS does.
func busNameOf(nameOrARN string) string {
	if nameOrARN == "" {
		return "default"
	}
	if _, name, ok := strings.Cut(nameOrARN, ":event-bus/"); ok {
		return name
	}
	return nameOrARN
}

// lendBuses makes the buses that resources of the assembly work with and other
// applications make. Here the application runs alone, and what is to come from the
// others is put on these buses by calls.
func (p *planner) lendBuses() {
	users := map[string][]string{}
	for _, r := range p.plan.resources {
		if r.OtherBus != "" && !p.hasBus(r.OtherBus) {
			users[r.OtherBus] = append(users[r.OtherBus], r.Where())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(users)) {
		p.plan.buses = append(p.plan.buses, eventbridge.BusConfig{
			Name: name, ARN: p.env.Arn("events", "event-bus/"+name), Description: "Another application's bus",
		})
		p.report.lent = append(p.report.lent, fmt.Sprintf("lent: event bus %s is another application's, which does not run here; put its events there by calls (used by %s)", name, strings.Join(users[name], ", ")))
	}
}

// finishRules checks that buses, targets and dead-letter queues exist, and that
// a rule may reach its targets.
func (p *planner) finishRules() {
	for _, ru := range p.rules {
		props := ru.props
		c := eventbridge.RuleConfig{
			Name: ru.resource.Name, ARN: ru.resource.ARN, EventBusName: busNameOf(props.EventBusName), Description: props.Description, RoleARN: props.RoleArn,
			EventPattern: props.EventPattern, ScheduleExpression: props.ScheduleExpression, Disabled: props.State == "DISABLED",
		}
		switch props.State {
		case "", "ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS":
		default:
			p.report.fail(ru.resource, "State", "is %q; allowed are ENABLED, DISABLED and ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS", props.State)
		}
		if !p.hasBus(c.EventBusName) {
			p.missing(ru.resource, "EventBusName", c.EventBusName, "this assembly has no event bus %q", c.EventBusName)
		}
		if c.ScheduleExpression != "" {
			if c.EventBusName != "default" {
				p.report.fail(ru.resource, "EventBusName", "AWS would refuse it (ValidationException: ScheduleExpression is supported only on the default event bus.)")
			}
			if _, err := schedule.Parse(c.ScheduleExpression); err != nil {
				p.report.fail(ru.resource, "ScheduleExpression", "%v", err)
			}
		}
		if len(c.EventPattern) > 0 {
			if _, err := pattern.Compile(c.EventPattern); err != nil {
				p.report.fail(ru.resource, "EventPattern", "%v", err)
			}
		} else if c.ScheduleExpression == "" {
			p.report.fail(ru.resource, "EventPattern", "is missing, and so is ScheduleExpression: a rule has one of them")
		}
		for i, t := range props.Targets {
			c.Targets = append(c.Targets, p.finishTarget(ru, fmt.Sprintf("Targets[%d]", i), t))
		}
		p.plan.rules = append(p.plan.rules, c)
	}
}

func (p *planner) finishTarget(ru *rule, at string, t targetProperties) eventbridge.TargetConfig {
	c := eventbridge.TargetConfig{
		ID: t.Id, ARN: t.Arn, RoleARN: t.RoleArn, Input: t.Input, InputPath: t.InputPath,
		DeadLetterARN: t.DeadLetterConfig.Arn, MessageGroupID: t.SqsParameters.MessageGroupId,
	}
	if it := t.InputTransformer; it != nil {
		c.Transformer = &eventbridge.InputTransformer{Paths: it.InputPathsMap, Template: it.InputTemplate}
	}
	if t.RetryPolicy != nil {
		retry := eventbridge.DefaultRetry()
		retry.MaximumEventAge = secondsOr(t.RetryPolicy.MaximumEventAgeInSeconds, retry.MaximumEventAge)
		if n := t.RetryPolicy.MaximumRetryAttempts; n != nil {
			retry.MaximumRetryAttempts = *n
		}
		c.Retry = &retry
	}
	if err := c.Check(p.env.Account, p.env.Region); err != nil {
		p.report.fail(ru.resource, at, "AWS would refuse it, or it is not served here: %v", err)
		return c
	}
	p.targetExists(ru, at, t)
	if dlq := t.DeadLetterConfig.Arn; dlq != "" {
		if _, ok := p.queues[dlq]; !ok {
			p.missing(ru.resource, at+".DeadLetterConfig.Arn", dlq, "this assembly has no queue %q", dlq)
		}
	}
	return c
}

// targetExists looks for the target and for what lets the rule reach it. That a
// queue's policy lets it is seen when an event comes, as on AWS.
func (p *planner) targetExists(ru *rule, at string, t targetProperties) {
	switch service := strings.Split(t.Arn, ":")[2]; service {
	case "lambda":
		f, ok := p.functions[t.Arn]
		if !ok {
			p.missing(ru.resource, at+".Arn", t.Arn, "this assembly has no function %q", t.Arn)
		} else if err := p.ruleMayInvoke(ru, f); err != nil {
			p.report.fail(ru.resource, at+".Arn", "EventBridge could not call it (FailedInvocations): %v", err)
		}
	case "events":
		if !p.hasBus(busNameOf(t.Arn)) {
			p.missing(ru.resource, at+".Arn", t.Arn, "this assembly has no event bus %q", t.Arn)
		} else if err := p.roleMayForward(t); err != nil {
			p.report.fail(ru.resource, at+".RoleArn", "EventBridge could not put events on the bus (FailedInvocations): %v", err)
		}
	default:
		if _, ok := p.queues[t.Arn]; !ok {
			p.missing(ru.resource, at+".Arn", t.Arn, "this assembly has no queue %q", t.Arn)
		}
	}
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

// roleMayForward judges the role with which a rule reaches another bus.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html
func (p *planner) roleMayForward(t targetProperties) error {
	ro, ok := p.roles[t.RoleArn]
	if !ok {
		if p.broken[t.RoleArn] {
			return nil // reported where it stands
		}
		return fmt.Errorf("this assembly has no role %q", t.RoleArn)
	}
	trust, err := iam.ParseResource(ro.trust)
	if err != nil {
		return err
	}
	take := iam.Need{Action: "sts:AssumeRole", Resource: t.RoleArn, Context: map[string][]string{"aws:SourceAccount": {p.env.Account}}}
	if !trust.DecideFor(iam.Principal{Service: "events.amazonaws.com"}, take).Allowed() {
		return fmt.Errorf("the AssumeRolePolicyDocument of role %s does not let events.amazonaws.com take it", t.RoleArn)
	}
	if d := p.roleAllows(t.RoleArn, t.Arn, "events:PutEvents"); d != nil {
		return fmt.Errorf("role %s may not: %s", t.RoleArn, d.Explain())
	}
	return nil
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

// eventsBetween is what event buses serve while functions come and go: no rule
// calls one that is not there yet, or not there any more. The buses are those of
// both plans, as functions of either may put events.
func eventsBetween(from, to *plan) eventbridge.Config {
	c := to.events()
	c.Buses = slices.Clone(c.Buses)
	for _, b := range from.buses {
		if !slices.ContainsFunc(c.Buses, func(o eventbridge.BusConfig) bool { return o.Name == b.Name }) {
			c.Buses = append(c.Buses, b)
		}
	}
	there := map[string]bool{}
	for _, f := range from.functions {
		there[f.ARN] = true
	}
	c.Rules = slices.DeleteFunc(slices.Clone(c.Rules), func(r eventbridge.RuleConfig) bool {
		return slices.ContainsFunc(r.Targets, func(t eventbridge.TargetConfig) bool {
			return strings.Contains(t.ARN, ":lambda:") && !there[t.ARN]
		})
	})
	return c
}

func (p *plan) events() eventbridge.Config {
	return eventbridge.Config{Buses: p.buses, Rules: p.rules, Archives: p.archives}
}
