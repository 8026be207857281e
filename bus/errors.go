package bus

import (
	"context"
	"errors"
	"strings"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/internal/sqsqueue"
	"github.com/vinci-go/vinci/orm"
)

// Kind classifies an error of this package. Test for one with errors.Is. The
// kind of the last failure is also what a delivery record and a dead letter
// carry; there it may be one of packages orm, event and eventlog as well.
type Kind string

// The kinds of error.
const (
	// KindDefinition: a subscription, its handlers or the wiring are written
	// wrong. The program must be changed; it does not start.
	KindDefinition Kind = "wrong definition"
	// KindAccess: a handler touched a table or committed an event that its
	// subscription does not grant. Permanent: the program must be changed.
	KindAccess Kind = "access not granted"
	// KindPermanent: the handler said so with [Permanent].
	KindPermanent Kind = "permanent"
	// KindUndecodable: the message is no event, or its data is not what the
	// event's definition says. Permanent. (Data that breaks a rule of a validate
	// tag has event.KindValidation, which is permanent as well.)
	KindUndecodable Kind = "undecodable"
	// KindPanic: the handler panicked.
	KindPanic Kind = "panic"
	// KindTimeout: the handler's time was up.
	KindTimeout Kind = "time-out"
	// KindUnfinished: an attempt never ended: the process crashed, or the handler
	// went on after its time was up.
	KindUnfinished Kind = "unfinished"
	// KindContention: a transaction lost against others each time it was tried.
	KindContention Kind = "contention"
	// KindFailed: the handler returned an error of no kind known here.
	KindFailed Kind = "failed"
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is what is wrong with a definition, or what became of an attempt.
type Error struct {
	Kind         Kind
	Op           string // what was being done: "subscription", "handler", "handle", …
	Subscription string
	DefinedAt    string // file:line of the definition, where one is to blame
	Reason       string // what was wrong, what is allowed, how to mend it
	Err          error  // the cause, may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	if e.DefinedAt != "" {
		b.WriteString(e.DefinedAt + ": ")
	}
	b.WriteString(e.Op)
	if e.Subscription != "" {
		b.WriteString(" " + e.Subscription)
	}
	b.WriteString(": " + string(e.Kind))
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

// Permanent marks an error of a handler as one that trying again cannot mend.
// The event goes to the dead-letter queue at once. A handler of package sqsbatch
// understands it as well. Permanent of nil is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{consume.Permanent{Err: err}}
}

type permanent struct{ consume.Permanent }

func (p *permanent) Is(target error) bool { return target == KindPermanent }

// decodeError is an event that its definition cannot read. It tells the
// consumer's own decoding from an error that a handler met and passed on.
type decodeError struct{ err error }

func (d *decodeError) Error() string { return d.err.Error() }
func (d *decodeError) Unwrap() error { return d.err }

// isPermanent reports whether trying again is no use.
func isPermanent(err error) bool {
	var decode *decodeError
	if errors.As(err, &decode) {
		// An event of a newer version waits for the program that knows it.
		return !errors.Is(err, event.KindNewerVersion)
	}
	return consume.IsPermanent(err) || errors.Is(err, KindPermanent) || errors.Is(err, KindAccess) || errors.Is(err, KindDefinition)
}

// kindOf is the kind that a record shows for an error.
func kindOf(err error) string {
	var (
		decode  *decodeError
		own     *Error
		log     *eventlog.ConflictError
		stored  *orm.Error
		evented *event.Error
	)
	switch {
	case errors.As(err, &decode) && errors.Is(err, event.KindNewerVersion):
		return string(event.KindNewerVersion)
	case errors.As(err, &decode) && errors.Is(err, event.KindValidation):
		return string(event.KindValidation)
	case errors.As(err, &decode):
		return string(KindUndecodable)
	case consume.IsPermanent(err), errors.Is(err, KindPermanent):
		return string(KindPermanent)
	case errors.As(err, &own):
		return string(own.Kind)
	case errors.Is(err, context.DeadlineExceeded):
		return string(KindTimeout)
	case errors.As(err, &log):
		return string(eventlog.KindConflict)
	case errors.As(err, &stored):
		return string(stored.Kind)
	case errors.As(err, &evented):
		return string(evented.Kind)
	default:
		return string(KindFailed)
	}
}

// messageOf is an error's text as a record and a message attribute can hold it.
// The whole message is in the log.
func messageOf(err error) string { return clean(err.Error()) }

func clean(s string) string { return sqsqueue.Text(s) }
