package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Prepared is one attempt at a commit whose actions somebody else executes: the
// transactional consumer, which puts its outcome into the same transaction and
// decides for itself what a failure means.
//
//	changes.Writes = append([]orm.Write{outcome}, changes.Writes...) // limits are then checked with it
//	p, err := log.Prepare(ctx, changes)
//	…
//	err = p.Resolve(store.Transact(ctx, p.ID(), p.Actions()))
//
// The actions of Changes.Writes come first, in their order, then the events', then
// the command's, then those of timers and their cancellations. So a write that is
// one action and stands first is reason 0 of a cancelled transaction.
//
// A Prepared may be executed again as it is, with the same id, as long as the
// outcome of the last try is unknown (orm.KindUnavailable) or it was cancelled
// by a passing cause (orm.KindConflict, orm.KindThrottled); after ten minutes, when
// DynamoDB has forgotten the id, only if one of its actions keeps it from happening
// twice, as an event or a command does. After a [ConflictError], or orm.KindChanged,
// it can never succeed: prepare the changes anew.
type Prepared struct {
	id      string
	log     *Log
	command *Command     // nil: none
	writes  int          // how many of actions are the caller's
	actions []orm.Action // the caller's, one an event, the command's, the timers'
	events  []event.Envelope
	// Of each event: the stream it goes to, and the version it gets there.
	places   []*place
	versions []int64
	timers   []string // ids of those that are set
	timersAt int      // index in actions of the first one
}

// place is one stream of a commit.
type place struct {
	stream   string
	expected event.Expected
	version  int64 // the last one given out, at first the head
}

// Prepare checks the changes, gives every event its place and time, and returns
// the actions of the transaction without executing them. It reads what the
// writes depend on (the unique values of an item that is changed), and the head
// of each stream whose expectation is [event.Append] or [event.Expect]; a stream
// that is not where Expect says is a *[ConflictError] at once. Its other errors
// are those of [Log.Commit] that come before anything is written.
func (l *Log) Prepare(ctx context.Context, c Changes) (*Prepared, error) {
	ch, err := l.check(ctx, c)
	if err != nil {
		return nil, err
	}
	flow, err := flowOf(ctx)
	if err != nil {
		return nil, err
	}
	return l.plan(ctx, ch, flow)
}

// plan gives the events of checked changes their places in the log as it is now.
func (l *Log) plan(ctx context.Context, ch *checked, flow event.Flow) (*Prepared, error) {
	p := &Prepared{
		id:       l.newID(),
		log:      l,
		command:  ch.command,
		writes:   len(ch.actions),
		actions:  slices.Clone(ch.actions),
		events:   make([]event.Envelope, len(ch.events)),
		places:   make([]*place, len(ch.events)),
		versions: make([]int64, len(ch.events)),
	}
	if err := checkCommitID(p.id); err != nil {
		return nil, err
	}
	if flow.CorrelationID == "" {
		flow.CorrelationID = p.id
	}
	now := l.now().UTC().Round(0)
	byStream := make(map[string]*place, 1)
	bytes := ch.bytes
	for i := range ch.events {
		r := &ch.events[i]
		stream, expected := r.Stream, r.Expected
		if stream == "" {
			stream, expected = "fact/"+p.id, event.New
		}
		pl := byStream[stream]
		if pl == nil {
			pl = &place{stream: stream, expected: expected}
			byStream[stream] = pl
			if err := l.arrive(ctx, pl); err != nil {
				return nil, err
			}
		}
		pl.version++
		p.places[i], p.versions[i] = pl, pl.version
		// A nanosecond apart, so that the events of one commit keep their order in
		// the indexes, which know only the time.
		s := stored(r, pl, now.Add(time.Duration(i)), flow, p.id)
		item, err := Events.Encode(s)
		if err != nil {
			return nil, fmt.Errorf("event %d (%s): encode the item: %w", i, r.Type, err)
		}
		size := orm.ItemSize(item)
		if size > MaxEvent {
			return nil, &TooLargeError{Event: i, Type: r.Type, Bytes: size}
		}
		bytes += size
		e, err := s.Envelope(l.source)
		if err != nil {
			return nil, err
		}
		p.events[i] = e
		p.actions = append(p.actions, orm.Action{Op: orm.OpPut, Table: Events.Schema(), Item: item, If: absent()})
	}
	if p.command != nil {
		a, err := p.command.action(p.id, now, flow, p.events, l.retention)
		if err != nil {
			return nil, err
		}
		bytes += a.Size()
		p.actions = append(p.actions, a)
	}
	size, err := p.addTimers(ch, flow)
	if err != nil {
		return nil, err
	}
	if bytes += size; bytes > MaxCommit {
		return nil, &TooLargeError{Event: -1, Bytes: bytes}
	}
	return p, nil
}

// arrive finds the head of a stream. No condition on the item at the head joins
// the transaction: an event is never removed, so what was read once stays true,
// and reading costs a tenth of a condition check in a transaction.
func (l *Log) arrive(ctx context.Context, pl *place) error {
	if pl.expected == event.New {
		return nil // version 1 is absent exactly when the stream is
	}
	head, err := l.head(ctx, pl.stream)
	if err != nil {
		return err
	}
	if pl.expected != event.Append && int64(pl.expected) != head {
		return &ConflictError{Stream: pl.stream, Expected: pl.expected, Current: head}
	}
	pl.version = head
	return nil
}

// absent is the condition of every append: nothing is at this version yet.
func absent() *orm.Cond {
	return &orm.Cond{Op: orm.CondNotExists, Path: Events.Schema().Hash}
}

