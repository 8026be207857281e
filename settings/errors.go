package settings

import "strings"

// ErrorKind classifies an error of this package. Test for one with errors.Is.
type ErrorKind string

// The kinds of error.
const (
	KindDefinition ErrorKind = "wrong definition" // the program is written wrong
	KindRead       ErrorKind = "not read"         // the table does not answer, or refuses
)

// Error makes a kind a target for errors.Is.
func (k ErrorKind) Error() string { return string(k) }

// Error says which setting something is wrong with, and what.
type Error struct {
	Kind    ErrorKind
	Setting string
	Err     error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("setting")
	if e.Setting != "" {
		b.WriteString(" " + e.Setting)
	}
	return b.String() + ": " + e.Err.Error()
}

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

func (e *Error) Unwrap() error { return e.Err }
