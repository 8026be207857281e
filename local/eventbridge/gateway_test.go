package eventbridge_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsevents "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

func serve(t testing.TB, c eventbridge.Config, queues ...sqs.QueueConfig) (*sqs.Service, *gateway.Credentials, string) {
	t.Helper()
	q := openQueues(t, queues...)
	s := open(t, eventbridge.Options{Queues: q}, c)
	keys := gateway.NewCredentials(gateway.CredentialsOptions{})
	server := httptest.NewServer(gateway.New(gateway.Options{Services: []gateway.Service{s}, Credentials: keys}))
	t.Cleanup(server.Close)
	return q, keys, server.URL
}

func client(url string, k gateway.Keys) *awsevents.Client {
	return awsevents.New(awsevents.Options{Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}, nil
		})})
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func isCode(err error, code string) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == code
}

func TestSDKPutEvents(t *testing.T) {
	q, keys, url := serve(t, eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "bus"}}, Rules: []eventbridge.RuleConfig{rule("r", `{"source":["app"]}`, "a")}}, queueFor(t, "a", "bus/r"))
	c := client(url, keys.Owner())
	out, err := c.PutEvents(t.Context(), &awsevents.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{EventBusName: aws.String("bus"), Source: aws.String("app"), DetailType: aws.String("t"), Detail: aws.String(`{"a":1}`),
			Time: aws.Time(time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)), Resources: []string{"r"}, TraceHeader: aws.String("Root=1")},
		{EventBusName: aws.String("bus"), Source: aws.String("app"), DetailType: aws.String("t"), Detail: aws.String(`x`)},
		{EventBusName: aws.String("bus"), DetailType: aws.String("t"), Detail: aws.String(`{}`)},
	}})
	if err != nil || out.FailedEntryCount != 2 || len(out.Entries) != 3 || len(aws.ToString(out.Entries[0].EventId)) != 36 ||
		aws.ToString(out.Entries[1].ErrorCode) != "MalformedDetail" || out.Entries[1].EventId != nil || aws.ToString(out.Entries[2].ErrorCode) != "InvalidArgument" {
		t.Fatalf("got %+v, %v", out, err)
	}
	m := receive(t, q, "a")
	if len(m) != 1 || m[0].TraceHeader != "Root=1" || !strings.Contains(m[0].Body, `"time":"2026-01-02T03:04:05Z"`) || !strings.Contains(m[0].Body, `"id":"`+*out.Entries[0].EventId+`"`) {
		t.Errorf("got %+v", m)
	}
	do := func(_ any, err error) error { return err }
	eleven := make([]types.PutEventsRequestEntry, 11)
	if err := do(c.PutEvents(t.Context(), &awsevents.PutEventsInput{Entries: eleven})); !isCode(err, "ValidationException") {
		t.Errorf("eleven entries: error %v", err)
	}
	if err := do(c.ListConnections(t.Context(), &awsevents.ListConnectionsInput{})); !isCode(err, "UnknownOperationException") {
		t.Errorf("an operation that is not served: error %v", err)
	}
}

