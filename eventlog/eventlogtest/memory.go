package eventlogtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// Log is an event log in memory. It is safe for concurrent use.
type Log struct {
	*eventlog.Log
	Store *ormtest.Memory // what the log is on; the application's tables are in it too
	clock
}

// New makes an empty log of an application. Its clock stands at
// 2026-01-01T00:00:00Z until [Log.Advance]; commit ids are commit-1, commit-2 and
// so on; it never waits.
func New(application string) *Log {
	l := &Log{clock: clock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}}
	l.Store = ormtest.New(ormtest.Clock(l.Now))
	l.Log = eventlog.New(l.Store, eventlog.Options{
		Source: application,
		Now:    l.Now,
		NewID:  l.newID,
		Jitter: func(d time.Duration) time.Duration { return d },
		Sleep:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	return l
}

// clock is time and ids under control.
type clock struct {
	mu  sync.Mutex
	now time.Time
	ids int
}

// Now is the log's clock.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the log's clock.
func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *clock) newID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids++
	return fmt.Sprintf("commit-%d", c.ids)
}
