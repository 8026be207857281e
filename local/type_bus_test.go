package local

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/lambda"
)

// TestEventsPlan: the CloudFormation forms of rules, targets, bus policies and
// archives.
func TestEventsPlan(t *testing.T) {
	const resources = `
		"Kept": {"Type": "AWS::Events::Archive", "Properties": {"ArchiveName": "kept", "SourceArn": {"Fn::GetAtt": ["Other", "Arn"]}, "Description": "why", "RetentionDays": 7, "EventPattern": {"source": ["t"]}}},
		"Unnamed": {"Type": "AWS::Events::Archive", "Properties": {"SourceArn": {"Fn::GetAtt": ["Other", "Arn"]}, "KmsKeyIdentifier": "key"}},
		"Other": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "other", "Description": "another"}},
		"Policy": {"Type": "AWS::Events::EventBusPolicy", "Properties": {"EventBusName": "other", "StatementId": "one", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "events:PutEvents", "Resource": {"Fn::GetAtt": ["Other", "Arn"]}}}},
		"Older": {"Type": "AWS::Events::EventBusPolicy", "Properties": {"EventBusName": {"Ref": "Other"}, "StatementId": "two", "Action": "events:PutEvents", "Principal": "111111111111"}},
		"Forward": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "events.amazonaws.com"}}},
			"Policies": [{"PolicyName": "p", "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": "events:PutEvents", "Resource": {"Fn::GetAtt": ["Other", "Arn"]}}}}]}},
		"ToAll": {"Type": "AWS::Events::Rule", "Properties": {"Name": "to-all", "EventPattern": {"source": ["t"]}, "ScheduleExpression": "rate(5 minutes)", "Description": "d", "State": "DISABLED", "Targets": [
			{"Id": "bus", "Arn": {"Fn::GetAtt": ["Other", "Arn"]}, "RoleArn": {"Fn::GetAtt": ["Forward", "Arn"]}},
			{"Id": "part", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "InputPath": "$.detail", "SqsParameters": {"MessageGroupId": "g"}},
			{"Id": "made", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "InputTransformer": {"InputPathsMap": {"x": "$.id"}, "InputTemplate": "{\"x\":<x>}"}, "RetryPolicy": {"MaximumRetryAttempts": 3}}]}},
		"WorkMapping": {`
	dir := app(t, `"WorkMapping": {`, tickRule(`"EventPattern": {"source": ["tick"]}`, "events.amazonaws.com")+resources)
	p, err := planOf(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	const prefix, queue = "arn:aws:events:us-east-1:000000000000:", "arn:aws:sqs:us-east-1:000000000000:t-work"
	rules := map[string]eventbridge.RuleConfig{}
	for _, r := range p.rules {
		rules[r.Name] = r
	}
	want := eventbridge.RuleConfig{
		Name: "to-all", ARN: prefix + "rule/to-all", EventBusName: "default", Description: "d", EventPattern: []byte(`{"source":["t"]}`), ScheduleExpression: "rate(5 minutes)", Disabled: true,
		Targets: []eventbridge.TargetConfig{
			{ID: "bus", ARN: prefix + "event-bus/other", RoleARN: "arn:aws:iam::000000000000:role/t-app-Forward"},
			{ID: "part", ARN: queue, InputPath: "$.detail", MessageGroupID: "g"},
			{ID: "made", ARN: queue, Transformer: &eventbridge.InputTransformer{Paths: map[string]string{"x": "$.id"}, Template: `{"x":<x>}`}, Retry: &eventbridge.RetryPolicy{MaximumRetryAttempts: 3, MaximumEventAge: 24 * time.Hour}},
		},
	}
	if !reflect.DeepEqual(rules["to-all"], want) {
		t.Errorf("got  %+v\nwant %+v", rules["to-all"], want)
	}
	if tick := rules["t-app-TickRule"]; len(tick.Targets) != 1 || !strings.HasSuffix(tick.Targets[0].ARN, ":function:t-app-TickFunction") || tick.ScheduleExpression != "" {
		t.Errorf("got %+v", tick)
	}
	archives := []eventbridge.ArchiveConfig{
		{Name: "kept", EventSourceARN: prefix + "event-bus/other", Description: "why", EventPattern: []byte(`{"source":["t"]}`), RetentionDays: 7},
		{Name: "t-app-Unnamed", EventSourceARN: prefix + "event-bus/other"},
	}
	slices.SortFunc(p.archives, func(a, b eventbridge.ArchiveConfig) int { return strings.Compare(a.Name, b.Name) })
	if !reflect.DeepEqual(p.archives, archives) {
		t.Errorf("got  %+v\nwant %+v", p.archives, archives)
	}
	i := slices.IndexFunc(p.buses, func(b eventbridge.BusConfig) bool { return b.Name == "other" })
	var policy struct {
		Statement []struct {
			Sid, Effect string
			Principal   any
		}
	}
	if err := json.Unmarshal([]byte(p.buses[i].Policy), &policy); err != nil || len(policy.Statement) != 2 || policy.Statement[1].Effect != "Deny" || policy.Statement[0].Sid != "two" || p.buses[i].Description != "another" {
		t.Errorf("bus %+v: %v", p.buses[i], err)
	}
	tick := slices.IndexFunc(p.functions, func(f lambda.FunctionConfig) bool { return f.Name == "t-app-TickFunction" })
	if d := p.functions[tick].Policy; len(d) != 1 || len(d[0].Statements) != 1 {
		t.Errorf("permissions %+v", d)
	}
	// All of it is what EventBridge takes.
	if err := eventbridge.New(eventbridge.Options{Queues: noQueues{}, Functions: &functionTargets{}}).Apply(p.events()); err != nil {
		t.Error(err)
	}
}

// noQueues are for a service that delivers nothing.
type noQueues struct{ eventbridge.Queues }

// TestEventsBetween: while functions come and go, no rule calls one that is not
// there.
func TestEventsBetween(t *testing.T) {
	without, err := planOf(t, app(t))
	if err != nil {
		t.Fatal(err)
	}
	with, err := planOf(t, scheduled(t, "rate(1 minute)"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]eventbridge.Config{"coming": eventsBetween(without, with), "going": eventsBetween(with, without)} {
		if slices.ContainsFunc(c.Rules, func(r eventbridge.RuleConfig) bool { return r.Name == "t-app-TickRule" }) || len(c.Rules) != len(without.rules) {
			t.Errorf("%s: rules %+v", name, c.Rules)
		}
	}
	if c := eventsBetween(with, with); len(c.Rules) != len(with.rules) {
		t.Errorf("staying: rules %+v", c.Rules)
	}
}

// TestLentBus: a bus that a resource names as another application's is made, and said
// to be; one that is merely missing is refused.
func TestLentBus(t *testing.T) {
	rule := func(metadata string) string {
		return `"Theirs": {"Type": "AWS::Events::Rule"` + metadata + `, "Properties": {"EventBusName": "till-local-bus", "EventPattern": {"source": ["till.public"]}, "Targets": [{"Id": "q", "Arn": {"Fn::GetAtt": ["Queue", "Arn"]}}]}},
		"WorkMapping": {`
	}
	if _, err := planOf(t, app(t, `"WorkMapping": {`, rule(""))); err == nil || !strings.Contains(err.Error(), `no event bus "till-local-bus"`) {
		t.Errorf("a missing bus: %v", err)
	}
	p, err := planOf(t, app(t, `"WorkMapping": {`, rule(`, "Metadata": {"vinci:bus": "till-local-bus"}`)))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(p.buses, func(b eventbridge.BusConfig) bool { return b.Name == "till-local-bus" })
	if i < 0 || p.buses[i].ARN != "arn:aws:events:us-east-1:000000000000:event-bus/till-local-bus" {
		t.Fatalf("buses %+v", p.buses)
	}
	if !slices.ContainsFunc(p.notes, func(n string) bool {
		return strings.HasPrefix(n, "lent: event bus till-local-bus") && strings.Contains(n, "Theirs")
	}) {
		t.Errorf("notes %v", p.notes)
	}
	// A bus that the assembly has is nobody else's.
	p, err = planOf(t, app(t, `"WorkMapping": {`, `"Ours": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "till-local-bus"}},`+rule(`, "Metadata": {"vinci:bus": "till-local-bus"}`)))
	if err != nil || slices.ContainsFunc(p.notes, func(n string) bool { return strings.HasPrefix(n, "lent:") }) {
		t.Errorf("its own bus is lent: %v", err)
	}
}
