package eventbridge

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

var (
	_ gateway.Service          = (*Service)(nil)
	_ gateway.ResourcePolicies = (*Service)(nil)
)

// Prefixes is what X-Amz-Target begins with.
func (s *Service) Prefixes() []string { return []string{"AWSEvents"} }

// ResourcePolicy is the policy of the event bus with that ARN, nil when it has
// none, or none that can be judged here.
func (s *Service) ResourcePolicy(arn string) *iam.Document {
	if b := s.state.Load().buses[nameOf(arn)]; b != nil && b.ARN == arn {
		return b.policy
	}
	return nil
}

// request has the parameters of all operations but PutEvents. Names that several
// operations share mean the same in all.
type request struct {
	Name, Rule, EventBusName, NamePrefix, Description, RoleArn string
	Event, EventPattern, ScheduleExpression, State             string
	Limit                                                      *int
	NextToken                                                  string
	Targets                                                    []wireTarget
	Ids                                                        []string
	TargetArn                                                  string
	ResourceARN                                                string
	Tags                                                       []wireTag
	TagKeys                                                    []string
	Action, Principal, StatementId, Policy                     string
	Condition                                                  *wireCondition
	RemoveAllPermissions                                       bool
	EventSourceName, KmsKeyIdentifier                          *string
	DeadLetterConfig                                           *wireDeadLetter
	LogConfig                                                  *LogConfig
	ArchiveName, EventSourceArn, ReplayName                    string
	RetentionDays                                              *int
	EventStartTime, EventEndTime                               *wireTime
	Destination                                                *wireDestination

	// Which of those were there at all: updates leave the others alone.
	given map[string]json.RawMessage
}

func (r *request) has(name string) bool {
	v, ok := r.given[name]
	return ok && string(v) != "null"
}

type wireTag struct{ Key, Value string }

type wireCondition struct{ Type, Key, Value string }

type wireDeadLetter struct {
	Arn string `json:",omitempty"`
}

type wireDestination struct {
	Arn        string
	FilterArns []string `json:",omitempty"`
}

// wireTime is a time as the JSON protocol writes it: seconds since 1970, with a
// part.
type wireTime struct{ time.Time }

// MarshalJSON writes milliseconds at most, as EventBridge does.
func (t wireTime) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', -1, 64), nil
}

// UnmarshalJSON takes years that RFC 3339 can write.
func (t *wireTime) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return nil
	}
	var seconds float64
	if err := json.Unmarshal(b, &seconds); err != nil {
		return err
	}
	if seconds < -62135596800 || seconds > 253402300799 {
		return fmt.Errorf("a time is %v: seconds since 1970, to the year 9999, are allowed", seconds)
	}
	whole, part := math.Modf(seconds)
	t.Time = time.Unix(int64(whole), int64(math.Round(part*1e3))*1e6)
	return nil
}

// moment is a time for an answer, nil for none.
func moment(t time.Time) *wireTime {
	if t.IsZero() {
		return nil
	}
	return &wireTime{t}
}

type operation struct {
	serve func(*Service, *request) (any, error)
	needs func(*Service, *request) []iam.Need
}

type putEventsInput struct {
	Entries    []wireEntry
	EndpointId string
}

type wireEntry struct {
	Source, DetailType, Detail, EventBusName, TraceHeader string
	Resources                                             []string
	Time                                                  *wireTime
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

func decodeRequest(body []byte) (*request, error) {
	r := &request{}
	if err := decode(body, r); err != nil {
		return nil, err
	}
	return r, decode(body, &r.given)
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
	o, ok := operations()[r.Operation]
	if !ok {
		return nil, gateway.UnknownOperation(r.Operation)
	}
	in, err := decodeRequest(r.Body)
	if err != nil {
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
			entries[i].Time = e.Time.Time
		}
		if e.TraceHeader == "" && len(trace) <= maxTrace {
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

// paginate cuts the page out of all. A token is the place where the next begins.
func paginate[T any](all []T, in *request) (page []T, next string, err error) {
	limit, start := 100, 0
	if in.Limit != nil {
		limit = *in.Limit
	}
	if in.NextToken != "" {
		if start, err = strconv.Atoi(in.NextToken); err != nil || start < 0 || start > len(all) {
			return nil, "", invalid("Parameter NextToken is not valid. Reason: Provided token is invalid.")
		}
	}
	if limit < 1 {
		return nil, "", constraint(strconv.Itoa(limit), "limit", "Member must have value greater than or equal to 1")
	}
	if limit > 100 {
		return nil, "", constraint(strconv.Itoa(limit), "limit", "Member must have value less than or equal to 100")
	}
	end := min(start+limit, len(all))
	if end < len(all) {
		next = strconv.Itoa(end)
	}
	return append([]T{}, all[start:end]...), next, nil
}
