package ops

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/backoff"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// Options says what an [Ops] works with. All but Now, NewID and Sleep are required;
// Queues only by what looks into queues or sends to them.
type Options struct {
	Application string        // its name, which is the source of its events
	Deployment  string        // the id of the deployment
	Store       orm.Store     // the deployment's tables
	Log         *eventlog.Log // the deployment's, on the same tables
	Queues      Queues
	// Subscriptions are all of the application's: which of them asks for an event
	// decides what is done about it.
	Subscriptions []Subscription

	Now   func() time.Time                           // default: time.Now
	NewID func() string                              // never one twice, of printable ASCII; default: 26 random characters
	Sleep func(context.Context, time.Duration) error // waits, or returns the context's error; default: a timer
}

// Ops looks into one deployment of an application and acts on it. It is safe for
// concurrent use. Make it with [New].
type Ops struct {
	names         names.Deployment
	store         orm.Store
	log           *eventlog.Log
	queues        Queues
	subscriptions []*subscription
	now           func() time.Time
	newID         func() string
	sleep         func(context.Context, time.Duration) error
}

// New makes an Ops. The error joins everything that is wrong with the options; each
// part is of [KindInvalid].
func New(o Options) (*Ops, error) {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, wrong(KindInvalid, "ops", "", format, args...))
	}
	d, err := names.New(o.Application, o.Deployment)
	if err != nil {
		errs = append(errs, &Error{Kind: KindInvalid, Op: "ops", Err: err})
	}
	if o.Store == nil {
		bad("Options.Store is nil")
	}
	if o.Log == nil {
		bad("Options.Log is nil")
	}
	out := &Ops{names: d, store: o.Store, log: o.Log, queues: o.Queues, now: o.Now, newID: o.NewID, sleep: o.Sleep}
	for _, s := range o.Subscriptions {
		if err := names.Check(s.Name); err != nil {
			errs = append(errs, &Error{Kind: KindInvalid, Op: "ops", Err: err})
			continue
		}
		if out.find(s.Name) != nil {
			bad("subscription %s is there twice", s.Name)
			continue
		}
		c, err := s.compile()
		if err != nil {
			errs = append(errs, &Error{Kind: KindInvalid, Op: "ops", Subscription: s.Name, Err: err})
			continue
		}
		out.subscriptions = append(out.subscriptions, c)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if out.now == nil {
		out.now = time.Now
	}
	if out.newID == nil {
		out.newID = rand.Text
	}
	if out.sleep == nil {
		out.sleep = backoff.Sleep
	}
	return out, nil
}

func (o *Ops) find(name string) *subscription {
	for _, s := range o.subscriptions {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// subscription finds one, or says which there are.
func (o *Ops) subscription(op, name string) (*subscription, error) {
	if s := o.find(name); s != nil {
		return s, nil
	}
	var known []string
	for _, s := range o.subscriptions {
		known = append(known, s.Name)
	}
	slices.Sort(known)
	there := "the application has none"
	if len(known) > 0 {
		there = "there are: " + strings.Join(known, ", ")
	}
	return nil, wrong(KindUnknown, op, "", "no subscription is called %q: %s", name, there)
}

// withQueues is subscription for what needs queues.
func (o *Ops) withQueues(op, name string) (*subscription, error) {
	if o.queues == nil {
		return nil, wrong(KindInvalid, op, name, "Options.Queues is nil")
	}
	return o.subscription(op, name)
}

// Wants are those of some event types that a subscription asks for, or for some of
// whose events it does. The error is of [KindUnknown] when there is no such
// subscription.
func (o *Ops) Wants(name string, types []string) ([]string, error) {
	s, err := o.subscription("subscription", name)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, t := range types {
		wants, err := s.wantsType(t)
		if err != nil {
			return nil, fmt.Errorf("event type %q: %w", t, err)
		}
		if wants {
			out = append(out, t)
		}
	}
	return out, nil
}

// Askers are the names of the subscriptions that ask for an event, by its type and
// content, in the order of Options.Subscriptions.
func (o *Ops) Askers(e event.Envelope) ([]string, error) {
	var out []string
	for _, s := range o.subscriptions {
		wants, err := s.wants(e)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", e.ID, err)
		}
		if wants {
			out = append(out, s.Name)
		}
	}
	return out, nil
}
