package eventlog

import (
	"fmt"
	"strings"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Kind classifies an error of this package. Test for one with errors.Is, or take
// the typed error with errors.As.
type Kind string

// The kinds of error. Failed conditions of the caller's own writes are not among
// them: those come through as errors of package orm.
const (
	KindConflict Kind = "conflict"        // *ConflictError
	KindTooLarge Kind = "too large"       // *TooLargeError
	KindInvalid  Kind = "invalid changes" // *InvalidError
	KindUnknown  Kind = "unknown outcome" // *UnknownOutcomeError
	KindDamaged  Kind = "damaged log"     // *DamagedError

	KindDuplicate   Kind = "duplicate command" // *DuplicateCommandError
	KindTimerExists Kind = "timer exists"      // *TimerExistsError
	KindQuery       Kind = "invalid query"     // *QueryError
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// ConflictError says that a stream is not where the commit expected it.
// Nothing was written. Load what the decision was made from again, decide again.
type ConflictError struct {
	Stream   string
	Expected event.Expected
	// Current is the stream's version as far as it was seen: its last one when the
	// error comes from Commit, at least this one when it comes from Resolve.
	Current int64
	Err     error // failed conditions of the caller's own writes in the same transaction, nil when there are none

	// seen: the store showed the other commit's item, so this one did not happen.
	seen bool
}

func (e *ConflictError) Error() string {
	var expected string
	switch e.Expected {
	case event.Append:
		expected = fmt.Sprintf("somebody else was faster each of %d times", tries)
	case event.New:
		expected = "expected that it does not exist"
	default:
		expected = fmt.Sprintf("expected version %d", e.Expected)
	}
	return fmt.Sprintf("stream %s: conflict: %s, it is at version %d: load it and decide again", e.Stream, expected, e.Current)
}

// Is reports whether target is [KindConflict].
func (e *ConflictError) Is(target error) bool { return target == KindConflict }

func (e *ConflictError) Unwrap() error { return e.Err }

// TooLargeError says that a commit, or one event of it, is over a limit. Nothing
// was written. The number that is over its limit, and only that, is set.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
type TooLargeError struct {
	Event   int    // index in Changes.Events of the event that is too large, -1 for the commit
	Timer   string // id of the timer whose event is too large, empty for the commit
	Type    string
	Actions int // of the transaction, at most MaxActions
	// Bytes is the size of the event, at most MaxEvent, or of the commit, at most
	// MaxCommit. Of a timer it may be its item's, which keeps the data as text in a
	// text, each quotation mark in two bytes: at most orm.MaxItemSize.
	Bytes int
}

// The limits of a commit.
const (
	MaxActions = orm.MaxTransactionActions // of a transaction: one an event, one or more a write
	MaxCommit  = orm.MaxTransactionSize    // bytes of all items of a transaction
	MaxEvent   = 350 << 10                 // bytes of an event's item; DynamoDB's own limit is 400 KB
)

func (e *TooLargeError) Error() string {
	switch {
	case e.Event >= 0:
		return fmt.Sprintf("event %d (%s) has %d bytes encoded, at most %d are allowed: keep large data elsewhere and put its address in the event", e.Event, e.Type, e.Bytes, MaxEvent)
	case e.Timer != "":
		return fmt.Sprintf("the event of timer %s (%s) has %d bytes encoded, at most %d are allowed: keep large data elsewhere and put its address in the event", e.Timer, e.Type, e.Bytes, MaxEvent)
	case e.Actions > 0:
		return fmt.Sprintf("the commit has %d actions, a transaction takes at most %d: commit less at once", e.Actions, MaxActions)
	default:
		return fmt.Sprintf("the commit has %d bytes, a transaction takes at most %d: commit less at once", e.Bytes, MaxCommit)
	}
}

// Is reports whether target is [KindTooLarge] or orm.KindTooLarge.
func (e *TooLargeError) Is(target error) bool {
	return target == KindTooLarge || target == orm.KindTooLarge
}

// InvalidError holds everything that is wrong with the changes. Nothing was
// written.
type InvalidError struct {
	Problems []error
}

func (e *InvalidError) Error() string {
	texts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		texts[i] = p.Error()
	}
	return "invalid changes: " + strings.Join(texts, "; ")
}

// Is reports whether target is [KindInvalid].
func (e *InvalidError) Is(target error) bool { return target == KindInvalid }

func (e *InvalidError) Unwrap() []error { return e.Problems }

// UnknownOutcomeError says that nobody can tell whether the commit happened: it
// was sent, and neither an answer came nor did asking again help. Whoever tries
// the whole command again must be ready to find it done.
type UnknownOutcomeError struct {
	CommitID string
	Tries    int
	Err      error
}

func (e *UnknownOutcomeError) Error() string {
	return fmt.Sprintf("commit %s: outcome unknown after %d tries: %v", e.CommitID, e.Tries, e.Err)
}

// Is reports whether target is [KindUnknown] or orm.KindUnavailable.
func (e *UnknownOutcomeError) Is(target error) bool {
	return target == KindUnknown || target == orm.KindUnavailable
}

func (e *UnknownOutcomeError) Unwrap() error { return e.Err }

// DamagedError says that the log holds something no commit can have written.
// The log is never changed by a program, so a person must look.
type DamagedError struct {
	Stream  string
	Version int64
	Reason  string
	Err     error
}

func (e *DamagedError) Error() string {
	text := fmt.Sprintf("event %s@%d: damaged log: %s", e.Stream, e.Version, e.Reason)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is reports whether target is [KindDamaged].
func (e *DamagedError) Is(target error) bool { return target == KindDamaged }

func (e *DamagedError) Unwrap() error { return e.Err }

// QueryError says what is wrong with what was asked of the log, or with a
// [Cursor]. Nothing was read.
type QueryError struct {
	Reason string // what was wrong, what is allowed
	Err    error  // the cause, may be nil
}

func (e *QueryError) Error() string {
	if e.Err != nil {
		return "invalid query: " + e.Reason + ": " + e.Err.Error()
	}
	return "invalid query: " + e.Reason
}

// Is reports whether target is [KindQuery].
func (e *QueryError) Is(target error) bool { return target == KindQuery }

func (e *QueryError) Unwrap() error { return e.Err }
