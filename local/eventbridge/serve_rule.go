package eventbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/local/schedule"
)

type wireRule struct {
	Name, Arn, EventBusName, State string
	EventPattern                   string `json:",omitempty"`
	ScheduleExpression             string `json:",omitempty"`
	Description                    string `json:",omitempty"`
	RoleArn                        string `json:",omitempty"`
	CreatedBy                      string `json:",omitempty"` // DescribeRule only
}

func (r *rule) wire() wireRule {
	state := "ENABLED"
	if r.Disabled {
		state = "DISABLED"
	}
	return wireRule{
		Name: r.Name, Arn: r.ARN, EventBusName: r.EventBusName, State: state, EventPattern: string(r.EventPattern),
		ScheduleExpression: r.ScheduleExpression, Description: r.Description, RoleArn: r.RoleARN,
	}
}

// findRule is a rule by its name and its bus's name or ARN.
func (s *Service) findRule(bus, name string) (*rule, error) {
	b, err := s.find(bus)
	if err != nil {
		return nil, err
	}
	if r := b.rules[name]; r != nil {
		return r, nil
	}
	return nil, noRule(name, b.Name)
}

// putRule replaces the whole rule but its targets and its tags.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
func (s *Service) putRule(in *request) (any, error) {
	c, err := s.ruleOf(in)
	if err != nil {
		return nil, err
	}
	var after *rule
	err = s.change(func(d *draft) error {
		b, err := d.edit(in.EventBusName)
		if err != nil {
			return err
		}
		c, from := c, fromCalls
		old := b.rules[c.Name]
		if old != nil {
			c.Targets, c.Tags, from = old.Targets, old.Tags, old.origin
		} else {
			if len(b.rules) >= maxRules {
				return limitExceeded()
			}
			if c.Tags, err = mergeTags(nil, in.Tags); err != nil {
				return err
			}
		}
		if after, err = s.compileRule(c); err != nil {
			return invalid("%v", err)
		}
		after.origin = from
		b.rules[c.Name] = after
		if after.wildcard() && b.wildcards() > maxWildcards {
			return limitExceeded()
		}
		d.keepRule(after)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return struct{ RuleArn string }{after.ARN}, nil
}

// ruleOf checks what PutRule asks for, with EventBridge's answers.
func (s *Service) ruleOf(in *request) (RuleConfig, error) {
	c := RuleConfig{
		Name: in.Name, EventBusName: nameOf(in.EventBusName), Description: in.Description, RoleARN: in.RoleArn,
		EventPattern: []byte(in.EventPattern), ScheduleExpression: in.ScheduleExpression, Disabled: in.State == "DISABLED",
	}
	switch {
	case in.Name == "":
		return c, required("name")
	case !ruleName.MatchString(in.Name):
		return c, nameConstraint(in.Name, "name", `[\.\-_A-Za-z0-9]+`, 64)
	case in.EventPattern == "" && in.ScheduleExpression == "":
		return c, invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	switch in.State {
	case "", "ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS":
	default:
		return c, constraint(in.State, "state", "Member must satisfy enum value set: [ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]")
	}
	if err := checkDescription(in.Description); err != nil {
		return c, err
	}
	if in.EventPattern != "" {
		if _, err := pattern.Compile(c.EventPattern); err != nil {
			return c, invalidPattern(err)
		}
		if patternSize(c.EventPattern) > maxPattern {
			return c, invalid("Parameter EventPattern for rule %s exceeds limit of %d.", in.Name, maxPattern)
		}
	}
	if in.ScheduleExpression != "" {
		if _, err := schedule.Parse(in.ScheduleExpression); err != nil {
			return c, invalid("Parameter ScheduleExpression is not valid.")
		}
		if c.EventBusName != defaultBus {
			return c, invalid("ScheduleExpression is supported only on the default event bus.")
		}
	}
	return c, nil
}

// deleteRule does nothing for a rule that does not exist, as on AWS.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html
func (s *Service) deleteRule(in *request) (any, error) {
	return nil, s.change(func(d *draft) error {
		b, err := d.edit(in.EventBusName)
		if err != nil {
			return err
		}
		r := b.rules[in.Name]
		if r == nil {
			return nil
		}
		if len(r.targets) > 0 {
			return invalid("Rule can't be deleted since it has targets.")
		}
		d.removeRule(b, in.Name)
		return nil
	})
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_EnableRule.html
func (s *Service) enableRule(in *request) (any, error) { return nil, s.setDisabled(in, false) }

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DisableRule.html
func (s *Service) disableRule(in *request) (any, error) { return nil, s.setDisabled(in, true) }

func (s *Service) setDisabled(in *request, disabled bool) error {
	return s.change(func(d *draft) error {
		b, err := d.edit(in.EventBusName)
		if err != nil {
			return err
		}
		return d.changeRule(b, in.Name, func(r *rule) error {
			r.Disabled = disabled
			return nil
		})
	})
}

func (s *Service) describeRule(in *request) (any, error) {
	r, err := s.findRule(in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	w := r.wire()
	w.CreatedBy = s.opts.Account
	return w, nil
}

func (s *Service) listRules(in *request) (any, error) {
	b, err := s.find(in.EventBusName)
	if err != nil {
		return nil, err
	}
	var all []wireRule
	for _, r := range b.sorted {
		if strings.HasPrefix(r.Name, in.NamePrefix) {
			all = append(all, r.wire())
		}
	}
	page, next, err := paginate(all, in)
	return struct {
		Rules     []wireRule
		NextToken string `json:",omitempty"`
	}{page, next}, err
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRuleNamesByTarget.html
func (s *Service) listRuleNames(in *request) (any, error) {
	if in.TargetArn == "" {
		return nil, required("targetArn")
	}
	b, err := s.find(in.EventBusName)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, r := range b.sorted {
		for _, t := range r.targets {
			if t.ARN == in.TargetArn {
				all = append(all, r.Name)
				break
			}
		}
	}
	page, next, err := paginate(all, in)
	return struct {
		RuleNames []string
		NextToken string `json:",omitempty"`
	}{page, next}, err
}

// testEventPattern asks that the event has what every event has.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html
func (s *Service) testEventPattern(in *request) (any, error) {
	p, err := pattern.Compile([]byte(in.EventPattern))
	if err != nil {
		return nil, invalidPattern(err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(in.Event), &fields); err != nil {
		return nil, invalid("Parameter Event is not valid. Reason: it is not a JSON object.")
	}
	// The documentation names resources, too; EventBridge does not ask for it.
	for _, name := range []string{"id", "account", "source", "time", "region", "detail-type"} {
		if len(bytes.TrimSpace(fields[name])) == 0 {
			return nil, invalid("Parameter Event is not valid. Reason: it has no %q.", name)
		}
	}
	matched, err := p.Match([]byte(in.Event))
	if errors.Is(err, pattern.ErrEvent) {
		return nil, invalid("Parameter Event is not valid. Reason: %v.", err)
	}
	return struct{ Result bool }{matched}, err
}
