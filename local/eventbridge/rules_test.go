package eventbridge_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsevents "github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/vinci-go/vinci/local/eventbridge"
)

var str = aws.String

const anyPattern = `{"source":["app"]}`

// refusedWith fails unless err has the code, and the text in its message.
func refusedWith(t *testing.T, err error, code, message string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), message) {
		t.Errorf("error %v; want %s: %s", err, code, message)
	}
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (p *place) rule(t testing.TB, bus, name, pattern string, targets ...types.Target) {
	t.Helper()
	must(p.PutRule(t.Context(), &awsevents.PutRuleInput{Name: &name, EventBusName: &bus, EventPattern: &pattern}))(t)
	if len(targets) > 0 {
		out := must(p.PutTargets(t.Context(), &awsevents.PutTargetsInput{Rule: &name, EventBusName: &bus, Targets: targets}))(t)
		if out.FailedEntryCount != 0 {
			t.Fatalf("failed entries %+v", out.FailedEntries)
		}
	}
}

func queueTarget(name string) types.Target {
	return types.Target{Id: &name, Arn: str(queuePrefix + name)}
}

func (p *place) put(t testing.TB, bus, detail string) string {
	t.Helper()
	out := must(p.PutEvents(t.Context(), &awsevents.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{EventBusName: &bus, Source: str("app"), DetailType: str("t"), Detail: &detail}}}))(t)
	if out.FailedEntryCount != 0 {
		t.Fatalf("failed entries %+v", out.Entries)
	}
	return *out.Entries[0].EventId
}

