package eventbridge

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/event/pattern"
)

// Config is everything that a [Service] serves.
type Config struct {
	Buses []BusConfig // the bus "default" is always there
	Rules []RuleConfig
}

// BusConfig is an event bus.
type BusConfig struct {
	Name string
	ARN  string // empty means the one that follows from the name
}

// RuleConfig is a rule of a bus.
type RuleConfig struct {
	Name         string
	ARN          string // empty means the one that follows from the names
	EventBusName string // or ARN; empty means default
	Description  string
	EventPattern []byte // JSON
	Disabled     bool
	Targets      []TargetConfig // at most 5
}

// TargetConfig is where a rule sends events: a standard SQS queue.
type TargetConfig struct {
	ID             string
	ARN            string
	DeadLetterARN  string       // of an SQS queue; empty for none
	Retry          *RetryPolicy // nil means DefaultRetry
	MessageGroupID string       // makes the queue a fair queue; empty for none
}

// RetryPolicy ends the attempts to deliver an event.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
type RetryPolicy struct {
	MaximumRetryAttempts int           // 0 to 185
	MaximumEventAge      time.Duration // 1 minute to 24 hours
}

// DefaultRetry is EventBridge's default.
func DefaultRetry() RetryPolicy {
	return RetryPolicy{MaximumRetryAttempts: 185, MaximumEventAge: 24 * time.Hour}
}

// ErrConfig is the kind of every error of [Service.Apply].
var ErrConfig = errors.New("event bus configuration is not valid")

// AWS's limits.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const (
	maxTargets = 5
	maxRules   = 300
	maxPattern = 2048
	defaultBus = "default"
)

