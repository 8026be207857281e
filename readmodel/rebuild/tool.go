package rebuild

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/backoff"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/readmodel"
)

// The defaults of [Options].
const (
	// DefaultSettle is more than the index of the log is behind: DynamoDB's are mostly
	// so by a fraction of a second.
	DefaultSettle = time.Minute
	// DefaultPatience is longer than a queue hides a message of a function with the
	// default time-out that fails or dies now and then.
	DefaultPatience = 3 * time.Minute
	// request is the longest that an HTTP API lets a function run.
	request = 30 * time.Second
	// DefaultGrace lets every query end that began in the old generation. A function
	// that has longer needs more: see Options.Grace.
	DefaultGrace = readmodel.MaxAge + request
)

// overlap is how much earlier than its commit an event's time may be: a commit may be
// tried for a minute, and clocks differ by less than five. The other way round it
// is how much later the time may be.
const overlap = 10 * time.Minute

// Options says what a [Tool] works with. Application, Deployment, Store, Log, Queues
// and From are required; Queues not by verification.
type Options struct {
	Application string
	Deployment  string
	Store       orm.Store
	Log         *eventlog.Log
	Queues      ops.Queues
	// From is before the first event of the log: what is older is left out. Each day
	// costs eight queries a type.
	From time.Time

	Rate int // most events a second that are sent; 0: ops.DefaultRate
	// Settle is how long after the beginning the log's index is read once more, for
	// what it did not show before; 0: DefaultSettle.
	Settle time.Duration
	// Patience is how long nothing may get further until it is given up; 0:
	// DefaultPatience.
	Patience time.Duration
	// Grace is how long after a generation's end its items are deleted: no less than
	// the time-out of the subscription's function, and of the functions that query; 0:
	// DefaultGrace.
	Grace time.Duration
	Keep  bool // the old generation's items, until [Tool.Drop]
	// NoVerify flips without a verification, which keeps the model in memory.
	NoVerify bool
	// WithDead flips although events were given up in the new generation.
	WithDead bool
	// Concurrency is how many shards of a day of the log are read at once; 0: 8.
	Concurrency int
	Reason      string         // for the record in the log
	Progress    func(Progress) // called by the goroutine that works; nil: nobody is told

	Now   func() time.Time                           // default: time.Now
	NewID func() string                              // see ops.Options
	Sleep func(context.Context, time.Duration) error // default: a timer
}

// Progress is how far something has come.
type Progress struct {
	Step   string    `json:"step"`
	Events int       `json:"events,omitempty"` // looked at
	Sent   int       `json:"sent,omitempty"`
	Open   int       `json:"open,omitempty"` // events that are not handled yet, or items that differ
	At     time.Time `json:"at,omitzero"`    // the time of the last event
}

// Tool rebuilds and verifies one read model of one deployment. It may be used by one
// goroutine. Make it with [New].
type Tool struct {
	Options
	model    *Model
	ops      *ops.Ops
	retired  time.Time       // when this tool's flip, or its end of a rebuild, was committed
	replaced map[string]bool // events in whose place others were sent, as the verification found them
}

// New makes a tool. The error says what is wrong with the options.
func New(m *Model, o Options) (*Tool, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = rand.Text
	}
	if o.Sleep == nil {
		o.Sleep = backoff.Sleep
	}
	for _, d := range []struct {
		of   *time.Duration
		zero time.Duration
		name string
	}{{&o.Settle, DefaultSettle, "Settle"}, {&o.Patience, DefaultPatience, "Patience"}, {&o.Grace, DefaultGrace, "Grace"}} {
		if *d.of < 0 {
			return nil, fmt.Errorf("rebuild: %s is %v: it cannot be negative", d.name, *d.of)
		}
		if *d.of == 0 {
			*d.of = d.zero
		}
	}
	if o.Concurrency == 0 {
		o.Concurrency = eventlog.Shards
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	if o.From.IsZero() {
		return nil, errors.New("rebuild: say from when on: a time before the first event of the log")
	}
	tool, err := ops.New(ops.Options{
		Application: o.Application, Deployment: o.Deployment, Store: o.Store, Log: o.Log, Queues: o.Queues,
		Subscriptions: []ops.Subscription{ops.Of(m.sub)}, Now: o.Now, NewID: o.NewID, Sleep: o.Sleep,
	})
	if err != nil {
		return nil, err
	}
	return &Tool{Options: o, model: m, ops: tool}, nil
}

// Pointer reads which generations there are.
func (t *Tool) Pointer(ctx context.Context) (readmodel.Pointer, error) {
	return readmodel.Read(ctx, t.Store, t.model.sub)
}
