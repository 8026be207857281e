package scenario_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/synth"
	"github.com/vinci-go/vinci/scenario"
)

// TestQueuePolicies: what a queue's policy allows EventBridge is needed by the rule
// that delivers to it, and without it the delivery is denied.
func TestQueuePolicies(t *testing.T) {
	dir, err := synth.Run(t.Context(), synth.Options{Dir: "..", Out: ".vinci/cdk.out"})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := assembly.Load(dir, assembly.Environment{Account: gateway.DefaultAccount, Region: gateway.DefaultRegion})
	if err != nil {
		t.Fatal(err)
	}
	type delivery struct{ rule, queue string }
	deliveries := map[delivery]bool{}
	for _, r := range loaded.Resources {
		var rule struct {
			Targets []struct {
				Arn              string
				DeadLetterConfig struct{ Arn string }
			}
		}
		if r.Type != "AWS::Events::Rule" {
			continue
		}
		decodeProperties(t, r, &rule)
		for _, target := range rule.Targets {
			for _, arn := range []string{target.Arn, target.DeadLetterConfig.Arn} {
				if strings.Contains(arn, ":sqs:") {
					deliveries[delivery{r.ARN, arn}] = true
				}
			}
		}
	}
	if len(deliveries) != 2*(len(subscriptions)+len(scenario.OrderSubscriptions())) {
		t.Errorf("%d ways from a rule to a queue, want two of each subscription", len(deliveries))
	}
	allowed := 0
	for _, r := range loaded.Resources {
		if r.Type != "AWS::SQS::QueuePolicy" {
			continue
		}
		var policy struct {
			PolicyDocument struct{ Statement []json.RawMessage }
		}
		decodeProperties(t, r, &policy)
		judge := func(statements []json.RawMessage, d delivery) bool {
			raw, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": statements})
			if err != nil {
				t.Fatal(err)
			}
			document, err := iam.ParseResource(raw)
			if err != nil {
				t.Fatal(err)
			}
			return document.DecideFor(iam.Principal{Service: "events.amazonaws.com"}, iam.Need{
				Action: "sqs:SendMessage", Resource: d.queue, Context: map[string][]string{"aws:SourceArn": {d.rule}},
			}).Allowed()
		}
		all := policy.PolicyDocument.Statement
		for i, raw := range all {
			var s struct{ Effect, Sid string }
			if err := json.Unmarshal(raw, &s); err != nil {
				t.Fatal(err)
			}
			if s.Effect != "Allow" {
				continue
			}
			allowed++
			rest := slices.Delete(slices.Clone(all), i, i+1)
			needed := 0
			for d := range deliveries {
				if judge(all, d) && !judge(rest, d) {
					needed++
				}
			}
			if needed != 1 {
				t.Errorf("%s, statement %s: %d rules need it, want one", r.Where(), s.Sid, needed)
			}
		}
	}
	if allowed != len(deliveries) {
		t.Errorf("%d statements for %d ways from a rule to a queue", allowed, len(deliveries))
	}
}
