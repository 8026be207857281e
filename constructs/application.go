package constructs

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/constructs/internal/rulepack"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

// ApplicationProps says what application this is.
type ApplicationProps struct {
	// AppName begins every name: a lower-case letter, then up to 23 lower-case
	// letters, digits or hyphens. Required.
	AppName string

	// DeploymentID tells the deployments of one application apart: a lower-case
	// letter, then up to 15 lower-case letters or digits. Empty, as it is meant to
	// be: the CDK's context says it (cdk deploy -c deployment=dev).
	DeploymentID string

	// EventBus makes the bus, the log and its relay. Without it the application
	// has tables and APIs only, or consumes what others publish: see
	// [Application.AddEventsOf].
	EventBus bool

	// Bus is another application, on whose bus this one publishes and subscribes in
	// place of one of its own, in the same account and region. It needs EventBus.
	// [Settings.Deployments] says which deployment of it.
	Bus string

	// Layout groups constructs into stacks; a group of many subscriptions is divided
	// over several.
	Layout Layout

	// Settings gives those of a deployment by its id, which may be a wrong one: it is
	// checked later. nil: the zero value for all.
	Settings func(deployment string) Settings

	// Context replaces the CDK's context, for tests and tools. nil: the context is
	// read from where the CDK's command line puts it. Vinci reads "deployment",
	// "architecture" (arm64, the default, or x86_64), and what stands above the
	// deployment's settings: "vinci:ephemeral", "vinci:alarm-email" and
	// "vinci:alarm-topic". Any other key that begins with vinci:, or that looks like
	// one of these mistyped, is refused; the rest is other tools' own.
	Context map[string]string
}

// Layout says which stack a construct goes to. Moving a construct of a deployed
// application to another stack replaces it, and what has a name (a queue) can
// only be replaced when the old one is gone: choose once.
type Layout struct {
	// Subscriptions names the stack of a subscription, such as
	// "subscriptions_users"; nil puts all into "subscriptions". Lower-case letters,
	// digits and underscores; it must give the same name for the same subscription
	// every time. It is the name of the group's first stack: where a group has more
	// subscriptions than one takes, the next are called subscriptions_users_2 and so on,
	// and stacks.lock, which `vinci stacks lock` writes, says which is where. What is
	// in that file stays there, whatever this function says.
	Subscriptions func(*bus.Definition) string
}

// Application records what an application consists of; [Application.Synth] makes
// it. The order of the calls changes nothing. It is not safe for concurrent use.
type Application struct {
	plan       plan.Plan
	stacks     []StackProps      // what plan.Stacks cannot hold: funcs over CDK types
	context    map[string]string // nil: the environment's
	settings   func(deployment string) Settings
	exceptions []rulepack.Exception

	// Replaced by tests.
	build  builder
	getenv func(string) string
	judged func(rulepack.Options, *rulepack.Verdict) // nil: nobody asks
}

// NewApplication begins an application. It checks nothing yet: every mistake is
// told by Synth, all of them together.
func NewApplication(props *ApplicationProps) *Application {
	if props == nil {
		props = &ApplicationProps{}
	}
	return &Application{
		plan: plan.Plan{
			At:       callerOf(),
			Name:     names.Deployment{App: props.AppName, ID: props.DeploymentID},
			EventBus: props.EventBus,
			Bus:      props.Bus,
			Group:    props.Layout.Subscriptions,
		},
		context:  props.Context,
		settings: props.Settings,
	}
}

// AddTable adds a table, in a stack of its own.
func (a *Application) AddTable(table orm.Definition) {
	a.plan.Tables = append(a.plan.Tables, plan.Table{Definition: table, At: callerOf()})
}

// AddEvents adds events that the application publishes. Subscriptions and
// commits are checked against them.
func (a *Application) AddEvents(types ...event.Type) {
	at := callerOf()
	for _, t := range types {
		a.plan.Events = append(a.plan.Events, plan.Event{Type: t, At: at})
	}
}

