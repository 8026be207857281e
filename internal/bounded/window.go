package bounded

import (
	"context"
	"time"
)

// Window is the time that one invocation has.
//
//	|<------ handlers run ------>|<-- waited for -->|<-- recorded -->|
//	start                       Soft               Hard           Deadline
type Window struct {
	Soft, Hard, Deadline time.Time
	own                  time.Duration // when the deadline is our own
}

// What is kept of a function's time for ending well: a tenth of it, at most two
// seconds. Half of that a handler has for returning once its context has ended.
const (
	reservePart = 10
	reserveMost = 2 * time.Second
)

// LeaseMargin is what a lease lasts beyond the function's time-out, by which the
// process has been stopped: enough for clocks that differ.
const LeaseMargin = 5 * time.Second

// WindowOf divides the time until ctx ends, or timeout when it has no deadline.
func WindowOf(ctx context.Context, timeout time.Duration) Window {
	var w Window
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline, w.own = time.Now().Add(timeout), timeout
	}
	reserve := min(max(time.Until(deadline), 0)/reservePart, reserveMost)
	w.Soft, w.Hard, w.Deadline = deadline.Add(-reserve), deadline.Add(-reserve/2), deadline
	return w
}

// Over reports whether a handler that starts now would find its time over.
func (w Window) Over() bool { return !time.Now().Before(w.Soft) }

// Lease is how long a lease taken now must last so that the process has been
// stopped when it ends. A deadline is the wall clock's, whatever clock writes the
// records.
func (w Window) Lease() time.Duration {
	if w.own > 0 {
		return w.own + LeaseMargin // for the same clock the same lease
	}
	return max(time.Until(w.Deadline), 0) + LeaseMargin
}

// Shorter is the window of a handler that may run for d at most, counted from
// now. It is waited for as long as before.
func (w Window) Shorter(d time.Duration) Window {
	if soft := time.Now().Add(d); soft.Before(w.Soft) {
		w.Soft, w.Hard = soft, soft.Add(w.Hard.Sub(w.Soft))
	}
	return w
}
