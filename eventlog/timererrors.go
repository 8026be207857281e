package eventlog

import (
	"fmt"
	"time"
)

// TimerExistsError says that a timer was to be set whose id is another one's
// already. Nothing was written.
type TimerExistsError struct {
	ID       string
	Due      time.Time // of the timer that is there, zero when the store did not say
	CommitID string    // that set it, empty when the store did not say
	Err      error     // failed conditions of the caller's own writes in the same transaction, nil when there are none
}

func (e *TimerExistsError) Error() string {
	text := fmt.Sprintf("timer %s exists already", e.ID)
	if !e.Due.IsZero() {
		text += ", due at " + e.Due.Format(time.RFC3339Nano)
	}
	return text + ": set it with Timer.Replace, or cancel it first in a commit of its own"
}

// Is reports whether target is [KindTimerExists].
func (e *TimerExistsError) Is(target error) bool { return target == KindTimerExists }

func (e *TimerExistsError) Unwrap() error { return e.Err }

// DamagedTimerError says that a timer's item holds what no commit can have
// written. It stays where it is, so a person must look: it is the item
// [TimerKey](ID) of the table "state".
type DamagedTimerError struct {
	ID  string
	Err error
}

func (e *DamagedTimerError) Error() string {
	return fmt.Sprintf("timer %s: damaged: %v: correct or delete the item %q of table %q", e.ID, e.Err, TimerKey(e.ID), State.Schema().Name)
}

// Is reports whether target is [KindDamaged].
func (e *DamagedTimerError) Is(target error) bool { return target == KindDamaged }

func (e *DamagedTimerError) Unwrap() error { return e.Err }
