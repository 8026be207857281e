package eventlog

import (
	"context"
	"crypto/rand"
	"fmt"
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
}

// Commit is what was committed.
type Commit struct {
	ID     string
	Events []event.Metadata // in the order of Changes.Events
}

// Options says what a [Log] works with. Only Source is required.
type Options struct {
	Source string                                     // the application's name
	Now    func() time.Time                           // default: time.Now
	NewID  func() string                              // a new commit id, 1 to 36 printable ASCII, never one twice; default: 26 random characters
	Jitter func(time.Duration) time.Duration          // a random part of a wait, from 0 to all of it; default: evenly spread
	Sleep  func(context.Context, time.Duration) error // waits, or returns the context's error; default: a timer
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
}

// New makes the log of an application on a store. It panics without a store or a
// source: such a program is written wrong.
func New(store orm.Store, o Options) *Log {
	if store == nil {
		panic("eventlog.New: store is nil")
	}
	if o.Source == "" {
		panic("eventlog.New: Options.Source is empty: it is the application's name")
	}
	l := &Log{store: store, source: o.Source, now: o.Now, newID: o.NewID, jitter: o.Jitter, sleep: o.Sleep}
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
