package eventlog

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/backoff"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// Changes is what one commit writes: all of it or nothing.
type Changes struct {
	Writes []orm.Write    // to the application's own tables, never to [Events]
	Events []event.Record // several of one stream get consecutive versions, in this order
	Timers []Timer        // events that become due later
	Cancel []string       // ids of timers that are not to fire any more; one that is gone is no error
	// Command makes a commit that is asked for again return its first result. The
	// zero Command: whoever asks again commits again.
	Command Command
}

// Commit is what was committed.
type Commit struct {
	ID     string
	Events []event.Metadata // in the order of Changes.Events
	// Replayed: the command was done before, and this is what it committed then.
	Replayed bool
}

// Options says what a [Log] works with. Only Source is required.
type Options struct {
	Source string                                     // the application's name
	Now    func() time.Time                           // default: time.Now
	NewID  func() string                              // a new commit id, 1 to 36 printable ASCII, never one twice; default: 26 random characters
	Jitter func(time.Duration) time.Duration          // a random part of a wait, from 0 to all of it; default: evenly spread
	Sleep  func(context.Context, time.Duration) error // waits, or returns the context's error; default: a timer
	Logger *slog.Logger                               // what goes wrong and stops nobody; default: slog.Default()

	// CommandRetention is how long the record of a command is kept at least;
	// default: DefaultCommandRetention.
	CommandRetention time.Duration
	// Committed is called with the events of each commit that this log has
	// made, after it happened and before Commit returns, by the goroutine that
	// commits. It is not called for a command that was done before, and never if
	// the process ends in between: what must not miss an event reads the table's
	// stream. nil: nobody is told.
	Committed func(ctx context.Context, events []event.Envelope)
}

// Log is the event log of one application. It is safe for concurrent use. Make
// it with [New] or [FromEnv].
type Log struct {
	store  orm.Store
	source string
	now    func() time.Time
	newID  func() string
	jitter func(time.Duration) time.Duration
	sleep  func(context.Context, time.Duration) error
	logger *slog.Logger

	retention time.Duration // of command records
	committed func(context.Context, []event.Envelope)
}

// New makes the log of an application on a store. It panics without a store or a
// source, and with a negative CommandRetention: such a program is written wrong.
func New(store orm.Store, o Options) *Log {
	if store == nil {
		panic("eventlog.New: store is nil")
	}
	if o.Source == "" {
		panic("eventlog.New: Options.Source is empty: it is the application's name")
	}
	if o.CommandRetention < 0 {
		panic("eventlog.New: Options.CommandRetention is negative: 0 means the default")
	}
	l := &Log{store: store, source: o.Source, now: o.Now, newID: o.NewID, jitter: o.Jitter, sleep: o.Sleep,
		logger: o.Logger, retention: o.CommandRetention, committed: o.Committed}
	if l.logger == nil {
		l.logger = slog.Default()
	}
	if l.retention == 0 {
		l.retention = DefaultCommandRetention
	}
	if l.now == nil {
		l.now = time.Now
	}
	if l.newID == nil {
		l.newID = rand.Text
	}
	if l.jitter == nil {
		l.jitter = backoff.Jitter
	}
	if l.sleep == nil {
		l.sleep = backoff.Sleep
	}
	return l
}

// FromEnv makes the log of the function that runs, and the store it is on, from
// the environment variables that every function of an application gets. getenv
// is os.Getenv.
func FromEnv(getenv func(string) string) (*Log, orm.Store, error) {
	d, err := names.FromEnv(getenv)
	if err != nil {
		return nil, nil, fmt.Errorf("event log: %w", err)
	}
	store, err := orm.FromEnv(getenv)
	if err != nil {
		return nil, nil, fmt.Errorf("event log: %w", err)
	}
	return New(store, Options{Source: d.App}), store, nil
}
