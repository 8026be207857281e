package iam_test

import (
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/iam"
)

const (
	table = "arn:aws:dynamodb:us-east-1:000000000000:table/app-dev-events"
	queue = "arn:aws:sqs:us-east-1:000000000000:app-dev-welcome"
)

func need(action, resource string, context ...string) iam.Need {
	n := iam.Need{Action: action, Resource: resource}
	for i := 0; i+1 < len(context); i += 2 {
		if n.Context == nil {
			n.Context = map[string][]string{}
		}
		n.Context[context[i]] = append(n.Context[context[i]], context[i+1])
	}
	return n
}

// The rows follow the evaluation logic and the elements that AWS documents:
// reference_policies_evaluation-logic.html, reference_policies_elements_*.html.
func TestDecide(t *testing.T) {
	const onTable = `"Resource":"` + table + `"`
	put := need("dynamodb:PutItem", table)
	for _, c := range []struct {
		name     string
		policies []string
		need     iam.Need
		want     iam.Outcome
	}{
		{"no policy", nil, put, iam.ImplicitDeny},
		{"the exact statement", []string{allow(`"Action":"dynamodb:PutItem",` + onTable)}, put, iam.Allowed},
		{"one of several actions", []string{allow(`"Action":["dynamodb:GetItem","dynamodb:PutItem"],` + onTable)}, put, iam.Allowed},
		{"another action", []string{allow(`"Action":"dynamodb:GetItem",` + onTable)}, put, iam.ImplicitDeny},
		{"actions ignore case", []string{allow(`"Action":"DynamoDB:putitem",` + onTable)}, put, iam.Allowed},
		{"action wildcard", []string{allow(`"Action":"dynamodb:Put*",` + onTable)}, put, iam.Allowed},
		{"action wildcard ignores case", []string{allow(`"Action":"dynamodb:PUT*",` + onTable)}, put, iam.Allowed},
		{"action wildcard of one letter", []string{allow(`"Action":"dynamodb:?utItem",` + onTable)}, put, iam.Allowed},
		{"every action", []string{allow(`"Action":"*",` + onTable)}, put, iam.Allowed},
		{"the wildcard stays in the service", []string{allow(`"Action":"sqs:*",` + onTable)}, put, iam.ImplicitDeny},
		{"another resource", []string{allow(`"Action":"dynamodb:PutItem","Resource":"` + table + `2"`)}, put, iam.ImplicitDeny},
		{"resources mind case", []string{allow(`"Action":"dynamodb:PutItem","Resource":"` + strings.Replace(table, "app-dev", "App-dev", 1) + `"`)}, put, iam.ImplicitDeny},
		{"resource wildcard", []string{allow(`"Action":"dynamodb:PutItem","Resource":"arn:aws:dynamodb:*:*:table/app-*"`)}, put, iam.Allowed},
		{"every resource", []string{allow(`"Action":"dynamodb:PutItem","Resource":"*"`)}, put, iam.Allowed},
		{"a short ARN goes on with wildcards", []string{allow(`"Action":"dynamodb:PutItem","Resource":"arn:aws:dynamodb"`)}, put, iam.Allowed},
		{"a wildcard stays in its part", []string{allow(`"Action":"dynamodb:PutItem","Resource":"arn:aws:dynamodb*:table/app-dev-events"`)}, put, iam.ImplicitDeny},
		{"an index is not its table", []string{allow(`"Action":"dynamodb:Query",` + onTable)}, need("dynamodb:Query", table+"/index/by_type"), iam.ImplicitDeny},
		{"a wildcard reaches the index", []string{allow(`"Action":"dynamodb:Query","Resource":"` + table + `/index/*"`)}, need("dynamodb:Query", table+"/index/by_type"), iam.Allowed},
		{"the last part may hold colons", []string{allow(`"Action":"logs:PutLogEvents","Resource":"arn:aws:logs:us-east-1:1:log-group:a:*"`)}, need("logs:PutLogEvents", "arn:aws:logs:us-east-1:1:log-group:a:log-stream:b"), iam.Allowed},
		{"a call on no resource needs *", []string{allow(`"Action":"dynamodb:ListTables","Resource":"arn:aws:dynamodb:us-east-1:000000000000:table/*"`)}, need("dynamodb:ListTables", "*"), iam.ImplicitDeny},
		{"NotAction allows the others", []string{allow(`"NotAction":"dynamodb:DeleteItem",` + onTable)}, put, iam.Allowed},
		{"NotAction leaves its own out", []string{allow(`"NotAction":"dynamodb:P*",` + onTable)}, put, iam.ImplicitDeny},
		{"NotResource allows the others", []string{allow(`"Action":"dynamodb:PutItem","NotResource":"` + queue + `"`)}, put, iam.Allowed},
		{"NotResource leaves its own out", []string{allow(`"Action":"dynamodb:PutItem","NotResource":"` + table + `"`)}, put, iam.ImplicitDeny},
		{"allowed by the second policy", []string{allow(`"Action":"dynamodb:GetItem",` + onTable), allow(`"Action":"dynamodb:PutItem",` + onTable)}, put, iam.Allowed},
		{"a deny wins, wherever it stands", []string{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"dynamodb:Put*","Resource":"*"}]}`}, put, iam.ExplicitDeny},
		{"a deny wins, first", []string{`{"Statement":{"Effect":"Deny","Action":"dynamodb:Put*","Resource":"*"}}`, allow(`"Action":"*","Resource":"*"`)}, put, iam.ExplicitDeny},
		{"a deny of something else", []string{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"dynamodb:Delete*","Resource":"*"}]}`}, put, iam.Allowed},
		{"a deny with NotAction", []string{`{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","NotAction":"dynamodb:GetItem","Resource":"*"}]}`}, put, iam.ExplicitDeny},
	} {
		t.Run(c.name, func(t *testing.T) {
			var p iam.Policies
			for _, raw := range c.policies {
				p = append(p, identity(t, raw))
			}
			d := p.Decide(c.need)
			if d.Outcome != c.want {
				t.Fatalf("got %v (%s); want %v", d.Outcome, d.Explain(), c.want)
			}
			checkDecision(t, d)
		})
	}
}

