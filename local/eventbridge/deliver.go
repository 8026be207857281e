package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

// delivery is one event on its way to one target.
type delivery struct {
	ruleARN, ruleName string
	target            *target
	event             string
	trace             string
	id                string
	at                time.Time // the event's own time
	received          time.Time // by EventBridge
	since             time.Time // of the first attempt
	hops              int
	entry             int
	dead              *death // it is on its way to the dead-letter queue
	number            uint64 // of the record on the disk; 0 for none
}

// death is why an event goes to the dead-letter queue.
type death struct {
	refusal   refusal
	attempts  int
	exhausted string
}

// The values of ERROR_CODE that are in use here.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html#eb-rule-dlq
const (
	codeNoPermissions    = "NO_PERMISSIONS"
	codeNoResource       = "NO_RESOURCE"
	codeInvalidParameter = "INVALID_PARAMETER"
	codeInvalidJSON      = "INVALID_JSON"
	codeFromTarget       = "ERROR_FROM_TARGET"
	codeThrottling       = "THROTTLING"
	codeThirdHop         = "THIRD_ACCOUNT_HOP_DETECTED"
)

// refusal is why a target did not take an event.
type refusal struct {
	code  string
	err   error
	retry bool // it may help to try again
}

// deliver makes the first attempts, and leaves the others to the background.
// Queues are sent to at once: storing twenty messages takes hardly longer than
// storing one. errs[i] is why in.due[i] could not be kept for another attempt.
func (s *Service) deliver(ctx context.Context, in *intake) (errs []error) {
	due := in.due
	refusals := make([]*refusal, len(due))
	parcels := make([]sqs.Parcel, 0, len(due))
	sent := make([]int, 0, len(due)) // the index in due of each parcel
	for i := range due {
		d := &due[i]
		if d.target.service != "sqs" {
			refusals[i] = s.attempt(ctx, d)
			continue
		}
		var p sqs.Parcel
		if p, refusals[i] = s.parcel(d); refusals[i] == nil {
			parcels, sent = append(parcels, p), append(sent, i)
		}
	}
	if len(parcels) > 0 {
		for i, err := range s.opts.Queues.SendAll(ctx, parcels) {
			refusals[sent[i]] = classify(err)
		}
	}
	for i, r := range refusals {
		if r == nil {
			continue
		}
		if errs == nil {
			errs = make([]error, len(due))
		}
		errs[i] = s.refused(ctx, due[i], r)
	}
	return errs
}

// refused sees to a delivery whose first attempt failed. The error is why it could
// not be kept for the next.
func (s *Service) refused(ctx context.Context, d delivery, r *refusal) error {
	if !r.retry {
		d.dead = &death{refusal: *r}
		if r = s.bury(ctx, &d); r == nil {
			return nil
		}
	}
	return s.later(d, r)
}

// attempt hands the event to the target, nil when the target has it.
func (s *Service) attempt(ctx context.Context, d *delivery) *refusal {
	switch d.target.service {
	case "lambda":
		return s.call(ctx, d)
	case "events":
		return s.forward(ctx, d)
	}
	p, r := s.parcel(d)
	if r != nil {
		return r
	}
	return classify(s.opts.Queues.SendAll(ctx, []sqs.Parcel{p})[0])
}

// payload is what the target gets.
func (s *Service) payload(d *delivery) (string, *refusal) {
	if d.target.input == nil {
		return d.event, nil
	}
	text, err := d.target.input.apply(occurrence{event: d.event, ruleARN: d.ruleARN, ruleName: d.ruleName, received: d.received})
	if err != nil {
		return "", &refusal{code: codeInvalidJSON, err: err}
	}
	return text, nil
}

// parcel is what a queue gets, if it may.
func (s *Service) parcel(d *delivery) (sqs.Parcel, *refusal) {
	if r := s.allowed(d, d.target.ARN); r != nil {
		return sqs.Parcel{}, r
	}
	body, r := s.payload(d)
	if r != nil {
		return sqs.Parcel{}, r
	}
	return sqs.Parcel{QueueARN: d.target.ARN, Outgoing: sqs.Outgoing{Body: body, SenderID: servicePrincipal, TraceHeader: d.trace, GroupID: d.target.MessageGroupID}}, nil
}

