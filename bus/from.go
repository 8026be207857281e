package bus

import (
	"fmt"
	"strings"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/names"
)

// From says that the subscription is to the events of another application: those that
// it makes public (event.Public), in their outward shape. Without it a subscription is
// to its own application's events.
//
//	var Bill = bus.Subscription("bill", bus.From("shop"), bus.To(shop.Placed))
//
// The selectors are definitions of the outward shape, made with event.PublicOf of the
// publisher's, or with event.Define.
//
// An event is known by its source and its id together, so the records of such a
// subscription have the other application in front of the event's id: see [ForeignID].
//
// Such a subscription cannot be [Ordered] or [Rebuildable]: both read the log, and these
// events are in the log of the other application.
func From(application string) Option { return from(application) }

type from string

func (f from) apply(d *Definition) {
	if d.From != "" {
		d.problem("bus.From is there twice, with %q and %q: a subscription is to the events of one application", d.From, string(f))
		return
	}
	d.From, d.foreign = string(f), true
}

// foreignProblems are what is wrong with a subscription to another application's
// events.
func (d *Definition) foreignProblems() []error {
	if !d.foreign {
		return nil
	}
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if err := names.CheckApplication(d.From); err != nil {
		wrong("bus.From: %w", err)
	}
	if d.Ordered {
		wrong("it is bus.Ordered and bus.From(%q): the order is read from the log, and these events are in the log of %s; order them in the handler, or by a version in their data", d.From, d.From)
	}
	if d.Rebuildable {
		wrong("it is bus.Rebuildable and bus.From(%q): what is made anew is made from the log, and these events are in the log of %s; commit an event of your own for each, and make the read model of those", d.From, d.From)
	}
	for _, s := range d.Selectors {
		if t, ok := s.(event.Type); ok && !isNil(s) && s.Err() == nil && t.PublicType() != nil {
			wrong("it is bus.From(%q), and %s (%s) is the event as %s itself sees it: others get what event.Public makes of it, so name event.PublicOf[%s](…)", d.From, t.Name(), t.DefinedAt(), d.From, t.PublicType().Name())
		}
	}
	return problems
}

// Source is what the events of the subscription have as source on the bus: own is the
// application of the subscription.
func (d *Definition) Source(own string) string {
	if d.From != "" {
		return eventlog.PublicSource(d.From)
	}
	return own
}

// foreignMark stands between an application and an event id. No stream has it before
// its slash.
const foreignMark = ":"

// ForeignID is how an event of another application is called here: shop:order/7f3c@4.
// Two applications may each have an order/7f3c@4. Without an application it is the
// event's id.
func ForeignID(application, eventID string) string {
	if application == "" {
		return eventID
	}
	return application + foreignMark + eventID
}

// SplitForeignID is [ForeignID] backwards; the application is "" for an event of one's
// own.
func SplitForeignID(id string) (application, eventID string) {
	before, _, _ := strings.Cut(id, "/")
	application, _, found := strings.Cut(before, foreignMark)
	if !found || names.CheckApplication(application) != nil {
		return "", id
	}
	return application, id[len(application)+len(foreignMark):]
}

// eventID is what the event is called here.
func (d *delivery) eventID() string { return ForeignID(d.from, d.event.ID) }

// ofAnother reports whether an event is not of the application that the subscription
// names. A rule lets none such in; a queue may hold what an older rule did, when the
// subscription was to another application's events, or to one's own.
func (c *Consumer) ofAnother(e *event.Envelope) bool {
	if c.sub.From == "" {
		return eventlog.IsPublicSource(e.Source)
	}
	return e.Source != c.sub.Source("")
}
