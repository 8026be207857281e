package eventlog

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// stateCommitID is by what a timer is known to be still the one that was read.
var stateCommitID = orm.Attr(State, func(s *StateItem) *string { return &s.CommitID })

// PublishAt commits an event that becomes due later and nothing else: delayed
// publishing is a timer. See [Timer] for the id, which may be empty, and for when
// the event comes, [Log.Commit] for the errors.
func (l *Log) PublishAt(ctx context.Context, id string, due time.Time, r event.Record) (Commit, error) {
	return l.Commit(ctx, Changes{Timers: []Timer{{ID: id, Due: due, Event: r}}})
}

// DueTimer is a timer as it was read. It is fired with [Log.Fire].
type DueTimer struct {
	ID     string
	Due    time.Time // UTC; zero when it cannot be read
	Stream string    // where its event goes; empty: to one of its own, or it cannot be read
	// CommitID is the commit that set it: a timer that is replaced has another.
	CommitID string

	event event.Record
	flow  event.Flow
	err   error // why it cannot be read
}

// DueTimers reads the timers that are due at a time or before it, in the order of
// their due times, page by page as they are asked for. The index behind it is
// eventually consistent: a timer that was just set may be missing, one that was
// just fired may still be there, which [Log.Fire] finds out.
//
// An error ends the iteration; it is the store's.
func (l *Log) DueTimers(ctx context.Context, until time.Time) iter.Seq2[DueTimer, error] {
	return func(yield func(DueTimer, error) bool) {
		to := until.UTC().Format(timeLayout)
		shards := make([]shard, TimerShards)
		for i := range shards {
			next, stop := iter.Pull2(StateByDue.Query(timerShard(i)).To(to).All(ctx, l.store))
			defer stop()
			shards[i] = shard{next: next}
			if err := shards[i].advance(); err != nil {
				yield(DueTimer{}, err)
				return
			}
		}
		for {
			first := earliest(shards)
			if first == nil || !yield(dueTimer(&first.head), nil) {
				return
			}
			if err := first.advance(); err != nil {
				yield(DueTimer{}, err)
				return
			}
		}
	}
}

// shard is the timers of one partition of the index, of which one is looked at.
type shard struct {
	next func() (StateItem, error, bool)
	head StateItem
	more bool
}

func (s *shard) advance() (err error) {
	if s.head, err, s.more = s.next(); err != nil {
		return fmt.Errorf("read the timers that are due: %w", err)
	}
	return nil
}

// earliest is the shard whose timer comes next, nil when all are empty.
func earliest(shards []shard) *shard {
	var first *shard
	for i := range shards {
		s := &shards[i]
		if s.more && (first == nil || s.head.Due < first.head.Due) {
			first = s
		}
	}
	return first
}

func dueTimer(s *StateItem) DueTimer {
	t := DueTimer{ID: s.Key, CommitID: s.CommitID}
	if t.event, t.flow, t.err = decodeTimer(s.Data); t.err == nil {
		t.Stream = t.event.Stream
	}
	if prefix := TimerKey(""); len(s.Key) > len(prefix) && s.Key[:len(prefix)] == prefix {
		t.ID = s.Key[len(prefix):]
	}
	if due, err := time.Parse(timeLayout, s.Due); err == nil {
		t.Due = due.UTC()
	}
	return t
}

// Fire commits the event of a timer and removes the timer, in one transaction
// and under the condition that it is still the one that was read. fired is false,
// without an error, when it is not: somebody else fired it, or it was cancelled
// or replaced.
//
// The event belongs to the request that set the timer: its correlation id,
// cause, tenant, actor and trace are those of then.
//
// Errors are those of [Log.Commit]; after an *[UnknownOutcomeError] firing it
// again does it if it was not done. A timer that cannot be read is a
// *[DamagedTimerError].
func (l *Log) Fire(ctx context.Context, t DueTimer) (c Commit, fired bool, err error) {
	if t.err != nil {
		return Commit{}, false, &DamagedTimerError{ID: t.ID, Err: t.err}
	}
	c, err = l.Commit(event.WithFlow(ctx, t.flow), Changes{
		Events: []event.Record{t.event},
		Writes: []orm.Write{State.Delete(TimerKey(t.ID)).If(stateCommitID.Eq(t.CommitID))},
	})
	switch {
	case err == nil:
		return c, true, nil
	case errors.Is(err, orm.KindConditionFailed) && !errors.Is(err, KindUnknown):
		return Commit{}, false, nil
	default:
		return Commit{}, false, fmt.Errorf("fire timer %s: %w", t.ID, err)
	}
}
