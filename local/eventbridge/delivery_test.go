package eventbridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsevents "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

func functionTarget(name string) types.Target {
	return types.Target{Id: &name, Arn: str(functionPrefix + name)}
}

func TestInputs(t *testing.T) {
	p := newPlace(t, eventbridge.Options{}, "whole", "input", "path", "part", "none", "made")
	p.rule(t, "default", "r1", anyPattern, queueTarget("whole"),
		types.Target{Id: str("input"), Arn: str(queuePrefix + "input"), Input: str(`{"constant": true}`)},
		types.Target{Id: str("path"), Arn: str(queuePrefix + "path"), InputPath: str("$.detail")},
		types.Target{Id: str("part"), Arn: str(queuePrefix + "part"), InputPath: str("$.detail.name")},
		types.Target{Id: str("none"), Arn: str(queuePrefix + "none"), InputPath: str("$.detail.none")})
	p.rule(t, "default", "r2", anyPattern, types.Target{Id: str("made"), Arn: str(queuePrefix + "made"),
		InputTransformer: &types.InputTransformer{InputPathsMap: map[string]string{"n": "$.detail.name"}, InputTemplate: str(`{"hello": <n>, "by": <aws.events.rule-name>}`)}})
	id := p.put(t, "default", `{"name": "Ada", "list": [1]}`)
	for queue, want := range map[string]string{"input": `{"constant": true}`, "path": `{"name":"Ada","list":[1]}`, "part": `"Ada"`, "none": "null", "made": `{"hello":"Ada","by":"r2"}`} {
		if got := p.bodies(t, queue); !slices.Equal(got, []string{want}) {
			t.Errorf("queue %s has %q; want %q", queue, got, want)
		}
	}
	if got := p.bodies(t, "whole"); len(got) != 1 || !strings.Contains(got[0], id) {
		t.Errorf("got %q", got)
	}

}

// A template that is an object, and is JSON no more when it is filled in, goes to
// the dead-letter queue at once, with the event as it was.
func TestBrokenTemplate(t *testing.T) {
	p := newPlace(t, eventbridge.Options{}, "a", "dead")
	target := queueTarget("a")
	target.InputTransformer = &types.InputTransformer{InputPathsMap: map[string]string{"x": "$.detail.x"}, InputTemplate: str(`{"x":"<x>"}`)}
	target.DeadLetterConfig = &types.DeadLetterConfig{Arn: str(queuePrefix + "dead")}
	p.rule(t, "default", "r", anyPattern, target)
	id := p.put(t, "default", `{"x":"a \"quote\""}`)
	m := receive(t, p.queues, "dead")
	if len(m) != 1 || m[0].Attributes["ERROR_CODE"].StringValue != "INVALID_JSON" || !strings.Contains(m[0].Body, id) {
		t.Fatalf("got %+v", m)
	}
}

func TestFunctionTargets(t *testing.T) {
	f := (&functions{}).allow(t, "open", rulePrefix+"r").allow(t, "other", rulePrefix+"somebody")
	p := newPlace(t, eventbridge.Options{Functions: f}, "dead")
	withDead := func(name string) types.Target {
		tt := functionTarget(name)
		tt.DeadLetterConfig = &types.DeadLetterConfig{Arn: str(queuePrefix + "dead")}
		return tt
	}
	input := withDead("open")
	input.Id, input.InputPath = str("path"), str("$.detail")
	p.rule(t, "default", "r", anyPattern, withDead("open"), input, withDead("other"), withDead("closed"), withDead("gone"))
	id := p.put(t, "default", `{"a":1}`)
	calls := f.called()
	if len(calls) != 2 || !strings.HasPrefix(calls[0], "open {") || !strings.Contains(calls[0], id) || calls[1] != `open {"a":1}` {
		t.Errorf("called %q", calls)
	}
	codes := map[string]string{}
	for _, m := range receive(t, p.queues, "dead") {
		codes[strings.TrimPrefix(m.Attributes["TARGET_ARN"].StringValue, functionPrefix)] = m.Attributes["ERROR_CODE"].StringValue
		if m.Attributes["RULE_ARN"].StringValue != rulePrefix+"r" || m.Attributes["RETRY_ATTEMPTS"].StringValue != "0" {
			t.Errorf("attributes %+v", m.Attributes)
		}
	}
	if want := map[string]string{"other": "NO_PERMISSIONS", "closed": "NO_PERMISSIONS", "gone": "NO_RESOURCE"}; fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
}