var (
	busName  = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,256}$`)
	ruleName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	targetID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
)

// bus is a compiled bus.
type bus struct {
	BusConfig
	rules   []*rule      // by name
	enabled []*rule      // by name
	set     *pattern.Set // of the enabled rules
}

type rule struct {
	RuleConfig
	pattern *pattern.Pattern
}

// compile checks the whole configuration and reports all that is wrong with it.
func (s *Service) compile(c Config) (map[string]*bus, error) {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
	}
	buses := map[string]*bus{}
	for _, b := range append([]BusConfig{{Name: defaultBus}}, c.Buses...) {
		if !busName.MatchString(b.Name) {
			wrong("bus %q: allowed are 1 to 256 letters, digits and . - _ /", b.Name)
			continue
		}
		if buses[b.Name] != nil && b.Name != defaultBus {
			wrong("bus %q is configured twice", b.Name)
		}
		if b.ARN == "" {
			b.ARN = s.busARN(b.Name)
		}
		buses[b.Name] = &bus{BusConfig: b}
	}
	for _, r := range c.Rules {
		compiled, err := s.compileRule(r)
		if err != nil {
			wrong("rule %q: %w", r.Name, err)
			continue
		}
		b := buses[compiled.EventBusName]
		switch {
		case b == nil:
			wrong("rule %q: bus %q does not exist", r.Name, compiled.EventBusName)
			continue
		case slices.ContainsFunc(b.rules, func(o *rule) bool { return o.Name == r.Name }):
			wrong("rule %q is configured twice on bus %q", r.Name, b.Name)
		case len(b.rules) == maxRules:
			wrong("bus %q has more than %d rules, which is AWS's quota", b.Name, maxRules)
		}
		b.rules = append(b.rules, compiled)
	}
	for _, b := range buses {
		slices.SortFunc(b.rules, func(a, c *rule) int { return strings.Compare(a.Name, c.Name) })
		var patterns []*pattern.Pattern
		for _, r := range b.rules {
			if !r.Disabled {
				b.enabled = append(b.enabled, r)
				patterns = append(patterns, r.pattern)
			}
		}
		b.set = pattern.NewSet(patterns...)
	}
	return buses, errors.Join(errs...)
}

func (s *Service) compileRule(c RuleConfig) (*rule, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	c.EventBusName = nameOf(c.EventBusName)
	if c.ARN == "" {
		c.ARN = s.ruleARN(c.EventBusName, c.Name)
	}
	if !ruleName.MatchString(c.Name) {
		wrong("the name is not allowed: 1 to 64 letters, digits and . - _ are")
	}
	p, err := pattern.Compile(c.EventPattern)
	if err != nil {
		errs = append(errs, err)
	}
	if len(c.EventPattern) > maxPattern {
		wrong("the event pattern has %d characters: AWS allows %d", len(c.EventPattern), maxPattern)
	}
	if len(c.Targets) > maxTargets {
		wrong("it has %d targets: AWS allows %d", len(c.Targets), maxTargets)
	}
	c.Targets = slices.Clone(c.Targets)
	ids := map[string]bool{}
	for i := range c.Targets {
		t := &c.Targets[i]
		if ids[t.ID] {
			wrong("target %q is configured twice", t.ID)
		}
		ids[t.ID] = true
		if err := t.complete(); err != nil {
			wrong("target %q: %w", t.ID, err)
		}
	}
	return &rule{RuleConfig: c, pattern: p}, errors.Join(errs...)
}

func (t *TargetConfig) complete() error {
	if !targetID.MatchString(t.ID) {
		return errors.New("the id is not allowed: 1 to 64 letters, digits and . - _ are")
	}
	if err := checkQueue(t.ARN); err != nil {
		return err
	}
	if t.DeadLetterARN != "" {
		if err := checkQueue(t.DeadLetterARN); err != nil {
			return fmt.Errorf("dead-letter queue: %w", err)
		}
	}
	if t.Retry == nil {
		d := DefaultRetry()
		t.Retry = &d
	}
	if n := t.Retry.MaximumRetryAttempts; n < 0 || n > 185 {
		return fmt.Errorf("MaximumRetryAttempts is %d: 0 to 185 is allowed", n)
	}
	if d := t.Retry.MaximumEventAge; d < time.Minute || d > 24*time.Hour {
		return fmt.Errorf("MaximumEventAge is %s: 1m to 24h is allowed", d)
	}
	return nil
}

func checkQueue(arn string) error {
	parts := strings.Split(arn, ":")
	switch {
	case len(parts) != 6 || parts[0] != "arn":
		if len(parts) > 2 && parts[0] == "arn" {
			return fmt.Errorf("targets of type %s are not served by the local runtime: SQS queues are", parts[2])
		}
		return fmt.Errorf("%q is not the ARN of an SQS queue", arn)
	case parts[2] != "sqs":
		return fmt.Errorf("targets of type %s are not served by the local runtime: SQS queues are", parts[2])
	case strings.HasSuffix(parts[5], ".fifo"):
		return fmt.Errorf("%s is a FIFO queue: the local runtime delivers to standard queues only", arn)
	}
	return nil
}

// nameOf is the bus that a name or an ARN means.
func nameOf(nameOrARN string) string {
	if nameOrARN == "" {
		return defaultBus
	}
	if _, name, ok := strings.Cut(nameOrARN, ":event-bus/"); ok && strings.HasPrefix(nameOrARN, "arn:") {
		return name
	}
	return nameOrARN
}

func (s *Service) busARN(name string) string {
	return "arn:aws:events:" + s.opts.Region + ":" + s.opts.Account + ":event-bus/" + name
}

func (s *Service) ruleARN(bus, name string) string {
	if bus == defaultBus {
		return "arn:aws:events:" + s.opts.Region + ":" + s.opts.Account + ":rule/" + name
	}
	return "arn:aws:events:" + s.opts.Region + ":" + s.opts.Account + ":rule/" + bus + "/" + name
}

func sortedBuses(buses map[string]*bus) []*bus {
	var all []*bus
	for _, name := range slices.Sorted(maps.Keys(buses)) {
		all = append(all, buses[name])
	}
	return all
}
