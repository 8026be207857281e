package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Both kinds of repetition are bounded: a new attempt where somebody else was
// faster, in a stream or with an item, and the same transaction again after a
// passing failure.
const (
	tries = 10
	// A transaction that is still under way when its repetition arrives is best
	// asked about again after more than five seconds; all waits together last
	// from four and a half to nine.
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
	againBase, againMax = 50 * time.Millisecond, 2 * time.Second
	// DynamoDB knows a token for ten minutes; what a request needs to get there is
	// off. Only a process that was stopped in between comes near it.
	tokenLife = 9 * time.Minute
	// The other writers of a stream or an item are done within milliseconds.
	appendBase, appendMax = 5 * time.Millisecond, time.Second
)

// Commit writes everything in one TransactWriteItems, even a single event: the
// roles of functions may put events in a transaction only.
//
// Errors, with nothing written unless said otherwise:
//
//   - *[InvalidError], *[TooLargeError]: refused before anything was tried.
//   - *[ConflictError]: a stream was not where it was expected.
//   - *[DuplicateCommandError]: the command id was used before, with another request.
//   - *[TimerExistsError]: a timer of that id is set already.
//   - failed conditions of the caller's own writes: errors of package orm, so
//     that errors.Is(err, orm.KindAlreadyExists) finds a taken unique value, and
//     orm.KindVersionConflict an item that was changed since it was read.
//   - *[UnknownOutcomeError]: it may have been written or not.
//   - what else the store answers, and the context's error.
//
// Conflicts between transactions, throttling and lost answers are tried again,
// at most ten times each with growing random waits, as long as ctx lasts. So are
// places in a stream and unique values where somebody else was faster: those
// writes are made anew, from what is stored then. The package documentation says
// why that writes nothing twice.
//
// A command that was done before is not done again: its first Commit is returned,
// with Replayed set, and nothing is written.
func (l *Log) Commit(ctx context.Context, c Changes) (Commit, error) {
	var attempts []*Prepared
	for try := 1; ; try++ {
		p, err := l.Prepare(ctx, c)
		if err != nil {
			return l.refused(ctx, &c.Command, attempts, err)
		}
		attempts = append(attempts, p)
		err = l.execute(ctx, p)
		if err == nil {
			return l.done(ctx, p), nil
		}
		if !outrun(err) || try == tries {
			return l.refused(ctx, &c.Command, attempts, l.explain(ctx, err))
		}
		if slept := l.sleep(ctx, l.jitter(window(appendBase, appendMax, try))); slept != nil {
			return l.refused(ctx, &c.Command, attempts, fmt.Errorf("commit %s: waiting to try again after %w: %w", p.id, err, slept))
		}
	}
}

// done is the result of an attempt that happened.
func (l *Log) done(ctx context.Context, p *Prepared) Commit {
	p.Announce(ctx)
	return Commit{ID: p.id, Events: p.Events()}
}

// execute sends one attempt until it is known whether it happened. The id is
// the token and the actions are the same each time, so however many of them
// arrive, and whenever, it happens once.
func (l *Log) execute(ctx context.Context, p *Prepared) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("commit %s: not tried: %w", p.id, err)
	}
	unknown := false          // a try may have happened without an answer
	began := l.now().Round(0) // by the wall: the other clock may stand still with the process
	for try := 1; ; try++ {
		err := p.Resolve(l.store.Transact(ctx, p.id, p.actions))
		if err == nil {
			return nil
		}
		lost := answerLost(err)
		unknown = unknown || lost
		passing := lost || orm.Only(err, orm.KindConflict, orm.KindThrottled, orm.KindUnavailable)
		if !passing || try == tries {
			return l.settle(ctx, p, unknown, passing, try, err)
		}
		// At least half of each wait, or the bound on tries would bound no time.
		w := window(againBase, againMax, try)
		if slept := l.sleep(ctx, w/2+l.jitter(w/2)); slept != nil {
			return l.settle(ctx, p, unknown, true, try, errors.Join(slept, err))
		}
		if age := l.now().Round(0).Sub(began); unknown && age > tokenLife {
			return l.settle(ctx, p, unknown, true, try, fmt.Errorf("not sent again after %s, as the store may have forgotten its token: %w", age, err))
		}
	}
}