func TestConditions(t *testing.T) {
	const key = "dynamodb:LeadingKeys"
	none := []string{}
	for _, c := range []struct {
		name, condition string
		context         []string // values of key
		want            bool
	}{
		{"StringEquals", `"StringEquals":{"dynamodb:LeadingKeys":"a"}`, []string{"a"}, true},
		{"StringEquals minds case", `"StringEquals":{"dynamodb:LeadingKeys":"a"}`, []string{"A"}, false},
		{"keys ignore case", `"StringEquals":{"DynamoDB:leadingkeys":"a"}`, []string{"a"}, true},
		{"one of several values", `"StringEquals":{"dynamodb:LeadingKeys":["b","a"]}`, []string{"a"}, true},
		{"StringEquals takes no wildcard", `"StringEquals":{"dynamodb:LeadingKeys":"a*"}`, []string{"ab"}, false},
		{"StringEquals, absent key", `"StringEquals":{"dynamodb:LeadingKeys":"a"}`, none, false},
		{"StringEqualsIfExists, absent key", `"StringEqualsIfExists":{"dynamodb:LeadingKeys":"a"}`, none, true},
		{"StringEqualsIfExists, other value", `"StringEqualsIfExists":{"dynamodb:LeadingKeys":"a"}`, []string{"b"}, false},
		{"StringNotEquals", `"StringNotEquals":{"dynamodb:LeadingKeys":["a","b"]}`, []string{"b"}, false},
		{"StringNotEquals, other", `"StringNotEquals":{"dynamodb:LeadingKeys":["a","b"]}`, []string{"c"}, true},
		{"StringNotEquals, absent key", `"StringNotEquals":{"dynamodb:LeadingKeys":"a"}`, none, true},
		{"StringEqualsIgnoreCase", `"StringEqualsIgnoreCase":{"dynamodb:LeadingKeys":"a"}`, []string{"A"}, true},
		{"StringNotEqualsIgnoreCase", `"StringNotEqualsIgnoreCase":{"dynamodb:LeadingKeys":"a"}`, []string{"A"}, false},
		{"StringLike", `"StringLike":{"dynamodb:LeadingKeys":"user/?*"}`, []string{"user/12"}, true},
		{"StringLike over the end", `"StringLike":{"dynamodb:LeadingKeys":"user/?*"}`, []string{"user/"}, false},
		{"StringNotLike", `"StringNotLike":{"dynamodb:LeadingKeys":"user/*"}`, []string{"user/12"}, false},
		{"ArnEquals takes wildcards", `"ArnEquals":{"dynamodb:LeadingKeys":"arn:aws:events:*:*:rule/a/*"}`, []string{"arn:aws:events:us-east-1:1:rule/a/b"}, true},
		{"ArnLike part by part", `"ArnLike":{"dynamodb:LeadingKeys":"arn:aws:ev*:rule/a"}`, []string{"arn:aws:events:us-east-1:1:rule/a"}, false},
		{"ArnNotEquals", `"ArnNotEquals":{"dynamodb:LeadingKeys":"arn:aws:events:us-east-1:1:rule/a"}`, []string{"arn:aws:events:us-east-1:1:rule/b"}, true},
		{"ArnNotLike", `"ArnNotLike":{"dynamodb:LeadingKeys":"arn:*:*:*:*:*"}`, []string{"arn:aws:events:us-east-1:1:rule/b"}, false},
		{"Bool", `"Bool":{"dynamodb:LeadingKeys":"true"}`, []string{"true"}, true},
		{"Bool from JSON", `"Bool":{"dynamodb:LeadingKeys":false}`, []string{"false"}, true},
		{"Bool, other", `"Bool":{"dynamodb:LeadingKeys":"true"}`, []string{"false"}, false},
		{"NumericEquals, by value", `"NumericEquals":{"dynamodb:LeadingKeys":"10"}`, []string{"1.0e1"}, true},
		{"NumericEquals from JSON", `"NumericEquals":{"dynamodb:LeadingKeys":10}`, []string{"10"}, true},
		{"NumericNotEquals", `"NumericNotEquals":{"dynamodb:LeadingKeys":"10"}`, []string{"10.0"}, false},
		{"NumericLessThan", `"NumericLessThan":{"dynamodb:LeadingKeys":"10"}`, []string{"9"}, true},
		{"NumericLessThan, equal", `"NumericLessThan":{"dynamodb:LeadingKeys":"10"}`, []string{"10"}, false},
		{"NumericLessThanEquals", `"NumericLessThanEquals":{"dynamodb:LeadingKeys":"10"}`, []string{"10"}, true},
		{"NumericGreaterThan", `"NumericGreaterThan":{"dynamodb:LeadingKeys":"10"}`, []string{"11"}, true},
		{"NumericGreaterThan, less", `"NumericGreaterThan":{"dynamodb:LeadingKeys":"10"}`, []string{"9"}, false},
		{"NumericGreaterThanEquals, less", `"NumericGreaterThanEquals":{"dynamodb:LeadingKeys":"10"}`, []string{"-10"}, false},
		{"Numeric, no number", `"NumericLessThan":{"dynamodb:LeadingKeys":"10"}`, []string{"a"}, false},
		{"Numeric, absent key", `"NumericLessThanIfExists":{"dynamodb:LeadingKeys":"10"}`, none, true},
		{"DateLessThan", `"DateLessThan":{"dynamodb:LeadingKeys":"2026-01-02T00:00:00Z"}`, []string{"2026-01-01T23:00:00Z"}, true},
		{"DateGreaterThan, in zones", `"DateGreaterThan":{"dynamodb:LeadingKeys":"2026-01-02T00:00:00+02:00"}`, []string{"2026-01-01T22:30:00Z"}, true},
		{"DateEquals, epoch", `"DateEquals":{"dynamodb:LeadingKeys":"1767225600"}`, []string{"2026-01-01"}, true},
		{"DateNotEquals", `"DateNotEquals":{"dynamodb:LeadingKeys":"2026"}`, []string{"2026-01-01"}, false},
		{"DateLessThanEquals, no date", `"DateLessThanEquals":{"dynamodb:LeadingKeys":"2026-01-01"}`, []string{"now"}, false},
		{"DateGreaterThanEquals", `"DateGreaterThanEquals":{"dynamodb:LeadingKeys":"2026-01-01"}`, []string{"2026-01-01"}, true},
		{"Null true, absent", `"Null":{"dynamodb:LeadingKeys":"true"}`, none, true},
		{"Null true, present", `"Null":{"dynamodb:LeadingKeys":"true"}`, []string{"a"}, false},
		{"Null false, present", `"Null":{"dynamodb:LeadingKeys":"false"}`, []string{"a"}, true},
		{"several values need a set operator", `"StringEquals":{"dynamodb:LeadingKeys":["a","b"]}`, []string{"a", "b"}, false},
		{"ForAllValues, all", `"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["a","b","c"]}`, []string{"a", "b"}, true},
		{"ForAllValues, not all", `"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["a"]}`, []string{"a", "b"}, false},
		{"ForAllValues, absent key", `"ForAllValues:StringLike":{"dynamodb:LeadingKeys":"a"}`, none, true},
		{"ForAnyValue, one", `"ForAnyValue:StringLike":{"dynamodb:LeadingKeys":"b*"}`, []string{"a", "bb"}, true},
		{"ForAnyValue, none", `"ForAnyValue:StringEquals":{"dynamodb:LeadingKeys":"c"}`, []string{"a", "b"}, false},
		{"ForAnyValue, absent key", `"ForAnyValue:StringEquals":{"dynamodb:LeadingKeys":"a"}`, none, false},
		{"two operators are both needed", `"StringLike":{"dynamodb:LeadingKeys":"a*"},"StringNotEquals":{"dynamodb:LeadingKeys":"ab"}`, []string{"ab"}, false},
		{"two keys are both needed", `"StringEquals":{"dynamodb:LeadingKeys":"a","aws:other":"b"}`, []string{"a"}, false},
		{"local calls count as secure", `"Bool":{"aws:SecureTransport":"true"}`, none, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := iam.Policies{identity(t, allow(`"Action":"dynamodb:PutItem","Resource":"*","Condition":{`+c.condition+`}`))}
			n := need("dynamodb:PutItem", table)
			if len(c.context) > 0 {
				n.Context = map[string][]string{key: c.context}
			}
			if d := p.Decide(n); d.Allowed() != c.want {
				t.Fatalf("allowed %v (%s); want %v", d.Allowed(), d.Explain(), c.want)
			}
		})
	}
}

