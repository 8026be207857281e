package eventbridge

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

type wireTarget struct {
	Id, Arn          string
	RoleArn          string           `json:",omitempty"`
	Input            string           `json:",omitempty"`
	InputPath        string           `json:",omitempty"`
	InputTransformer *wireTransformer `json:",omitempty"`
	DeadLetterConfig *wireDeadLetter  `json:",omitempty"`
	RetryPolicy      *wireRetry       `json:",omitempty"`
	SqsParameters    *wireSQS         `json:",omitempty"`

	// Parameters of targets that are not served; each is refused where it does not
	// belong, as on AWS.
	AppSyncParameters           json.RawMessage `json:",omitempty"`
	BatchParameters             json.RawMessage `json:",omitempty"`
	EcsParameters               json.RawMessage `json:",omitempty"`
	HttpParameters              json.RawMessage `json:",omitempty"`
	KinesisParameters           json.RawMessage `json:",omitempty"`
	RedshiftDataParameters      json.RawMessage `json:",omitempty"`
	RunCommandParameters        json.RawMessage `json:",omitempty"`
	SageMakerPipelineParameters json.RawMessage `json:",omitempty"`
}

type wireTransformer struct {
	InputPathsMap map[string]string `json:",omitempty"`
	InputTemplate string
}

type wireRetry struct {
	MaximumRetryAttempts     *int `json:",omitempty"`
	MaximumEventAgeInSeconds *int `json:",omitempty"`
}

type wireSQS struct {
	MessageGroupId string `json:",omitempty"`
}

type failedEntry struct{ TargetId, ErrorCode, ErrorMessage string }

type failedEntries struct {
	FailedEntryCount int
	FailedEntries    []failedEntry
}

// config reads a target. What the API model refuses is refused here.
func (w *wireTarget) config(index int) (TargetConfig, error) {
	at := func(name string) string { return fmt.Sprintf("targets.%d.member.%s", index+1, name) }
	c := TargetConfig{ID: w.Id, ARN: w.Arn, RoleARN: w.RoleArn, Input: w.Input, InputPath: w.InputPath}
	switch {
	case w.Id == "":
		return c, required(at("id"))
	case len(w.Id) > 64:
		return c, constraint(w.Id, at("id"), fmt.Sprintf(lengthAtMost, 64))
	case !targetID.MatchString(w.Id):
		return c, constraint(w.Id, at("id"), namePattern)
	case w.Arn == "":
		return c, required(at("arn"))
	case len(w.Input) > maxInput:
		return c, constraint("Input", at("input"), fmt.Sprintf(lengthAtMost, maxInput))
	}
	for name, p := range map[string]json.RawMessage{
		"AppSyncParameters": w.AppSyncParameters, "BatchParameters": w.BatchParameters, "EcsParameters": w.EcsParameters, "HttpParameters": w.HttpParameters,
		"KinesisParameters": w.KinesisParameters, "RedshiftDataParameters": w.RedshiftDataParameters, "RunCommandParameters": w.RunCommandParameters,
		"SageMakerPipelineParameters": w.SageMakerPipelineParameters,
	} {
		if len(p) > 0 && string(p) != "null" {
			return c, invalid("Parameter(s) %s not supported for target: %s.", name, w.Id)
		}
	}
	if t := w.InputTransformer; t != nil {
		c.Transformer = &InputTransformer{Paths: t.InputPathsMap, Template: t.InputTemplate}
	}
	if w.DeadLetterConfig != nil {
		c.DeadLetterARN = w.DeadLetterConfig.Arn
	}
	if w.SqsParameters != nil {
		c.MessageGroupID = w.SqsParameters.MessageGroupId
	}
	return c, w.RetryPolicy.config(&c, at)
}

func (w *wireRetry) config(c *TargetConfig, at func(string) string) error {
	if w == nil || w.MaximumRetryAttempts == nil && w.MaximumEventAgeInSeconds == nil {
		return nil
	}
	p := DefaultRetry()
	if n := w.MaximumRetryAttempts; n != nil {
		if *n < 0 || *n > 185 {
			return constraint(strconv.Itoa(*n), at("retryPolicy.maximumRetryAttempts"), "Member must have value between 0 and 185")
		}
		p.MaximumRetryAttempts = *n
	}
	if n := w.MaximumEventAgeInSeconds; n != nil {
		if *n < 60 || *n > 86400 {
			return constraint(strconv.Itoa(*n), at("retryPolicy.maximumEventAgeInSeconds"), "Member must have value between 60 and 86400")
		}
		p.MaximumEventAge = time.Duration(*n) * time.Second
	}
	c.Retry = &p
	return nil
}

