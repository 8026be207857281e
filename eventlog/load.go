package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// LoadOption changes how a stream is loaded. [Snapshots] is one.
type LoadOption[S any] interface {
	snapshots() *Snapshots[S]
}

// Load folds a stream, read consistently from its first event to its head, and
// returns what it comes to with the version of its head: what a decision is made
// from, and what the commit that follows expects.
//
//	order, version, err := eventlog.Load(ctx, log, "order/7f3c", Orders)
//	…
//	_, err = log.Commit(ctx, eventlog.Changes{Events: []event.Record{
//		Shipped.At("order/7f3c", event.Expect(version)).Record(OrderShipped{…}),
//	}})
//
// A stream that does not exist is what Fold.New returns, at version 0; Expect of
// that is [event.New]. With [Snapshots] it is read from the last snapshot on.
//
// Errors are those of [Log.Stream], and what Fold.Apply returns.
func Load[S any](ctx context.Context, log *Log, stream string, fold Fold[S], opts ...LoadOption[S]) (state S, version int64, err error) {
	var snapshots *Snapshots[S]
	for _, o := range opts {
		snapshots = o.snapshots()
	}
	l, err := load(ctx, log, stream, fold, snapshots)
	if err != nil {
		return state, 0, fmt.Errorf("load stream %s: %w", stream, err)
	}
	return l.state, l.version, nil
}

func load[S any](ctx context.Context, log *Log, stream string, fold Fold[S], snapshots *Snapshots[S]) (*loaded[S], error) {
	if fold.New == nil || fold.Apply == nil {
		return nil, errors.New("Fold.New or Fold.Apply is nil: make the fold with eventlog.NewFold")
	}
	if snapshots != nil {
		if err := snapshots.Err(); err != nil {
			return nil, err
		}
		return snapshots.load(ctx, log, stream, fold)
	}
	l := &loaded[S]{state: fold.New()}
	return l, l.read(ctx, log, stream, fold)
}

// loaded is a stream as far as it was read.
type loaded[S any] struct {
	state   S
	version int64
	last    time.Time // when the event at version was committed
	resumed bool      // state is from a snapshot, and nothing was read yet
}

// read goes on from where it is to the head. What was resumed reads the event
// that it ends with once more: errStale when that is not the one it was.
func (l *loaded[S]) read(ctx context.Context, log *Log, stream string, fold Fold[S]) error {
	from := l.version + 1
	if l.resumed {
		from = l.version
	}
	for e, err := range log.Stream(ctx, stream, from) {
		if err != nil {
			return err
		}
		if l.resumed {
			if !e.Time.Equal(l.last) {
				return errStale
			}
			l.resumed = false
			continue
		}
		if l.state, err = fold.Apply(l.state, e); err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
		l.version++
		l.last = e.Time
	}
	if l.resumed {
		return errStale // the stream ends before it
	}
	return nil
}
