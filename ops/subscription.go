package ops

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/eventlog"
)

// Subscription is what has to be known of a subscription to find its queues and to
// decide which events it asks for.
type Subscription struct {
	Name string `json:"name"`
	// Patterns are the EventBridge patterns of the events that it asks for, without
	// source; an event that fits one of them is asked for. See event.Selector.
	Patterns    []json.RawMessage `json:"patterns"`
	Ordered     bool              `json:"ordered,omitempty"`
	Rebuildable bool              `json:"rebuildable,omitempty"`
	From        string            `json:"from,omitempty"` // the application whose events they are, see bus.From
}

// Of is a subscription that a program has defined. What is wrong with it, [New]
// says.
func Of(d *bus.Definition) Subscription {
	s := Subscription{Name: d.Name, Ordered: d.Ordered, Rebuildable: d.Rebuildable, From: d.From}
	for _, sel := range d.Selectors {
		s.Patterns = append(s.Patterns, sel.Pattern())
	}
	return s
}

// subscription is one with its patterns compiled.
type subscription struct {
	Subscription
	whole *pattern.Set // as EventBridge matches them
	types *pattern.Set // only what they ask of the type
}

func (s Subscription) compile() (*subscription, error) {
	if len(s.Patterns) == 0 {
		return nil, errors.New("it has no pattern, so it asks for no event")
	}
	var whole, types []*pattern.Pattern
	for i, text := range s.Patterns {
		p, err := pattern.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("pattern %d: %w", i, err)
		}
		whole = append(whole, p)
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			return nil, fmt.Errorf("pattern %d: %w", i, err)
		}
		byType := []byte(`{"detail-type":[{"exists":true}]}`)
		if t, ok := members["detail-type"]; ok {
			byType = fmt.Appendf(nil, `{"detail-type":%s}`, t)
		}
		if p, err = pattern.Compile(byType); err != nil {
			return nil, fmt.Errorf("pattern %d: %w", i, err)
		}
		types = append(types, p)
	}
	return &subscription{Subscription: s, whole: pattern.NewSet(whole...), types: pattern.NewSet(types...)}, nil
}

// editedStream is the stream of an event that was sent anew: below that of the acts,
// with the subscription that it is for in its name, so that this is known for good.
// Delivery records expire, and a namespace has none in the beginning.
func editedStream(subscription, id string) string { return Stream(subscription) + "/" + id }

// inLog refuses what needs the events of a subscription in the log.
func (s *subscription) inLog(op string) error {
	if s.From == "" {
		return nil
	}
	return wrong(KindRefused, op, s.Name, "its events are in the log of %s: republish them there, or replay the archive of the bus to this subscription's rule", s.From)
}

// wants reports whether the subscription is to get an event.
func (s *subscription) wants(e event.Envelope) (bool, error) {
	if only := bus.OnlyFor(e.ID); only != "" && only != s.Name {
		return false, nil
	}
	return s.asks(e)
}

// asks reports whether the subscription's patterns fit an event.
func (s *subscription) asks(e event.Envelope) (bool, error) {
	if s.From != "" && e.Source != eventlog.PublicSource(s.From) {
		return false, nil
	}
	body, err := bus.MessageBody(e)
	if err != nil {
		return false, err
	}
	picked, err := s.whole.Match(body, nil)
	return len(picked) > 0, err
}

// wantsType reports whether it asks for events of a type of the application's own, or
// some of them.
func (s *subscription) wantsType(name string) (bool, error) {
	if s.From != "" {
		return false, nil
	}
	body, err := json.Marshal(map[string]string{"detail-type": name})
	if err != nil {
		return false, err
	}
	picked, err := s.types.Match(body, nil)
	return len(picked) > 0, err
}
