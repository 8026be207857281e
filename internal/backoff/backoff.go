package backoff

import (
	"context"
	"math/rand/v2"
	"time"
)

// Jitter is a random duration from 0 up to and including d, so that what failed
// together does not come again together.
func Jitter(d time.Duration) time.Duration { return rand.N(d + 1) }

// Sleep waits for d, or until ctx ends, whose error it then returns.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Exponential is first before try 1 and twice as long before each further one,
// never above limit. With [Jitter] it is the exponential back-off with full
// jitter.
func Exponential(first, limit time.Duration, try int) time.Duration {
	d := first
	for ; try > 1 && d < limit; try-- {
		d *= 2
	}
	return min(d, limit)
}
