package eventlog

import (
	"context"

	"github.com/vinci-go/vinci/event"
)

// Following returns a log that commits to the same store and also tells f of each
// commit, as [Options.Committed] says and after it. Commits of l itself are not
// told to f.
func (l *Log) Following(f func(ctx context.Context, events []event.Envelope)) *Log {
	out, first := *l, l.committed
	out.committed = func(ctx context.Context, events []event.Envelope) {
		if first != nil {
			first(ctx, events)
		}
		f(ctx, events)
	}
	return &out
}
