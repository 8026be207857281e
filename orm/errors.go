package orm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind classifies an error of this package. Test for one with errors.Is:
//
//	if errors.Is(err, orm.KindNotFound) { … }
type Kind string

// The kinds of error that a store and the typed methods return.
const (
	KindNotFound        Kind = "not found"
	KindAlreadyExists   Kind = "already exists"
	KindConditionFailed Kind = "condition failed"
	KindVersionConflict Kind = "version conflict"     // the item has another version than was expected
	KindChanged         Kind = "changed meanwhile"    // the item is not as it was when the write was made from it: make it anew
	KindConflict        Kind = "transaction conflict" // another transaction is on the item: try again
	KindThrottled       Kind = "throttled"
	KindTooLarge        Kind = "too large"
	KindValidation      Kind = "validation"
	KindDefinition      Kind = "wrong definition"
	KindUnavailable     Kind = "unavailable"   // network, time-out, 5xx: the effect is unknown
	KindNoTable         Kind = "no such table" // the deployment has none of this name
	KindDenied          Kind = "access denied" // by IAM, or for want of valid credentials
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is what one request to one item came to.
type Error struct {
	Kind      Kind
	Op        string // what was being done: "get", "insert", "update", …
	Table     string // the definition's name, not the physical one
	Key       string // the key in readable form
	Attribute string // KindAlreadyExists of a unique value, KindValidation: which attribute
	Item      Item   // KindConditionFailed, KindAlreadyExists: the item that was there, when the store returned it
	Err       error  // the cause, may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Op, e.Table)
	if e.Key != "" {
		fmt.Fprintf(&b, " %s", e.Key)
	}
	fmt.Fprintf(&b, ": %s", e.Kind)
	if e.Attribute != "" {
		fmt.Fprintf(&b, " (attribute %s)", e.Attribute)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

func (e *Error) Unwrap() error { return e.Err }

// TransactionError is a cancelled transaction. Reasons has one entry an action,
// in the order of the actions, nil where the action was not the cause.
// errors.Is and errors.As look through all reasons.
type TransactionError struct {
	Reasons []*Error
}

func (e *TransactionError) Error() string {
	var parts []string
	for i, r := range e.Reasons {
		if r != nil {
			parts = append(parts, fmt.Sprintf("action %d: %v", i, r))
		}
	}
	return "transaction cancelled: " + strings.Join(parts, "; ")
}

// Unwrap gives errors.Is and errors.As every reason.
func (e *TransactionError) Unwrap() []error {
	var errs []error
	for _, r := range e.Reasons {
		if r != nil {
			errs = append(errs, r)
		}
	}
	return errs
}

// Only reports whether every reason of the failure is of one of the given
// kinds: a transaction that failed only by conflict may simply be tried again.
func Only(err error, kinds ...Kind) bool {
	all := Errors(err)
	if len(all) == 0 {
		return slices.ContainsFunc(kinds, func(k Kind) bool { return errors.Is(err, k) })
	}
	return !slices.ContainsFunc(all, func(e *Error) bool { return !slices.Contains(kinds, e.Kind) })
}

// Errors returns every [*Error] in err, however it is wrapped or joined: the
// attributes of a failed validation, the reasons of a cancelled transaction.
func Errors(err error) []*Error {
	var out []*Error
	switch e := err.(type) {
	case nil:
	case *Error:
		out = append(out, e)
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			out = append(out, Errors(one)...)
		}
	case interface{ Unwrap() error }:
		out = Errors(e.Unwrap())
	}
	return out
}