// EventsOfProps names events of another application.
type EventsOfProps struct {
	// Application is the AppName of the other. Required.
	Application string

	// Events are definitions of what it makes public, as others see it: made with
	// event.PublicOf of its own definitions, or with event.Define. Required.
	Events []event.Type

	// Bus is the application on whose bus they are, in the same account and region;
	// empty: Application. It is this application's name for a publisher of another
	// account ([Settings.PublisherAccounts]).
	Bus string
}

// AddEventsOf adds events of another application, for subscriptions with bus.From. An
// application that has no EventBus of its own then gets the tables that keep what was
// handled, and nothing that publishes.
func (a *Application) AddEventsOf(props *EventsOfProps) {
	if props == nil {
		props = &EventsOfProps{}
	}
	a.plan.Foreign = append(a.plan.Foreign, plan.Foreign{
		Application: props.Application, Bus: props.Bus, Types: slices.Clone(props.Events), At: callerOf(),
	})
}

// AddSettings adds values that can be changed while the application runs; see package
// settings. The functions that read them say so with [bus.ReadsSettings].
func (a *Application) AddSettings(of ...settings.Definition) {
	at := callerOf()
	for _, s := range of {
		a.plan.Values = append(a.plan.Values, plan.Value{Definition: s, At: at})
	}
}

// EventHandlerProps says what runs a subscription's handlers and how.
type EventHandlerProps struct {
	// Function is the folder of its main package, below the module root:
	// "lambdas/send_welcome". Required.
	Function string

	// DeadLetterQueue keeps messages that were given up for 14 days, with the
	// reason, and an alarm tells as long as there is one. Without it an alarm tells
	// once: an event that was given up is only in the deliveries table, as dead; a
	// message that cannot be read leaves a line in the function's log, and one that
	// the function never gets to (it crashes at start) is gone after the queue's 4
	// days.
	DeadLetterQueue bool

	// Timeout ends one invocation: 1s to 15m in whole seconds; zero: 30s.
	Timeout time.Duration

	// Memory in MB, 128 to 10240; zero: 256. The processor's share grows with it.
	Memory int

	// BatchSize is how many messages one invocation gets at most, 1 to 10000;
	// zero: 10. A failed message does not make the others of its batch come again.
	BatchSize int

	// BatchingWindow is how long to wait for a batch to fill, up to 5m in whole
	// seconds; zero: not at all, or 1s when BatchSize is over 10, as AWS requires.
	BatchingWindow time.Duration

	// MaxConcurrency is how many invocations run at once at most, 2 to 1000;
	// zero: as many as the account allows.
	MaxConcurrency int
}

// AddEventHandler adds a subscription and the function behind it.
func (a *Application) AddEventHandler(subscription *bus.Definition, props *EventHandlerProps) {
	if props == nil {
		props = &EventHandlerProps{}
	}
	a.plan.Handlers = append(a.plan.Handlers, plan.Handler{
		Subscription:    subscription,
		Function:        plan.Function{Folder: props.Function, Timeout: props.Timeout, Memory: props.Memory},
		DeadLetterQueue: props.DeadLetterQueue,
		BatchSize:       props.BatchSize,
		BatchingWindow:  props.BatchingWindow,
		MaxConcurrency:  props.MaxConcurrency,
		At:              callerOf(),
	})
}

// TableHandlerProps says what runs the handler of a table's changes and how.
type TableHandlerProps struct {
	// Function is the folder of its main package, below the module root:
	// "lambdas/low_stock". Required.
	Function string

	// Timeout ends one invocation: 1s to 15m in whole seconds; zero: 30s. A change
	// that fails is tried again within it.
	Timeout time.Duration

	// Memory in MB, 128 to 10240; zero: 256. The processor's share grows with it.
	Memory int

	// BatchSize is how many changes one invocation gets at most, 1 to 10000; zero:
	// 100.
	BatchSize int

	// BatchingWindow is how long to wait for a batch to fill, up to 5m in whole
	// seconds; zero: not at all.
	BatchingWindow time.Duration

	// Parallel is how many invocations work on one shard of the stream at once, 1 to
	// 10; zero: 1. The changes of one item stay in their order.
	Parallel int
}

