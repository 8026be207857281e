package bounded

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// ErrExited is the end of a function that neither returned nor panicked.
var ErrExited = errors.New("the handler ended its goroutine with runtime.Goexit")

// Runner runs functions for as long as their windows say. The zero value is
// ready, and it is safe for concurrent use.
type Runner struct{ overrunning atomic.Int64 }

// Overrunning reports whether a function that nobody waits for any more still
// runs.
func (r *Runner) Overrunning() bool { return r.overrunning.Load() > 0 }

// The states of a function's goroutine.
const (
	running int32 = iota
	returned
	abandoned
)

// Run runs f in a goroutine of its own, with a context that ends at w.Soft. When
// f has not returned at w.Hard it is left behind, and done is false. f must
// recover its own panics.
func (r *Runner) Run(ctx context.Context, w Window, f func(context.Context) error) (err error, done bool) {
	ctx, cancel := context.WithDeadline(ctx, w.Soft)
	late := time.NewTimer(time.Until(w.Hard))
	defer late.Stop()
	var state atomic.Int32
	ended := make(chan error, 1)
	go func() {
		// Deferred, because runtime.Goexit, and so a test's t.Fatal, runs nothing
		// else.
		err := ErrExited
		defer func() {
			cancel()
			ended <- err
			if !state.CompareAndSwap(running, returned) {
				r.overrunning.Add(-1)
			}
		}()
		err = f(ctx)
	}()
	select {
	case err := <-ended:
		return err, true
	case <-late.C:
	}
	// Counted before it may be found abandoned, so that the count is never below
	// what runs.
	r.overrunning.Add(1)
	if !state.CompareAndSwap(running, abandoned) {
		r.overrunning.Add(-1)
		return <-ended, true // it returned just now
	}
	return nil, false
}