// queuePolicy is what the CDK makes for a queue with EnforceSSL and a rule target.
const queuePolicy = `{"Version":"2012-10-17","Statement":[
 {"Action":"sqs:*","Condition":{"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny","Principal":{"AWS":"*"},"Resource":"` + queue + `"},
 {"Sid":"Rule","Action":["sqs:SendMessage","sqs:GetQueueAttributes","sqs:GetQueueUrl"],"Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/bus/rule"}},
  "Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Resource":"` + queue + `"}]}`

func TestResourcePolicy(t *testing.T) {
	d, err := iam.ParseResource([]byte(queuePolicy))
	if err != nil {
		t.Fatal(err)
	}
	events := iam.Principal{Service: "events.amazonaws.com"}
	role := iam.Principal{RoleARN: "arn:aws:iam::000000000000:role/r", Account: "000000000000"}
	rule := need("sqs:SendMessage", queue, "aws:SourceArn", "arn:aws:events:us-east-1:000000000000:rule/bus/rule")
	for _, c := range []struct {
		name string
		who  iam.Principal
		need iam.Need
		want iam.Outcome
	}{
		{"the rule", events, rule, iam.Allowed},
		{"another rule", events, need("sqs:SendMessage", queue, "aws:SourceArn", "arn:aws:events:us-east-1:000000000000:rule/bus/other"), iam.ImplicitDeny},
		{"no source", events, need("sqs:SendMessage", queue), iam.ImplicitDeny},
		{"another service", iam.Principal{Service: "sns.amazonaws.com"}, rule, iam.ImplicitDeny},
		{"a role is no service", role, rule, iam.ImplicitDeny},
		{"another action", events, need("sqs:ReceiveMessage", queue), iam.ImplicitDeny},
		{"plain HTTP, said so", events, need("sqs:SendMessage", queue, "aws:SecureTransport", "false"), iam.ExplicitDeny},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := d.DecideFor(c.who, c.need); got.Outcome != c.want {
				t.Fatalf("got %v (%s); want %v", got.Outcome, got.Explain(), c.want)
			}
		})
	}
}

