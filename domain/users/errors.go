package users

import "fmt"

// Kind classifies an [Error]. Test for one with errors.Is.
type Kind string

// What can be wrong with a request to this context.
const (
	Invalid  Kind = "invalid"   // a field has a value that is not allowed
	Taken    Kind = "taken"     // the e-mail address belongs to somebody
	NotFound Kind = "not found" // no such user
	Conflict Kind = "conflict"  // the user's state does not allow it
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is a refusal that the caller can understand and mend. Everything else
// that goes wrong is passed on as it came.
type Error struct {
	Kind    Kind
	Field   string // the request's field, empty when it is about no single one
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
