package definitions

import (
	"encoding/json"

	"github.com/vinci-go/vinci/bus"
)

// Subscription is what tools know of a subscription.
type Subscription struct {
	Name string `json:"name"`
	// Patterns are the EventBridge patterns of the events that it asks for, without
	// source.
	Patterns        []json.RawMessage `json:"patterns"`
	Ordered         bool              `json:"ordered,omitempty"`
	Rebuildable     bool              `json:"rebuildable,omitempty"`
	DeadLetterQueue bool              `json:"deadLetterQueue,omitempty"`
	From            string            `json:"from,omitempty"`      // the application whose events they are
	Timeout         int               `json:"timeout,omitempty"`   // of its function in seconds
	DefinedAt       string            `json:"definedAt,omitempty"` // file:line, relative to its module
	Group           string            `json:"group,omitempty"`     // the first stack of its group, as the layout says
}

// SubscriptionOf describes a subscription that has no mistakes, but for the time-out
// of its function.
func SubscriptionOf(d *bus.Definition, deadLetterQueue bool) *Subscription {
	s := &Subscription{Name: d.Name, Ordered: d.Ordered, Rebuildable: d.Rebuildable, DeadLetterQueue: deadLetterQueue, From: d.From, DefinedAt: d.DefinedAt}
	for _, sel := range d.Selectors {
		s.Patterns = append(s.Patterns, sel.Pattern())
	}
	return s
}
