package orm

import (
	"context"
	"time"

	"github.com/vinci-go/vinci/internal/backoff"
)

// StoreOption changes what a store on DynamoDB takes for granted.
type StoreOption func(*store)

// StoreClock replaces the clock that [Reader.Now] reads, time.Now.
func StoreClock(now func() time.Time) StoreOption {
	return func(s *store) { s.now = now }
}

// StoreBackoff replaces the wait of [Reader.Backoff], which is exponential with
// full jitter: a random time up to 25 ms before the first new try, up to twice as
// long before each further one, and never above 5 s.
//
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
func StoreBackoff(wait func(ctx context.Context, try int) error) StoreOption {
	return func(s *store) { s.wait = wait }
}

// The longest wait before the first new try, and before any.
const (
	backoffFirst = 25 * time.Millisecond
	backoffLimit = 5 * time.Second
)

func waitExponentially(ctx context.Context, try int) error {
	return backoff.Sleep(ctx, backoff.Jitter(backoff.Exponential(backoffFirst, backoffLimit, try)))
}