func TestEventBuses(t *testing.T) {
	p, ctx := newPlace(t, eventbridge.Options{}, "a"), t.Context()
	made := must(p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str("orders"), Description: str("why"),
		DeadLetterConfig: &types.DeadLetterConfig{Arn: str(queuePrefix + "a")}, KmsKeyIdentifier: str("key"),
		LogConfig: &types.LogConfig{Level: types.LevelInfo, IncludeDetail: types.IncludeDetailFull}, Tags: []types.Tag{{Key: str("team"), Value: str("x")}}}))(t)
	t.Run("CreateEventBus tells the ARN and the settings", func(t *testing.T) {
		if *made.EventBusArn != busPrefix+"orders" || *made.Description != "why" || *made.DeadLetterConfig.Arn != queuePrefix+"a" || *made.KmsKeyIdentifier != "key" || made.LogConfig.Level != types.LevelInfo {
			t.Errorf("got %+v", made)
		}
	})
	t.Run("DescribeEventBus by name and by ARN", func(t *testing.T) {
		for _, name := range []string{"orders", busPrefix + "orders"} {
			b := must(p.DescribeEventBus(ctx, &awsevents.DescribeEventBusInput{Name: &name}))(t)
			if *b.Name != "orders" || *b.Description != "why" || b.CreationTime == nil || b.LastModifiedTime == nil || b.Policy != nil || *b.KmsKeyIdentifier != "key" {
				t.Errorf("got %+v", b)
			}
		}
	})
	t.Run("without a name it is the default bus", func(t *testing.T) {
		if b := must(p.DescribeEventBus(ctx, &awsevents.DescribeEventBusInput{}))(t); *b.Name != "default" {
			t.Errorf("got %+v", b)
		}
	})
	t.Run("UpdateEventBus leaves alone what is not given", func(t *testing.T) {
		b := must(p.UpdateEventBus(ctx, &awsevents.UpdateEventBusInput{Name: str("orders"), Description: str("other")}))(t)
		if *b.Description != "other" || *b.KmsKeyIdentifier != "key" || *b.Arn != busPrefix+"orders" || *b.Name != "orders" {
			t.Errorf("got %+v", b)
		}
		_, err := p.UpdateEventBus(ctx, &awsevents.UpdateEventBusInput{Name: str("none")})
		refusedWith(t, err, "ResourceNotFoundException", "Event bus none does not exist.")
	})
	t.Run("a name is taken once", func(t *testing.T) {
		for _, name := range []string{"orders", "default"} {
			_, err := p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: &name})
			refusedWith(t, err, "ResourceAlreadyExistsException", "Event bus "+name+" already exists.")
		}
	})
	t.Run("names", func(t *testing.T) {
		_, err := p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str("a/b")})
		refusedWith(t, err, "ValidationException", "Event bus name must not contain '/'.")
		_, err = p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str("a b")})
		refusedWith(t, err, "ValidationException", "at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern")
		_, err = p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str(strings.Repeat("a", 257))})
		refusedWith(t, err, "ValidationException", "Member must have length less than or equal to 256")
	})
	t.Run("a dead-letter queue is a standard queue", func(t *testing.T) {
		_, err := p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str("x"), DeadLetterConfig: &types.DeadLetterConfig{Arn: str("arn:aws:sns:us-east-1:000000000000:topic")}})
		refusedWith(t, err, "ValidationException", "sns is not supported as a dead letter resource")
	})
	t.Run("ListEventBuses by prefix, in pages", func(t *testing.T) {
		for _, name := range []string{"o1", "o2", "p"} {
			must(p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: &name}))(t)
		}
		var got []string
		in := &awsevents.ListEventBusesInput{NamePrefix: str("o"), Limit: aws.Int32(2)}
		for {
			out := must(p.ListEventBuses(ctx, in))(t)
			for _, b := range out.EventBuses {
				got = append(got, *b.Name)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		if !slices.Equal(got, []string{"o1", "o2", "orders"}) {
			t.Errorf("got %v", got)
		}
		_, err := p.ListEventBuses(ctx, &awsevents.ListEventBusesInput{Limit: aws.Int32(101)})
		refusedWith(t, err, "ValidationException", "at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100")
	})
	t.Run("DeleteEventBus is refused while there are rules", func(t *testing.T) {
		p.rule(t, "orders", "r", anyPattern)
		_, err := p.DeleteEventBus(ctx, &awsevents.DeleteEventBusInput{Name: str("orders")})
		refusedWith(t, err, "ValidationException", "can't be deleted since it has rules")
		must(p.DeleteRule(ctx, &awsevents.DeleteRuleInput{Name: str("r"), EventBusName: str("orders")}))(t)
		must(p.DeleteEventBus(ctx, &awsevents.DeleteEventBusInput{Name: str("orders")}))(t)
		_, err = p.DescribeEventBus(ctx, &awsevents.DescribeEventBusInput{Name: str("orders")})
		refusedWith(t, err, "ResourceNotFoundException", "Event bus orders does not exist.")
	})
	t.Run("DeleteEventBus of what is not there succeeds, of the default bus not", func(t *testing.T) {
		must(p.DeleteEventBus(ctx, &awsevents.DeleteEventBusInput{Name: str("orders")}))(t)
		_, err := p.DeleteEventBus(ctx, &awsevents.DeleteEventBusInput{Name: str("default")})
		refusedWith(t, err, "ValidationException", "Cannot delete event bus default.")
	})
	t.Run("100 buses", func(t *testing.T) {
		var err error
		n := 0
		for ; err == nil && n < 110; n++ {
			_, err = p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str(fmt.Sprint("many", n))})
		}
		refusedWith(t, err, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		if n != 98 { // o1, o2, p and 97 more are made
			t.Errorf("refused at number %d", n)
		}
	})
}