func (t *target) wire() wireTarget {
	w := wireTarget{Id: t.ID, Arn: t.ARN, RoleArn: t.RoleARN, Input: t.Input, InputPath: t.InputPath}
	if t.Transformer != nil {
		w.InputTransformer = &wireTransformer{t.Transformer.Paths, t.Transformer.Template}
	}
	if t.DeadLetterARN != "" {
		w.DeadLetterConfig = &wireDeadLetter{t.DeadLetterARN}
	}
	if t.Retry != nil {
		attempts, age := t.Retry.MaximumRetryAttempts, int(t.Retry.MaximumEventAge.Seconds())
		w.RetryPolicy = &wireRetry{&attempts, &age}
	}
	if t.MessageGroupID != "" {
		w.SqsParameters = &wireSQS{t.MessageGroupID}
	}
	return w
}

// maxTargetEntries is how many targets a call may name.
const maxTargetEntries = 100

// putTargets adds targets, or puts them in the place of those with their ids. One
// whose ARN cannot be a target fails alone; anything else refuses the call.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
func (s *Service) putTargets(in *request) (any, error) {
	if in.Rule == "" {
		return nil, required("rule")
	}
	if n := len(in.Targets); n < 1 || n > maxTargetEntries {
		return nil, invalid("1 validation error detected: Value at 'targets' with %d elements failed to satisfy constraint: Member must have length between 1 and %d", n, maxTargetEntries)
	}
	var targets []*target
	out := failedEntries{FailedEntries: []failedEntry{}}
	seen := map[string]bool{}
	for i, w := range in.Targets {
		c, err := w.config(i)
		if err != nil {
			return nil, err
		}
		if seen[c.ID] {
			return nil, invalid("Parameter targets is not valid. Reason: More than one target with Id '%s' is provided.", c.ID)
		}
		seen[c.ID] = true
		t, err := s.compileTarget(c)
		var bad *badARN
		var refused *gateway.Error
		switch {
		case errors.As(err, &bad):
			out.FailedEntries = append(out.FailedEntries, failedEntry{c.ID, "ValidationException", bad.reason})
			out.FailedEntryCount++
			continue
		case errors.As(err, &refused):
			return nil, refused
		case err != nil:
			return nil, invalid("Target %s is not valid. Reason: %v.", c.ID, err)
		}
		targets = append(targets, t)
	}
	err := s.change(func(d *draft) error {
		b, err := d.edit(in.EventBusName)
		if err != nil {
			return err
		}
		return d.changeRule(b, in.Rule, func(r *rule) error {
			r.targets = slices.Clone(r.targets)
			for _, t := range targets {
				if i := slices.IndexFunc(r.targets, func(o *target) bool { return o.ID == t.ID }); i >= 0 {
					r.targets[i] = t
				} else {
					r.targets = append(r.targets, t)
				}
			}
			if len(r.targets) > maxTargets {
				return limitExceeded()
			}
			r.setTargets()
			return nil
		})
	})
	return out, err
}

// setTargets writes the targets into the rule's configuration.
func (r *rule) setTargets() {
	r.RuleConfig.Targets = nil
	for _, t := range r.targets {
		r.RuleConfig.Targets = append(r.RuleConfig.Targets, t.TargetConfig)
	}
}

// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html
func (s *Service) removeTargets(in *request) (any, error) {
	if in.Rule == "" {
		return nil, required("rule")
	}
	if n := len(in.Ids); n < 1 || n > maxTargetEntries {
		return nil, invalid("1 validation error detected: Value at 'ids' with %d elements failed to satisfy constraint: Member must have length between 1 and %d", n, maxTargetEntries)
	}
	out := failedEntries{FailedEntries: []failedEntry{}}
	err := s.change(func(d *draft) error {
		b, err := d.edit(in.EventBusName)
		if err != nil {
			return err
		}
		return d.changeRule(b, in.Rule, func(r *rule) error {
			r.targets = slices.Clone(r.targets)
			for _, id := range in.Ids {
				before := len(r.targets)
				r.targets = slices.DeleteFunc(r.targets, func(t *target) bool { return t.ID == id })
				if len(r.targets) == before {
					out.FailedEntries = append(out.FailedEntries, failedEntry{id, "ResourceNotFoundException",
						fmt.Sprintf("Rule '%s' does not have a target with the Id '%s'.", in.Rule, id)})
					out.FailedEntryCount++
				}
			}
			r.setTargets()
			return nil
		})
	})
	return out, err
}

func (s *Service) listTargets(in *request) (any, error) {
	r, err := s.findRule(in.EventBusName, in.Rule)
	if err != nil {
		return nil, err
	}
	var all []wireTarget
	for _, t := range r.targets {
		all = append(all, t.wire())
	}
	page, next, err := paginate(all, in)
	return struct {
		Targets   []wireTarget
		NextToken string `json:",omitempty"`
	}{page, next}, err
}
