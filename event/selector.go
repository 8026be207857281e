package event

import (
	"fmt"
	"strings"

	"github.com/vinci-go/vinci/internal/place"
)

// MaxType is the longest event type in characters: EventBridge's limit for a
// detail-type.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
const MaxType = 128

// Selector picks events: a [Definition] those of its own type, [Match] a family of
// types, [Where] some of either by their content.
type Selector interface {
	// Matches reports whether events of this type can be picked. It goes by the
	// type alone: what [Where] asks of the content is in Pattern only.
	Matches(eventType string) bool
	// Rule is the picked types as an EventBridge pattern for "detail-type":
	// {"user.created"}, {"prefix": "user."}, {"suffix": ".created"}.
	Rule() Rule
	// Pattern is the whole EventBridge pattern of the picked events but for
	// "source", as JSON: {"detail-type":["user.created"]}, with "detail" when
	// [Where] looks at the content. It is nil when Err is not. The same selector
	// has the same bytes.
	Pattern() []byte
	// String is the selector as it was written: user.created, user.*.
	String() string
	// Err reports what is wrong with it, nil when it may be used.
	Err() error
}

// Rule is one alternative for detail-type. Exactly one field is set; all are
// empty in the rule of a selector whose Err is not nil.
type Rule struct {
	Exact, Prefix, Suffix string
}

// Matches reports whether EventBridge would pick an event of this type.
func (r Rule) Matches(eventType string) bool {
	switch {
	case r.Exact != "":
		return eventType == r.Exact
	case r.Prefix != "":
		return strings.HasPrefix(eventType, r.Prefix)
	case r.Suffix != "":
		return strings.HasSuffix(eventType, r.Suffix)
	default:
		return false
	}
}

// Match selects by pattern: user.created is one type, user.* every type that
// begins with "user.", *.created every type that ends in ".created". No other
// pattern is allowed: each of these is an exact, prefix or suffix match of
// EventBridge, whereas a bus takes only 30 rules with a wildcard in the middle.
//
// A wrong pattern is reported by the selector's Err, with the place of the call.
func Match(pattern string) Selector {
	m := &match{pattern: pattern}
	definedAt := place.Caller()
	bad := func(format string, args ...any) *match {
		m.err = &Error{Kind: KindDefinition, Op: "match", DefinedAt: definedAt, Reason: fmt.Sprintf(format, args...)}
		return m
	}
	if len(pattern) > MaxType {
		return bad("pattern %q has %d characters, at most %d are allowed", clip(pattern), len(pattern), MaxType)
	}
	first, second, found := strings.Cut(pattern, ".")
	switch {
	case found && isWord(first) && isWord(second):
		m.rule = Rule{Exact: pattern}
	case found && isWord(first) && second == "*":
		m.rule = Rule{Prefix: first + "."}
	case found && first == "*" && isWord(second):
		m.rule = Rule{Suffix: "." + second}
	default:
		return bad("pattern %q: allowed are one type (user.created), a prefix (user.*) and a suffix (*.created), in words of a-z, 0-9 and _ that begin with a letter", clip(pattern))
	}
	return m
}

type match struct {
	pattern string
	rule    Rule
	err     error
}

func (m *match) Matches(eventType string) bool { return m.rule.Matches(eventType) }
func (m *match) Rule() Rule                    { return m.rule }
func (m *match) Pattern() []byte               { return patternOf(m.Rule(), nil) }
func (m *match) String() string                { return m.pattern }
func (m *match) Err() error                    { return m.err }

// checkType reports what is wrong with an event type's name, "" when nothing is.
func checkType(name string) string {
	if len(name) > MaxType {
		return fmt.Sprintf("event type %q has %d characters, at most %d are allowed", clip(name), len(name), MaxType)
	}
	first, second, found := strings.Cut(name, ".")
	if !found || !isWord(first) || !isWord(second) {
		return fmt.Sprintf("event type %q: allowed is word.word, like user.created, in words of a-z, 0-9 and _ that begin with a letter", clip(name))
	}
	return ""
}

// CheckType reports what is wrong with the name of an event type, as an
// *[Error] of [KindDefinition], and nil when it may be used.
func CheckType(name string) error {
	if reason := checkType(name); reason != "" {
		return &Error{Kind: KindDefinition, Op: "event type", Reason: reason}
	}
	return nil
}