func TestPutRule(t *testing.T) {
	p, ctx := newPlace(t, eventbridge.Options{}, "a"), t.Context()
	must(p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str("bus")}))(t)
	t.Run("it replaces the whole rule, and keeps targets and tags", func(t *testing.T) {
		out := must(p.PutRule(ctx, &awsevents.PutRuleInput{Name: str("r"), EventPattern: str(anyPattern), Description: str("first"), RoleArn: str(forwarder),
			State: types.RuleStateDisabled, Tags: []types.Tag{{Key: str("k"), Value: str("v")}}}))(t)
		if *out.RuleArn != rulePrefix+"r" {
			t.Errorf("ARN %s", *out.RuleArn)
		}
		must(p.PutTargets(ctx, &awsevents.PutTargetsInput{Rule: str("r"), Targets: []types.Target{queueTarget("a")}}))(t)
		must(p.PutRule(ctx, &awsevents.PutRuleInput{Name: str("r"), EventPattern: str(`{"source":["other"]}`), Tags: []types.Tag{{Key: str("k"), Value: str("other")}}}))(t)
		r := must(p.DescribeRule(ctx, &awsevents.DescribeRuleInput{Name: str("r")}))(t)
		if r.Description != nil || r.RoleArn != nil || r.State != types.RuleStateEnabled || *r.EventPattern != `{"source":["other"]}` || *r.CreatedBy != "000000000000" || *r.EventBusName != "default" {
			t.Errorf("got %+v", r)
		}
		if targets := must(p.ListTargetsByRule(ctx, &awsevents.ListTargetsByRuleInput{Rule: str("r")}))(t); len(targets.Targets) != 1 {
			t.Errorf("targets %+v", targets.Targets)
		}
		if tags := must(p.ListTagsForResource(ctx, &awsevents.ListTagsForResourceInput{ResourceARN: str(rulePrefix + "r")}))(t); len(tags.Tags) != 1 || *tags.Tags[0].Value != "v" {
			t.Errorf("tags %+v", tags.Tags)
		}
	})
	t.Run("a pattern and a schedule together", func(t *testing.T) {
		must(p.PutRule(ctx, &awsevents.PutRuleInput{Name: str("both"), EventPattern: str(anyPattern), ScheduleExpression: str("rate(5 minutes)")}))(t)
		if r := must(p.DescribeRule(ctx, &awsevents.DescribeRuleInput{Name: str("both")}))(t); *r.ScheduleExpression != "rate(5 minutes)" || *r.EventPattern != anyPattern {
			t.Errorf("got %+v", r)
		}
	})
	for name, tt := range map[string]struct {
		in            awsevents.PutRuleInput
		code, message string
	}{
		"neither pattern nor schedule": {awsevents.PutRuleInput{}, "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified."},
		"no such bus":                  {awsevents.PutRuleInput{EventBusName: str("none"), EventPattern: str(anyPattern)}, "ResourceNotFoundException", "Event bus none does not exist."},
		"a bus of another account":     {awsevents.PutRuleInput{EventBusName: str("arn:aws:events:us-east-1:111111111111:event-bus/bus"), EventPattern: str(anyPattern)}, "ResourceNotFoundException", "Event bus bus does not exist."},
		"name":                         {awsevents.PutRuleInput{Name: str("a/b"), EventPattern: str(anyPattern)}, "ValidationException", `Value 'a/b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+`},
		"long name":                    {awsevents.PutRuleInput{Name: str(strings.Repeat("r", 65)), EventPattern: str(anyPattern)}, "ValidationException", "Member must have length less than or equal to 64"},
		"long description":             {awsevents.PutRuleInput{Description: str(strings.Repeat("d", 513)), EventPattern: str(anyPattern)}, "ValidationException", "at 'description'"},
		"state":                        {awsevents.PutRuleInput{State: "OFF", EventPattern: str(anyPattern)}, "ValidationException", "at 'state'"},
		"schedule":                     {awsevents.PutRuleInput{ScheduleExpression: str("rate(1 second)")}, "ValidationException", "Parameter ScheduleExpression is not valid."},
		"schedule on a custom bus":     {awsevents.PutRuleInput{EventBusName: str("bus"), ScheduleExpression: str("rate(1 minute)")}, "ValidationException", "ScheduleExpression is supported only on the default event bus."},
		"pattern of 2,049 characters":  {awsevents.PutRuleInput{EventPattern: str(`{"a":["` + strings.Repeat("x", 2049-10) + `"]}`)}, "ValidationException", "Parameter EventPattern for rule x exceeds limit of 2048."},
		"**":                           {awsevents.PutRuleInput{EventPattern: str(`{"a":[{"wildcard":"a**"}]}`)}, "InvalidEventPatternException", "Event pattern is not valid. Reason: "},
		"{}":                           {awsevents.PutRuleInput{EventPattern: str(`{}`)}, "InvalidEventPatternException", "Event pattern is not valid. Reason: "},
		"[]":                           {awsevents.PutRuleInput{EventPattern: str(`{"a":[]}`)}, "InvalidEventPatternException", "Event pattern is not valid. Reason: "},
		"a bare scalar":                {awsevents.PutRuleInput{EventPattern: str(`{"a":"b"}`)}, "InvalidEventPatternException", "Event pattern is not valid. Reason: "},
		"an unknown operator":          {awsevents.PutRuleInput{EventPattern: str(`{"a":[{"regex":"b"}]}`)}, "InvalidEventPatternException", "Event pattern is not valid. Reason: "},
		"no JSON":                      {awsevents.PutRuleInput{EventPattern: str(`{`)}, "InvalidEventPatternException", "Event pattern is not valid. Reason: "},
		"tags of AWS":                  {awsevents.PutRuleInput{EventPattern: str(anyPattern), Tags: []types.Tag{{Key: str("aws:x"), Value: str("")}}}, "ValidationException", "System tags"},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			if tt.in.Name == nil {
				tt.in.Name = str("x")
			}
			_, err := p.PutRule(ctx, &tt.in)
			refusedWith(t, err, tt.code, tt.message)
		})
	}
	t.Run("white space does not count towards 2,048", func(t *testing.T) {
		must(p.PutRule(ctx, &awsevents.PutRuleInput{Name: str("space"), EventPattern: str(`{"a":` + strings.Repeat(" ", 1000) + `["` + strings.Repeat("x", 2048-10) + `"]}`)}))(t)
	})
	t.Run("300 rules a bus", func(t *testing.T) {
		for i := range 300 {
			must(p.PutRule(ctx, &awsevents.PutRuleInput{Name: str(fmt.Sprint("r", i)), EventBusName: str("bus"), EventPattern: str(anyPattern)}))(t)
		}
		_, err := p.PutRule(ctx, &awsevents.PutRuleInput{Name: str("one-more"), EventBusName: str("bus"), EventPattern: str(anyPattern)})
		refusedWith(t, err, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		must(p.PutRule(ctx, &awsevents.PutRuleInput{Name: str("r7"), EventBusName: str("bus"), EventPattern: str(anyPattern)}))(t)
	})
	t.Run("30 rules with a wildcard a bus", func(t *testing.T) {
		must(p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str("wild")}))(t)
		put := func(name string) error {
			_, err := p.PutRule(ctx, &awsevents.PutRuleInput{Name: &name, EventBusName: str("wild"), EventPattern: str(`{"a":[{"anything-but":{"wildcard":"a*b"}}]}`)})
			return err
		}
		for i := range 30 {
			if err := put(fmt.Sprint("r", i)); err != nil {
				t.Fatal(err)
			}
		}
		refusedWith(t, put("one-more"), "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		if err := put("r7"); err != nil {
			t.Error(err)
		}
	})
}

