package local

import (
	"cmp"
	"maps"
	"slices"

	"github.com/vinci-go/vinci/local/assembly"
	"github.com/vinci-go/vinci/local/declare"
	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/httpapi"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/lambda"
	"github.com/vinci-go/vinci/local/sqs"
)

// plan is an assembly in the terms of the services that run it.
type plan struct {
	tables    []dynamodb.TableConfig
	queues    []sqs.QueueConfig
	buses     []eventbridge.BusConfig
	rules     []eventbridge.RuleConfig
	archives  []eventbridge.ArchiveConfig
	functions []lambda.FunctionConfig
	mappings  []lambda.MappingConfig
	apis      []httpapi.Config
	roles     map[string]iam.Policies // by ARN

	trusts  map[string]gateway.Trust    // who may take a role, by its ARN
	callers map[string]declare.Function // by the ARN of the role

	labels    map[string]string // short name of each function, by physical name
	resources []*assembly.Resource
	notes     []string
}

// planner makes a plan. It keeps what is needed to check resources against each
// other when all have been read.
type planner struct {
	env    assembly.Environment
	report report
	plan   plan

	broken      map[string]bool      // names, Refs and ARNs of resources that have errors of their own
	functions   map[string]*function // by ARN
	roles       map[string]*role     // by ARN
	rolesByName map[string]*role
	queues      map[string]*queue // by ARN
	tables      map[string]*table // by ARN
	mappings    []*mapping
	rules       []*rule
	apis        map[string]*api // by id
	later       []func()        // for what refers to resources that may not have been read yet
}

// readers has a function for each type that is served, or known to have no
// effect here.
func (p *planner) readers() map[string]func(*assembly.Resource) {
	return map[string]func(*assembly.Resource){
		"AWS::ApiGatewayV2::Api":          p.readAPI,
		"AWS::ApiGatewayV2::Authorizer":   p.readAuthorizer,
		"AWS::ApiGatewayV2::Integration":  p.readIntegration,
		"AWS::ApiGatewayV2::Route":        p.readRoute,
		"AWS::ApiGatewayV2::Stage":        p.readStage,
		"AWS::CDK::Metadata":              p.ignore(""),
		"AWS::CloudWatch::Alarm":          p.ignore("nothing measures here, so no alarm fires"),
		"AWS::CloudWatch::Dashboard":      p.ignore("nothing measures here"),
		"AWS::DynamoDB::GlobalTable":      p.readGlobalTable,
		"AWS::DynamoDB::Table":            p.readTable,
		"AWS::Events::Archive":            p.readArchive,
		"AWS::Events::EventBus":           p.readBus,
		"AWS::Events::EventBusPolicy":     p.readBusPolicy,
		"AWS::Events::Rule":               p.readRule,
		"AWS::IAM::Policy":                p.readPolicy,
		"AWS::IAM::Role":                  p.readRole,
		"AWS::Lambda::EventInvokeConfig":  p.readEventInvokeConfig,
		"AWS::Lambda::EventSourceMapping": p.readMapping,
		"AWS::Lambda::Function":           p.readFunction,
		"AWS::Lambda::Permission":         p.readPermission,
		"AWS::Logs::LogGroup":             p.readLogGroup,
		"AWS::Logs::MetricFilter":         p.ignore("nothing measures here"),
		"AWS::Logs::QueryDefinition":      p.ignore("there is no Logs Insights here"),
		"AWS::SNS::Subscription":          p.ignore("nobody publishes to topics but alarms, and none fires here"),
		"AWS::SNS::Topic":                 p.ignore("nobody publishes to topics but alarms, and none fires here"),
		"AWS::SNS::TopicPolicy":           p.ignore(""),
		"AWS::SQS::Queue":                 p.readQueue,
		"AWS::SQS::QueuePolicy":           p.readQueuePolicy,
	}
}

// ignore reads a type of which nothing has an effect here. Without a reason there
// is nothing to tell: the type would do nothing for the application on AWS either.
func (p *planner) ignore(why string) func(*assembly.Resource) {
	return func(r *assembly.Resource) {
		if why != "" {
			p.report.noEffect(r, "", why)
		}
	}
}

// newPlan reads every resource of the assembly. All errors are in the one it
// returns.
func newPlan(a *assembly.Assembly) (*plan, error) {
	p := &planner{
		env:         a.Environment,
		plan:        plan{roles: map[string]iam.Policies{}, trusts: map[string]gateway.Trust{}, resources: a.Resources},
		broken:      map[string]bool{},
		functions:   map[string]*function{},
		roles:       map[string]*role{},
		rolesByName: map[string]*role{},
		queues:      map[string]*queue{},
		tables:      map[string]*table{},
		apis:        map[string]*api{},
	}
	readers := p.readers()
	for _, r := range a.Resources {
		read, ok := readers[r.Type]
		if !ok {
			p.report.unknown(r)
			continue
		}
		before := len(p.report.errs)
		read(r)
		if len(p.report.errs) > before {
			p.broken[r.Name], p.broken[r.Ref], p.broken[r.ARN] = true, true, true
		}
	}
	delete(p.broken, "") // of types without an ARN
	p.lendBuses()
	for _, f := range p.later {
		f()
	}
	p.finish()
	if err := p.report.err(); err != nil {
		return nil, err
	}
	return &p.plan, nil
}

// finish checks resources against each other and fills the plan, in an order
// that does not depend on maps.
func (p *planner) finish() {
	p.finishRoles()
	p.finishQueues()
	p.finishRules()
	p.finishFunctions()
	p.finishMappings()
	p.finishAPIs()
	p.finishCallers()
	p.plan.notes = p.report.lines()
}

// missing reports a reference to something that the assembly does not have. One
// that is there, and wrong, has been reported already.
func (p *planner) missing(r *assembly.Resource, property, id, format string, args ...any) {
	if !p.broken[id] {
		p.report.fail(r, property, format, args...)
	}
}

// sorted are the values of a map by the order of their keys.
func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}
