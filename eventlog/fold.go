package eventlog

import (
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/event"
)

// Fold says what a stream comes to: New is what it is before its first event,
// Apply what an event makes of it. Both are pure: the same events always come to
// the same, or a [Snapshots] would remember something else.
//
// [NewFold] makes one from a function for each type.
type Fold[S any] struct {
	New   func() S
	Apply func(S, event.Envelope) (S, error)
}

// Case is what a [Fold] does with one type of event, or with a family of them.
// Make it with [Apply] or [Ignore].
type Case[S any] struct {
	selector event.Selector
	apply    func(S, event.Envelope) (S, error) // nil: leave the state as it is
}

// Apply is the case of one event type: f is called with its data in the newest
// shape. The rules of the data are not run, see [Decoded].
func Apply[S, T any](def *event.Definition[T], f func(S, event.Event[T]) S) Case[S] {
	return Case[S]{selector: def, apply: func(s S, e event.Envelope) (S, error) {
		d, err := decode(def, e)
		if err != nil {
			return s, err
		}
		return f(s, d), nil
	}}
}

// Ignore is the case of events that change nothing. Cases made with [Apply] go
// before it, so it may be a family of which some do.
func Ignore[S any](selector event.Selector) Case[S] { return Case[S]{selector: selector} }

// NewFold makes a fold that calls the case of each event's type. An event that
// has none is an error: a type that was forgotten would make a state that is
// wrong, and nobody would see it. Two cases of one type, and whatever is wrong
// with a definition, are the error of the first Apply.
//
//	var Orders = eventlog.NewFold(func() Order { return Order{} },
//		eventlog.Apply(Placed, Order.placed), // func (o Order) placed(e event.Event[OrderPlaced]) Order
//		eventlog.Apply(Shipped, Order.shipped),
//		eventlog.Ignore[Order](event.Match("note.*")),
//	)
func NewFold[S any](initial func() S, cases ...Case[S]) Fold[S] {
	byType := make(map[string]Case[S], len(cases))
	var ignored []event.Selector
	var errs []error
	for i, c := range cases {
		switch {
		case c.selector == nil:
			errs = append(errs, fmt.Errorf("case %d of eventlog.NewFold is empty: make it with eventlog.Apply or eventlog.Ignore", i))
		case c.selector.Err() != nil:
			errs = append(errs, c.selector.Err())
		case c.apply == nil:
			ignored = append(ignored, c.selector)
		default:
			name := c.selector.String()
			if _, twice := byType[name]; twice {
				errs = append(errs, fmt.Errorf("eventlog.NewFold has two cases of event type %s: take one away", name))
			}
			byType[name] = c
		}
	}
	if wrong := errors.Join(errs...); wrong != nil {
		return Fold[S]{New: initial, Apply: func(s S, _ event.Envelope) (S, error) { return s, wrong }}
	}
	return Fold[S]{New: initial, Apply: func(s S, e event.Envelope) (S, error) {
		if c, ok := byType[e.Type]; ok {
			return c.apply(s, e)
		}
		for _, i := range ignored {
			if i.Matches(e.Type) {
				return s, nil
			}
		}
		return s, fmt.Errorf("event %s is a %s, for which the fold has no case: give eventlog.NewFold one, made with eventlog.Apply, or with eventlog.Ignore if it changes nothing", e.ID, e.Type)
	}}
}
