package eventbridge_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_events.html
func TestNeedsOfOperations(t *testing.T) {
	s := eventbridge.New(eventbridge.Options{Queues: openQueues(t)})
	for _, tt := range []struct{ operation, body, want string }{
		{"PutEvents", `{"Entries":[{"EventBusName":"bus","Source":"app","DetailType":"t"},{"EventBusName":"bus","Source":"app","DetailType":"t"},{"Source":"x","DetailType":"t"}]}`,
			"events:PutEvents BUS/bus detail-type=[t] eventBusInvocation=[false] source=[app]; events:PutEvents BUS/default detail-type=[t] eventBusInvocation=[false] source=[x]"},
		{"CreateEventBus", `{"Name":"bus"}`, "events:CreateEventBus BUS/bus"},
		{"CreateEventBus", `{"Name":"bus","Tags":[{"Key":"k","Value":"v"}]}`, "events:CreateEventBus BUS/bus aws:RequestTag/k=[v] aws:TagKeys=[k]; events:TagResource BUS/bus aws:RequestTag/k=[v] aws:TagKeys=[k]"},
		{"UpdateEventBus", `{"Name":"bus"}`, "events:UpdateEventBus BUS/bus"},
		{"DeleteEventBus", `{"Name":"bus"}`, "events:DeleteEventBus BUS/bus"},
		{"DescribeEventBus", `{"Name":"` + busPrefix + `bus"}`, "events:DescribeEventBus BUS/bus"},
		{"ListEventBuses", `{}`, "events:ListEventBuses *"},
		{"PutPermission", `{"EventBusName":"bus"}`, "events:PutPermission *"},
		{"RemovePermission", `{"EventBusName":"bus"}`, "events:RemovePermission BUS/bus"},
		{"PutRule", `{"Name":"r","EventPattern":"{\"source\":[\"app\",{\"prefix\":\"x\"}],\"detail-type\":[\"t\",\"u\"]}"}`, "events:PutRule RULE/r creatorAccount=[000000000000] detail-type=[t u] source=[app]"},
		{"PutRule", `{"Name":"r","EventBusName":"bus","ScheduleExpression":"rate(1 day)","RoleArn":"arn:aws:iam::0:role/r"}`, "events:PutRule RULE/bus/r creatorAccount=[000000000000]; iam:PassRole arn:aws:iam::0:role/r iam:PassedToService=[events.amazonaws.com]"},
		{"DeleteRule", `{"Name":"r"}`, "events:DeleteRule RULE/r creatorAccount=[000000000000]"},
		{"EnableRule", `{"Name":"r","EventBusName":"bus"}`, "events:EnableRule RULE/bus/r creatorAccount=[000000000000]"},
		{"DisableRule", `{"Name":"r"}`, "events:DisableRule RULE/r creatorAccount=[000000000000]"},
		{"DescribeRule", `{"Name":"r"}`, "events:DescribeRule RULE/r creatorAccount=[000000000000]"},
		{"ListRules", `{"EventBusName":"bus"}`, "events:ListRules RULE/bus/*"},
		{"ListRuleNamesByTarget", `{}`, "events:ListRuleNamesByTarget RULE/*"},
		{"PutTargets", `{"Rule":"r","Targets":[{"Id":"a","Arn":"arn:a"},{"Id":"b","Arn":"arn:b","RoleArn":"arn:aws:iam::0:role/r"}]}`,
			"events:PutTargets RULE/r TargetArn=[arn:a arn:b] creatorAccount=[000000000000]; iam:PassRole arn:aws:iam::0:role/r iam:PassedToService=[events.amazonaws.com]"},
		{"RemoveTargets", `{"Rule":"r"}`, "events:RemoveTargets RULE/r creatorAccount=[000000000000]"},
		{"ListTargetsByRule", `{"Rule":"r"}`, "events:ListTargetsByRule RULE/r creatorAccount=[000000000000]"},
		{"TestEventPattern", `{}`, "events:TestEventPattern *"},
		{"TagResource", `{"ResourceARN":"` + busPrefix + `bus","Tags":[{"Key":"k","Value":"v"}]}`, "events:TagResource BUS/bus aws:RequestTag/k=[v] aws:TagKeys=[k]"},
		{"UntagResource", `{"ResourceARN":"` + rulePrefix + `r","TagKeys":["k"]}`, "events:UntagResource RULE/r aws:TagKeys=[k]"},
		{"ListTagsForResource", `{"ResourceARN":"` + rulePrefix + `r"}`, "events:ListTagsForResource RULE/r"},
		{"CreateArchive", `{"ArchiveName":"a","EventSourceArn":"` + busPrefix + `bus"}`, "events:CreateArchive ARCHIVE/a; events:CreateArchive BUS/bus"},
		{"UpdateArchive", `{"ArchiveName":"a"}`, "events:UpdateArchive ARCHIVE/a"},
		{"DeleteArchive", `{"ArchiveName":"a"}`, "events:DeleteArchive ARCHIVE/a"},
		{"DescribeArchive", `{"ArchiveName":"a"}`, "events:DescribeArchive ARCHIVE/a"},
		{"ListArchives", `{}`, "events:ListArchives *"},
		{"StartReplay", `{"ReplayName":"r","EventSourceArn":"` + archivePrefix + `a","Destination":{"Arn":"` + busPrefix + `bus"}}`, "events:StartReplay ARCHIVE/a; events:StartReplay arn:aws:events:us-east-1:000000000000:replay/r; events:StartReplay BUS/bus"},
		{"CancelReplay", `{"ReplayName":"r"}`, "events:CancelReplay arn:aws:events:us-east-1:000000000000:replay/r"},
		{"DescribeReplay", `{"ReplayName":"r"}`, "events:DescribeReplay arn:aws:events:us-east-1:000000000000:replay/r"},
		{"ListReplays", `{}`, "events:ListReplays *"},
	} {
		needs, err := s.Needs(tt.operation, []byte(tt.body))
		if err != nil {
			t.Errorf("%s: %v", tt.operation, err)
			continue
		}
		var parts []string
		for _, n := range needs {
			parts = append(parts, describe(n))
		}
		short := strings.NewReplacer(busPrefix, "BUS/", rulePrefix, "RULE/", archivePrefix, "ARCHIVE/").Replace(strings.Join(parts, "; "))
		if short != tt.want {
			t.Errorf("%s %s needs\n%s\nwant\n%s", tt.operation, tt.body, short, tt.want)
		}
	}
	if _, err := s.Needs("PutPartnerEvents", nil); err == nil {
		t.Error("an operation that is not served needs nothing")
	}
	if _, err := s.Needs("PutRule", []byte("{")); err == nil {
		t.Error("a body that is no JSON needs nothing")
	}
}

