package sqsbatch

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/internal/sqsqueue"
)

// Kind classifies an error of this package. Test for one with errors.Is. The kind
// of the last failure is also what a dead letter carries.
type Kind string

// The kinds of error.
const (
	// KindDefinition: the options are wrong. The program must be changed.
	KindDefinition Kind = "wrong definition"
	// KindPermanent: the handler said so with [Permanent].
	KindPermanent Kind = "permanent"
	// KindUndecodable: the body is not what [JSON], [JSONKey] or [JSONPayload] was
	// to read. Permanent.
	KindUndecodable Kind = "undecodable"
	// KindKey: the idempotency key could not be made, or cannot be one. Permanent.
	KindKey Kind = "no idempotency key"
	// KindPayload: another payload has been handled under the same key. Permanent.
	KindPayload Kind = "other payload under the same key"
	// KindResult: the work was done before, and its result cannot be read again.
	// Permanent.
	KindResult Kind = "result not kept"
	// KindInProgress: another run holds the lease of the key. It is no attempt.
	KindInProgress Kind = "in progress"
	// KindRecord: the record could not be read or written. It is no attempt.
	KindRecord Kind = "record not written"
	// KindPanic: the handler panicked.
	KindPanic Kind = "panic"
	// KindTimeout: the handler's time was up.
	KindTimeout Kind = "time-out"
	// KindUnfinished: an attempt never ended: the process crashed, or the handler
	// went on after its time was up.
	KindUnfinished Kind = "unfinished"
	// KindFailed: the handler returned an error of no kind known here.
	KindFailed Kind = "failed"
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is what is wrong with the options, or what became of an attempt.
type Error struct {
	Kind   Kind
	Op     string    // what was being done: "options", "key", "handle", …
	Key    string    // the idempotency key, where one is known
	Until  time.Time // KindInProgress: when the other run's lease ends
	Reason string    // what was wrong, what is allowed, how to mend it
	Err    error     // the cause, may be nil
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Key != "" {
		b.WriteString(" " + e.Key)
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
// With [DeadLetterQueue] the message goes there at once. What a handler of package bus
// marked is understood as well. Permanent of nil is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanent{consume.Permanent{Err: err}}
}

type permanent struct{ consume.Permanent }

func (p *permanent) Is(target error) bool { return target == KindPermanent }

// RetryAfter says when the message shall come again, for a handler that knows:
// because it was told so by an HTTP 429, for one. The attempt has failed as with
// any other error. d is rounded up to whole seconds and bounded as [Delay] says.
// RetryAfter of nil is nil.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &retryAfter{err, d}
}

type retryAfter struct {
	err error
	d   time.Duration
}

func (r *retryAfter) Error() string { return r.err.Error() }
func (r *retryAfter) Unwrap() error { return r.err }

// isPermanent reports whether trying again is no use.
func isPermanent(err error) bool {
	if consume.IsPermanent(err) {
		return true
	}
	for _, k := range []Kind{KindPermanent, KindUndecodable, KindKey, KindPayload, KindResult} {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

// isAttempt reports whether a failure is one of the handler's own.
func isAttempt(err error) bool {
	return !errors.Is(err, KindInProgress) && !errors.Is(err, KindRecord)
}

// kindOf is the kind that a log line and a dead letter show for an error.
func kindOf(err error) Kind {
	var own *Error
	switch {
	case consume.IsPermanent(err), errors.Is(err, KindPermanent):
		return KindPermanent
	case errors.As(err, &own):
		return own.Kind
	case errors.Is(err, context.DeadlineExceeded):
		return KindTimeout
	default:
		return KindFailed
	}
}

// messageOf is an error's text as a record and a message attribute can hold it.
// The whole message is in the log.
func messageOf(err error) string { return sqsqueue.Text(err.Error()) }