func TestSDKReads(t *testing.T) {
	r := rule("r", `{"source":["app"]}`, "a")
	r.Description = "why"
	r.Targets[0].DeadLetterARN, r.Targets[0].MessageGroupID = queuePrefix+"dead", "g"
	off := rule("s", `{"source":["x"]}`)
	off.Disabled = true
	_, keys, url := serve(t, eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "bus"}}, Rules: []eventbridge.RuleConfig{off, r}}, queueFor(t, "a"))
	c, ctx := client(url, keys.Owner()), t.Context()

	b, err := c.DescribeEventBus(ctx, &awsevents.DescribeEventBusInput{Name: aws.String("bus")})
	if err != nil || *b.Arn != "arn:aws:events:us-east-1:000000000000:event-bus/bus" {
		t.Errorf("got %+v, %v", b, err)
	}
	if _, err := c.DescribeEventBus(ctx, &awsevents.DescribeEventBusInput{Name: aws.String("none")}); !is[*types.ResourceNotFoundException](err) {
		t.Errorf("error %v", err)
	}
	buses, err := c.ListEventBuses(ctx, &awsevents.ListEventBusesInput{})
	if err != nil || len(buses.EventBuses) != 2 || *buses.EventBuses[1].Name != "default" {
		t.Errorf("got %+v, %v", buses, err)
	}
	rules, err := c.ListRules(ctx, &awsevents.ListRulesInput{EventBusName: aws.String("bus"), Limit: aws.Int32(1)})
	if err != nil || len(rules.Rules) != 1 || *rules.Rules[0].EventPattern != `{"source":["app"]}` || rules.Rules[0].State != types.RuleStateEnabled || *rules.Rules[0].Description != "why" {
		t.Fatalf("got %+v, %v", rules, err)
	}
	rules, err = c.ListRules(ctx, &awsevents.ListRulesInput{EventBusName: aws.String("bus"), Limit: aws.Int32(1), NextToken: rules.NextToken})
	if err != nil || len(rules.Rules) != 1 || rules.Rules[0].State != types.RuleStateDisabled || rules.NextToken != nil {
		t.Errorf("got %+v, %v", rules, err)
	}
	if _, err := c.ListRules(ctx, &awsevents.ListRulesInput{NextToken: aws.String("x")}); !isCode(err, "ValidationException") {
		t.Errorf("error %v", err)
	}
	one, err := c.DescribeRule(ctx, &awsevents.DescribeRuleInput{EventBusName: aws.String("bus"), Name: aws.String("r")})
	if err != nil || *one.Arn != rulePrefix+"bus/r" {
		t.Errorf("got %+v, %v", one, err)
	}
	targets, err := c.ListTargetsByRule(ctx, &awsevents.ListTargetsByRuleInput{EventBusName: aws.String("bus"), Rule: aws.String("r")})
	if err != nil || len(targets.Targets) != 1 {
		t.Fatalf("got %+v, %v", targets, err)
	}
	if g := targets.Targets[0]; *g.Arn != queuePrefix+"a" || *g.DeadLetterConfig.Arn != queuePrefix+"dead" || g.RetryPolicy != nil || *g.SqsParameters.MessageGroupId != "g" {
		t.Errorf("got %+v", g)
	}
	if _, err := c.ListTargetsByRule(ctx, &awsevents.ListTargetsByRuleInput{EventBusName: aws.String("bus"), Rule: aws.String("none")}); !is[*types.ResourceNotFoundException](err) {
		t.Errorf("error %v", err)
	}

	event := `{"id":"1","account":"0","source":"app","time":"2026-01-02T03:04:05Z","region":"r","resources":[],"detail-type":"t","detail":{}}`
	for source, want := range map[string]bool{`{"source":["app"]}`: true, `{"source":["x"]}`: false} {
		if got, err := c.TestEventPattern(ctx, &awsevents.TestEventPatternInput{Event: &event, EventPattern: &source}); err != nil || got.Result != want {
			t.Errorf("%s: got %+v, %v", source, got, err)
		}
	}
	if _, err := c.TestEventPattern(ctx, &awsevents.TestEventPatternInput{Event: &event, EventPattern: aws.String(`{"source":"app"}`)}); !is[*types.InvalidEventPatternException](err) {
		t.Errorf("error %v", err)
	}
	for _, bad := range []string{`{}`, `x`} {
		if _, err := c.TestEventPattern(ctx, &awsevents.TestEventPatternInput{Event: &bad, EventPattern: aws.String(`{"source":["app"]}`)}); !isCode(err, "ValidationException") {
			t.Errorf("event %s: error %v", bad, err)
		}
	}
}

func TestNeeds(t *testing.T) {
	_, keys, url := serve(t, eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "bus"}, {Name: "other"}}})
	role := "arn:aws:iam::000000000000:role/r"
	policy, err := iam.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:PutEvents","Resource":"arn:aws:events:us-east-1:000000000000:event-bus/bus","Condition":{"StringEquals":{"events:source":"app"}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	keys.SetRoles(map[string]iam.Policies{role: {policy}})
	c := client(url, keys.Issue(role, "f"))
	entry := func(bus, source string) types.PutEventsRequestEntry {
		return types.PutEventsRequestEntry{EventBusName: &bus, Source: &source, DetailType: aws.String("t"), Detail: aws.String("{}")}
	}
	puts := func(entries ...types.PutEventsRequestEntry) error {
		_, err := c.PutEvents(t.Context(), &awsevents.PutEventsInput{Entries: entries})
		return err
	}
	if err := puts(entry("bus", "app"), entry("arn:aws:events:us-east-1:000000000000:event-bus/bus", "app")); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"one entry for another bus": puts(entry("bus", "app"), entry("other", "app")),
		"another source":            puts(entry("bus", "x")),
	} {
		if !isCode(err, "AccessDeniedException") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := c.ListRules(t.Context(), &awsevents.ListRulesInput{EventBusName: aws.String("bus")}); !isCode(err, "AccessDeniedException") {
		t.Errorf("another action: error %v", err)
	}
}