func describe(n iam.Need) string {
	var keys []string
	for k, v := range n.Context {
		keys = append(keys, fmt.Sprintf("%s=%v", strings.TrimPrefix(k, "events:"), v))
	}
	slices.Sort(keys)
	return strings.Join(append([]string{n.Action, n.Resource}, keys...), " ")
}

// FuzzRequests: whatever the body, there is no panic, and the answer is 200 or an
// AWS error.
func FuzzRequests(f *testing.F) {
	seeds := map[string]string{
		"PutEvents":        `{"Entries":[{"Source":"app","DetailType":"t","Detail":"{\"a\":1}","Time":1.5,"Resources":["r"]}]}`,
		"CreateEventBus":   `{"Name":"b","Tags":[{"Key":"k","Value":"v"}],"LogConfig":{"Level":"INFO"}}`,
		"PutRule":          `{"Name":"r","EventPattern":"{\"a\":[{\"prefix\":\"b\"}]}","ScheduleExpression":"cron(0/5 * ? * MON-FRI *)","State":"DISABLED"}`,
		"PutTargets":       `{"Rule":"r","Targets":[{"Id":"a","Arn":"` + queuePrefix + `a","InputTransformer":{"InputPathsMap":{"x":"$.a[0].*"},"InputTemplate":"\"<x>\""},"RetryPolicy":{"MaximumRetryAttempts":1}}]}`,
		"PutPermission":    `{"StatementId":"s","Action":"events:PutEvents","Principal":"*","Condition":{"Type":"StringEquals","Key":"aws:PrincipalOrgID","Value":"o"}}`,
		"TestEventPattern": `{"Event":"{\"id\":\"1\",\"account\":\"0\",\"source\":\"a\",\"time\":\"t\",\"region\":\"r\",\"detail-type\":\"t\"}","EventPattern":"{\"source\":[\"a\"]}"}`,
		"StartReplay":      `{"ReplayName":"r","EventSourceArn":"` + archivePrefix + `a","EventStartTime":1,"EventEndTime":2e9,"Destination":{"Arn":"` + busPrefix + `default","FilterArns":["x"]}}`,
		"CreateArchive":    `{"ArchiveName":"a","EventSourceArn":"` + busPrefix + `default","RetentionDays":1}`,
		"ListRules":        `{"Limit":-1,"NextToken":"9999999999999999999"}`,
		"TagResource":      `{"ResourceARN":"` + rulePrefix + `r","Tags":null}`,
		"RemovePermission": `{"RemoveAllPermissions":true}`,
		"UntagResource":    `{"ResourceARN":"x","TagKeys":[""]}`,
		"DescribeRule":     `[]`,
		"Nothing":          `{}`,
	}
	for operation, body := range seeds {
		f.Add(operation, body)
	}
	dir, err := os.MkdirTemp("", "vinci-fuzz-")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	s, err := eventbridge.Open(eventbridge.Options{Queues: openQueues(f, freeQueues(f, "a")...), Functions: &functions{}, Dir: dir})
	if err != nil {
		f.Fatal(err)
	}
	for operation, body := range seeds {
		serveCall(s, operation, body) // so that there is something to change
	}
	f.Fuzz(func(t *testing.T, operation, body string) {
		status, answer := serveCall(s, operation, body)
		var e struct {
			Type string `json:"__type"`
		}
		if err := json.Unmarshal([]byte(answer), &e); err != nil {
			t.Fatalf("%s %q: answer %s: %v", operation, body, answer, err)
		}
		if (status == 200) != (e.Type == "") || status != 200 && status != 400 {
			t.Errorf("%s %q: %d %s", operation, body, status, answer)
		}
		if _, err := s.Needs(operation, []byte(body)); err != nil {
			if _, ok := err.(*gateway.Error); !ok {
				t.Errorf("%s %q: needs: %v", operation, body, err)
			}
		}
	})
}
