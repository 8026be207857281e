package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// maxErrorMessage is how much of an error a dead-letter queue's attribute holds.
const maxErrorMessage = 1024

// destinationOf is where a condition's record goes, "" for nowhere.
func (d *definition) destinationOf(condition string) string {
	switch a := d.Config.Async; {
	case a == nil:
		return ""
	case condition == conditionSuccess:
		return a.OnSuccessARN
	default:
		return a.OnFailureARN
	}
}

// tells reports whether somebody is to be told of the end of an event.
func (d *definition) tells(e *asyncEvent) bool {
	return d.destinationOf(e.Condition) != "" || e.Condition != conditionSuccess && d.Config.DeadLetterARN != ""
}

// tell sends the record of an event that is over to its destination, and the event
// to the dead-letter queue. What they refuse is lost with a line in the log, as on
// AWS, where it is a metric (DestinationDeliveryFailures, DeadLetterErrors). It
// reports false when it was cut short.
func (q *asyncQueue) tell(d *definition, e *asyncEvent) bool {
	if arn := d.destinationOf(e.Condition); arn != "" {
		q.s.try(q.work, "an invocation record is lost: its destination does not take it", d.Config.Name, arn, func() error {
			return q.s.sendRecord(q.work, d, arn, e)
		})
	}
	if arn := d.Config.DeadLetterARN; arn != "" && e.Condition != conditionSuccess {
		q.s.try(q.work, "an event is lost: the dead-letter queue does not take it", d.Config.Name, arn, func() error {
			return q.s.deadLetter(q.work, d, arn, e)
		})
	}
	return q.work.Err() == nil
}

// errFinal is an error that another try does not change.
var errFinal = errors.New("refused")

// try does it up to three times.
func (s *Service) try(ctx context.Context, lost, function, arn string, do func() error) {
	retry := backoff{first: 100 * time.Millisecond, limit: time.Second}
	for n := 1; ; n++ {
		err := do()
		if err == nil || ctx.Err() != nil {
			return
		}
		if n == 3 || errors.Is(err, errFinal) {
			s.logger.Error(lost, "function", function, "destination", arn, "error", err)
			return
		}
		if !retry.wait(ctx) {
			return
		}
	}
}

// destinationAction is what a function's role must be allowed for a destination of
// asynchronous invocations, "" for an ARN that is none.
func destinationAction(arn string) string {
	a, ok := parseARN(arn)
	switch {
	case ok && a.service == "sqs":
		return "sqs:SendMessage"
	case ok && a.service == "lambda" && strings.HasPrefix(a.resource, "function:"):
		return "lambda:InvokeFunction"
	case ok && a.service == "events" && strings.HasPrefix(a.resource, "event-bus/"):
		return "events:PutEvents"
	}
	return ""
}

// mayTell judges whether the function's role may use a destination.
func (s *Service) mayTell(roleARN, destination string) *iam.Decision {
	return s.opts.Allows(roleARN, iam.Need{Action: destinationAction(destination), Resource: destination})
}

func (s *Service) sendRecord(ctx context.Context, d *definition, destination string, e *asyncEvent) error {
	if denied := s.mayTell(d.Config.RoleARN, destination); denied != nil {
		return fmt.Errorf("%w: the function's role may not: %s", errFinal, denied.Explain())
	}
	record := s.invocationRecord(d, e)
	a, _ := parseARN(destination)
	switch a.service {
	case "sqs":
		if strings.HasSuffix(a.resource, ".fifo") {
			return fmt.Errorf("%w: a FIFO queue is no destination", errFinal)
		}
		return s.opts.Queues.Send(ctx, destination, string(record))
	case "lambda":
		_, err := s.InvokeAsync(ctx, destination, record)
		if errors.Is(err, ErrNotFound) || errors.Is(err, ErrTooLarge) {
			err = errors.Join(errFinal, err)
		}
		return err
	default:
		if s.opts.Buses == nil {
			return fmt.Errorf("%w: there is no service for event buses", errFinal)
		}
		result := "Success"
		if e.Condition != conditionSuccess {
			result = "Failure"
		}
		return s.opts.Buses.PutEvent(ctx, destination, BusEvent{
			Source: "lambda", DetailType: "Lambda Function Invocation Result - " + result,
			Resources: []string{d.Config.ARN + ":" + latest, destination}, Detail: record,
		})
	}
}

// requestContext and responseContext are in every record that AWS sends of what a
// function did: of an asynchronous invocation, and of discarded stream records.
type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// invocationRecord is the record AWS sends (invocation-async-retain-records). A
// payload that is no JSON is given as a text.
func (s *Service) invocationRecord(d *definition, e *asyncEvent) []byte {
	record := struct {
		Version         string           `json:"version"`
		Timestamp       string           `json:"timestamp"`
		RequestContext  requestContext   `json:"requestContext"`
		RequestPayload  json.RawMessage  `json:"requestPayload"`
		ResponseContext *responseContext `json:"responseContext,omitempty"`
		ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
	}{
		Version: "1.0", Timestamp: s.now().UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{e.ID, d.Config.ARN + ":" + latest, e.Condition, e.Invokes},
		RequestPayload: asJSON(e.Payload),
	}
	if e.Last != nil {
		record.ResponseContext = &responseContext{200, latest, e.Last.FunctionError}
		record.ResponsePayload = asJSON(e.Last.Payload)
	}
	b, err := marshal(record)
	if err != nil {
		panic(err) // texts, numbers, and JSON that was checked always marshal
	}
	return b
}

func asJSON(b []byte) json.RawMessage {
	if len(b) == 0 {
		return json.RawMessage("null")
	}
	if json.Valid(b) {
		return b
	}
	text, err := marshal(string(b))
	if err != nil {
		panic(err) // a text always marshals
	}
	return text
}

// deadLetter sends the event itself, with attributes that say what went wrong.
func (s *Service) deadLetter(ctx context.Context, d *definition, queueARN string, e *asyncEvent) error {
	if denied := s.mayTell(d.Config.RoleARN, queueARN); denied != nil {
		return fmt.Errorf("%w: the function's role may not: %s", errFinal, denied.Explain())
	}
	if s.opts.DeadLetter == nil {
		return s.opts.Queues.Send(ctx, queueARN, string(e.Payload))
	}
	code, message := "200", ""
	if e.Last == nil {
		code, message = "429", "Rate Exceeded."
	} else {
		var described struct {
			ErrorMessage string `json:"errorMessage"`
		}
		// What is no such description is given as it is.
		if json.Unmarshal(e.Last.Payload, &described) != nil || described.ErrorMessage == "" {
			described.ErrorMessage = string(e.Last.Payload)
		}
		message = described.ErrorMessage
	}
	attributes := map[string]MessageAttribute{
		"RequestID": {DataType: "String", StringValue: e.ID},
		"ErrorCode": {DataType: "Number", StringValue: code},
	}
	message = strings.Map(func(r rune) rune { // what SQS takes: a panic's text may have colours
		if r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r != 0xFFFE && r != 0xFFFF {
			return r
		}
		return -1
	}, strings.ToValidUTF8(message[:min(len(message), maxErrorMessage)], ""))
	if message != "" { // an attribute cannot be empty
		attributes["ErrorMessage"] = MessageAttribute{DataType: "String", StringValue: message}
	}
	return s.opts.DeadLetter(ctx, queueARN, string(e.Payload), attributes)
}