func TestRules(t *testing.T) {
	p, ctx := newPlace(t, eventbridge.Options{}, "a", "b"), t.Context()
	p.rule(t, "default", "r1", anyPattern, queueTarget("a"))
	p.rule(t, "default", "r2", anyPattern, queueTarget("a"), queueTarget("b"))
	p.rule(t, "default", "other", anyPattern, queueTarget("b"))
	t.Run("ListRules by prefix", func(t *testing.T) {
		out := must(p.ListRules(ctx, &awsevents.ListRulesInput{NamePrefix: str("r"), Limit: aws.Int32(1)}))(t)
		if len(out.Rules) != 1 || *out.Rules[0].Name != "r1" || out.NextToken == nil || *out.Rules[0].EventBusName != "default" {
			t.Fatalf("got %+v", out)
		}
		out = must(p.ListRules(ctx, &awsevents.ListRulesInput{NamePrefix: str("r"), NextToken: out.NextToken}))(t)
		if len(out.Rules) != 1 || *out.Rules[0].Name != "r2" || out.NextToken != nil {
			t.Errorf("got %+v", out)
		}
	})
	t.Run("ListRuleNamesByTarget", func(t *testing.T) {
		out := must(p.ListRuleNamesByTarget(ctx, &awsevents.ListRuleNamesByTargetInput{TargetArn: str(queuePrefix + "b")}))(t)
		if !slices.Equal(out.RuleNames, []string{"other", "r2"}) {
			t.Errorf("got %v", out.RuleNames)
		}
		page := must(p.ListRuleNamesByTarget(ctx, &awsevents.ListRuleNamesByTargetInput{TargetArn: str(queuePrefix + "b"), Limit: aws.Int32(1)}))(t)
		if len(page.RuleNames) != 1 || page.NextToken == nil {
			t.Errorf("got %+v", page)
		}
	})
	t.Run("DisableRule and EnableRule", func(t *testing.T) {
		must(p.DisableRule(ctx, &awsevents.DisableRuleInput{Name: str("r1")}))(t)
		must(p.DisableRule(ctx, &awsevents.DisableRuleInput{Name: str("r2")}))(t)
		p.put(t, "default", "{}")
		if got := len(p.bodies(t, "a")); got != 0 {
			t.Errorf("%d events through disabled rules", got)
		}
		must(p.EnableRule(ctx, &awsevents.EnableRuleInput{Name: str("r1")}))(t)
		p.put(t, "default", "{}")
		if got := len(p.bodies(t, "a")); got != 1 {
			t.Errorf("%d events through one enabled rule", got)
		}
		_, err := p.EnableRule(ctx, &awsevents.EnableRuleInput{Name: str("none")})
		refusedWith(t, err, "ResourceNotFoundException", "Rule none does not exist on EventBus default.")
		_, err = p.DisableRule(ctx, &awsevents.DisableRuleInput{Name: str("none"), EventBusName: str("no-bus")})
		refusedWith(t, err, "ResourceNotFoundException", "Event bus no-bus does not exist.")
	})
	t.Run("DeleteRule is refused while it has targets", func(t *testing.T) {
		_, err := p.DeleteRule(ctx, &awsevents.DeleteRuleInput{Name: str("r1")})
		refusedWith(t, err, "ValidationException", "Rule can't be deleted since it has targets.")
		must(p.RemoveTargets(ctx, &awsevents.RemoveTargetsInput{Rule: str("r1"), Ids: []string{"a"}}))(t)
		must(p.DeleteRule(ctx, &awsevents.DeleteRuleInput{Name: str("r1")}))(t)
		_, err = p.DescribeRule(ctx, &awsevents.DescribeRuleInput{Name: str("r1")})
		refusedWith(t, err, "ResourceNotFoundException", "Rule r1 does not exist on EventBus default.")
	})
	t.Run("DeleteRule of what is not there succeeds, on no bus not", func(t *testing.T) {
		must(p.DeleteRule(ctx, &awsevents.DeleteRuleInput{Name: str("r1")}))(t)
		_, err := p.DeleteRule(ctx, &awsevents.DeleteRuleInput{Name: str("r1"), EventBusName: str("no-bus")})
		refusedWith(t, err, "ResourceNotFoundException", "Event bus no-bus does not exist.")
	})
}

