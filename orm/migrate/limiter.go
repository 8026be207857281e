package migrate

import (
	"context"
	"sync"
	"time"
)

// limiter is a token bucket of one second's tokens, filled at the rate. It
// starts empty but for one, so that a run does not begin with a burst.
type limiter struct {
	interval time.Duration // between two tokens; 0: no limit
	now      func() time.Time
	sleep    func(context.Context, time.Duration) error

	mu   sync.Mutex
	next time.Time // when the next token is there; a second back at most
}

func newLimiter(o Options) *limiter {
	l := &limiter{now: o.Now, sleep: o.Sleep, next: o.Now()}
	if o.Rate > 0 {
		l.interval = time.Duration(float64(time.Second) / o.Rate)
	}
	return l
}

// wait takes a token, as soon as there is one.
func (l *limiter) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.interval == 0 {
		return nil
	}
	l.mu.Lock()
	now := l.now()
	if earliest := now.Add(-time.Second); l.next.Before(earliest) {
		l.next = earliest
	}
	delay := l.next.Sub(now)
	l.next = l.next.Add(l.interval)
	l.mu.Unlock()
	if delay <= 0 {
		return nil
	}
	return l.sleep(ctx, delay)
}