// classify says what an error of a target means for the event: what is the
// request's fault will not pass, anything else may.
//
// https://repost.aws/knowledge-center/eventbridge-resolve-failedinvocation-errors
func classify(err error) *refusal {
	var e *gateway.Error
	switch {
	case err == nil:
		return nil
	case sqs.IsQueueDoesNotExist(err):
		return &refusal{code: codeNoResource, err: err}
	case errors.As(err, &e) && e.Code == "ResourceNotFoundException":
		return &refusal{code: codeNoResource, err: err}
	case errors.As(err, &e) && (e.Status == http.StatusTooManyRequests || strings.Contains(e.Code, "Throttl")):
		return &refusal{code: codeThrottling, err: err, retry: true}
	case errors.As(err, &e) && e.Status < http.StatusInternalServerError:
		return &refusal{code: codeInvalidParameter, err: err}
	}
	return &refusal{code: codeFromTarget, err: err, retry: true}
}

const servicePrincipal = "events.amazonaws.com"

// source is what a resource's policy may ask of a rule that reaches for it.
func (s *Service) source(ruleARN string) map[string][]string {
	return map[string][]string{"aws:SourceArn": {ruleARN}, "aws:SourceAccount": {s.opts.Account}, "aws:SecureTransport": {"true"}}
}

// permitted asks a resource's policy whether the rule may do an action.
func (s *Service) permitted(policy *iam.Document, action, resource, ruleARN string) *refusal {
	if policy == nil {
		return &refusal{code: codeNoPermissions, err: fmt.Errorf("%s has no policy that allows %s to call %s", resource, servicePrincipal, action)}
	}
	need := iam.Need{Action: action, Resource: resource, Context: s.source(ruleARN)}
	if decision := policy.DecideFor(iam.Principal{Service: servicePrincipal}, need); !decision.Allowed() {
		return &refusal{code: codeNoPermissions, err: fmt.Errorf("the policy of %s does not allow %s to call %s for rule %s: %s", resource, servicePrincipal, action, ruleARN, decision.Explain())}
	}
	return nil
}

// allowed asks the queue's policy whether the rule may send to it.
func (s *Service) allowed(d *delivery, queueARN string) *refusal {
	if !s.opts.Queues.Exists(queueARN) {
		return &refusal{code: codeNoResource, err: fmt.Errorf("queue %s does not exist", queueARN)}
	}
	return s.permitted(s.opts.Queues.ResourcePolicy(queueARN), "sqs:SendMessage", queueARN, d.ruleARN)
}

// call leaves the event with a function.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-lambda-permissions
func (s *Service) call(ctx context.Context, d *delivery) *refusal {
	if f, ok := s.opts.Functions.(interface{ Exists(functionARN string) bool }); ok && !f.Exists(d.target.ARN) {
		return &refusal{code: codeNoResource, err: fmt.Errorf("function %s does not exist", d.target.ARN)}
	}
	if r := s.permitted(s.opts.Functions.ResourcePolicy(d.target.ARN), "lambda:InvokeFunction", d.target.ARN, d.ruleARN); r != nil {
		return r
	}
	payload, r := s.payload(d)
	if r != nil {
		return r
	}
	_, err := s.opts.Functions.InvokeAsync(ctx, d.target.ARN, []byte(payload))
	return classify(err)
}

