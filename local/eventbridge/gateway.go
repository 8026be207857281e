package eventbridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

var _ gateway.Service = (*Service)(nil)

// Prefixes is what X-Amz-Target begins with.
func (s *Service) Prefixes() []string { return []string{"AWSEvents"} }

// request has the parameters of all operations that are served, but PutEvents.
type request struct {
	Name, Rule, EventBusName, NamePrefix string
	Event, EventPattern                  string
	Limit                                *int
	NextToken                            string
}

type operation struct {
	serve func(*Service, request) (any, error)
	// resource is the ARN that IAM is asked about.
	resource func(*Service, request) string
}

// operations are those that are served besides PutEvents. The variable is never
// written to.
var operations = map[string]operation{
	"DescribeEventBus":  {(*Service).describeEventBus, func(s *Service, r request) string { return s.busARN(nameOf(r.Name)) }},
	"ListEventBuses":    {(*Service).listEventBuses, func(s *Service, _ request) string { return s.busARN("*") }},
	"DescribeRule":      {(*Service).describeRule, func(s *Service, r request) string { return s.ruleARN(nameOf(r.EventBusName), r.Name) }},
	"ListRules":         {(*Service).listRules, func(s *Service, r request) string { return s.ruleARN(nameOf(r.EventBusName), "*") }},
	"ListTargetsByRule": {(*Service).listTargets, func(s *Service, r request) string { return s.ruleARN(nameOf(r.EventBusName), r.Rule) }},
	"TestEventPattern":  {(*Service).testEventPattern, func(*Service, request) string { return "*" }},
}

type putEventsInput struct {
	Entries    []wireEntry
	EndpointId string
}

type wireEntry struct {
	Source, DetailType, Detail, EventBusName, TraceHeader string
	Resources                                             []string
	Time                                                  *float64 // seconds since 1970
}

type putEventsOutput struct {
	FailedEntryCount int
	Entries          []wireResult
}

type wireResult struct {
	EventId      string `json:",omitempty"`
	ErrorCode    string `json:",omitempty"`
	ErrorMessage string `json:",omitempty"`
}

func decode(body []byte, v any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return gateway.Malformed(err)
	}
	return nil
}

// Needs is events:PutEvents on each bus, with the source and the detail type
// that a policy may restrict.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
func (s *Service) Needs(name string, body []byte) ([]iam.Need, error) {
	if name != "PutEvents" {
		o, ok := operations[name]
		if !ok {
			return nil, gateway.UnknownOperation(name)
		}
		var r request
		if err := decode(body, &r); err != nil {
			return nil, err
		}
		return []iam.Need{{Action: "events:" + name, Resource: o.resource(s, r)}}, nil
	}
	var in putEventsInput
	if err := decode(body, &in); err != nil {
		return nil, err
	}
	var needs []iam.Need
	for _, e := range in.Entries {
		n := iam.Need{Action: "events:PutEvents", Resource: s.busARN(nameOf(e.EventBusName)), Context: map[string][]string{
			"events:source": {e.Source}, "events:detail-type": {e.DetailType},
		}}
		same := func(o iam.Need) bool {
			return o.Resource == n.Resource && o.Context["events:source"][0] == e.Source && o.Context["events:detail-type"][0] == e.DetailType
		}
		if !slices.ContainsFunc(needs, same) {
			needs = append(needs, n)
		}
	}
	return needs, nil
}

// Serve answers a call.
func (s *Service) Serve(w http.ResponseWriter, r *gateway.Request) {
	out, err := s.serve(r)
	if err != nil {
		gateway.WriteError(w, r, err)
		return
	}
	gateway.WriteJSON(w, r, out)
}

func (s *Service) serve(r *gateway.Request) (any, error) {
	if r.Operation == "PutEvents" {
		return s.putEvents(r.HTTP.Context(), r.Body, r.HTTP.Header.Get("X-Amzn-Trace-Id"))
	}
	o, ok := operations[r.Operation]
	if !ok {
		return nil, gateway.UnknownOperation(r.Operation)
	}
	var in request
	if err := decode(r.Body, &in); err != nil {
		return nil, err
	}
	return o.serve(s, in)
}

func (s *Service) putEvents(ctx context.Context, body []byte, trace string) (putEventsOutput, error) {
	var in putEventsInput
	if err := decode(body, &in); err != nil {
		return putEventsOutput{}, err
	}
	if in.EndpointId != "" {
		return putEventsOutput{}, invalid("EndpointId is %q: global endpoints are not served by the local runtime.", in.EndpointId)
	}
	entries := make([]Entry, len(in.Entries))
	for i, e := range in.Entries {
		entries[i] = Entry{Source: e.Source, DetailType: e.DetailType, Detail: e.Detail, EventBusName: e.EventBusName, Resources: e.Resources, TraceHeader: e.TraceHeader}
		if e.Time != nil {
			// Years that RFC 3339 can write.
			if *e.Time < -62135596800 || *e.Time > 253402300799 {
				return putEventsOutput{}, gateway.Malformed(fmt.Errorf("the entry's Time is %v: seconds since 1970, to the year 9999, are allowed", *e.Time))
			}
			whole, part := math.Modf(*e.Time)
			entries[i].Time = time.Unix(int64(whole), int64(part*1e9))
		}
		if e.TraceHeader == "" {
			entries[i].TraceHeader = trace
		}
	}
	results, err := s.PutEvents(ctx, entries)
	if err != nil {
		return putEventsOutput{}, err
	}
	out := putEventsOutput{Entries: make([]wireResult, len(results))}
	for i, r := range results {
		out.Entries[i] = wireResult{r.EventID, r.ErrorCode, r.ErrorMessage}
		if r.ErrorCode != "" {
			out.FailedEntryCount++
		}
	}
	return out, nil
}

// testEventPattern asks that the event has what every event has.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html
func (s *Service) testEventPattern(in request) (any, error) {
	p, err := pattern.Compile([]byte(in.EventPattern))
	if err != nil {
		return nil, &gateway.Error{Code: "InvalidEventPatternException", Message: "Event pattern is not valid. Reason: " + err.Error()}
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(in.Event), &fields); err != nil {
		return nil, invalid("Parameter Event is not valid. Reason: it is not a JSON object.")
	}
	for _, name := range []string{"id", "account", "source", "time", "region", "resources", "detail-type"} {
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
