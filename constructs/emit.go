package constructs

import (
	"cmp"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs/internal/plan"
)

// Defaults of a function's time-out and memory.
const (
	defaultTimeout = plan.DefaultTimeout
	defaultMemory  = plan.DefaultMemory
)

// emitter makes the constructs of one synthesis.
type emitter struct {
	app awscdk.App
	d   *Deployment
}

// emit makes everything in sorted order and writes the assembly. Stacks depend
// on each other in layers: what is made first, is deployed first.
func (a *Application) emit(d *Deployment, p *plan.Plan, out string) {
	e := &emitter{d: d, app: awscdk.NewApp(&awscdk.AppProps{
		Outdir: &out,
		// No CDKMetadata resource, whatever calls us: it would differ between the
		// command line and a run without it.
		AnalyticsReporting: jsii.Bool(false),
		AutoSynth:          jsii.Bool(false),
		// Where a construct was made is a place in Node, not in the Go program.
		StackTraces: jsii.Bool(false),
		// Whatever the command line says: one list tells of everything.
		PostCliContext: &map[string]any{failOnReport: false},
	})}

	var before []awscdk.Stack
	for _, s := range a.ownStacks(true) {
		before = append(before, e.own(s, nil))
	}
	if d.settings.AlarmTopic == "" {
		alarms := e.stack(plan.StackAlarms, "the alarm topic", before)
		NewAlarmTopic(alarms, "AlarmTopic", &AlarmTopicProps{Deployment: d})
		before = append(before, alarms)
	}

	base := slices.Clone(before) // tables, bus and log need only what came before
	var followed []plan.Table    // whose handlers record what they do in the log's stack
	for _, t := range sortedTables(p) {
		if len(p.CapturesOf(t.Definition)) > 0 {
			followed = append(followed, t)
			continue
		}
		before = append(before, e.table(p, t, base))
	}
	if p.HasLog() {
		after, what := slices.Clone(base), "records of what was handled"
		if p.MakesBus() {
			busStack := e.stack(plan.StackBus, "the event bus", base)
			NewEventBus(busStack, "EventBus", &EventBusProps{Deployment: d})
			before, after = append(before, busStack), append(after, busStack)
		}
		if p.EventBus {
			what = "the event log and its relay"
		}
		log := e.stack(plan.StackLog, what, after)
		NewEventLog(log, "Log", &EventLogProps{Deployment: d, ConsumesOnly: !p.EventBus})
		before = append(before, log)
		base = append(base, log)
	}
	for _, t := range followed {
		before = append(before, e.table(p, t, base))
	}
	before = append(before, a.subscriptions(e, p, before)...)
	before = append(before, a.httpAPIs(e, p, before)...)
	last := slices.Clone(before)
	for _, s := range a.ownStacks(false) {
		last = append(last, e.own(s, before))
	}
	e.dashboards(p, last)
	suppress(e.app, p, slices.Concat(a.exceptions, d.exceptions))
	if a.validates() {
		addNag(e.app)
	}
	e.app.Synth(nil)
}

// table makes a table's stack, with the handlers of its changes.
func (e *emitter) table(p *plan.Plan, t plan.Table, after []awscdk.Stack) awscdk.Stack {
	s := t.Definition.Schema()
	stack := e.stack(plan.StackOfTable(s.Name), "table "+s.Name, after)
	table := NewTable(stack, "Table", &TableProps{Deployment: e.d, Definition: t.Definition})
	for _, h := range p.CapturesOf(t.Definition) {
		NewTableCapture(stack, h.Definition.Name, &TableCaptureProps{
			Deployment: e.d,
			Definition: h.Definition,
			Table:      table,
			TableHandlerProps: TableHandlerProps{
				Function:       h.Function.Folder,
				Timeout:        h.Function.Timeout,
				Memory:         h.Function.Memory,
				BatchSize:      h.BatchSize,
				BatchingWindow: h.BatchingWindow,
				Parallel:       h.Parallel,
			},
		})
	}
	return stack
}

// stack makes a stack that is deployed after others. Where the settings say account
// and region it belongs there, and whoever deploys the assembly, even one that was
// made elsewhere, is refused with credentials of another account. Otherwise the
// deployer's credentials say them.
func (e *emitter) stack(name, what string, after []awscdk.Stack) awscdk.Stack {
	id := e.d.names.Stack(name)
	props := &awscdk.StackProps{
		Description: jsii.String(e.d.App() + ", deployment " + e.d.ID() + ": " + what),
		Tags: &map[string]*string{
			"vinci:application": jsii.String(e.d.App()),
			"vinci:deployment":  jsii.String(e.d.ID()),
		},
		Env: e.d.environment(),
	}
	if e.d.settings.Protected {
		props.TerminationProtection = jsii.Bool(true)
	}
	stack := awscdk.NewStack(e.app, &id, props)
	for _, other := range after {
		stack.AddStackDependency(other, nil)
	}
	return stack
}

func (e *emitter) own(s StackProps, after []awscdk.Stack) awscdk.Stack {
	stack := e.stack(s.Name, s.Name, after)
	s.Build(stack, e.d)
	return stack
}

// ownStacks returns the application's own stacks of one kind, sorted by name.
func (a *Application) ownStacks(first bool) []StackProps {
	var all []StackProps
	for _, s := range a.stacks {
		if s.First == first {
			all = append(all, s)
		}
	}
	slices.SortFunc(all, func(x, y StackProps) int { return cmp.Compare(x.Name, y.Name) })
	return all
}

func sortedTables(p *plan.Plan) []plan.Table {
	return slices.SortedFunc(slices.Values(p.Tables), func(x, y plan.Table) int {
		return cmp.Compare(x.Definition.Schema().Name, y.Definition.Schema().Name)
	})
}

// subscriptions makes the subscriptions, stack by stack and name by name.
func (a *Application) subscriptions(e *emitter, p *plan.Plan, after []awscdk.Stack) []awscdk.Stack {
	sorted := slices.SortedFunc(slices.Values(p.Handlers), func(x, y plan.Handler) int {
		return cmp.Or(
			cmp.Compare(p.StackOf(x.Subscription), p.StackOf(y.Subscription)),
			cmp.Compare(x.Subscription.Name, y.Subscription.Name),
		)
	})
	var made []awscdk.Stack
	last := ""
	for _, h := range sorted {
		if name := p.StackOf(h.Subscription); name != last {
			made = append(made, e.stack(name, "subscriptions", after))
			last = name
		}
		NewSubscription(made[len(made)-1], h.Subscription.Name, &SubscriptionProps{
			Deployment: e.d,
			Definition: h.Subscription,
			EventHandlerProps: EventHandlerProps{
				Function:        h.Function.Folder,
				DeadLetterQueue: h.DeadLetterQueue,
				Timeout:         h.Function.Timeout,
				Memory:          h.Function.Memory,
				BatchSize:       h.BatchSize,
				BatchingWindow:  h.BatchingWindow,
				MaxConcurrency:  p.MaxConcurrency(h),
			},
		})
	}
	return made
}

func (a *Application) httpAPIs(e *emitter, p *plan.Plan, after []awscdk.Stack) []awscdk.Stack {
	sorted := slices.SortedFunc(slices.Values(p.APIs), func(x, y plan.API) int { return cmp.Compare(x.Name, y.Name) })
	var made []awscdk.Stack
	for _, api := range sorted {
		stack := e.stack(plan.StackOfAPI(api.Name), "API "+api.Name, after)
		newHTTPAPI(stack, "API", e.d, api)
		made = append(made, stack)
	}
	return made
}