// What a function's answer means for the event.
func TestFunctionErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		err   error
		calls int    // in a minute
		code  string // in the dead-letter queue
	}{
		"throttled":      {&gateway.Error{Code: "TooManyRequestsException", Status: http.StatusTooManyRequests}, 1, ""},
		"slow down":      {&gateway.Error{Code: "ThrottlingException"}, 1, ""},
		"it broke":       {&gateway.Error{Code: "ServiceException", Status: http.StatusInternalServerError}, 1, ""},
		"not an answer":  {errors.New("disk is full"), 1, ""},
		"deleted":        {&gateway.Error{Code: "ResourceNotFoundException", Status: http.StatusNotFound}, 0, "NO_RESOURCE"},
		"what it is for": {&gateway.Error{Code: "RequestTooLargeException", Status: http.StatusRequestEntityTooLarge}, 0, "INVALID_PARAMETER"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := (&functions{errs: []error{tt.err}}).allow(t, "f", "*")
				q := openQueues(t, freeQueues(t, "dead")...)
				r := eventbridge.RuleConfig{Name: "r", EventPattern: []byte(anyPattern), Targets: []eventbridge.TargetConfig{{ID: "f", ARN: functionPrefix + "f", DeadLetterARN: queuePrefix + "dead"}}}
				s := open(t, eventbridge.Options{Queues: q, Functions: f}, eventbridge.Config{Rules: []eventbridge.RuleConfig{r}})
				put(t, s, eventbridge.Entry{Source: "app", DetailType: "t", Detail: "{}"})
				time.Sleep(time.Minute)
				if err := s.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
				code := ""
				for _, m := range receive(t, q, "dead") {
					code = m.Attributes["ERROR_CODE"].StringValue
				}
				if got := len(f.called()); got != tt.calls || code != tt.code {
					t.Errorf("%d calls, dead-letter queue %q; want %d, %q", got, code, tt.calls, tt.code)
				}
			})
		})
	}
}

