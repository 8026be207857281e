package bus

import (
	"context"
	"errors"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/orm"
)

// Checkpoint is how far an ordered subscription has come in one stream.
type Checkpoint struct {
	Subscription string
	Stream       string
	// Position is the last version with which the subscription is done; 0 when it
	// is done with none.
	Position int64
	// BlockedBy is the event that the stream waits for, because it failed; empty
	// while none does, and while a run is at it.
	BlockedBy string
	// LeaseUntil is until when a run has the stream for itself, or when an event
	// that failed is tried again. Zero: nobody has it, and with BlockedBy, the event
	// is dead and the stream waits for a person.
	LeaseUntil time.Time
}

// GivenUp reports whether the stream waits until somebody redrives its event or
// skips it.
func (c *Checkpoint) GivenUp() bool { return c.BlockedBy != "" && c.LeaseUntil.IsZero() }

// ReadCheckpoint reads the place of an ordered subscription in a stream, strongly
// consistent. Of a stream that it has never looked at it is the zero place. In a
// namespace, subscription is the [RecordID] of its name. The error is the store's.
func ReadCheckpoint(ctx context.Context, r orm.Reader, subscription, stream string) (Checkpoint, error) {
	item, err := eventlog.State.Get(ctx, r, eventlog.CheckpointKey(subscription, stream))
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		return Checkpoint{}, err
	}
	return Checkpoint{Subscription: subscription, Stream: stream, Position: item.Position, BlockedBy: item.BlockedBy, LeaseUntil: item.LeaseUntil}, nil
}

// The attributes of a checkpoint.
var (
	attrKind       = orm.Attr(eventlog.State, func(s *eventlog.StateItem) *string { return &s.Kind })
	attrPosition   = orm.Number(eventlog.State, func(s *eventlog.StateItem) *int64 { return &s.Position })
	attrHolder     = orm.Attr(eventlog.State, func(s *eventlog.StateItem) *string { return &s.RunID })
	attrHeldUntil  = orm.Attr(eventlog.State, func(s *eventlog.StateItem) *time.Time { return &s.LeaseUntil })
	attrBlockedBy  = orm.Attr(eventlog.State, func(s *eventlog.StateItem) *string { return &s.BlockedBy })
	errLeaseLost   = errors.New("the lease of the stream ran out, and another run has it now")
	errStreamTaken = errors.New("others take the stream's lease again and again")
)

type placeChange = orm.Assignment[eventlog.StateItem]

// reading is one run's way along a stream, under the lease of its checkpoint.
type reading struct {
	c      *Consumer
	inv    *invocation
	key    string // of the checkpoint
	stream string
	runID  string
	// lease is until when the stream is ours. Whoever takes it over after that is
	// found by the condition of our next write.
	lease time.Time
	was   eventlog.StateItem // as the checkpoint was before
	// crashed: the run before never ended.
	crashed bool
	// done is the last version that needs nothing more; stored is what the
	// checkpoint says.
	done, stored int64
	released     bool
}

// heldByOther is the error of a claim that found the stream in other hands,
// blocked, or read already.
type heldByOther struct{ was eventlog.StateItem }

func (h *heldByOther) Error() string { return "the stream's checkpoint is not free" }

// claim takes the lease of a stream for a message about one of its versions. A
// *heldByOther says why not.
//
// Mostly nobody has it: then it is one write and no read. Otherwise the item that
// the condition found says what there is to take over: a stream whose event may
// be tried again, or whose last run never ended. again are the events
// that a person wants to be tried once more: only one of them ends a block that waits
// for a person.
func (r *reading) claim(ctx context.Context, version int64, again map[string]bool) error {
	now := r.c.now()
	r.lease = consume.LeaseUntil(now, r.inv.lease())
	take := func(conds ...orm.Condition[eventlog.StateItem]) *orm.Update[eventlog.StateItem] {
		return eventlog.State.Update(r.key,
			attrKind.Set(eventlog.StateCheckpoint),
			attrHolder.Set(r.runID),
			attrHeldUntil.Set(r.lease),
			attrBlockedBy.Remove(),
		).If(conds...)
	}
	err := r.write(ctx, take(orm.Or(attrPosition.NotExists(), attrPosition.Lt(version)), attrHeldUntil.NotExists(), attrBlockedBy.NotExists()))
	var held *heldByOther
	for tries := 0; errors.As(err, &held); tries++ {
		was := held.was
		switch {
		case was.RunID == r.runID && was.LeaseUntil.Equal(r.lease):
			err = nil // our own, and only the answer was lost
		case was.Position >= version:
			return err
		case now.Before(was.LeaseUntil):
			return err
		case was.BlockedBy != "" && was.LeaseUntil.IsZero() && !again[was.BlockedBy]:
			return err
		case tries == consume.Tries:
			return errStreamTaken
		default:
			r.was, r.crashed = was, was.BlockedBy == "" && !was.LeaseUntil.IsZero()
			err = r.write(ctx, take(orm.Or(attrHolder.NotExists(), attrHolder.Eq(was.RunID)), unchanged(was)))
		}
	}
	return err
}