func stored(r *event.Record, pl *place, t time.Time, flow event.Flow, commitID string) Stored {
	return Stored{
		Stream:        pl.stream,
		Version:       pl.version,
		Type:          r.Type,
		SchemaVersion: r.SchemaVersion,
		Time:          t.Format(timeLayout),
		Data:          string(r.Data),
		CorrelationID: flow.CorrelationID,
		CausationID:   flow.CausationID,
		TenantID:      flow.TenantID,
		Actor:         flow.Actor,
		TraceParent:   flow.TraceParent,
		CommitID:      commitID,
		Bucket:        Bucket(r.Type, t, pl.stream),
		Public:        string(r.Public),
		PublicVersion: r.PublicVersion,
	}
}

// ID is the commit's id, at most 36 characters. It must be the token that is
// given to the store's Transact.
func (p *Prepared) ID() string { return p.id }

// Events is what will have been committed, in the order of Changes.Events.
func (p *Prepared) Events() []event.Metadata {
	m := make([]event.Metadata, len(p.events))
	for i := range p.events {
		m[i] = p.events[i].Metadata
	}
	return m
}

// Announce calls Options.Committed, if there is one, with the events of the
// commit. Whoever executes the transaction calls it once, after Resolve returned
// nil; [Log.Commit] does so by itself. Without events it does nothing.
func (p *Prepared) Announce(ctx context.Context) {
	if p.log.committed != nil && len(p.events) > 0 {
		p.log.committed(ctx, slices.Clone(p.events))
	}
}

// Actions returns the actions of Changes.Writes, in their order, then those of
// the events, then the command's, then those of timers. The slice is the caller's
// own; the items in it are shared and must not be changed.
func (p *Prepared) Actions() []orm.Action { return slices.Clone(p.actions) }

// Resolve says what the answer of Transact means, given exactly the actions of
// [Prepared.Actions] in their order:
//
//   - nil: committed. That includes a transaction that was cancelled because
//     this very commit had already happened and only its answer was lost.
//   - a *[ConflictError]: somebody else took a version that this commit wanted.
//     It wraps the failed conditions of the caller's own writes, if any failed as
//     well, and nothing else: errors.Is(err, orm.KindAlreadyExists) is about a
//     unique value or an item of the caller's, never about the place of an event.
//   - a *[DuplicateCommandError]: the command was done before. What else failed
//     follows from that, and is left out.
//   - a *[TimerExistsError]: a timer of that id is there, and the commit does not
//     replace it. It wraps the same.
//   - every other error as it came.
//
// It makes no call. To know its own commit it needs the items that failed
// conditions found, which DynamoDB returns; without them a commit that had
// happened looks like a conflict.
func (p *Prepared) Resolve(err error) error {
	var cancelled *orm.TransactionError
	if err == nil || !errors.As(err, &cancelled) {
		return err
	}
	if len(cancelled.Reasons) != len(p.actions) {
		return fmt.Errorf("commit %s: the store gave %d reasons for %d actions: %w", p.id, len(cancelled.Reasons), len(p.actions), err)
	}
	own := cancelled.Reasons[p.writes:]
	for _, reason := range own {
		if present(reason) && commitOf(reason.Item) == p.id {
			return nil // a transaction is all or nothing: one item says it of all
		}
	}
	if p.command != nil && present(own[len(p.events)]) {
		return p.command.doneBefore(own[len(p.events)].Item, p.log.source)
	}
	var conflict *ConflictError
	for i, reason := range own[:len(p.events)] {
		if !present(reason) {
			continue
		}
		by := commitOf(reason.Item)
		pl := p.places[i]
		// A stream that the caller expected somewhere is what the caller must hear of.
		if conflict == nil || (conflict.Expected == event.Append && pl.expected != event.Append) {
			conflict = &ConflictError{Stream: pl.stream, Expected: pl.expected, Current: p.versions[i], Err: callers(cancelled.Reasons[:p.writes]), seen: by != ""}
		}
	}
	if conflict != nil {
		return conflict
	}
	if exists := p.timerExists(cancelled.Reasons[p.timersAt:]); exists != nil {
		exists.Err = callers(cancelled.Reasons[:p.writes])
		return exists
	}
	return err
}

// timerExists looks for a timer that another commit has set, nil when none failed
// for that. reasons are those of the timers.
func (p *Prepared) timerExists(reasons []*orm.Error) *TimerExistsError {
	for i, id := range p.timers {
		if !present(reasons[i]) {
			continue
		}
		e := &TimerExistsError{ID: id}
		if there, err := State.Decode(reasons[i].Item); err == nil { // else the store did not say
			t := dueTimer(&there)
			e.Due, e.CommitID = t.Due, t.CommitID
		}
		return e
	}
	return nil
}

// present reports whether an item could not be put because there was one.
func present(reason *orm.Error) bool {
	return reason != nil && (reason.Kind == orm.KindConditionFailed || reason.Kind == orm.KindAlreadyExists)
}

// callers joins the failed conditions among the reasons of the caller's writes,
// nil when none failed.
func callers(reasons []*orm.Error) error {
	var failed []error
	for _, r := range reasons {
		if r != nil && (r.Kind == orm.KindConditionFailed || r.Kind == orm.KindAlreadyExists || r.Kind == orm.KindVersionConflict) {
			failed = append(failed, r)
		}
	}
	return errors.Join(failed...)
}

// commitOf is the commit that wrote an item of Events or State, "" when it does not say.
func commitOf(item orm.Item) string {
	if id, ok := item["commit_id"].(*types.AttributeValueMemberS); ok {
		return id.Value
	}
	return ""
}