// From one bus to another, and no further.
func TestBusTargets(t *testing.T) {
	policies := map[string]iam.Policies{}
	doc, err := iam.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"events:PutEvents","Resource":"` + busPrefix + `second"}}`))
	if err != nil {
		t.Fatal(err)
	}
	policies[forwarder], policies["arn:aws:iam::000000000000:role/weak"] = iam.Policies{doc}, iam.Policies{}
	p := newPlace(t, eventbridge.Options{RolePolicies: func(arn string) (iam.Policies, bool) { p, ok := policies[arn]; return p, ok }}, "end", "dead", "third")
	ctx := t.Context()
	for _, bus := range []string{"first", "second", "third"} {
		must(p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: &bus}))(t)
	}
	to := func(id, bus, role string) types.Target {
		return types.Target{Id: &id, Arn: str(busPrefix + bus), RoleArn: &role, DeadLetterConfig: &types.DeadLetterConfig{Arn: str(queuePrefix + "dead")}}
	}
	p.rule(t, "first", "forward", anyPattern, to("ok", "second", forwarder), to("weak", "second", "arn:aws:iam::000000000000:role/weak"), to("none", "none", forwarder))
	p.rule(t, "second", "end", anyPattern, queueTarget("end"), to("on", "third", "arn:aws:iam::000000000000:role/unknown"))
	p.rule(t, "third", "end", anyPattern, queueTarget("third"))
	id := p.put(t, "first", `{"a":1}`)
	if got := p.bodies(t, "end"); len(got) != 1 || !strings.Contains(got[0], `"id":"`+id+`"`) {
		t.Errorf("the second bus gave %q", got)
	}
	if got := p.bodies(t, "third"); len(got) != 0 {
		t.Errorf("the third bus gave %q", got)
	}
	codes := map[string]bool{}
	for _, m := range receive(t, p.queues, "dead") {
		codes[strings.TrimPrefix(m.Attributes["TARGET_ARN"].StringValue, busPrefix)+" "+m.Attributes["ERROR_CODE"].StringValue] = true
	}
	if want := map[string]bool{"second NO_PERMISSIONS": true, "none NO_RESOURCE": true, "third THIRD_ACCOUNT_HOP_DETECTED": true}; fmt.Sprint(codes) != fmt.Sprint(want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
	t.Run("the bus's policy may deny", func(t *testing.T) {
		must(p.PutPermission(ctx, &awsevents.PutPermissionInput{EventBusName: str("second"),
			Policy: str(`{"Version":"2012-10-17","Statement":[{"Sid":"no","Effect":"Deny","Principal":"*","Action":"events:PutEvents","Resource":"` + busPrefix + `second"}]}`)}))(t)
		p.put(t, "first", `{}`)
		if got := p.bodies(t, "end"); len(got) != 0 {
			t.Errorf("the second bus gave %q", got)
		}
	})
}

// keeping queues keep what is sent, also to FIFO queues.
type keeping struct {
	policy *iam.Document
	mu     sync.Mutex
	sent   []sqs.Parcel
}

func (k *keeping) SendAll(_ context.Context, parcels []sqs.Parcel) []error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sent = append(k.sent, parcels...)
	return make([]error, len(parcels))
}
func (k *keeping) ResourcePolicy(string) *iam.Document { return k.policy }
func (k *keeping) Exists(string) bool                  { return true }

func TestFIFOTarget(t *testing.T) {
	k := &keeping{policy: freeQueues(t, "x.fifo")[0].Policy}
	p := newPlace(t, eventbridge.Options{Queues: k})
	target := types.Target{Id: str("x"), Arn: str(queuePrefix + "x.fifo"), SqsParameters: &types.SqsParameters{MessageGroupId: str("one")}}
	p.rule(t, "default", "r", anyPattern, target)
	p.put(t, "default", `{}`)
	if len(k.sent) != 1 || k.sent[0].GroupID != "one" || k.sent[0].QueueARN != queuePrefix+"x.fifo" {
		t.Errorf("sent %+v", k.sent)
	}
}

func TestPermissions(t *testing.T) {
	p, ctx := newPlace(t, eventbridge.Options{}), t.Context()
	must(p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str("bus")}))(t)
	put := func(in awsevents.PutPermissionInput) error {
		in.EventBusName = str("bus")
		_, err := p.PutPermission(ctx, &in)
		return err
	}
	policy := func(t *testing.T) string {
		return aws.ToString(must(p.DescribeEventBus(ctx, &awsevents.DescribeEventBusInput{Name: str("bus")}))(t).Policy)
	}
	statement := func(id, principal string) awsevents.PutPermissionInput {
		return awsevents.PutPermissionInput{StatementId: &id, Action: str("events:PutEvents"), Principal: &principal}
	}
	t.Run("statements", func(t *testing.T) {
		if err := errors.Join(put(statement("a", "111111111111")), put(statement("b", "*")), put(statement("a", "222222222222"))); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Statement []struct{ Sid, Effect, Action, Resource string }
		}
		if err := json.Unmarshal([]byte(policy(t)), &got); err != nil || len(got.Statement) != 2 || got.Statement[0].Sid != "b" || got.Statement[1].Resource != busPrefix+"bus" || !strings.Contains(policy(t), "222222222222:root") || strings.Contains(policy(t), "111111111111") {
			t.Errorf("policy %s, %v", policy(t), err)
		}
	})
	t.Run("a condition", func(t *testing.T) {
		in := statement("org", "*")
		in.Condition = &types.Condition{Type: str("StringEquals"), Key: str("aws:PrincipalOrgID"), Value: str("o-1")}
		if err := put(in); err != nil || !strings.Contains(policy(t), `"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}`) {
			t.Errorf("%v, policy %s", err, policy(t))
		}
	})
	t.Run("refused", func(t *testing.T) {
		wrong := statement("a", "*")
		wrong.Action = str("events:PutRule")
		refusedWith(t, put(wrong), "ValidationException", "Provided value in parameter 'action' is not supported.")
		refusedWith(t, put(statement("a b", "*")), "ValidationException", "at 'statementId'")
		refusedWith(t, put(statement("a", "me")), "ValidationException", "at 'principal'")
		both := statement("a", "*")
		both.Policy = str(`{"Statement":[]}`)
		refusedWith(t, put(both), "ValidationException", "Parameter Policy is not valid")
		refusedWith(t, put(awsevents.PutPermissionInput{Policy: str("x")}), "ValidationException", "Parameter Policy is not valid")
		refusedWith(t, put(awsevents.PutPermissionInput{Policy: str(`{"Statement":[{"Sid":"` + strings.Repeat("x", 10240) + `"}]}`)}), "PolicyLengthExceededException", "at most 10240 are allowed")
		_, err := p.PutPermission(ctx, &awsevents.PutPermissionInput{EventBusName: str("none"), StatementId: str("a"), Action: str("events:PutEvents"), Principal: str("*")})
		refusedWith(t, err, "ResourceNotFoundException", "Event bus none does not exist.")
	})
	t.Run("RemovePermission", func(t *testing.T) {
		remove := func(in awsevents.RemovePermissionInput) error {
			in.EventBusName = str("bus")
			_, err := p.RemovePermission(ctx, &in)
			return err
		}
		refusedWith(t, remove(awsevents.RemovePermissionInput{StatementId: str("none")}), "ResourceNotFoundException", "Statement with the provided id does not exist.")
		refusedWith(t, remove(awsevents.RemovePermissionInput{}), "ValidationException", "Parameter StatementId is required.")
		if err := remove(awsevents.RemovePermissionInput{StatementId: str("a")}); err != nil || strings.Contains(policy(t), `"a"`) || policy(t) == "" {
			t.Errorf("%v, policy %s", err, policy(t))
		}
		if err := remove(awsevents.RemovePermissionInput{RemoveAllPermissions: true}); err != nil || policy(t) != "" {
			t.Errorf("%v, policy %s", err, policy(t))
		}
	})
	t.Run("judged: a role that a bus denies", func(t *testing.T) {
		allow, err := iam.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"events:*","Resource":"*"}}`))
		if err != nil {
			t.Fatal(err)
		}
		p.keys.SetRoles(map[string]iam.Policies{"arn:aws:iam::000000000000:role/r": {allow}, "arn:aws:iam::000000000000:role/bare": {}})
		puts := func(role string) error {
			c := client(p.url, p.keys.Issue("arn:aws:iam::000000000000:role/"+role, "f"))
			_, err := c.PutEvents(ctx, &awsevents.PutEventsInput{Entries: []types.PutEventsRequestEntry{{EventBusName: str("bus"), Source: str("app"), DetailType: str("t"), Detail: str("{}")}}})
			return err
		}
		if err := puts("r"); err != nil {
			t.Error(err)
		}
		set := func(text string) {
			if err := put(awsevents.PutPermissionInput{Policy: &text}); err != nil {
				t.Fatal(err)
			}
		}
		set(`{"Version":"2012-10-17","Statement":[{"Sid":"x","Effect":"Deny","Principal":"*","Action":"events:PutEvents","Resource":"` + busPrefix + `bus"}]}`)
		refusedWith(t, puts("r"), "AccessDeniedException", "explicit deny")
		set(`{"Version":"2012-10-17","Statement":[{"Sid":"x","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:role/bare"},"Action":"events:PutEvents","Resource":"` + busPrefix + `bus"}]}`)
		if err := puts("bare"); err != nil {
			t.Error(err)
		}
	})
	t.Run("kept and not judged: what the local IAM does not know", func(t *testing.T) {
		text := `{"Version":"2012-10-17","Statement":[{"Sid":"x","Effect":"Deny","NotPrincipal":{"AWS":"*"},"Action":"events:PutEvents","Resource":"*"}]}`
		if err := put(awsevents.PutPermissionInput{Policy: &text}); err != nil || policy(t) != text {
			t.Errorf("%v, policy %s", err, policy(t))
		}
	})
}
