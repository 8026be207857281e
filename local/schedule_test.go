package local

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/eventbridge"
)

// tickRule are the resources of a rule that calls a function in mode tick, for
// the test application, with a comma behind them.
func tickRule(expression, principal string) string {
	return `"TickRule": {"Type": "AWS::Events::Rule", "Properties": {` + expression + `, "State": "ENABLED",
			"Targets": [{"Id": "tick", "Arn": {"Fn::GetAtt": ["TickFunction", "Arn"]}}]}},
		"TickPermission": {"Type": "AWS::Lambda::Permission", "Properties": {"Action": "lambda:InvokeFunction", "FunctionName": {"Ref": "TickFunction"},
			"Principal": "` + principal + `", "SourceArn": {"Fn::GetAtt": ["TickRule", "Arn"]}}},
		"TickFunction": {"Type": "AWS::Lambda::Function", "Properties": {"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": ["` + lambdaArchitecture() + `"], "Timeout": 10,
			"Code": {"S3Bucket": "assets", "S3Key": "c0de.zip"}, "Role": {"Fn::GetAtt": ["ApiRole", "Arn"]}, "Environment": {"Variables": {"MODE": "tick"}}}},
		`
}

// scheduled is the test application with such a rule.
func scheduled(t *testing.T, expression string) string {
	return app(t, `"WorkMapping": {`, tickRule(`"ScheduleExpression": "`+expression+`"`, "events.amazonaws.com")+`"WorkMapping": {`)
}

func TestSchedulePlan(t *testing.T) {
	p, err := planOf(t, scheduled(t, "cron(0/5 * * * ? *)"))
	if err != nil {
		t.Fatal(err)
	}
	want := eventbridge.RuleConfig{
		Name: "t-app-TickRule", ARN: "arn:aws:events:us-east-1:000000000000:rule/t-app-TickRule", EventBusName: "default", ScheduleExpression: "cron(0/5 * * * ? *)",
		Targets: []eventbridge.TargetConfig{{ID: "tick", ARN: "arn:aws:lambda:us-east-1:000000000000:function:t-app-TickFunction"}},
	}
	if !slices.ContainsFunc(p.rules, func(r eventbridge.RuleConfig) bool { return reflect.DeepEqual(r, want) }) {
		t.Errorf("got %+v, want among them %+v", p.rules, want)
	}
}

// TestSchedule: a rule calls its function, until it is gone.
func TestSchedule(t *testing.T) {
	r := start(t, Config{Assembly: scheduled(t, "rate(1 minute)"), FinestRate: 50 * time.Millisecond})
	awaitItem(t, r, "tick", "handled")
	label := ""
	for _, f := range r.Functions() {
		if strings.Contains(strings.ToLower(f), "tick") {
			label = f
		}
	}
	await(t, "two calls", func() bool { return called(r, label) >= 2 }, func() string { return fmt.Sprint(r.Lines(label)) })
	// The function stays and its rule is another, which comes once in a hundred years.
	if _, err := r.Reload(t.Context(), scheduled(t, "rate(36600 days)")); err != nil {
		t.Fatal(err)
	}
	// A call that began before the change may still end after it; those of the old rate
	// would come four times as often as this test waits.
	settled := called(r, label)
	for quiet := 0; quiet < 4; {
		time.Sleep(50 * time.Millisecond) // a period of the old rule
		if n := called(r, label); n == settled {
			quiet++
		} else if settled, quiet = n, 0; n > 100 {
			t.Fatal("it is called on and on after its rule had changed")
		}
	}
	put(t, r, "after")
	awaitItem(t, r, "after", "handled")
}

func called(r *Runtime, function string) (n int) {
	for _, line := range r.Lines(function) {
		if line.Text == "called by [arn:aws:events:us-east-1:000000000000:rule/t-app-TickRule]" {
			n++
		}
	}
	return n
}
