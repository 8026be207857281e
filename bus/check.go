package bus

import (
	"errors"
	"fmt"
	"strings"
)

// Check reports everything that is wrong with a subscription and the parts it is
// to be run with, nil when they fit: what [Definition.Err] finds, a handler
// for an event that the subscription does not ask for, two handlers for one
// event, an event that it asks for by name, or a family of events, without any
// handler. [Start] refuses to run with them; a test beside the definitions finds
// them earlier.
func Check(sub *Definition, parts ...Part) error { return check(sub, sorted(parts)) }

func check(sub *Definition, p parts) error {
	if sub == nil {
		return sub.Err()
	}
	var errs []error
	if err := sub.Err(); err != nil {
		errs = append(errs, err)
	}
	wrong := func(at string, cause error, format string, args ...any) {
		errs = append(errs, &Error{Kind: KindDefinition, Op: "handlers of", Subscription: sub.Name, DefinedAt: at, Reason: fmt.Sprintf(format, args...), Err: cause})
	}
	for _, reason := range p.problems {
		wrong("", nil, "%s", reason)
	}
	first := map[string]string{} // event type to place
	for i, h := range p.handlers {
		switch {
		case h.place == "":
			wrong("", nil, "handler %d is empty: make it with bus.On, bus.OnTx or bus.OnBatch", i)
			continue
		case h.eventType == nil:
			wrong(h.place, nil, "handler %d has no event definition: make one with event.Define", i)
			continue
		case h.run == nil:
			wrong(h.place, nil, "the handler for %s has no function", h.eventType.Name())
		}
		name := h.eventType.Name()
		if err := h.eventType.Err(); err != nil {
			wrong(h.place, err, "the event of handler %d is defined wrong", i)
			continue
		}
		if before, twice := first[name]; twice {
			wrong(h.place, nil, "a second handler for %s, the first is at %s: an event has one handler in a subscription; make them one, or a second subscription", name, before)
			continue
		}
		first[name] = h.place
		if !sub.Matches(name) {
			wrong(h.place, nil, "a handler for %s, and the subscription (%s) asks for %s: add it to bus.To, or take the handler away", name, sub.DefinedAt, asked(sub))
		}
	}
	for _, s := range sub.Selectors {
		if isNil(s) || s.Err() != nil {
			continue // told by Err
		}
		handled := false
		for name := range first {
			handled = handled || s.Matches(name)
		}
		switch {
		case handled:
		case s.Rule().Exact != "":
			wrong(sub.DefinedAt, nil, "it asks for %s and has no handler for it: add bus.On, bus.OnTx or bus.OnBatch, or take it out of bus.To", s)
		default:
			wrong(sub.DefinedAt, nil, "it asks for %s and has no handler for any such event: all of them would be ignored; add bus.On, bus.OnTx or bus.OnBatch, or take it out of bus.To", s)
		}
	}
	return errors.Join(errs...)
}

// asked lists what a subscription asks for.
func asked(sub *Definition) string {
	var names []string
	for _, s := range sub.Selectors {
		if !isNil(s) {
			names = append(names, s.String())
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
