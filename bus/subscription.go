package bus

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/internal/place"
)

// Definition is a subscription as a value: what it wants and what it may touch,
// said once. Rule, role, dispatch and checks all come from it. It holds no
// client, never changes, and is safe for concurrent use. Make it with
// [Subscription].
type Definition struct {
	Name      string
	Selectors []event.Selector
	Access    Access
	Ordered   bool   // see [Ordered]
	DefinedAt string // file:line, relative to its module
	// Rebuildable: see [Rebuildable].
	Rebuildable bool
	From        string // the application whose events they are, "" for one's own; see [From]

	foreign  bool    // From was given, whatever it says
	problems []error // what options had to say
}

// Option changes a subscription.
type Option interface{ apply(*Definition) }

// Subscription defines a subscription. It never panics for a wrong definition:
// [Definition.Err] then reports everything that is wrong with it, so that one
// synth can show the mistakes of all definitions at once.
//
// name is lower-case letters, digits and underscores, begins with a letter, and
// is unique in the application: queue, function and delivery records are named
// after it. A subscription that is renamed is a new one, which knows nothing of
// what the old one has handled.
func Subscription(name string, opts ...Option) *Definition {
	d := &Definition{Name: name, DefinedAt: place.Caller()}
	for i, opt := range opts {
		if isNil(opt) {
			d.problem("option %d is nil: use bus.To, bus.Reads, bus.Writes and bus.Commits", i)
			continue
		}
		opt.apply(d)
	}
	return d
}

// To says which events are wanted: event definitions, [event.Match] for a family
// of types, and [event.Where] for those of either with a certain content. A
// subscription may have several, and gets what one of them picks.
func To(selectors ...event.Selector) Option { return to(slices.Clone(selectors)) }

type to []event.Selector

func (t to) apply(d *Definition) { d.Selectors = append(d.Selectors, t...) }

// Matches reports whether the subscription wants events of this type, or those of
// them that an [event.Where] picks.
func (d *Definition) Matches(eventType string) bool {
	for _, s := range d.Selectors {
		if !isNil(s) && s.Matches(eventType) {
			return true
		}
	}
	return false
}

// Err reports everything that is wrong with the definition by itself, nil when
// it may be used: its name, its selectors, and the definitions it names. It is
// one *[Error] of [KindDefinition] a problem, joined. What is wrong with its
// handlers says [Check].
func (d *Definition) Err() error {
	if d == nil {
		return &Error{Kind: KindDefinition, Op: "subscription", Reason: "the definition is nil: make it with bus.Subscription"}
	}
	var errs []error
	wrong := func(cause error, format string, args ...any) {
		errs = append(errs, &Error{Kind: KindDefinition, Op: "subscription", Subscription: d.Name, DefinedAt: d.DefinedAt, Reason: fmt.Sprintf(format, args...), Err: cause})
	}
	if err := names.Check(d.Name); err != nil {
		wrong(err, "its name cannot be one")
	}
	for _, p := range d.problems {
		wrong(p, "")
	}
	if len(d.Selectors) == 0 {
		wrong(nil, "it asks for no event: name some with bus.To, as in bus.To(users.Created) or bus.To(event.Match(\"user.*\"))")
	}
	seen := map[string]string{}
	whole := map[event.Rule]bool{} // types that are picked whatever their content
	for _, s := range d.Selectors {
		if !isNil(s) && s.Err() == nil {
			if by, err := byContent(s); err == nil && !by {
				whole[s.Rule()] = true
			}
		}
	}
	for i, s := range d.Selectors {
		switch {
		case isNil(s):
			wrong(nil, "selector %d of bus.To is nil: use an event definition or event.Match", i)
		case s.Err() != nil:
			wrong(s.Err(), "selector %d of bus.To is wrong", i)
		default:
			key := string(s.Pattern())
			if before, twice := seen[key]; twice {
				wrong(nil, "it asks for %s twice (as %s before): take one away", s, before)
			}
			seen[key] = s.String()
			if by, err := byContent(s); err != nil {
				wrong(err, "selector %d of bus.To is wrong", i)
			} else if by && whole[s.Rule()] {
				wrong(nil, "it asks for %s, and for all such events as well: the second picks all that the first does, take one away", s)
			}
		}
	}
	for _, p := range d.foreignProblems() {
		wrong(p, "")
	}
	for _, p := range d.Access.problems() {
		wrong(p, "")
	}
	return errors.Join(errs...)
}

func (d *Definition) problem(format string, args ...any) {
	d.problems = append(d.problems, fmt.Errorf(format, args...))
}
