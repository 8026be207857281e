package local

import (
	"maps"
	"testing"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/declare"
	"github.com/vinci-go/vinci/local/httpapi"
	"github.com/vinci-go/vinci/local/lambda"
	"github.com/vinci-go/vinci/local/sqs"
)

// What a function is to the application shows in what calls it and where it
// stands. What is not sure is said of none.
func TestCallers(t *testing.T) {
	d := names.Deployment{App: "shop", ID: "local"}
	p := &planner{
		functions: map[string]*function{}, plan: plan{labels: map[string]string{}},
		queues: map[string]*queue{
			"arn:q:welcome": {config: sqs.QueueConfig{Name: "shop-local-welcome"}},
			"arn:q:jobs":    {config: sqs.QueueConfig{Name: "shop-local-jobs"}},
		},
		apis: map[string]*api{"1": {config: httpapi.Config{Name: "shop-local-api"}, integrations: map[string]*integration{"i": {props: integrationProperties{IntegrationUri: "arn:api"}}}}},
	}
	add := func(name, path string, env map[string]string, sources ...string) {
		f := &function{resource: &assembly.Resource{ConstructPath: path}, config: lambda.FunctionConfig{Name: name, ARN: "arn:" + name, RoleARN: "role:" + name, Env: env}}
		p.functions["arn:"+name], p.plan.labels[name] = f, name
		for _, s := range sources {
			p.mappings = append(p.mappings, &mapping{function: f, config: lambda.MappingConfig{SourceARN: s}})
		}
	}
	ours := map[string]string{names.EnvApplication: "shop", names.EnvDeployment: "local", "MORE": "x"}
	add("welcome", "shop-local-mail/welcome/Handler/Function", ours, "arn:q:welcome")
	add("worker", "shop-local-jobs/Worker/Function", ours, "arn:q:jobs")
	add("api", "shop-local-api/API/Handler/Function", ours)
	add("relay", "shop-local-log/Log/Relay/Function", ours, "arn:aws:dynamodb:us-east-1:0:table/shop-local-events/stream/1")
	add("listener", "shop-local-own/Listener/Function", ours, "arn:aws:dynamodb:us-east-1:0:table/shop-local-users/stream/1")
	add("timers", "shop-local-log/Log/Timers/Handler/Function", ours)
	add("foreign", "other/Function", nil, "arn:q:welcome")
	add("one", "shop-local-own/One/Function", ours)
	add("two", "shop-local-own/Two/Function", ours)
	p.functions["arn:two"].config.RoleARN = "role:one"
	p.finishCallers()
	want := map[string]declare.Function{
		"role:welcome":  {Kind: declare.Subscription, Name: "welcome", Deployment: d},
		"role:worker":   {Kind: declare.Own, Name: "worker", Deployment: d},
		"role:api":      {Kind: declare.API, Name: "api", Deployment: d},
		"role:relay":    {Kind: declare.Framework, Name: "relay", Deployment: d},
		"role:listener": {Kind: declare.Own, Name: "listener", Deployment: d},
		"role:timers":   {Kind: declare.Framework, Name: "timers", Deployment: d},
		"role:foreign":  {},
	}
	if !maps.Equal(p.plan.callers, want) {
		t.Errorf("got %+v\nwant %+v", p.plan.callers, want)
	}
}
