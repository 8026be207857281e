package declare_test

import (
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local/declare"
	"github.com/vinci-go/vinci/local/iam"
)

const tables = "arn:aws:dynamodb:us-east-1:000000000000:table/"

// What people read; that it is true is tested in package constructs.
func TestHint(t *testing.T) {
	d := names.Deployment{App: "shop", ID: "local"}
	subscription := declare.Function{Kind: declare.Subscription, Name: "count_total", Deployment: d}
	api := declare.Function{Kind: declare.API, Name: "api", Deployment: d}
	for _, c := range []struct {
		function               declare.Function
		action, resource, want string
	}{
		{subscription, "dynamodb:UpdateItem", tables + "shop-local-users", `add bus.Writes(<the definition of table "users">) to subscription "count_total"`},
		{api, "dynamodb:UpdateItem", tables + "shop-local-users", `add bus.Writes(<the definition of table "users">) to the Access of API "api" (constructs.APIProps)`},
		{subscription, "dynamodb:PutItem", tables + "shop-local-users", `or bus.Appends`},
		{subscription, "dynamodb:Query", tables + "shop-local-users/index/by_status", `add bus.ReadsIndex(<index "by_status" of table "users">) to subscription "count_total"`},
		{api, "dynamodb:PutItem", tables + "shop-local-events", `add bus.Commits(<the definitions of the events>) to the Access of API "api" (constructs.APIProps) (in a transaction only`},
		{api, "dynamodb:Query", tables + "shop-local-deliveries", `add bus.Reads(bus.Deliveries) to`},
		{api, "dynamodb:BatchGetItem", tables + "shop-local-state", `add bus.Reads(eventlog.State) to`},
		{subscription, "events:PutEvents", "arn:aws:events:us-east-1:000000000000:event-bus/shop-local-bus", `add bus.Publishes(<the definitions of the events>) to subscription`},
		{subscription, "sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:shop-local-count_total_dlq", `add DeadLetterQueue: true to the constructs.EventHandlerProps of subscription "count_total"`},
		{subscription, "sqs:SendMessage", "arn:aws:sqs:us-east-1:000000000000:shop-local-count_active_dlq", `no declaration`},
		{subscription, "s3:GetObject", "arn:aws:s3:::bucket/key", `no declaration of a subscription or an API adds it`},
		{subscription, "dynamodb:GetItem", tables + "another-local-users", `no declaration`},
		{subscription, "dynamodb:GetItem", tables + "shop-local-users/stream/2026", `no declaration`},
		{subscription, "dynamodb:ListTables", "*", `no declaration`},
		{declare.Function{Kind: declare.Own, Name: "report", Deployment: d}, "s3:GetObject", "arn:aws:s3:::bucket/key", `Statements of function "report": constructs.Statement{Actions: []string{"s3:GetObject"}`},
		{declare.Function{Kind: declare.Framework, Name: "relay", Deployment: d}, "s3:GetObject", "*", `nothing in app.go adds it: function "relay"`},
		{declare.Function{}, "dynamodb:GetItem", tables + "shop-local-users", ""},
	} {
		got := declare.Hint(c.function, iam.Policies{}.Decide(iam.Need{Action: c.action, Resource: c.resource}))
		if !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("%s on %s: %q; want %q", c.action, c.resource, got, c.want)
		}
	}
}

// What is denied by a statement lacks none.
func TestNoHintAfterAnExplicitDeny(t *testing.T) {
	p, err := iam.Parse([]byte(`{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`))
	if err != nil {
		t.Fatal(err)
	}
	f := declare.Function{Kind: declare.Subscription, Name: "a", Deployment: names.Deployment{App: "shop", ID: "local"}}
	if got := declare.Hint(f, iam.Policies{p}.Decide(iam.Need{Action: "dynamodb:GetItem", Resource: tables + "shop-local-users"})); got != "" {
		t.Errorf("hint %q", got)
	}
}
