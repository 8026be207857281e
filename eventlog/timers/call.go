package timers

import (
	"context"
	"hash/fnv"
	"sync"
	"time"

	"github.com/vinci-go/vinci/eventlog"
)

// ahead is how many timers may wait for one lane. When a stream has more of them
// due than that, those behind wait until it is through with some.
const ahead = 100

// call is one call of the function. Timers are dealt out to lanes by the stream
// of their event, so that those of one stream stay in their order and do not meet
// each other at its head.
type call struct {
	timers *Timers
	ctx    context.Context // with the function's deadline
	work   context.Context // which ends a little earlier

	mu     sync.Mutex
	answer Answer
}

// all reads what is due and has it fired. The error is that of reading.
func (c *call) all() error {
	n := c.timers.o.Concurrency
	if n == 1 {
		return c.each(c.try)
	}
	var lanes sync.WaitGroup
	waiting := make([]chan eventlog.DueTimer, n)
	for i := range waiting {
		waiting[i] = make(chan eventlog.DueTimer, ahead)
		lanes.Go(func() {
			for due := range waiting[i] {
				c.try(due)
			}
		})
	}
	err := c.each(func(due eventlog.DueTimer) { waiting[lane(&due, n)] <- due })
	for _, w := range waiting {
		close(w)
	}
	lanes.Wait()
	return err
}

// each reads what is due, as long as there is time.
func (c *call) each(do func(eventlog.DueTimer)) error {
	for due, err := range c.timers.o.Log.DueTimers(c.work, c.timers.o.Now()) {
		if err != nil {
			return err
		}
		if c.late() {
			c.left(&due)
			return nil
		}
		do(due)
	}
	return nil
}

// lane is where a timer is fired. An event without a stream has no order to keep.
func lane(due *eventlog.DueTimer, n int) int {
	by := due.Stream
	if by == "" {
		by = due.ID
	}
	h := fnv.New32a()
	h.Write([]byte(by)) // a hash.Hash never returns an error
	return int(h.Sum32() % uint32(n))
}

// try fires one timer, if there is time, and notes what became of it.
func (c *call) try(due eventlog.DueTimer) {
	if c.late() { // it may have waited for its turn
		c.left(&due)
		return
	}
	commit, fired, err := c.timers.o.Log.Fire(c.work, due)
	lag := time.Duration(0)
	if !due.Due.IsZero() { // else it cannot be read, and Fire says so
		lag = c.timers.o.Now().Sub(due.Due)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &c.answer
	logger := c.timers.o.Logger.With("timer_id", due.ID, "due", due.Due, "lag_ms", lag.Milliseconds())
	switch {
	case err != nil:
		a.Failed++
		if a.first == nil {
			a.first = err
		}
		logger.ErrorContext(c.ctx, "a timer could not be fired: it is tried again", "error", err.Error())
	case !fired:
		a.Gone++
		return // it was late for nobody
	default:
		a.Fired++
		e := commit.Events[0]
		logger.InfoContext(c.ctx, "a timer fired", "event_id", e.ID, "event_type", e.Type, "correlation_id", e.CorrelationID)
	}
	a.lag = max(a.lag, lag)
}

// left notes that a timer is for the next call; the first one is told.
func (c *call) left(due *eventlog.DueTimer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.answer.Left {
		c.timers.o.Logger.WarnContext(c.ctx, "the time is up and timers are left: the next call goes on", "timer_id", due.ID, "due", due.Due, "fired", c.answer.Fired)
	}
	c.answer.Left = true
}

// late reports whether no further transaction should be begun.
func (c *call) late() bool {
	deadline, ok := c.ctx.Deadline()
	return c.ctx.Err() != nil || (ok && c.timers.o.Now().Add(fireTime).After(deadline))
}