func TestPrincipals(t *testing.T) {
	who := iam.Principal{RoleARN: "arn:aws:iam::000000000000:role/r", SessionARN: "arn:aws:sts::000000000000:assumed-role/r/f", Account: "000000000000"}
	for principal, want := range map[string]bool{
		`"*"`:                                true,
		`{"AWS":"*"}`:                        true,
		`{"AWS":["*"]}`:                      true,
		`{"Service":"lambda.amazonaws.com"}`: false,
		`{"AWS":"000000000000"}`:             true,
		`{"AWS":"111111111111"}`:             false,
		`{"AWS":"arn:aws:iam::000000000000:root"}`:                true,
		`{"AWS":"arn:aws:iam::111111111111:root"}`:                false,
		`{"AWS":["arn:aws:iam::1:root","` + who.RoleARN + `"]}`:   true,
		`{"AWS":"arn:aws:iam::000000000000:role/other"}`:          false,
		`{"AWS":"arn:aws:sts::000000000000:assumed-role/r/f"}`:    true,
		`{"AWS":"arn:aws:sts::000000000000:assumed-role/r/more"}`: false,
	} {
		d, err := iam.ParseResource([]byte(allow(`"Action":"sqs:SendMessage","Resource":"*","Principal":` + principal)))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.DecideFor(who, need("sqs:SendMessage", queue)); got.Allowed() != want {
			t.Errorf("%s: allowed %v; want %v", principal, got.Allowed(), want)
		}
	}
}

