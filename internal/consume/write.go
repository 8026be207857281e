package consume

import (
	"context"
	"errors"
	"time"

	"github.com/vinci-go/vinci/internal/backoff"
	"github.com/vinci-go/vinci/orm"
)

// Tries is how often a record is written that is not accepted for a passing cause. An
// outcome that is not recorded makes its message come again.
const Tries = 3

const firstWait = 50 * time.Millisecond

// Waits says how to wait between two tries.
type Waits struct {
	Jitter func(time.Duration) time.Duration          // a random part of a wait
	Sleep  func(context.Context, time.Duration) error // waits, or returns the context's error
}

// Write does a write, again while what is wrong with it passes.
func (w Waits) Write(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || try == Tries || !Passing(err) {
			return err
		}
		if slept := w.Before(ctx, try+1); slept != nil {
			return errors.Join(err, slept)
		}
	}
}

// Before waits before a try from the second on.
func (w Waits) Before(ctx context.Context, try int) error {
	wait := backoff.Exponential(firstWait, firstWait<<Tries, try-1)
	return w.Sleep(ctx, wait+w.Jitter(wait))
}

// Passing reports whether err is none of the record's: nothing is wrong but the
// moment.
func Passing(err error) bool {
	return orm.Only(err, orm.KindConflict, orm.KindThrottled, orm.KindUnavailable)
}

// Found is the record that made the condition of a write fail. It is in the write's
// error, or has to be read from a store that does not give it.
func Found[T, K any](ctx context.Context, t *orm.Table[T, K], r orm.Reader, key K, refused error) (T, error) {
	var failed *orm.Error
	if errors.As(refused, &failed) && failed.Item != nil {
		return t.Decode(failed.Item)
	}
	return t.Get(ctx, r, key)
}
