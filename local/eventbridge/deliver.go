package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

// PutEvents accepts events and delivers them. Result i is what became of entry
// i. It returns an error of kind [*gateway.Error] (ValidationException) when the
// call as a whole is refused: no entries, more than 10, or 1 MiB and more.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (s *Service) PutEvents(ctx context.Context, entries []Entry) ([]Result, error) {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return nil, ErrClosed
	}
	if n := len(entries); n < 1 || n > maxEntries {
		constraint := "Member must have length less than or equal to 10"
		if n < 1 {
			constraint = "Member must have length greater than or equal to 1"
		}
		return nil, invalid("1 validation error detected: Value at 'entries' with %d elements failed to satisfy constraint: %s", n, constraint)
	}
	size := 0
	for i := range entries {
		size += entries[i].size()
	}
	if size >= maxSize {
		return nil, invalid("Total size of the entries in the request is over the limit: %d bytes, and it must be less than %d.", size, maxSize)
	}
	buses := *s.buses.Load()
	var err error
	results := make([]Result, len(entries))
	var due []delivery
	for i := range entries {
		e := &entries[i]
		if failure := e.check(); failure != nil {
			results[i] = *failure
			continue
		}
		id := s.opts.NewID()
		b := buses[nameOf(e.EventBusName)]
		if b == nil {
			s.opts.Logger.Warn("an event was put on a bus that does not exist: accepted and dropped, as AWS does", "bus", e.EventBusName, "source", e.Source, "detail_type", e.DetailType, "event_bridge_id", id)
		} else if due, err = s.match(due, b, e, id); err != nil {
			return nil, err
		}
		results[i].EventID = id
	}
	s.deliver(ctx, due)
	return results, nil
}

