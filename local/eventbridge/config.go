package eventbridge

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/schedule"
)

// Config is what an assembly asks for: everything that [Service.Apply] serves.
type Config struct {
	Buses    []BusConfig     // the bus "default" is always there
	Rules    []RuleConfig    // of these buses
	Archives []ArchiveConfig // of these buses
}

// BusConfig is an event bus.
type BusConfig struct {
	Name        string // as in its ARN
	ARN         string // empty means the one that follows from the name
	Description string // shown by DescribeEventBus
	// Policy is the bus's resource policy as JSON; empty for none.
	Policy string            `json:",omitempty"`
	Tags   map[string]string `json:",omitempty"` // shown by ListTagsForResource
	// DeadLetterARN, KmsKeyIdentifier and LogConfig are kept and shown, without effect
	// here: nothing is encrypted, and no log is kept.
	DeadLetterARN    string     `json:",omitempty"`
	KmsKeyIdentifier string     `json:",omitempty"`
	LogConfig        *LogConfig `json:",omitempty"`
}

// LogConfig is what CreateEventBus takes about logs: Level and IncludeDetail. It has no
// effect here.
type LogConfig struct{ IncludeDetail, Level string }

// RuleConfig is a rule of a bus. It has a pattern, or a schedule, or both.
type RuleConfig struct {
	Name               string            // no two of one bus
	ARN                string            // empty means the one that follows from the names
	EventBusName       string            // or ARN; empty means default
	Description        string            // shown by DescribeRule
	EventPattern       []byte            // JSON; empty for none
	ScheduleExpression string            // rate(…) or cron(…), on the default bus only; empty for none
	RoleARN            string            // kept and shown; targets have roles of their own
	Disabled           bool              // it sends nothing
	Targets            []TargetConfig    // at most 5
	Tags               map[string]string `json:",omitempty"` // shown by ListTagsForResource
}

// TargetConfig is where a rule sends events: an SQS queue, a Lambda function or
// an event bus of this account. Of Input, InputPath and Transformer at most one is
// set; with none the target gets the whole event.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Target.html
type TargetConfig struct {
	ID             string            // no two of one rule
	ARN            string            // of the queue, function or bus
	RoleARN        string            // whose permissions are used; required for an event bus
	Input          string            // JSON that the target gets in place of every event
	InputPath      string            // JSON path of the part of the event that it gets
	Transformer    *InputTransformer // makes what it gets from parts of the event
	DeadLetterARN  string            // of a standard SQS queue; empty for none
	Retry          *RetryPolicy      // nil means DefaultRetry
	MessageGroupID string            // required for a FIFO queue; makes a standard one a fair queue
}

// InputTransformer makes a text of parts of an event.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
type InputTransformer struct {
	Paths    map[string]string // JSON paths by variable, at most 100
	Template string            // up to 8,192 characters, with <variable> where values go
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

// ArchiveConfig is an archive of a bus's events.
type ArchiveConfig struct {
	Name             string // 1 to 48 letters, digits and . - _
	EventSourceARN   string // of the bus
	Description      string // shown by DescribeArchive
	EventPattern     []byte // JSON; empty for every event
	RetentionDays    int    // 0 means for ever
	KmsKeyIdentifier string `json:",omitempty"` // kept and shown; nothing is encrypted here
}

// ErrConfig is the kind of every error of [Service.Apply].
var ErrConfig = errors.New("event bus configuration is not valid")

// AWS's limits.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const (
	maxBuses     = 100
	maxTargets   = 5
	maxRules     = 300
	maxPattern   = 2048
	maxWildcards = 30 // rules with a wildcard operator, of a bus
	maxPolicy    = 10240
	defaultBus   = "default"
)

