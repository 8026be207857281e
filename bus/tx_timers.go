package bus

import (
	"fmt"

	"github.com/vinci-go/vinci/eventlog"
)

// SetTimers adds timers to the transaction: events that become due later. They
// carry on the correlation id, tenant, actor and trace of the event that is
// handled, which is their cause. See [eventlog.Timer] for what a timer is, and for
// when it comes.
//
// A timer whose event the subscription does not grant with [Commits] makes the
// attempt fail for good, with an error of [KindAccess].
func (tx *Tx) SetTimers(timers ...eventlog.Timer) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.closed {
		return
	}
	for _, t := range timers {
		if !tx.access.commits[t.Event.Type] {
			tx.problem("tx.SetTimers", fmt.Sprintf("event %q: grant it with bus.Commits", t.Event.Type))
		}
		tx.timers = append(tx.timers, t)
	}
}

// CancelTimers adds to the transaction that timers of these ids are not to fire
// any more. One that has fired, or never was, is no error.
//
// A subscription that grants no event with [Commits] may not cancel either: its
// role has no rights to timers. Then the attempt fails for good, with an error of
// [KindAccess].
func (tx *Tx) CancelTimers(ids ...string) {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.closed {
		return
	}
	if len(ids) > 0 && len(tx.access.commits) == 0 {
		tx.problem("tx.CancelTimers", fmt.Sprintf("timer %q: grant the timer's event with bus.Commits", ids[0]))
	}
	tx.cancel = append(tx.cancel, ids...)
}
