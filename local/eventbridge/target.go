package eventbridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// target is a target that was checked, with what it needs at delivery.
type target struct {
	TargetConfig
	service string    // of its ARN: "sqs", "lambda", "events"
	input   transform // nil when it gets the whole event
}

// retry is the target's policy, or the default.
func (t *target) retry() RetryPolicy {
	if t.Retry == nil {
		return DefaultRetry()
	}
	return *t.Retry
}

// badARN is a failure of one entry of PutTargets. Others refuse the whole call.
type badARN struct{ reason string }

func (e *badARN) Error() string { return e.reason }

var targetID = regexp.MustCompile(`^[.\-_A-Za-z0-9]+$`)

// compileTarget checks a target. Its errors have EventBridge's texts where those
// are known.
func (s *Service) compileTarget(c TargetConfig) (*target, error) {
	if !targetID.MatchString(c.ID) || len(c.ID) > 64 {
		return nil, errors.New("the id is not allowed: 1 to 64 letters, digits and . - _ are")
	}
	t := &target{TargetConfig: c}
	var err error
	if t.service, err = s.targetService(c.ARN); err != nil {
		return nil, err
	}
	if err := s.checkKind(t); err != nil {
		return nil, err
	}
	if c.DeadLetterARN != "" {
		if err := checkDeadLetter(c.DeadLetterARN, s.opts.Region); err != nil {
			return nil, err
		}
	}
	if c.Retry != nil {
		if n := c.Retry.MaximumRetryAttempts; n < 0 || n > 185 {
			return nil, fmt.Errorf("MaximumRetryAttempts is %d: 0 to 185 is allowed", n)
		}
		if d := c.Retry.MaximumEventAge; d < time.Minute || d > 24*time.Hour {
			return nil, fmt.Errorf("MaximumEventAge is %s: 1m to 24h is allowed", d)
		}
	}
	t.input, err = compileInput(&c)
	return t, err
}

// targetService finds the service that an ARN is of, of those that are served.
func (s *Service) targetService(arn string) (string, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] == "" || parts[5] == "" {
		return "", &badARN{"Parameter " + arn + " is not valid. Reason: Provided Arn is not in correct format."}
	}
	service, resource := parts[2], parts[5]
	served := []string{"SQS queues", "event buses"}
	if s.opts.Functions != nil {
		served = append(served, "Lambda functions")
	}
	ok := service == "sqs" || service == "events" && strings.HasPrefix(resource, "event-bus/") ||
		service == "lambda" && s.opts.Functions != nil && strings.HasPrefix(resource, "function:")
	if !ok {
		return "", &badARN{fmt.Sprintf("Parameter %s is not valid. Reason: targets of type %s are not served by the local runtime: %s are.", arn, service, strings.Join(served, ", "))}
	}
	if parts[3] != s.opts.Region || parts[4] != s.opts.Account {
		return "", &badARN{fmt.Sprintf("Parameter %s is not valid. Reason: the local runtime has account %s in region %s only.", arn, s.opts.Account, s.opts.Region)}
	}
	return service, nil
}

// checkKind asks for what a kind of target must have.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
func (s *Service) checkKind(t *target) error {
	switch {
	case t.service == "sqs" && strings.HasSuffix(t.ARN, ".fifo") && t.MessageGroupID == "":
		return invalid("Parameter(s) SqsParameters must be specified for target: %s.", t.ID)
	case t.service == "events" && t.RoleARN == "":
		return invalid("RoleArn is required for target %s.", t.ARN)
	case len(t.MessageGroupID) > 100:
		return fmt.Errorf("MessageGroupId has %d characters: 1 to 100 are allowed", len(t.MessageGroupID))
	}
	return nil
}

// checkDeadLetter: a standard queue of the same region.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html#eb-rule-dlq
func checkDeadLetter(arn, region string) error {
	parts := strings.Split(arn, ":")
	switch {
	case len(parts) != 6 || parts[0] != "arn":
		return fmt.Errorf("dead-letter queue: %q is not the ARN of an SQS queue", arn)
	case parts[2] != "sqs":
		return fmt.Errorf("dead-letter queue: %s is not supported as a dead letter resource", parts[2])
	case strings.HasSuffix(parts[5], ".fifo"):
		return errors.New("dead-letter queue: SQS FIFO is not supported by Dead Letter Queues")
	case parts[3] != region:
		return fmt.Errorf("dead-letter queue: it is in region %s, and must be in the rule's, which is %s", parts[3], region)
	}
	return nil
}

// compileInput reads what the target gets.
func compileInput(c *TargetConfig) (transform, error) {
	set := 0
	for _, has := range []bool{c.Input != "", c.InputPath != "", c.Transformer != nil} {
		if has {
			set++
		}
	}
	switch {
	case set > 1:
		return nil, invalid("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", c.ID)
	case c.Input != "":
		if len(c.Input) > maxInput {
			return nil, fmt.Errorf("input for target %s has %d characters: AWS allows %d", c.ID, len(c.Input), maxInput)
		}
		if !json.Valid([]byte(c.Input)) {
			return nil, invalid("JSON syntax error in input for target %s.", c.ID)
		}
		return constant(c.Input), nil
	case c.InputPath != "":
		p, err := parsePath(c.InputPath)
		if err != nil {
			return nil, invalid("InputPath for target %s is invalid.", c.ID)
		}
		return p, nil
	case c.Transformer != nil:
		return compileTemplate(c.ID, c.Transformer)
	}
	return nil, nil
}

// Check reports what EventBridge would refuse of a target in an account and a
// region. That the target exists is not looked at.
func (c TargetConfig) Check(account, region string) error {
	s := Service{opts: Options{Account: account, Region: region, Functions: anyFunction{}}}
	_, err := s.compileTarget(c)
	return err
}

// anyFunction stands for functions of which nothing is asked.
type anyFunction struct{ Functions }
