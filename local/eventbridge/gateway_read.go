package eventbridge

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
)

// The answers have the names of AWS's API model.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_Operations.html

type wireBus struct{ Name, Arn string }

type wireRule struct {
	Name, Arn, EventBusName, State string
	EventPattern                   string `json:",omitempty"`
	Description                    string `json:",omitempty"`
}

type wireTarget struct {
	Id, Arn          string
	DeadLetterConfig *wireDeadLetter `json:",omitempty"`
	RetryPolicy      wireRetry
	SqsParameters    *wireSQS `json:",omitempty"`
}

type wireDeadLetter struct{ Arn string }
type wireRetry struct{ MaximumRetryAttempts, MaximumEventAgeInSeconds int }
type wireSQS struct{ MessageGroupId string }

func missing(format string, args ...string) error {
	return &gateway.Error{Code: "ResourceNotFoundException", Message: format + strings.Join(args, "") + " does not exist."}
}

func (s *Service) bus(name string) (*bus, error) {
	b := (*s.buses.Load())[nameOf(name)]
	if b == nil {
		return nil, missing("Event bus ", nameOf(name))
	}
	return b, nil
}

func (s *Service) rule(bus, name string) (*rule, error) {
	b, err := s.bus(bus)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(b.rules, func(r *rule) bool { return r.Name == name })
	if i < 0 {
		return nil, missing("Rule ", name, " on event bus ", b.Name)
	}
	return b.rules[i], nil
}

func (s *Service) describeEventBus(in request) (any, error) {
	b, err := s.bus(in.Name)
	if err != nil {
		return nil, err
	}
	return wireBus{b.Name, b.ARN}, nil
}

func (s *Service) listEventBuses(in request) (any, error) {
	var all []wireBus
	for _, b := range sortedBuses(*s.buses.Load()) {
		if strings.HasPrefix(b.Name, in.NamePrefix) {
			all = append(all, wireBus{b.Name, b.ARN})
		}
	}
	page, next, err := paginate(all, in)
	return struct {
		EventBuses []wireBus
		NextToken  string `json:",omitempty"`
	}{page, next}, err
}

func (r *rule) wire() wireRule {
	state := "ENABLED"
	if r.Disabled {
		state = "DISABLED"
	}
	return wireRule{r.Name, r.ARN, r.EventBusName, state, r.pattern.String(), r.Description}
}

func (s *Service) describeRule(in request) (any, error) {
	r, err := s.rule(in.EventBusName, in.Name)
	if err != nil {
		return nil, err
	}
	return r.wire(), nil
}

func (s *Service) listRules(in request) (any, error) {
	b, err := s.bus(in.EventBusName)
	if err != nil {
		return nil, err
	}
	var all []wireRule
	for _, r := range b.rules {
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

func (s *Service) listTargets(in request) (any, error) {
	r, err := s.rule(in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	var all []wireTarget
	for _, t := range r.Targets {
		w := wireTarget{Id: t.ID, Arn: t.ARN, RetryPolicy: wireRetry{t.Retry.MaximumRetryAttempts, int(t.Retry.MaximumEventAge.Seconds())}}
		if t.DeadLetterARN != "" {
			w.DeadLetterConfig = &wireDeadLetter{t.DeadLetterARN}
		}
		if t.MessageGroupID != "" {
			w.SqsParameters = &wireSQS{t.MessageGroupID}
		}
		all = append(all, w)
	}
	page, next, err := paginate(all, in)
	return struct {
		Targets   []wireTarget
		NextToken string `json:",omitempty"`
	}{page, next}, err
}

// paginate cuts the page out of all. A token is the place where the next begins.
func paginate[T any](all []T, in request) (page []T, next string, err error) {
	limit, start := 100, 0
	if in.Limit != nil {
		limit = *in.Limit
	}
	if in.NextToken != "" {
		start, err = strconv.Atoi(in.NextToken)
	}
	if err != nil || limit < 1 || limit > 100 || start < 0 || start > len(all) {
		return nil, "", invalid("Limit or NextToken is not valid: a limit is 1 to 100, a token comes from the answer before.")
	}
	end := min(start+limit, len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return append([]T{}, all[start:end]...), next, nil
}
