package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Quiet is how long a step may take without a word.
const Quiet = 2 * time.Second

// Reporter writes the lines of steps to one writer. Its methods are safe for
// concurrent use; steps may overlap.
type Reporter struct {
	mu sync.Mutex
	w  io.Writer
}

// New makes a reporter that writes to w, usually standard error.
func New(w io.Writer) *Reporter { return &Reporter{w: w} }

// Step runs fn and returns its error. While fn runs for longer than [Quiet], and
// when such a fn is done, a line says so.
func (r *Reporter) Step(what string, fn func() error) error {
	start := time.Now()
	slow := time.AfterFunc(Quiet, func() { r.line("%s ...", what) })
	err := fn()
	if slow.Stop() { // it never fired: the step was quick
		return err
	}
	took := time.Since(start).Round(100 * time.Millisecond)
	if err != nil {
		r.line("%s: failed after %s", what, took)
		return err
	}
	r.line("%s: done in %s", what, took)
	return nil
}

func (r *Reporter) line(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(r.w, format+"\n", args...)
}