func TestTargets(t *testing.T) {
	p, ctx := newPlace(t, eventbridge.Options{}, "a"), t.Context()
	p.rule(t, "default", "r", anyPattern)
	put := func(targets ...types.Target) (*awsevents.PutTargetsOutput, error) {
		return p.PutTargets(ctx, &awsevents.PutTargetsInput{Rule: str("r"), Targets: targets})
	}
	with := func(f func(*types.Target)) types.Target {
		tt := queueTarget("a")
		f(&tt)
		return tt
	}
	t.Run("everything that is given comes back", func(t *testing.T) {
		want := with(func(tt *types.Target) {
			tt.InputTransformer = &types.InputTransformer{InputPathsMap: map[string]string{"x": "$.detail.x"}, InputTemplate: str(`{"x":<x>}`)}
			tt.DeadLetterConfig = &types.DeadLetterConfig{Arn: str(queuePrefix + "dead")}
			tt.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2), MaximumEventAgeInSeconds: aws.Int32(60)}
			tt.SqsParameters = &types.SqsParameters{MessageGroupId: str("g")}
			tt.RoleArn = str(forwarder)
		})
		if out := must(put(want))(t); out.FailedEntryCount != 0 || out.FailedEntries == nil {
			t.Errorf("got %+v", out)
		}
		out := must(p.ListTargetsByRule(ctx, &awsevents.ListTargetsByRuleInput{Rule: str("r")}))(t)
		if got := out.Targets[0]; len(out.Targets) != 1 || got.InputTransformer.InputPathsMap["x"] != "$.detail.x" || *got.InputTransformer.InputTemplate != `{"x":<x>}` ||
			*got.DeadLetterConfig.Arn != queuePrefix+"dead" || *got.RetryPolicy.MaximumRetryAttempts != 2 || *got.RetryPolicy.MaximumEventAgeInSeconds != 60 || *got.SqsParameters.MessageGroupId != "g" || *got.RoleArn != forwarder {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("a target with the same id is replaced", func(t *testing.T) {
		must(put(queueTarget("a")))(t)
		out := must(p.ListTargetsByRule(ctx, &awsevents.ListTargetsByRuleInput{Rule: str("r")}))(t)
		if len(out.Targets) != 1 || out.Targets[0].InputTransformer != nil || out.Targets[0].RetryPolicy != nil {
			t.Errorf("got %+v", out.Targets)
		}
	})
	t.Run("an ARN that cannot be a target fails alone", func(t *testing.T) {
		out := must(put(types.Target{Id: str("bad"), Arn: str("queue")}, types.Target{Id: str("topic"), Arn: str("arn:aws:sns:us-east-1:000000000000:t")},
			types.Target{Id: str("far"), Arn: str("arn:aws:sqs:eu-west-1:000000000000:q")}, queueTarget("a")))(t)
		if out.FailedEntryCount != 3 || *out.FailedEntries[0].TargetId != "bad" || *out.FailedEntries[0].ErrorCode != "ValidationException" ||
			*out.FailedEntries[0].ErrorMessage != "Parameter queue is not valid. Reason: Provided Arn is not in correct format." || !strings.Contains(*out.FailedEntries[1].ErrorMessage, "targets of type sns are not served") {
			t.Errorf("got %+v", out.FailedEntries)
		}
	})
	for name, tt := range map[string]struct {
		target        types.Target
		code, message string
	}{
		"id":                   {with(func(tt *types.Target) { tt.Id = str("!") }), "ValidationException", `1 validation error detected: Value '!' at 'targets.1.member.id' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+`},
		"long id":              {with(func(tt *types.Target) { tt.Id = str(strings.Repeat("a", 65)) }), "ValidationException", "at 'targets.1.member.id' failed to satisfy constraint: Member must have length less than or equal to 64"},
		"FIFO without a group": {with(func(tt *types.Target) { *tt.Arn += ".fifo" }), "ValidationException", "Parameter(s) SqsParameters must be specified for target: a."},
		"bus without a role":   {with(func(tt *types.Target) { tt.Arn = str(busPrefix + "x") }), "ValidationException", "RoleArn is required for target " + busPrefix + "x."},
		"two inputs":           {with(func(tt *types.Target) { tt.Input, tt.InputPath = str("{}"), str("$.detail") }), "ValidationException", "Only one of Input, InputPath, or InputTransformer must be provided for target a."},
		"input is no JSON":     {with(func(tt *types.Target) { tt.Input = str("hello") }), "ValidationException", "JSON syntax error in input for target a."},
		"input path":           {with(func(tt *types.Target) { tt.InputPath = str("detail") }), "ValidationException", "InputPath for target a is invalid."},
		"DLQ is no queue": {with(func(tt *types.Target) {
			tt.DeadLetterConfig = &types.DeadLetterConfig{Arn: str("arn:aws:sns:us-east-1:000000000000:t")}
		}), "ValidationException", "sns is not supported as a dead letter resource"},
		"DLQ is FIFO": {with(func(tt *types.Target) {
			tt.DeadLetterConfig = &types.DeadLetterConfig{Arn: str(queuePrefix + "d.fifo")}
		}), "ValidationException", "SQS FIFO is not supported by Dead Letter Queues"},
		"DLQ in another region": {with(func(tt *types.Target) {
			tt.DeadLetterConfig = &types.DeadLetterConfig{Arn: str("arn:aws:sqs:eu-west-1:000000000000:d")}
		}), "ValidationException", "must be in the rule's"},
		"attempts":            {with(func(tt *types.Target) { tt.RetryPolicy = &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(186)} }), "ValidationException", "Value '186' at 'targets.1.member.retryPolicy.maximumRetryAttempts'"},
		"age":                 {with(func(tt *types.Target) { tt.RetryPolicy = &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(59)} }), "ValidationException", "Value '59' at 'targets.1.member.retryPolicy.maximumEventAgeInSeconds'"},
		"other's parameters":  {with(func(tt *types.Target) { tt.KinesisParameters = &types.KinesisParameters{PartitionKeyPath: str("$.id")} }), "ValidationException", "Parameter(s) KinesisParameters not supported for target: a."},
		"unknown placeholder": {with(func(tt *types.Target) { tt.InputTransformer = &types.InputTransformer{InputTemplate: str(`"<x>"`)} }), "ValidationException", "InputTemplate for target a contains invalid placeholder x."},
		"event.json in a text": {with(func(tt *types.Target) {
			tt.InputTransformer = &types.InputTransformer{InputTemplate: str(`"<aws.events.event.json>"`)}
		}), "ValidationException", "InputTemplate for target a contains placeholder aws.events.event.json valid only for JSON template."},
		"text without quotes": {with(func(tt *types.Target) { tt.InputTransformer = &types.InputTransformer{InputTemplate: str(`hello`)} }), "ValidationException", "Invalid InputTemplate for target a : "},
		"reserved variable": {with(func(tt *types.Target) {
			tt.InputTransformer = &types.InputTransformer{InputPathsMap: map[string]string{"aws.events.rule-name": "$.id"}, InputTemplate: str(`"x"`)}
		}), "ValidationException", "reserved"},
		"101 variables": {with(func(tt *types.Target) {
			m := map[string]string{}
			for i := range 101 {
				m[fmt.Sprint("v", i)] = "$.id"
			}
			tt.InputTransformer = &types.InputTransformer{InputPathsMap: m, InputTemplate: str(`"x"`)}
		}), "ValidationException", "AWS allows 100"},
	} {
		t.Run("refused: "+name, func(t *testing.T) {
			_, err := put(tt.target)
			refusedWith(t, err, tt.code, tt.message)
		})
	}
	t.Run("an id stands once in a call", func(t *testing.T) {
		_, err := put(queueTarget("a"), queueTarget("a"))
		refusedWith(t, err, "ValidationException", "Parameter targets is not valid. Reason: More than one target with Id 'a' is provided.")
	})
	t.Run("five targets a rule", func(t *testing.T) {
		var six []types.Target
		for i := range 6 {
			six = append(six, types.Target{Id: str(fmt.Sprint("t", i)), Arn: str(queuePrefix + "a")})
		}
		_, err := put(six...)
		refusedWith(t, err, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		must(put(six[:4]...))(t)
		_, err = put(six[4])
		refusedWith(t, err, "LimitExceededException", "The requested resource exceeds the maximum number allowed.")
		page := must(p.ListTargetsByRule(ctx, &awsevents.ListTargetsByRuleInput{Rule: str("r"), Limit: aws.Int32(3)}))(t)
		if len(page.Targets) != 3 || page.NextToken == nil {
			t.Errorf("got %+v", page)
		}
	})
	t.Run("RemoveTargets with an id that is not there", func(t *testing.T) {
		out := must(p.RemoveTargets(ctx, &awsevents.RemoveTargetsInput{Rule: str("r"), Ids: []string{"t1", "none"}}))(t)
		if out.FailedEntryCount != 1 || *out.FailedEntries[0].TargetId != "none" || *out.FailedEntries[0].ErrorCode != "ResourceNotFoundException" {
			t.Errorf("got %+v", out)
		}
		if left := must(p.ListTargetsByRule(ctx, &awsevents.ListTargetsByRuleInput{Rule: str("r")}))(t); len(left.Targets) != 4 {
			t.Errorf("left %+v", left.Targets)
		}
	})
	t.Run("no such rule", func(t *testing.T) {
		_, err := p.PutTargets(ctx, &awsevents.PutTargetsInput{Rule: str("none"), Targets: []types.Target{queueTarget("a")}})
		refusedWith(t, err, "ResourceNotFoundException", "Rule none does not exist on EventBus default.")
		_, err = p.RemoveTargets(ctx, &awsevents.RemoveTargetsInput{Rule: str("none"), Ids: []string{"a"}})
		refusedWith(t, err, "ResourceNotFoundException", "Rule none does not exist on EventBus default.")
	})
}