func invalid(format string, args ...any) error {
	return &gateway.Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

// match appends the deliveries of one event: to the targets of all rules that it
// satisfies.
func (s *Service) match(due []delivery, b *bus, e *Entry, id string) ([]delivery, error) {
	event := s.event(e, id)
	var buf [16]int
	matched, err := b.set.Match(event, buf[:0])
	if err != nil {
		return nil, fmt.Errorf("matching an event against the rules of bus %s: %w", b.Name, err)
	}
	body := string(event)
	for _, i := range matched {
		r := b.enabled[i]
		for j := range r.Targets {
			due = append(due, delivery{rule: r, target: &r.Targets[j], body: body, trace: e.TraceHeader, id: id, since: s.opts.Now()})
		}
	}
	return due, nil
}

// delivery is one event on its way to one target.
type delivery struct {
	rule   *rule
	target *TargetConfig
	body   string
	trace  string
	id     string
	since  time.Time
}

// The values of ERROR_CODE that are in use here.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
const (
	codeNoPermissions    = "NO_PERMISSIONS"
	codeNoResource       = "NO_RESOURCE"
	codeInvalidParameter = "INVALID_PARAMETER"
	codeFromTarget       = "ERROR_FROM_TARGET"
)

// refusal is why a target did not take an event.
type refusal struct {
	code  string
	err   error
	retry bool // it may help to try again
}

// deliver makes the first attempts, and leaves the others to the background.
// What is sent is sent at once: storing twenty messages takes hardly longer than
// storing one.
func (s *Service) deliver(ctx context.Context, due []delivery) {
	refusals := make([]*refusal, len(due))
	parcels := make([]sqs.Parcel, 0, len(due))
	sent := make([]int, 0, len(due)) // the index in due of each parcel
	for i, d := range due {
		if refusals[i] = s.allowed(d, d.target.ARN); refusals[i] == nil {
			parcels, sent = append(parcels, d.parcel()), append(sent, i)
		}
	}
	for i, err := range s.opts.Queues.SendAll(ctx, parcels) {
		refusals[sent[i]] = classify(err)
	}
	for i, d := range due {
		switch r := refusals[i]; {
		case r == nil:
		case !r.retry:
			s.bury(ctx, d, r, 0, "")
		case !s.later(d, r):
			s.lost(d, r, 0, "the runtime is stopping")
		}
	}
}

// attempt sends the event to the target, nil when it was stored.
func (s *Service) attempt(ctx context.Context, d delivery) *refusal {
	if r := s.allowed(d, d.target.ARN); r != nil {
		return r
	}
	return classify(s.opts.Queues.SendAll(ctx, []sqs.Parcel{d.parcel()})[0])
}

// parcel is what the target gets.
func (d *delivery) parcel() sqs.Parcel {
	return sqs.Parcel{QueueARN: d.target.ARN, Outgoing: sqs.Outgoing{Body: d.body, SenderID: servicePrincipal, TraceHeader: d.trace, GroupID: d.target.MessageGroupID}}
}

func classify(err error) *refusal {
	var e *gateway.Error
	switch {
	case err == nil:
		return nil
	case sqs.IsQueueDoesNotExist(err):
		return &refusal{code: codeNoResource, err: err}
	case errors.As(err, &e) && e.Status < http.StatusInternalServerError:
		return &refusal{code: codeInvalidParameter, err: err}
	}
	return &refusal{code: codeFromTarget, err: err, retry: true}
}

const servicePrincipal = "events.amazonaws.com"

// allowed asks the queue's policy whether the rule may send to it.
func (s *Service) allowed(d delivery, queueARN string) *refusal {
	if !s.opts.Queues.Exists(queueARN) {
		return &refusal{code: codeNoResource, err: fmt.Errorf("queue %s does not exist", queueARN)}
	}
	policy := s.opts.Queues.ResourcePolicy(queueARN)
	if policy == nil {
		return &refusal{code: codeNoPermissions, err: fmt.Errorf("queue %s has no policy that allows %s to send", queueARN, servicePrincipal)}
	}
	need := iam.Need{Action: "sqs:SendMessage", Resource: queueARN, Context: map[string][]string{
		"aws:SourceArn": {d.rule.ARN}, "aws:SourceAccount": {s.opts.Account}, "aws:SecureTransport": {"true"},
	}}
	if decision := policy.DecideFor(iam.Principal{Service: servicePrincipal}, need); !decision.Allowed() {
		return &refusal{code: codeNoPermissions, err: fmt.Errorf("the policy of queue %s does not allow %s to send for rule %s: %s", queueARN, servicePrincipal, d.rule.ARN, decision.Explain())}
	}
	return nil
}

// bury puts the event into the target's dead-letter queue.
func (s *Service) bury(ctx context.Context, d delivery, r *refusal, attempts int, exhausted string) {
	if d.target.DeadLetterARN == "" {
		s.lost(d, r, attempts, "the target has no dead-letter queue")
		return
	}
	text := func(v string) sqs.Attribute { return sqs.Attribute{DataType: "String", StringValue: v} }
	attributes := map[string]sqs.Attribute{
		"RULE_ARN": text(d.rule.ARN), "TARGET_ARN": text(d.target.ARN), "ERROR_CODE": text(r.code), "ERROR_MESSAGE": text(r.err.Error()),
		"RETRY_ATTEMPTS": {DataType: "Number", StringValue: strconv.Itoa(attempts)},
	}
	if exhausted != "" {
		attributes["EXHAUSTED_RETRY_CONDITION"] = text(exhausted)
	}
	if refused := s.allowed(d, d.target.DeadLetterARN); refused != nil {
		s.lost(d, r, attempts, "its dead-letter queue refused it: "+refused.err.Error())
		return
	}
	dead := sqs.Parcel{QueueARN: d.target.DeadLetterARN, Outgoing: sqs.Outgoing{Body: d.body, Attributes: attributes, SenderID: servicePrincipal, TraceHeader: d.trace}}
	if err := s.opts.Queues.SendAll(ctx, []sqs.Parcel{dead})[0]; err != nil {
		s.lost(d, r, attempts, "its dead-letter queue failed: "+err.Error())
		return
	}
	s.opts.Logger.Error("an event could not be delivered and went to the target's dead-letter queue", s.fields(d, r, attempts)...)
}

func (s *Service) lost(d delivery, r *refusal, attempts int, why string) {
	s.opts.Logger.Error("an event could not be delivered and is lost: "+why, s.fields(d, r, attempts)...)
}

func (s *Service) fields(d delivery, r *refusal, attempts int) []any {
	return []any{"rule", d.rule.ARN, "target", d.target.ARN, "dead_letter_queue", d.target.DeadLetterARN, "event_bridge_id", d.id,
		"error_code", r.code, "error", r.err, "retry_attempts", attempts}
}
