package timers

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/emf"
	"github.com/vinci-go/vinci/internal/names"
)

// Log is what fires timers: *[eventlog.Log].
type Log interface {
	// DueTimers are the timers due until then, in the order of their times.
	DueTimers(ctx context.Context, until time.Time) iter.Seq2[eventlog.DueTimer, error]
	// Fire commits the event of a timer; fired is false when it was no longer set.
	Fire(ctx context.Context, t eventlog.DueTimer) (c eventlog.Commit, fired bool, err error)
}

var _ Log = (*eventlog.Log)(nil)

// Options says what [Timers] works with. Log is required.
type Options struct {
	Log         Log
	Application string // a dimension of the metrics
	Deployment  string // the other one

	// Concurrency is how many timers are fired at once, each of another stream; 0
	// means DefaultConcurrency. With 1 they are fired one after the other in the order
	// of their due times, by the goroutine that calls Handle.
	Concurrency int

	Logger  *slog.Logger     // default: slog.Default()
	Metrics io.Writer        // gets lines in CloudWatch's embedded metric format; default: none
	Now     func() time.Time // default: time.Now
}

// DefaultConcurrency is how many timers are fired at once when Options.Concurrency
// is zero: what a small function's processor has to do while the others wait for
// DynamoDB.
const DefaultConcurrency = 8

// Timers fires what is due. It is safe for concurrent use, by several processes
// as well.
type Timers struct{ o Options }

// New makes the handler. It panics without a log and with a negative Concurrency:
// such a program is written wrong.
func New(o Options) *Timers {
	if o.Log == nil {
		panic("timers.New: Options.Log is nil")
	}
	if o.Concurrency < 0 {
		panic("timers.New: Options.Concurrency is negative: 0 means the default")
	}
	if o.Concurrency == 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Metrics == nil {
		o.Metrics = io.Discard
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Timers{o: o}
}

// FromEnv makes the handler of the function that runs, from the environment
// variables that every function of an application gets. getenv is os.Getenv,
// metrics is where the function's log lines go.
func FromEnv(getenv func(string) string, logger *slog.Logger, metrics io.Writer) (*Timers, error) {
	d, err := names.FromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("timers: %w", err)
	}
	log, _, err := eventlog.FromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("timers: %w", err)
	}
	return New(Options{Log: log, Application: d.App, Deployment: d.ID, Logger: logger, Metrics: metrics}), nil
}

// Kept back of the function's time: no timer is begun that could not have several
// tries, and a transaction that hangs is left in time for the answer.
const (
	fireTime   = 5 * time.Second
	answerTime = time.Second
)

// Answer is what became of the timers that were due.
type Answer struct {
	Fired  int `json:"fired"`
	Gone   int `json:"gone"` // fired, cancelled or replaced since they were read
	Failed int `json:"failed"`
	// Left is true when the time was up before all were tried.
	Left bool `json:"left,omitempty"`

	lag   time.Duration
	first error
}

// Handle fires the timers that are due now. The error says how many failed, and
// the first reason; the others have been fired even so. What the timers are read
// with failing is an error, too.
func (t *Timers) Handle(ctx context.Context) (Answer, error) {
	c := &call{timers: t, ctx: ctx, work: ctx}
	if deadline, ok := ctx.Deadline(); ok {
		var stop context.CancelFunc
		c.work, stop = context.WithDeadline(ctx, deadline.Add(-answerTime))
		defer stop()
	}
	err := c.all()
	a := c.answer
	t.count(&a)
	if err == nil {
		err = a.first
	}
	if err != nil {
		return a, fmt.Errorf("%s: %w", a.text(), err)
	}
	return a, nil
}

func (a *Answer) text() string {
	return fmt.Sprintf("timers: %d fired, %d failed", a.Fired, a.Failed)
}

// The metrics, each with the dimensions Application and Deployment.
const (
	MetricFired  = "TimersFired"
	MetricFailed = "TimersFailed"
	// MetricLag is how many milliseconds after its time a timer was tried: the
	// longest of each call.
	MetricLag = "TimerLag"
)

// count writes the metrics of one call.
func (t *Timers) count(a *Answer) {
	r := emf.Record{
		Namespace:  emf.Namespace,
		Time:       t.o.Now(),
		Dimensions: []emf.Dimension{{Name: emf.DimensionApplication, Value: t.o.Application}, {Name: emf.DimensionDeployment, Value: t.o.Deployment}},
	}
	if a.Fired > 0 {
		r.Values = append(r.Values, emf.Count(MetricFired, a.Fired))
	}
	if a.Failed > 0 {
		r.Values = append(r.Values, emf.Count(MetricFailed, a.Failed))
	}
	if len(r.Values) > 0 {
		r.Values = append(r.Values, emf.Milliseconds(MetricLag, a.lag))
	}
	if err := emf.Write(t.o.Metrics, r); err != nil {
		t.o.Logger.Error("a metric could not be written", "error", err.Error())
	}
}
