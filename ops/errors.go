package ops

import (
	"fmt"
	"strings"
)

// Kind classifies an error of this package. Test for one with errors.Is.
type Kind string

// The kinds of error. Errors of the log, the store and the queues come through as
// they are.
const (
	// KindInvalid: what was asked for cannot be done by anybody. Nothing was done.
	KindInvalid Kind = "invalid"
	// KindUnknown: there is no such subscription, event or message.
	KindUnknown Kind = "unknown"
	// KindRefused: it could be done and would do harm. Nothing was done.
	KindRefused Kind = "refused"
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// Error says what could not be done, why, and how to mend it.
type Error struct {
	Kind         Kind
	Op           string // "redrive", "replay", …
	Subscription string // where one is meant
	Reason       string
	Err          error // the cause, may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Subscription != "" {
		b.WriteString(" " + e.Subscription)
	}
	if e.Reason != "" {
		b.WriteString(": " + e.Reason)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

func (e *Error) Unwrap() error { return e.Err }

func wrong(kind Kind, op, subscription, format string, args ...any) *Error {
	return &Error{Kind: kind, Op: op, Subscription: subscription, Reason: fmt.Sprintf(format, args...)}
}
