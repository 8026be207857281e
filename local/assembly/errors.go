package assembly

import (
	"errors"
	"fmt"
	"strings"
)

// The kinds of error that [Load] returns, for errors.Is.
var (
	// ErrInvalid says that a file of the assembly is not what the CDK writes:
	// missing, not JSON, or with parts of the wrong shape.
	ErrInvalid = errors.New("not a valid cloud assembly")
	// ErrUnresolved says that a value in a template cannot be computed without
	// AWS: an unknown function, attribute, parameter, or a name that nothing has.
	ErrUnresolved = errors.New("cannot be resolved")
)

// Error is one thing that is wrong in a template, with its place. Load joins
// all of them: errors.As finds the first.
type Error struct {
	Stack         string // the stack's name
	LogicalID     string // the resource, output or condition in the template
	ConstructPath string // the construct's path in the CDK application; "" when unknown
	Property      string // path of the property, such as Targets[0].Arn; "" when it is about the whole resource
	Kind          error  // ErrInvalid or ErrUnresolved
	Reason        string // what is wrong, and what is allowed
}

// Error names the place first, most specific last.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "stack %s", e.Stack)
	if e.LogicalID != "" {
		fmt.Fprintf(&b, ", %s", e.LogicalID)
	}
	if e.ConstructPath != "" {
		fmt.Fprintf(&b, " (%s)", e.ConstructPath)
	}
	if e.Property != "" {
		fmt.Fprintf(&b, ", property %s", e.Property)
	}
	b.WriteString(": ")
	b.WriteString(e.Reason)
	return b.String()
}

// Unwrap gives the kind to errors.Is.
func (e *Error) Unwrap() error { return e.Kind }