// In one account either policy may allow, and each may deny.
func TestEvaluateBoth(t *testing.T) {
	yes := identity(t, allow(`"Action":"sqs:SendMessage","Resource":"*"`))
	no := identity(t, `{"Statement":{"Effect":"Deny","Action":"sqs:*","Resource":"*"}}`)
	resource := func(effect string) *iam.Document {
		d, err := iam.ParseResource([]byte(`{"Statement":{"Effect":"` + effect + `","Principal":"*","Action":"sqs:*","Resource":"*"}}`))
		if err != nil {
			t.Fatal(err)
		}
		return &d
	}
	for _, c := range []struct {
		name     string
		identity iam.Policies
		resource *iam.Document
		want     iam.Outcome
		reason   string
	}{
		{"neither", nil, nil, iam.ImplicitDeny, "because no identity-based policy allows the sqs:SendMessage action"},
		{"identity only", iam.Policies{yes}, nil, iam.Allowed, ""},
		{"resource only", nil, resource("Allow"), iam.Allowed, ""},
		{"both", iam.Policies{yes}, resource("Allow"), iam.Allowed, ""},
		{"the resource denies", iam.Policies{yes}, resource("Deny"), iam.ExplicitDeny, "with an explicit deny in a resource-based policy"},
		{"the identity denies", iam.Policies{no}, resource("Allow"), iam.ExplicitDeny, "with an explicit deny in an identity-based policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := iam.Evaluate(c.identity, c.resource, iam.Principal{Account: "000000000000"}, need("sqs:SendMessage", queue))
			if d.Outcome != c.want || d.Reason() != c.reason {
				t.Fatalf("got %v, %q; want %v, %q", d.Outcome, d.Reason(), c.want, c.reason)
			}
		})
	}
}

func TestMissingStatement(t *testing.T) {
	write := identity(t, `{"Statement":{"Sid":"Append","Effect":"Allow","Action":"dynamodb:PutItem","Resource":"`+table+`","Condition":{"StringEquals":{"dynamodb:EnclosingOperation":"TransactWriteItems"}}}}`)
	write.Name = "LogPolicy"
	p := iam.Policies{write}

	inside := need("dynamodb:PutItem", table, "dynamodb:EnclosingOperation", "TransactWriteItems", "dynamodb:LeadingKeys", "order/1")
	if d := p.Decide(inside); !d.Allowed() || d.Policy != "LogPolicy, statement Append" || d.Missing() != "" {
		t.Errorf("inside a transaction: %s, missing %q", d.Explain(), d.Missing())
	}

	outside := p.Decide(need("dynamodb:PutItem", table))
	want := `{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"` + table + `"}`
	if outside.Missing() != want {
		t.Errorf("missing %s; want %s", outside.Missing(), want)
	}
	for _, part := range []string{want, "LogPolicy, statement Append", "dynamodb:EnclosingOperation", "the call has no"} {
		if !strings.Contains(outside.Explain(), part) {
			t.Errorf("explanation %q lacks %q", outside.Explain(), part)
		}
	}

	// What is missing is enough, and keeps the transaction's condition.
	none := iam.Policies{}.Decide(inside)
	want = `{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"` + table + `","Condition":{"StringEquals":{"dynamodb:EnclosingOperation":"TransactWriteItems"}}}`
	if none.Missing() != want {
		t.Fatalf("missing %s; want %s", none.Missing(), want)
	}
	mended := iam.Policies{identity(t, `{"Statement":`+none.Missing()+`}`)}
	if d := mended.Decide(inside); !d.Allowed() {
		t.Errorf("the missing statement does not allow the call: %s", d.Explain())
	}
}

func BenchmarkDecide(b *testing.B) {
	p := iam.Policies{identity(b, `{"Statement":[
		{"Effect":"Allow","Action":["sqs:ReceiveMessage","sqs:DeleteMessage","sqs:GetQueueAttributes","sqs:ChangeMessageVisibility"],"Resource":"`+queue+`"},
		{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query"],"Resource":["`+table+`","`+table+`/index/by_type"]},
		{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"`+table+`","Condition":{"StringEquals":{"dynamodb:EnclosingOperation":"TransactWriteItems"}}}]}`)}
	n := need("dynamodb:PutItem", table, "dynamodb:EnclosingOperation", "TransactWriteItems")
	b.ReportAllocs()
	for b.Loop() {
		if !p.Decide(n).Allowed() {
			b.Fatal("denied")
		}
	}
}
