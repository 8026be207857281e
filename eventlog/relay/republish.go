package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/backoff"
)

// RepublishOptions says what a [Republisher] works with. Log, Source, Publisher
// and Failures are required.
type RepublishOptions struct {
	Log       *eventlog.Log
	Source    string // the application's name
	Publisher Publisher
	// Failures gets what can never be published, as the relay's does. It is not
	// NewFailureQueue, which finds its queue by the stream that a record came from:
	// there is none here.
	Failures FailureQueue

	// Rate is the most events a second, 0 for DefaultRate. The bus and every
	// subscription have their ordinary work beside this.
	Rate int
	// Progress is called after each page of events that was published, from the
	// goroutine of Run. What it returned last is where to go on after a stop.
	Progress func(Progress)

	Logger *slog.Logger                               // default: slog.Default()
	Now    func() time.Time                           // default: time.Now
	Jitter func(time.Duration) time.Duration          // a random part of a wait, from 0 to all of it; default: evenly spread
	Sleep  func(context.Context, time.Duration) error // waits, or returns the context's error; default: a timer
}

// DefaultRate is the most events a second that are published again when nobody
// says otherwise: far below what EventBridge takes in its smallest region.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const DefaultRate = 200

// Window says which events to publish again.
type Window struct {
	// Types are exact event types, at least one. The log is read through its index
	// by type, because that costs what the window holds. A scan of the table would
	// need no types, and cost what the log holds, however short the window is.
	Types []string
	From  time.Time // the first moment that belongs to it; required
	To    time.Time // the first that does not any more; zero: all that is there when the end is reached
	// Cursor is where an earlier run of the same window came to; empty: the
	// beginning.
	Cursor eventlog.Cursor
}

// Progress is how far publishing again has come. Counts are of this run.
type Progress struct {
	Events int       // that were published, or given up
	Failed int       // entries that were given up: they are in the failure queue
	Last   time.Time // of the last event, zero before the first
	// Cursor is where to go on; all before it is done. Empty before the first page
	// and when Done.
	Cursor eventlog.Cursor
	Done   bool
}

// Republisher publishes events of the log again: after an outage of the relay
// longer than the change stream remembers, or in any doubt. Consumers know an
// event by its id and have a record of each one they handled, so what had been
// published before does no harm.
//
// It may be used for several runs at once, each with the whole rate.
type Republisher struct {
	o     RepublishOptions
	relay *Relay
}

// NewRepublisher makes a republisher. It panics when a required option is missing
// or the rate is negative: such a program is written wrong.
func NewRepublisher(o RepublishOptions) *Republisher {
	if o.Log == nil {
		panic("relay.NewRepublisher: RepublishOptions.Log is nil")
	}
	if o.Rate < 0 {
		panic(fmt.Sprintf("relay.NewRepublisher: RepublishOptions.Rate is %d: allowed are 0 and more", o.Rate))
	}
	if o.Rate == 0 {
		o.Rate = DefaultRate
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = backoff.Sleep
	}
	return &Republisher{o: o, relay: New(Options{
		Source: o.Source, Publisher: o.Publisher, Failures: o.Failures,
		Logger: o.Logger, Now: o.Now, Jitter: o.Jitter, Sleep: o.Sleep,
	})}
}

// ErrNotPublished is in the error of a run that stopped because the bus did not
// take an event: it was throttled or broken for longer than a few tries. What
// was done until then is in the progress; go on from its cursor.
var ErrNotPublished = errors.New("the bus does not take events")

// Run publishes a window again, in the order of the events' times, with their
// public entries, and returns how far it came. The error is ErrNotPublished, the
// context's, or the log's: see [eventlog.History].
//
// A page is a second's worth of events, at most a hundred; when a run stops in
// the middle of one, the next publishes that page from its beginning.
func (r *Republisher) Run(ctx context.Context, w Window) (Progress, error) {
	p := Progress{Cursor: w.Cursor}
	history := r.o.Log.History(eventlog.HistoryQuery{Types: w.Types, From: w.From, To: w.To})
	for {
		began := r.o.Now()
		page, err := history.StoredPage(ctx, min(r.o.Rate, eventlog.DefaultPage), p.Cursor)
		if err != nil {
			return p, fmt.Errorf("republish: %w", err)
		}
		failed, err := r.publish(ctx, page.Events)
		if err != nil {
			return p, fmt.Errorf("republish: %w", err)
		}
		p.Events += len(page.Events)
		p.Failed += failed
		p.Cursor, p.Done = page.Next, page.Next == ""
		if n := len(page.Events); n > 0 {
			e, err := page.Events[n-1].Envelope(r.o.Source)
			if err == nil { // else it was given up, for the same reason
				p.Last = e.Time
			}
		}
		if r.o.Progress != nil {
			r.o.Progress(p)
		}
		if p.Done {
			return p, nil
		}
		due := time.Duration(len(page.Events)) * time.Second / time.Duration(r.o.Rate)
		if wait := due - r.o.Now().Sub(began); wait > 0 {
			if err := r.o.Sleep(ctx, wait); err != nil {
				return p, fmt.Errorf("republish: %w", err)
			}
		}
	}
}

// publish sends the events of a page, and returns how many entries were given up.
func (r *Republisher) publish(ctx context.Context, events []eventlog.Stored) (failed int, err error) {
	b := &batch{relay: r.relay, firstFailed: -1}
	for i := range events {
		b.addStored(ctx, &events[i], origin{index: i})
		if b.failed() {
			break
		}
	}
	b.send(ctx)
	if err := ctx.Err(); err != nil && b.failed() {
		return 0, err
	}
	if b.failed() {
		s := &events[b.firstFailed]
		return 0, fmt.Errorf("%w: event %s@%d: %s", ErrNotPublished, s.Stream, s.Version, b.reason)
	}
	return b.poisoned, nil
}