var (
	busName     = regexp.MustCompile(`^[A-Za-z0-9._/-]{1,256}$`)
	ruleName    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	archiveName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,48}$`)
)

// compileRule fills in what is empty, and reports all that is wrong.
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
	r := &rule{RuleConfig: c}
	switch {
	case len(c.EventPattern) > 0:
		var err error
		if r.pattern, err = pattern.Compile(c.EventPattern); err != nil {
			errs = append(errs, err)
		}
		if n := patternSize(c.EventPattern); n > maxPattern {
			wrong("the event pattern has %d characters: AWS allows %d", n, maxPattern)
		}
	case c.ScheduleExpression == "":
		wrong("it has neither an event pattern nor a schedule")
	}
	if c.ScheduleExpression != "" {
		if _, err := schedule.Parse(c.ScheduleExpression); err != nil {
			errs = append(errs, err)
		}
		if c.EventBusName != defaultBus {
			wrong("a schedule is supported only on the default event bus")
		}
	}
	if len(c.Targets) > maxTargets {
		wrong("it has %d targets: AWS allows %d", len(c.Targets), maxTargets)
	}
	ids := map[string]bool{}
	for _, t := range c.Targets {
		if ids[t.ID] {
			wrong("target %q is configured twice", t.ID)
		}
		ids[t.ID] = true
		compiled, err := s.compileTarget(t)
		if err != nil {
			wrong("target %q: %w", t.ID, err)
			continue
		}
		r.targets = append(r.targets, compiled)
	}
	r.RuleConfig.Targets = slices.Clone(c.Targets)
	return r, errors.Join(errs...)
}

// compileBus makes a bus without rules.
func (s *Service) compileBus(c BusConfig) (*bus, error) {
	if c.ARN == "" {
		c.ARN = s.busARN(c.Name)
	}
	b := &bus{BusConfig: c, rules: map[string]*rule{}}
	if !busName.MatchString(c.Name) {
		return nil, errors.New("allowed are 1 to 256 letters, digits and . - _ /")
	}
	if len(c.Policy) > maxPolicy {
		return nil, fmt.Errorf("its policy has %d characters: AWS allows %d", len(c.Policy), maxPolicy)
	}
	b.policy = s.judged(b)
	return b, nil
}

// judged is the bus's policy as IAM decides by it. A policy that uses what package
// iam does not know is kept and not judged, and the log says so.
func (s *Service) judged(b *bus) *iam.Document {
	if b.Policy == "" {
		return nil
	}
	d, err := iam.ParseResource([]byte(b.Policy))
	if err != nil {
		s.opts.Logger.Warn("the policy of an event bus is kept, and not judged here", "bus", b.Name, "error", err.Error())
		return nil
	}
	d.Name = "policy of event bus " + b.Name
	return &d
}

func (s *Service) compileArchive(c ArchiveConfig) (*archive, error) {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !archiveName.MatchString(c.Name) {
		wrong("the name is not allowed: 1 to 48 letters, digits and . - _ are")
	}
	if c.RetentionDays < 0 {
		wrong("RetentionDays is %d: 0 (for ever) or more is allowed", c.RetentionDays)
	}
	a := &archive{ArchiveConfig: c, bus: nameOf(c.EventSourceARN), contents: &contents{}}
	if len(c.EventPattern) > 0 {
		p, err := pattern.Compile(c.EventPattern)
		if err != nil {
			errs = append(errs, err)
		} else {
			a.pattern = pattern.NewSet(p)
		}
	}
	return a, errors.Join(errs...)
}

// patternSize is what counts towards the limit: the pattern without white space
// outside of texts.
func patternSize(p []byte) int {
	n, text := 0, false
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case text && c == '\\':
			n++
			i++
		case c == '"':
			text = !text
		case !text && (c == ' ' || c == '\n' || c == '\t' || c == '\r'):
			continue
		}
		n++
	}
	return n
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

// mine reports whether a name, or the ARN of a bus, is of this account and region.
func (s *Service) mine(nameOrARN string) bool {
	return !strings.HasPrefix(nameOrARN, "arn:") || nameOrARN == s.busARN(nameOf(nameOrARN))
}

func (s *Service) arn(resource string) string {
	return "arn:aws:events:" + s.opts.Region + ":" + s.opts.Account + ":" + resource
}

func (s *Service) busARN(name string) string { return s.arn("event-bus/" + name) }

func (s *Service) ruleARN(bus, name string) string {
	if bus == defaultBus {
		return s.arn("rule/" + name)
	}
	return s.arn("rule/" + bus + "/" + name)
}

func (s *Service) archiveARN(name string) string { return s.arn("archive/" + name) }
func (s *Service) replayARN(name string) string  { return s.arn("replay/" + name) }