func TestTags(t *testing.T) {
	p, ctx := newPlace(t, eventbridge.Options{}), t.Context()
	must(p.CreateEventBus(ctx, &awsevents.CreateEventBusInput{Name: str("bus"), Tags: []types.Tag{{Key: str("a"), Value: str("1")}}}))(t)
	p.rule(t, "bus", "r", anyPattern)
	for name, arn := range map[string]string{"bus": busPrefix + "bus", "rule": rulePrefix + "bus/r"} {
		t.Run(name, func(t *testing.T) {
			must(p.TagResource(ctx, &awsevents.TagResourceInput{ResourceARN: &arn, Tags: []types.Tag{{Key: str("a"), Value: str("2")}, {Key: str("b"), Value: str("3")}}}))(t)
			must(p.UntagResource(ctx, &awsevents.UntagResourceInput{ResourceARN: &arn, TagKeys: []string{"b", "none"}}))(t)
			out := must(p.ListTagsForResource(ctx, &awsevents.ListTagsForResourceInput{ResourceARN: &arn}))(t)
			if len(out.Tags) != 1 || *out.Tags[0].Key != "a" || *out.Tags[0].Value != "2" {
				t.Errorf("got %+v", out.Tags)
			}
		})
	}
	t.Run("refused", func(t *testing.T) {
		_, err := p.ListTagsForResource(ctx, &awsevents.ListTagsForResourceInput{ResourceARN: str(rulePrefix + "bus/none")})
		refusedWith(t, err, "ResourceNotFoundException", "Rule none does not exist on EventBus bus.")
		_, err = p.TagResource(ctx, &awsevents.TagResourceInput{ResourceARN: str(busPrefix + "none"), Tags: []types.Tag{{Key: str("a"), Value: str("")}}})
		refusedWith(t, err, "ResourceNotFoundException", "Event bus none does not exist.")
		_, err = p.TagResource(ctx, &awsevents.TagResourceInput{ResourceARN: str("x"), Tags: []types.Tag{{Key: str("a"), Value: str("")}}})
		refusedWith(t, err, "ValidationException", "Provided Arn is not in correct format.")
		_, err = p.TagResource(ctx, &awsevents.TagResourceInput{ResourceARN: str(busPrefix + "bus"), Tags: []types.Tag{{Key: str("a"), Value: str("")}, {Key: str("a"), Value: str("")}}})
		refusedWith(t, err, "ValidationException", "Duplicated keys are not allowed.")
		var many []types.Tag
		for i := range 51 {
			many = append(many, types.Tag{Key: str(fmt.Sprint("k", i)), Value: str("")})
		}
		_, err = p.TagResource(ctx, &awsevents.TagResourceInput{ResourceARN: str(busPrefix + "bus"), Tags: many})
		refusedWith(t, err, "ValidationException", "can have 50 tags")
	})
}
