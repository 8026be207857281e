package constructs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	cdk "github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs/internal/board"
	"github.com/vinci-go/vinci/constructs/internal/plan"
)

// dashboardName is the name of the deployment's dashboard, and what the names of its
// others begin with. An account's dashboards are seen from every region and their
// names are one space, so the region is part of them.
func (d *Deployment) dashboardName() string { return d.App() + "-" + d.ID() + "-${AWS::Region}" }

func newDashboard(scope cdk.Construct, id string, b board.Dashboard, variables map[string]*string) {
	var known *map[string]*string
	if len(variables) > 0 {
		known = &variables
	}
	awscloudwatch.NewCfnDashboard(scope, &id, &awscloudwatch.CfnDashboardProps{
		DashboardName: jsii.String(sub(b.Name)),
		DashboardBody: awscdk.Fn_Sub(jsii.String(b.Body), known),
	})
}

// dashboards makes the deployment's dashboards, from the same plan as everything else,
// when all its alarms have been made. Metrics are named by what is known in every
// stack: names of queues and tables, and the dimensions of the framework's own
// metrics. What CloudFormation names (functions, APIs) is on the dashboard of an API,
// in that API's stack.
//
// Nothing needs them, so their stack is the last: that one of them is refused keeps
// nothing else from being deployed.
func (e *emitter) dashboards(p *plan.Plan, after []awscdk.Stack) {
	if len(e.d.alarms.names) == 0 {
		return // nothing that could be watched
	}
	stack := e.stack(plan.StackDashboard, "dashboards", after)
	e.queries(stack)
	for i, part := range byTemplate(describe(e.d, p).Dashboards(), maxDashboards) {
		if i > 0 {
			// No stack of the application's own has an upper-case letter in its name.
			stack = e.stack(fmt.Sprint(plan.StackDashboard, "_P", i+1), "dashboards", after)
		}
		for _, b := range part {
			newDashboard(stack, "Dashboard"+strings.TrimPrefix(b.Name, e.d.dashboardName()), b, nil)
		}
	}
}

// maxDashboards is how many bytes of dashboards one template holds: it may have 1 MB
// with all that is around them.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const maxDashboards = 800_000

// byTemplate divides dashboards over templates, in their order.
func byTemplate(all []board.Dashboard, limit int) [][]board.Dashboard {
	var parts [][]board.Dashboard
	size := 0
	for _, b := range all {
		n := sizeInTemplate(b.Body)
		if len(parts) == 0 || size+n > limit {
			parts, size = append(parts, nil), 0
		}
		last := &parts[len(parts)-1]
		*last = append(*last, b)
		size += n
	}
	return parts
}

// sizeInTemplate is what a body comes to as a text in JSON.
func sizeInTemplate(body string) int {
	return len(body) + strings.Count(body, `"`) + strings.Count(body, `\`)
}

// describe is the plan as what there is to be seen.
func describe(d *Deployment, p *plan.Plan) *board.Deployment {
	b := &board.Deployment{
		Application: d.App(), ID: d.ID(), Name: d.dashboardName(), Alarms: d.alarms.names, Bus: p.EventBus,
		RelayFailed: d.names.RelayFailedQueue(), RelayLate: relayLate, TimersLate: timersLate,
	}
	for _, event := range p.Events {
		b.EventTypes = append(b.EventTypes, event.Type.Name())
	}
	slices.Sort(b.EventTypes)
	for _, h := range p.Handlers {
		c := board.Consumer{
			Name: h.Subscription.Name, Queue: d.QueueName(h.Subscription), Undelivered: d.names.UndeliveredQueue(h.Subscription.Name),
			Late: backlogAge(visibilityOf(h.Function.Timeout, h.BatchSize, h.BatchingWindow)),
		}
		if h.DeadLetterQueue {
			c.DeadLetters = d.DeadLetterQueueName(h.Subscription)
		}
		b.Consumers = append(b.Consumers, c)
	}
	for _, h := range p.Captures {
		b.Consumers = append(b.Consumers, board.Consumer{Name: h.Definition.Name, DeadLetters: d.FailureQueueName(h.Definition)})
	}
	slices.SortFunc(b.Consumers, func(x, y board.Consumer) int { return cmp.Compare(x.Name, y.Name) })
	for _, s := range p.Schemas() {
		t := board.Table{Name: d.names.Table(s.Name), Label: s.Name}
		for _, x := range s.Indexes {
			if !x.Local {
				t.Indexes = append(t.Indexes, x.Name)
			}
		}
		b.Tables = append(b.Tables, t)
	}
	for _, a := range p.APIs {
		b.Others = append(b.Others, apiDashboardName(d, a.Name))
	}
	slices.Sort(b.Others)
	return b
}

func apiDashboardName(d *Deployment, api string) string { return d.dashboardName() + "-api-" + api }

// addDashboard makes the API's own dashboard.
func (a *HTTPAPI) addDashboard(d *Deployment, name string) {
	b := board.API(apiDashboardName(d, name), "API **"+name+"** of **"+d.App()+"**, deployment **"+d.ID()+"**", d.dashboardName())
	newDashboard(a.Construct, "Dashboard", b, map[string]*string{"Api": a.Resource.Ref(), "Function": jsii.String(a.Function.Name())})
}

// queries are saved for CloudWatch Logs Insights. They name no log groups, since
// CloudFormation has named those: whoever runs one chooses them, by the prefix that
// they all have.
func (e *emitter) queries(stack awscdk.Stack) {
	for _, q := range savedQueries() {
		awslogs.NewCfnQueryDefinition(stack, jsii.String(q.id), &awslogs.CfnQueryDefinitionProps{
			Name: jsii.String(e.d.App() + "-" + e.d.ID() + "/" + q.name), QueryString: jsii.String(q.text),
		})
	}
}

type savedQuery struct{ id, name, text string }

func savedQueries() []savedQuery {
	const show = "fields @timestamp, level, msg, subscription, event_type, event_id, outcome, attempt, error_kind, error, request_id, trace_id\n"
	return []savedQuery{
		{"QueryEvent", "one event", show + "| filter event_id = \"STREAM@VERSION\"\n| sort @timestamp asc\n| limit 1000"},
		{"QueryRequest", "one request and all that it caused", show + "| filter correlation_id = \"CORRELATION\"\n| sort @timestamp asc\n| limit 1000"},
		{"QueryErrors", "errors by subscription", "filter level = \"ERROR\" or level = \"WARN\"\n| stats count(*) as lines, max(@timestamp) as newest by subscription, msg, error_kind\n| sort lines desc\n| limit 100"},
	}
}
