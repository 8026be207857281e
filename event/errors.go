package event

import (
	"fmt"
	"strings"
)

// Kind classifies an error of this package. Test for one with errors.Is:
//
//	if errors.Is(err, event.KindNewerVersion) { … }
type Kind string

// The kinds of error.
const (
	// KindDefinition: an event type, a pattern or a data type is written wrong.
	// The program must be changed.
	KindDefinition Kind = "wrong definition"
	// KindInvalid: a record, a stream id or an event id cannot be what it says.
	KindInvalid Kind = "invalid"
	// KindValidation: the data breaks a rule of a validate tag. A commit refuses
	// it; a consumer that meets it does not try again.
	KindValidation Kind = "validation"
	// KindUndecodable: the bytes are no event of this type and never will be, so
	// trying again is no use.
	KindUndecodable Kind = "undecodable"
	// KindNewerVersion: the event was written by a newer program than this one.
	// It may be handled once this program has been deployed anew, so a consumer
	// tries it again and does not lose it.
	KindNewerVersion Kind = "newer schema version"
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is what is wrong with a definition, a record or an encoded event.
type Error struct {
	Kind      Kind
	Op        string // what was being done: "define", "match", "record", "decode", …
	Type      string // the event type, where it is known
	Version   int    // the schema version of the data that is to blame, else 0
	ID        string // the event's id, where it is known
	Member    string // the member of the envelope or the field of the data (its JSON path), where one is to blame
	DefinedAt string // file:line of the definition, where one is to blame
	Reason    string // what was wrong, what is allowed
	Err       error  // the cause, may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.DefinedAt != "" {
		fmt.Fprintf(&b, "%s: ", e.DefinedAt)
	}
	b.WriteString(e.Op)
	if e.Type != "" {
		fmt.Fprintf(&b, " %s", e.Type)
	}
	if e.Version != 0 {
		fmt.Fprintf(&b, " version %d", e.Version)
	}
	if e.ID != "" {
		fmt.Fprintf(&b, " (event %s)", e.ID)
	}
	fmt.Fprintf(&b, ": %s", e.Kind)
	if e.Member != "" {
		fmt.Fprintf(&b, ": member %q", e.Member)
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, ": %s", e.Reason)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

func (e *Error) Unwrap() error { return e.Err }
