package plan

import (
	"cmp"
	"slices"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

// Plan is everything that one application recorded. Fill it, then call
// [Plan.Check]; the other methods may be relied on when Check found nothing.
type Plan struct {
	Dir          string // the application's module root, for function folders and short paths
	At           string // file:line of the call that began the application
	Name         names.Deployment
	Context      Context
	Architecture string // arm64 or x86_64
	Settings     Settings
	SettingsAt   string // file:line of the function that gave the settings
	Credentials  Credentials
	EventBus     bool
	Bus          string // the application on whose bus this one publishes; empty: its own
	Framework    Framework
	Tables       []Table
	Events       []Event
	Foreign      []Foreign
	Values       []Value // what can be changed while the application runs
	Handlers     []Handler
	Captures     []Capture
	APIs         []API
	Stacks       []Stack

	// Group names the stack of a subscription; nil puts all into one.
	Group func(*bus.Definition) string

	placed *placed // where the subscriptions are, when it was asked for

	// The import paths of the framework's own functions.
	Relay, Timers string
}

// Framework holds the definitions of the framework's own tables.
type Framework struct {
	Events, Deliveries, State orm.Definition
}

// All returns the definitions in a fixed order.
func (f Framework) All() []orm.Definition {
	return []orm.Definition{f.Deliveries, f.Events, f.State}
}

// definitions are those of all tables, the framework's included.
func (p *Plan) definitions() []orm.Definition {
	var all []orm.Definition
	if p.HasLog() {
		all = p.Framework.All()
	}
	for _, t := range p.Tables {
		all = append(all, t.Definition)
	}
	return all
}

// Schemas are all tables that are made, the framework's included, sorted by
// name. Rely on it when Check found nothing.
func (p *Plan) Schemas() []*orm.Schema {
	var all []*orm.Schema
	for _, d := range p.definitions() {
		all = append(all, d.Schema())
	}
	slices.SortFunc(all, func(a, b *orm.Schema) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Table is a table that was added.
type Table struct {
	Definition orm.Definition
	At         string // file:line of the call that added it
}

// Event is an event type that was added.
type Event struct {
	Type event.Type
	At   string
}

// Value is a run-time setting that was added. Those of the deployment are [Settings].
type Value struct {
	Definition settings.Definition
	At         string
}

// Function is what handlers and APIs say about the function behind them.
type Function struct {
	Folder  string // slash path below Dir: lambdas/send_welcome
	Timeout time.Duration
	Memory  int // MB
}

// Handler is a subscription with its function.
type Handler struct {
	Subscription    *bus.Definition
	Function        Function
	DeadLetterQueue bool
	BatchSize       int
	BatchingWindow  time.Duration
	MaxConcurrency  int // 0: no limit of its own
	At              string
}

// Capture is a table handler with its function.
type Capture struct {
	Definition     *capture.Definition
	Function       Function
	BatchSize      int
	BatchingWindow time.Duration
	Parallel       int
	At             string
}

// CapturesOf are the handlers of a table's changes, sorted by name. Rely on it when
// Check found nothing.
func (p *Plan) CapturesOf(table orm.Definition) []Capture {
	var all []Capture
	for _, h := range p.Captures {
		if h.Definition.Table.Schema() == table.Schema() {
			all = append(all, h)
		}
	}
	slices.SortFunc(all, func(a, b Capture) int { return cmp.Compare(a.Definition.Name, b.Definition.Name) })
	return all
}

// API is an HTTP API with its function.
type API struct {
	Name       string
	Function   Function
	Routes     []Route
	Grants     []bus.Grant
	Throttling Throttling
	CORS       *CORS // nil: none
	MaxBody    int   // bytes
	At         string
}

// Access is what the grants come to.
func (a API) Access() bus.Access {
	var access bus.Access
	for _, g := range a.Grants {
		if g != nil {
			g.Add(&access)
		}
	}
	return access
}

// Stack is a stack of the application's own.
type Stack struct {
	Name      string
	Functions []string // folders of the functions it uses
	Empty     bool     // nothing makes its constructs
	At        string
}

// Defaults of what a handler or an API leaves at zero.
const (
	DefaultTimeout    = 30 * time.Second // an event handler's function
	DefaultAPITimeout = 10 * time.Second
	DefaultMemory     = 256 // MB
	DefaultBatchSize  = 10
	// DefaultChangeBatch is for a stream, whose records come one after the other
	// anyway: few calls are cheaper.
	DefaultChangeBatch = 100
	DefaultAPI         = "api"
)

// SetDefaults fills what was left at zero. Call it before [Plan.Check].
func (p *Plan) SetDefaults() {
	for i := range p.Handlers {
		h := &p.Handlers[i]
		h.Function.setDefaults(DefaultTimeout)
		if h.BatchSize == 0 {
			h.BatchSize = DefaultBatchSize
		}
		h.BatchingWindow = BatchingWindow(h.BatchSize, h.BatchingWindow)
	}
	for i := range p.Captures {
		h := &p.Captures[i]
		h.Function.setDefaults(DefaultTimeout)
		if h.BatchSize == 0 {
			h.BatchSize = DefaultChangeBatch
		}
		if h.Parallel == 0 {
			h.Parallel = 1
		}
	}
	for i := range p.APIs {
		p.APIs[i].SetDefaults()
	}
}

// BatchingWindow is how long to wait for a batch: AWS refuses more than 10
// messages a batch without a window of a second.
func BatchingWindow(batchSize int, window time.Duration) time.Duration {
	if batchSize > 10 && window == 0 {
		return time.Second
	}
	return window
}

func (f *Function) setDefaults(timeout time.Duration) {
	if f.Timeout == 0 {
		f.Timeout = timeout
	}
	if f.Memory == 0 {
		f.Memory = DefaultMemory
	}
}