// AddTableHandler adds a handler of a table's changes and the function behind it, in
// the stack of the table.
func (a *Application) AddTableHandler(definition *capture.Definition, props *TableHandlerProps) {
	if props == nil {
		props = &TableHandlerProps{}
	}
	a.plan.Captures = append(a.plan.Captures, plan.Capture{
		Definition:     definition,
		Function:       plan.Function{Folder: props.Function, Timeout: props.Timeout, Memory: props.Memory},
		BatchSize:      props.BatchSize,
		BatchingWindow: props.BatchingWindow,
		Parallel:       props.Parallel,
		At:             callerOf(),
	})
}

// APIProps describes an HTTP API.
type APIProps struct {
	// Name tells several APIs apart; empty: "api".
	Name string

	// Function is the folder of its main package, below the module root:
	// "lambdas/api". Required.
	Function string

	// Routes are what may be called, and by whom: slices.Concat(Public(…), IAM(…)).
	// Requests for anything else get 404 from API Gateway.
	Routes []Route

	// Access is what the function may touch.
	Access []bus.Grant

	// Timeout ends one request: 1s to 30s in whole seconds; zero: 10s.
	Timeout time.Duration

	// Memory in MB, 128 to 10240; zero: 256.
	Memory int

	// Throttling bounds the requests to each route; zero: 1000 a second, 500 at once.
	Throttling Throttling

	// CORS lets pages of other origins use the API in a browser; nil: none may.
	CORS *CORS

	// MaxBodyBytes is how large a request's body may be, 1 to 6 MB (6291456), which is
	// Lambda's limit; zero: 1 MB (1048576). [httpfunc.Start] answers a larger one with
	// 413. It counts the body as the client sent it; what is no text reaches Lambda a
	// third larger, so that API Gateway refuses it from some 4.4 MB on.
	//
	// [httpfunc.Start]: https://pkg.go.dev/github.com/vinci-go/vinci/httpfunc#Start
	MaxBodyBytes int
}

// AddAPI adds an HTTP API and the function behind it, in a stack of its own.
func (a *Application) AddAPI(props *APIProps) {
	if props == nil {
		props = &APIProps{}
	}
	api := props.planned()
	api.At = callerOf()
	a.plan.APIs = append(a.plan.APIs, api)
}

func (p *APIProps) planned() plan.API {
	return plan.API{
		Name:       p.Name,
		Function:   plan.Function{Folder: p.Function, Timeout: p.Timeout, Memory: p.Memory},
		Routes:     planned(p.Routes),
		Grants:     slices.Clone(p.Access),
		Throttling: plan.Throttling(p.Throttling),
		CORS:       p.CORS.planned(),
		MaxBody:    p.MaxBodyBytes,
	}
}

// StackProps describes a stack of the application's own.
type StackProps struct {
	// Name is the stack's name, before application and deployment go in front:
	// lower-case letters, digits and underscores. Required.
	Name string

	// Functions are the folders of functions that the stack uses in
	// [FunctionProps]; they are built with the others.
	Functions []string

	// First deploys the stack before everything else, for what the rest needs.
	// Otherwise it is deployed after everything else.
	First bool

	// Build makes the stack's constructs. It is called once, with the stack and
	// the deployment, which computes the names and ARNs of everything else.
	// Required.
	Build func(stack awscdk.Stack, d *Deployment)
}

// AddStack adds a stack of the application's own.
func (a *Application) AddStack(props *StackProps) {
	if props == nil {
		props = &StackProps{}
	}
	a.stacks = append(a.stacks, *props)
	a.plan.Stacks = append(a.plan.Stacks, plan.Stack{
		Name: props.Name, Functions: slices.Clone(props.Functions), Empty: props.Build == nil, At: callerOf(),
	})
}

// callerOf is the file:line from which an exported method was called.
func callerOf() string {
	_, file, line, ok := runtime.Caller(2)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%s:%d", file, line)
}
