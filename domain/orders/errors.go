package orders

import "fmt"

// Kind classifies an [Error]. Test for one with errors.Is.
type Kind string

// What can be wrong with a request to this context.
const (
	Invalid  Kind = "invalid"   // a field has a value that is not allowed
	NotFound Kind = "not found" // this tenant has no such order
	Conflict Kind = "conflict"  // the order's state does not allow it
	Refused  Kind = "refused"   // the order's state allows it, and a rule does not
	Reused   Kind = "reused"    // the idempotency key was used for another request
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is a refusal that the caller can understand and mend. Everything else that
// goes wrong is passed on as it came.
type Error struct {
	Kind    Kind
	Field   string // the request's field, empty when it is about no single one
	Rule    string // the rule that refused, as "an order is paid before it is confirmed"; empty when it is not about one
	Message string // for people
}

func (e *Error) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return fmt.Sprintf("%s: %s", e.Field, e.Message)
}

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

func invalid(field, format string, args ...any) error {
	return &Error{Kind: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

func refuse(kind Kind, rule, format string, args ...any) error {
	return &Error{Kind: kind, Rule: rule, Message: fmt.Sprintf(format, args...)}
}