// answerLost reports whether err leaves open what became of the transaction: no
// answer came, or a transaction with this token is still under way (a conflict
// that is no cancellation).
func answerLost(err error) bool {
	var cancelled *orm.TransactionError
	switch {
	case errors.As(err, &cancelled):
		return false
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return true
	default:
		return errors.Is(err, orm.KindUnavailable) || errors.Is(err, orm.KindConflict)
	}
}

// settle makes the last answer of an attempt final. Where that answer does not
// say by itself whether the attempt happened, the log does: an earlier try may
// have happened without an answer, and a store that has forgotten the token then
// sees the conditions fail that the attempt itself made fail.
func (l *Log) settle(ctx context.Context, p *Prepared, unknown, passing bool, try int, err error) error {
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		unknown = !conflict.seen
	}
	if !unknown {
		return fmt.Errorf("commit %s: %w", p.id, err)
	}
	happened, readErr := l.happened(ctx, p)
	switch {
	case happened:
		return nil
	case readErr != nil && !passing:
		// The condition that failed may be one that the attempt itself made fail, so
		// it is told and not wrapped: nobody may take it for the outcome.
		return &UnknownOutcomeError{CommitID: p.id, Tries: try, Err: fmt.Errorf("%w, after %v", readErr, err)}
	case passing:
		return &UnknownOutcomeError{CommitID: p.id, Tries: try, Err: errors.Join(err, readErr)}
	case errors.Is(err, orm.KindChanged) && p.command == nil:
		// It would be made anew, and the try without an answer may be what changed
		// the item (a commit without events cannot be seen) or may still arrive: then
		// it would happen twice. The error is told and not wrapped, as above. The
		// record of a command, which all attempts put, would let only one happen.
		return &UnknownOutcomeError{CommitID: p.id, Tries: try, Err: fmt.Errorf("an answer was lost, and then: %v", err)}
	default:
		return fmt.Errorf("commit %s: %w", p.id, err)
	}
}

// happened looks whether the commit is there: the first item of its own that it
// put. Of a commit with neither events, nor a command, nor a timer that it sets,
// nothing can be seen.
func (l *Log) happened(ctx context.Context, p *Prepared) (bool, error) {
	if len(p.actions) == p.writes || p.actions[p.writes].Op != orm.OpPut {
		return false, nil
	}
	put := p.actions[p.writes]
	item, err := l.store.Get(ctx, &orm.GetRequest{Table: put.Table, Key: put.PrimaryKey()})
	if err != nil {
		return false, fmt.Errorf("look whether it happened: %w", err)
	}
	return commitOf(item) == p.id, nil
}

// outrun reports whether somebody else was faster, where the commit may come
// later as well: an append that may have any place, or a write that was made
// from an item as it was before.
//
// Then the attempt is dead for good. A place in the log that was taken is never
// free again; what execute gives up as changed had all its answers. So also no
// try of it is still under way that could succeed, and a new attempt under a new
// id cannot write anything twice. If something else failed as well, the next
// attempt will say so alone.
func outrun(err error) bool {
	if errors.Is(err, KindUnknown) || errors.Is(err, KindDuplicate) {
		return false
	}
	var conflict *ConflictError
	if errors.As(err, &conflict) {
		// Resolve prefers a stream that the caller placed, so one that may be
		// appended to stands for all.
		return conflict.Expected == event.Append
	}
	return errors.Is(err, orm.KindChanged)
}

// explain gives a conflict that is final the stream's real head.
func (l *Log) explain(ctx context.Context, err error) error {
	var conflict *ConflictError
	if errors.Is(err, KindUnknown) || !errors.As(err, &conflict) {
		return err
	}
	told := *conflict
	// The version that was taken is the least the head can be: without a second
	// answer it is still a true one.
	if head, headErr := l.head(ctx, conflict.Stream); headErr == nil && head > told.Current {
		told.Current = head
	}
	return &told
}

// window is how long the wait after a try may be: it doubles up to most.
func window(base, most time.Duration, try int) time.Duration {
	return min(most, base<<(try-1))
}