// forward puts the event on another bus, as it is. From there it goes to no third
// bus: EventBridge does not route it.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html
func (s *Service) forward(ctx context.Context, d *delivery) *refusal {
	if d.hops > 0 {
		return &refusal{code: codeThirdHop, err: fmt.Errorf("the event came from another event bus already, and does not go to a third one, %s", d.target.ARN)}
	}
	st := s.state.Load()
	b := st.buses[nameOf(d.target.ARN)]
	if b == nil {
		return &refusal{code: codeNoResource, err: fmt.Errorf("event bus %s does not exist", d.target.ARN)}
	}
	if r := s.mayForward(d, b); r != nil {
		return r
	}
	body, r := s.payload(d)
	if r != nil {
		return r
	}
	in := intake{state: st}
	err := s.match(&in, b, arrival{event: []byte(body), id: d.id, trace: d.trace, at: d.at, received: s.opts.Now(), hops: d.hops + 1})
	if err != nil {
		return &refusal{code: codeInvalidJSON, err: err}
	}
	for _, err := range s.take(ctx, &in) {
		return &refusal{code: codeFromTarget, err: err, retry: true}
	}
	return nil
}

// mayForward judges the target's role as far as it is known, and the bus's policy,
// which may deny.
func (s *Service) mayForward(d *delivery, b *bus) *refusal {
	need := iam.Need{Action: "events:PutEvents", Resource: b.ARN, Context: s.source(d.ruleARN)}
	var policies iam.Policies
	known := false
	if s.opts.RolePolicies != nil {
		policies, known = s.opts.RolePolicies(d.target.RoleARN)
	}
	decision := iam.Evaluate(policies, b.policy, iam.Principal{RoleARN: d.target.RoleARN, Account: s.opts.Account}, need)
	if decision.Allowed() || !known && decision.Outcome != iam.ExplicitDeny {
		return nil
	}
	return &refusal{code: codeNoPermissions, err: fmt.Errorf("role %s may not put events on event bus %s: %s", d.target.RoleARN, b.ARN, decision.Explain())}
}

// bury puts the event, as it was before any transformation, into the target's
// dead-letter queue. It returns a refusal when another attempt may help.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html#eb-rule-dlq
func (s *Service) bury(ctx context.Context, d *delivery) *refusal {
	queue := d.target.DeadLetterARN
	if queue == "" {
		s.lost(d, &d.dead.refusal, d.dead.attempts, "the target has no dead-letter queue")
		return nil
	}
	if r := s.allowed(d, queue); r != nil {
		s.lost(d, &d.dead.refusal, d.dead.attempts, "its dead-letter queue refused it: "+r.err.Error())
		return nil
	}
	text := func(v string) sqs.Attribute { return sqs.Attribute{DataType: "String", StringValue: v} }
	attributes := map[string]sqs.Attribute{
		"RULE_ARN": text(d.ruleARN), "TARGET_ARN": text(d.target.ARN), "ERROR_CODE": text(d.dead.refusal.code), "ERROR_MESSAGE": text(d.dead.refusal.err.Error()),
		"RETRY_ATTEMPTS": {DataType: "Number", StringValue: strconv.Itoa(d.dead.attempts)},
	}
	if d.dead.exhausted != "" {
		attributes["EXHAUSTED_RETRY_CONDITION"] = text(d.dead.exhausted)
	}
	parcel := sqs.Parcel{QueueARN: queue, Outgoing: sqs.Outgoing{Body: d.event, Attributes: attributes, SenderID: servicePrincipal, TraceHeader: d.trace}}
	r := classify(s.opts.Queues.SendAll(ctx, []sqs.Parcel{parcel})[0])
	switch {
	case r == nil:
		s.opts.Logger.Error("an event could not be delivered and went to the target's dead-letter queue", s.fields(d, &d.dead.refusal, d.dead.attempts)...)
	case !r.retry:
		s.lost(d, &d.dead.refusal, d.dead.attempts, "its dead-letter queue refused it: "+r.err.Error())
		return nil
	}
	return r
}

func (s *Service) lost(d *delivery, r *refusal, attempts int, why string) {
	s.opts.Logger.Error("an event could not be delivered and is lost: "+why, s.fields(d, r, attempts)...)
}

func (s *Service) fields(d *delivery, r *refusal, attempts int) []any {
	return []any{"rule", d.ruleARN, "target", d.target.ARN, "dead_letter_queue", d.target.DeadLetterARN, "event_bridge_id", d.id,
		"error_code", r.code, "error", r.err, "retry_attempts", attempts}
}
