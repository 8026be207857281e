package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/place"
)

// Where picks those events of s for which all conditions hold:
//
//	var total = event.Path(Placed, func(o *OrderPlaced) *int { return &o.Total })
//
//	bus.To(event.Where(Placed, total.Gt(100), event.Tenant.Eq("acme")))
//
// The conditions become part of the EventBridge rule, so what they leave out
// costs nothing. They see an event as it was written: its data in the version it
// was committed with, before any [Upcast]. An event of another version may not
// have the field, and only [Field.NotEq], [Field.NotExists] and conditions that
// hold for a value that is left out hold then.
//
// A pattern takes one condition a field: use Between or In, or two selectors for
// either-or.
//
// Nothing fails here: what is wrong with s or a condition is in Err, with the
// place of the call.
func Where(s Selector, conds ...Condition) Selector {
	w := &where{base: s}
	definedAt := place.Caller()
	var errs []error
	wrong := func(cause error, format string, args ...any) {
		errs = append(errs, &Error{Kind: KindDefinition, Op: "where", DefinedAt: definedAt, Reason: fmt.Sprintf(format, args...), Err: cause})
	}
	if inner, ok := s.(*where); ok { // all of the conditions hold
		w.base, w.conds = inner.base, slices.Clone(inner.conds)
		if inner.err != nil {
			errs = append(errs, inner.err)
		}
	} else if s == nil {
		wrong(nil, "the selector is nil: use an event definition or event.Match")
		w.base = &match{err: errs[0]}
	} else if err := s.Err(); err != nil {
		errs = append(errs, err)
	}
	if len(conds) == 0 {
		wrong(nil, "there is no condition: leave Where out to pick every %s", w.base)
	}
	for i, c := range conds {
		switch {
		case c.err != nil:
			wrong(c.err, "condition %d", i)
			continue
		case len(c.path) == 0:
			wrong(nil, "condition %d is empty: make one with event.Path, event.Tenant or event.Actor", i)
			continue
		case c.eventType != "" && w.base.Err() == nil && !w.base.Matches(c.eventType):
			wrong(nil, "condition %d (%s) is about the data of %s, which %s does not pick", i, c.text, c.eventType, w.base)
		}
		for _, other := range w.conds {
			if slices.Equal(other.path, c.path) {
				wrong(nil, "%s and %s are about one field: EventBridge takes one condition a field, use Between, In or two selectors", other.text, c.text)
			}
		}
		w.conds = append(w.conds, c)
	}
	slices.SortStableFunc(w.conds, func(a, b Condition) int { return slices.Compare(a.path, b.path) })
	w.err = errors.Join(errs...)
	return w
}

type where struct {
	base  Selector
	conds []Condition // by path
	err   error
}

// Matches goes by the type alone: the content is in Pattern only.
func (w *where) Matches(eventType string) bool { return w.base.Matches(eventType) }

func (w *where) Rule() Rule { return w.base.Rule() }

func (w *where) Err() error { return w.err }

func (w *where) Pattern() []byte {
	if w.err != nil {
		return nil
	}
	return patternOf(w.base.Rule(), w.conds)
}

func (w *where) String() string {
	var texts []string
	for _, c := range w.conds {
		texts = append(texts, c.text)
	}
	return w.base.String() + " where " + strings.Join(texts, " and ")
}

// patternOf writes the pattern of a rule and of conditions in order of their
// paths, nil when there is no rule. No map is used, so that its bytes are the
// same each time.
func patternOf(r Rule, conds []Condition) []byte {
	var b bytes.Buffer
	switch {
	case r.Exact != "":
		fmt.Fprintf(&b, `{"detail-type":[%s]`, jsonText(r.Exact))
	case r.Prefix != "":
		fmt.Fprintf(&b, `{"detail-type":[{"prefix":%s}]`, jsonText(r.Prefix))
	case r.Suffix != "":
		fmt.Fprintf(&b, `{"detail-type":[{"suffix":%s}]`, jsonText(r.Suffix))
	default:
		return nil
	}
	var open []string // the objects that are begun
	for _, c := range conds {
		path := append([]string{"detail"}, c.path...)
		inside, leaf := path[:len(path)-1], path[len(path)-1]
		same := 0
		for same < len(open) && same < len(inside) && open[same] == inside[same] {
			same++
		}
		for range open[same:] {
			b.WriteByte('}')
		}
		b.WriteByte(',')
		open = append(open[:same:same], inside[same:]...)
		for _, name := range inside[same:] {
			fmt.Fprintf(&b, "%s:{", jsonText(name))
		}
		fmt.Fprintf(&b, "%s:%s", jsonText(leaf), c.alternatives)
	}
	for range open {
		b.WriteByte('}')
	}
	b.WriteByte('}')
	return b.Bytes()
}

// jsonText is s as a JSON string that people can read: < and > stay.
func jsonText(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic("event: a string cannot be encoded as JSON: " + err.Error()) // encoding/json promises it can
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