// unchanged holds while a checkpoint's lease and block are as they were seen.
func unchanged(was eventlog.StateItem) orm.Condition[eventlog.StateItem] {
	lease, blocked := attrHeldUntil.NotExists(), attrBlockedBy.NotExists()
	if !was.LeaseUntil.IsZero() {
		lease = attrHeldUntil.Eq(was.LeaseUntil)
	}
	if was.BlockedBy != "" {
		blocked = attrBlockedBy.Eq(was.BlockedBy)
	}
	return orm.And(lease, blocked)
}

// write changes the checkpoint, again where that may help, and keeps what it says
// then. A condition that does not hold is a *heldByOther.
func (r *reading) write(ctx context.Context, u *orm.Update[eventlog.StateItem]) error {
	err := r.c.retried(ctx, func() error {
		item, err := eventlog.State.Apply(ctx, r.c.store, u)
		if err == nil {
			r.stored = item.Position
		}
		return err
	})
	if !errors.Is(err, orm.KindConditionFailed) {
		return err
	}
	was, read := consume.Found(ctx, eventlog.State, r.c.store, r.key, err)
	if read != nil && !errors.Is(read, orm.KindNotFound) {
		return errors.Join(err, read)
	}
	r.stored = was.Position
	return &heldByOther{was}
}

// moved is the change of the checkpoint after which all up to a version is done.
// last: there is nothing more to do, so the lease is given back with it.
func (r *reading) moved(to int64, last bool) *orm.Update[eventlog.StateItem] {
	changes := []placeChange{attrPosition.Set(to)}
	if last {
		// A transaction that nobody hoped for any more may arrive after its event was
		// recorded as failed: then nothing blocks the stream any longer.
		changes = append(changes, attrHeldUntil.Remove(), attrBlockedBy.Remove())
	}
	return r.ours(changes...)
}

// ours is a change that only the run that holds the lease can make.
func (r *reading) ours(changes ...placeChange) *orm.Update[eventlog.StateItem] {
	return eventlog.State.Update(r.key, changes...).If(attrHolder.Eq(r.runID))
}

// move stores that all up to a version is done.
func (r *reading) move(ctx context.Context, to int64, last bool) error {
	return r.keep(ctx, last, r.moved(to, last))
}

// release gives the lease back, with what is done by then. It also takes away a
// block whose answer was lost: whether it is there, nobody knows.
func (r *reading) release(ctx context.Context) error {
	if r.released {
		return nil
	}
	changes := []placeChange{attrHeldUntil.Remove(), attrBlockedBy.Remove()}
	if r.done > r.stored {
		changes = append(changes, attrPosition.Set(r.done))
	}
	return r.keep(ctx, true, r.ours(changes...))
}

// block leaves the stream waiting for an event: until a time, or, when that is
// zero, for a person.
func (r *reading) block(ctx context.Context, eventID string, until time.Time) error {
	changes := []placeChange{attrBlockedBy.Set(eventID)}
	if until.IsZero() {
		changes = append(changes, attrHeldUntil.Remove())
	} else {
		changes = append(changes, attrHeldUntil.Set(until.Truncate(time.Second)))
	}
	if r.done > r.stored {
		changes = append(changes, attrPosition.Set(r.done))
	}
	return r.keep(ctx, true, r.ours(changes...))
}

// keep makes a change that gives the lease back or not.
func (r *reading) keep(ctx context.Context, last bool, u *orm.Update[eventlog.StateItem]) error {
	err := r.write(ctx, u)
	var held *heldByOther
	if errors.As(err, &held) {
		r.released = true // by whoever took it
		return errLeaseLost
	}
	r.released = r.released || err == nil && last
	return err
}
