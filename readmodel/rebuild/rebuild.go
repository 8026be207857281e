package rebuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/readmodel"
)

// What a rebuild can end with. Test for one with errors.Is. The store's, the log's and
// the queues' errors come as they are; after each of them [Tool.Resume] goes on.
var (
	// ErrBuilding: a generation is being made already, by a run that goes on or that
	// was stopped.
	ErrBuilding = errors.New("a generation is being made already")
	// ErrNone: there is nothing to go on with, nor to give up.
	ErrNone = errors.New("no generation is being made")
	// ErrLost: somebody else has given up the generation, or finished it, meanwhile.
	ErrLost = errors.New("the generation was given up meanwhile")
	// ErrStuck: events are not handled in the new generation, and no more of them are.
	ErrStuck = errors.New("events are not handled in the new generation")
	// ErrDifferent: the new generation is not what the log says.
	ErrDifferent = errors.New("the generation is not what the log says")
	// ErrTooOld: delivery records of the new generation may expire before it is made.
	ErrTooOld = errors.New("the generation was begun too long ago: give it up and begin anew")
)

// Result is what a run has done, also one that was stopped.
type Result struct {
	Generation string      `json:"generation"`      // that was made
	Before     string      `json:"before"`          // that was current when the run began
	Looked     int         `json:"looked"`          // events of the log
	Sent       int         `json:"sent"`            // of these, by this run
	DryRun     bool        `json:"dry_run"`         // nothing was done
	Flipped    bool        `json:"flipped"`         // Generation is the current one
	Report     Report      `json:"report,omitzero"` // of the verification
	Dropped    int         `json:"dropped"`         // items of old generations that were deleted
	Kept       string      `json:"kept,omitempty"`  // why an old generation is still there
	Stuck      []Unhandled `json:"stuck,omitempty"` // with ErrStuck, the first of them
}

// plan is what a run that goes on must know. It is an item of the table "state".
type plan struct {
	Types  []string  `json:"types"`
	From   time.Time `json:"from"`
	To     time.Time `json:"to"`
	Replay string    `json:"replay,omitempty"` // its id
	Cursor string    `json:"cursor,omitempty"`
	Done   bool      `json:"done,omitempty"` // all was sent once
}

var (
	attrKind = orm.Attr(eventlog.State, func(s *eventlog.StateItem) *string { return &s.Kind })
	attrData = orm.Attr(eventlog.State, func(s *eventlog.StateItem) *string { return &s.Data })
)

func (t *Tool) planKey(generation string) string {
	return eventlog.ReplayKey(bus.RecordID(t.model.sub.Name, generation))
}

func (t *Tool) planWrite(generation string, p plan) (orm.Write, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	return eventlog.State.Update(t.planKey(generation), attrKind.Set(eventlog.StateReplay), attrData.Set(string(text))), nil
}

func (t *Tool) readPlan(ctx context.Context, generation string) (p plan, err error) {
	item, err := eventlog.State.Get(ctx, t.Store, t.planKey(generation))
	if err == nil {
		err = json.Unmarshal([]byte(item.Data), &p)
	}
	if err != nil {
		return p, fmt.Errorf("read how far generation %s has come: %w", generation, err)
	}
	return p, nil
}

// DryRun counts what a rebuild would send.
func (t *Tool) DryRun(ctx context.Context) (Result, error) {
	g, err := t.Pointer(ctx)
	if err != nil {
		return Result{}, err
	}
	r := Result{Generation: g.Next(), Before: g.Current, DryRun: true}
	if g.Building != "" {
		r.Generation = g.Building
	}
	p, err := t.ops.Replay(ctx, t.model.sub.Name, ops.Replay{
		Selection: ops.Selection{Types: t.model.types, From: t.From, To: t.Now()}, Again: r.Generation, DryRun: true,
		Progress: func(p ops.ReplayProgress) { t.Progress(Progress{Step: "count", Events: p.Looked, At: p.Last}) },
	})
	r.Looked, r.Sent = p.Looked, p.Sent
	return r, err
}

// Start makes a new generation: it sets the pointer, sends the log, waits until all is
// handled, verifies, flips, and deletes what is old. The context's flow names the
// Actor. Errors: ErrBuilding, and those of [Tool.Resume].
func (t *Tool) Start(ctx context.Context) (Result, error) {
	g, err := t.Pointer(ctx)
	if err != nil {
		return Result{}, err
	}
	if g.Building != "" {
		return Result{Generation: g.Building, Before: g.Current}, fmt.Errorf("%w: %s since %s", ErrBuilding, g.Building, g.BuildingSince.Format(time.RFC3339))
	}
	now := t.Now().UTC()
	g.Building, g.BuildingSince, g.Last = g.Next(), now, max(g.Last, 1)+1
	p := plan{Types: t.model.types, From: t.From, To: now.Add(2 * overlap)}
	w, err := t.planWrite(g.Building, p)
	if err != nil {
		return Result{}, err
	}
	if err := t.change(ctx, g, g.Building, ops.Began, w); err != nil {
		if errors.Is(err, orm.KindConditionFailed) {
			err = fmt.Errorf("%w: somebody else was faster", ErrBuilding)
		}
		return Result{}, err
	}
	return t.goOn(ctx)
}

// Resume goes on with a generation that is being made, from where it was left. When
// that was flipped already, it deletes what is old. Errors: ErrNone, ErrLost,
// ErrStuck, ErrDifferent, ErrTooOld.
func (t *Tool) Resume(ctx context.Context) (Result, error) { return t.goOn(ctx) }

// change writes the pointer, with what goes along and the record of the act.
func (t *Tool) change(ctx context.Context, g readmodel.Pointer, generation, phase string, more ...orm.Write) error {
	if event.FlowFrom(ctx).Actor == "" {
		return errors.New("rebuild: nobody is named who does it: put the Actor into the context with event.WithFlow")
	}
	w, err := bus.ChangeGenerations(t.model.sub.Name, g)
	if err != nil {
		return err
	}
	_, err = t.Log.Commit(ctx, eventlog.Changes{Writes: append([]orm.Write{w}, more...), Events: []event.Record{
		ops.Rebuilt.At(ops.Stream(t.model.sub.Name), event.Append).Record(ops.RebuiltModel{Subscription: t.model.sub.Name, Generation: generation, Phase: phase, Reason: t.Reason}),
	}})
	return err
}

func (t *Tool) goOn(ctx context.Context) (Result, error) {
	g, err := t.Pointer(ctx)
	if err != nil {
		return Result{}, err
	}
	// Whatever is committed from here on is handled in the new generation by whoever
	// gets it from the bus: see the package documentation.
	known := t.Now()
	r := Result{Generation: g.Building, Before: g.Current}
	if g.Building == "" {
		r.Generation = g.Current
		if !slices.ContainsFunc(g.Retired, func(o bus.Retired) bool { return !o.Keep }) {
			return r, ErrNone
		}
		r.Flipped = true
		return r, t.drop(ctx, &r, false)
	}
	if known.Sub(g.BuildingSince) > bus.MinRetention/2 {
		return r, fmt.Errorf("%w: %s since %s", ErrTooOld, g.Building, g.BuildingSince.Format(time.RFC3339))
	}
	p, err := t.readPlan(ctx, g.Building)
	if err != nil {
		return r, err
	}
	if err := t.fill(ctx, &r, &p, g, known); err != nil {
		return r, err
	}
	if !t.NoVerify {
		if r.Report, err = t.verify(ctx, g.Building, t.WithDead); err != nil {
			return r, err
		}
		if !r.Report.OK() {
			return r, ErrDifferent
		}
	}
	if err := t.flip(ctx, g.Building); err != nil {
		return r, err
	}
	r.Flipped = true
	return r, t.drop(ctx, &r, false)
}

// fill brings all of the log into the new generation.
func (t *Tool) fill(ctx context.Context, r *Result, p *plan, g readmodel.Pointer, known time.Time) error {
	if err := t.passOver(ctx, g.Building); err != nil {
		return err
	}
	if !p.Done {
		if err := t.send(ctx, r, p, g.Building); err != nil {
			return err
		}
	}
	t.Progress(Progress{Step: "settle"})
	if left := t.Settle - t.Now().Sub(known); left > 0 {
		if err := t.Sleep(ctx, left); err != nil {
			return err
		}
	}
	// An act that had read the pointer before it was changed is recorded by now.
	if err := t.passOver(ctx, g.Building); err != nil {
		return err
	}
	// What the index did not show when it was read before.
	tail := plan{Types: p.Types, From: later(p.From, g.BuildingSince.Add(-overlap)), To: known.Add(overlap)}
	if err := t.replay(ctx, r, g.Building, &tail, func() error { return nil }); err != nil {
		return err
	}
	return t.drain(ctx, r, *p, g.Building, known)
}

// passOver takes over what people have decided about single events.
func (t *Tool) passOver(ctx context.Context, generation string) error {
	ids, err := t.ops.Replaced(ctx, t.model.sub.Name)
	if err != nil {
		return err
	}
	return t.ops.PassOver(ctx, t.model.sub.Name, generation, ids)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// send sends the whole log once.
func (t *Tool) send(ctx context.Context, r *Result, p *plan, generation string) error {
	keep := func() error {
		w, err := t.planWrite(generation, *p)
		if err != nil {
			return err
		}
		return orm.Exec(ctx, t.Store, w)
	}
	if err := t.replay(ctx, r, generation, p, keep); err != nil {
		return err
	}
	p.Done, p.Cursor = true, ""
	return keep()
}

// replay sends what of a plan is not handled yet, and calls keep after each page.
func (t *Tool) replay(ctx context.Context, r *Result, generation string, p *plan, keep func() error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	looked, sent := r.Looked, r.Sent
	done, err := t.ops.Replay(ctx, t.model.sub.Name, ops.Replay{
		Selection: ops.Selection{Types: p.Types, From: p.From, To: p.To}, Again: generation,
		Rate: t.Rate, Cursor: p.Cursor, ID: p.Replay, Reason: t.Reason,
		Progress: func(is ops.ReplayProgress) {
			r.Looked, r.Sent = looked+is.Looked, sent+is.Sent
			t.Progress(Progress{Step: "send", Events: r.Looked, Sent: r.Sent, At: is.Last})
			p.Cursor, p.Replay = is.Cursor, is.ID
			if err := keep(); err != nil {
				cancel(err)
			}
		},
	})
	r.Looked, r.Sent = looked+done.Looked, sent+done.Sent
	if err != nil && context.Cause(ctx) != nil && !errors.Is(err, context.Cause(ctx)) {
		err = errors.Join(context.Cause(ctx), err)
	}
	return err
}

// drain waits until the events that are older than the pointer's change are handled.
// What does not get any further is sent once more.
func (t *Tool) drain(ctx context.Context, r *Result, p plan, generation string, known time.Time) error {
	from, open, progress, again := p.From, -1, t.Now(), false
	for {
		began := t.Now()
		first, stuck, n, err := t.open(ctx, p.Types, from, known, generation)
		if err != nil || n == 0 {
			return err
		}
		from = first
		t.Progress(Progress{Step: "wait", Open: n, At: first})
		switch {
		case open < 0 || n < open:
			open, progress = n, t.Now()
		case t.Now().Sub(progress) < t.Patience:
		case !again:
			again, progress = true, t.Now()
			rest := plan{Types: p.Types, From: first, To: known.Add(overlap)}
			if err := t.replay(ctx, r, generation, &rest, func() error { return nil }); err != nil {
				return err
			}
		default:
			r.Stuck = stuck
			return fmt.Errorf("%w: %d", ErrStuck, n)
		}
		if err := t.Sleep(ctx, max(round, t.Now().Sub(began))); err != nil { // at least half of the time is others'
			return err
		}
	}
}

// open counts the events that are not settled in a generation, with the time of the
// first.
func (t *Tool) open(ctx context.Context, types []string, from, to time.Time, generation string) (first time.Time, list []Unhandled, n int, err error) {
	some := make([]event.Envelope, 0, page)
	flush := func() error {
		asked, err := t.asked(some)
		if err != nil {
			return err
		}
		some = some[:0]
		verdicts, err := t.verdicts(ctx, generation, false, asked)
		if err != nil {
			return err
		}
		for i, v := range verdicts {
			if v.settled || t.WithDead && v.dead {
				continue
			}
			if n++; n == 1 {
				first = asked[i].Time
			}
			if len(list) < maxListed {
				list = append(list, v.why)
			}
		}
		return nil
	}
	if to.Before(from) {
		return first, nil, 0, nil
	}
	for e, err := range t.Log.History(eventlog.HistoryQuery{Types: types, From: from, To: to, Concurrency: t.Concurrency}).All(ctx) {
		if err != nil {
			return first, nil, 0, err
		}
		if some = append(some, e); len(some) == page {
			if err := flush(); err != nil {
				return first, nil, 0, err
			}
		}
	}
	return first, list, n, flush()
}

// flip makes the generation the current one.
func (t *Tool) flip(ctx context.Context, generation string) error {
	for {
		g, err := t.Pointer(ctx)
		if err != nil {
			return err
		}
		switch {
		case g.Current == generation:
			return nil // by another run of this one, or by ourselves and the answer was lost
		case g.Building != generation:
			return fmt.Errorf("%w: %s", ErrLost, generation)
		}
		now := t.Now().UTC()
		g.Retired = append(g.Retired, bus.Retired{Generation: g.Current, At: now, Keep: t.Keep})
		g.Current, g.Since, g.Begun = generation, now, g.BuildingSince
		g.Building, g.BuildingSince = "", time.Time{}
		if err := t.change(ctx, g, generation, ops.Flipped, eventlog.State.Delete(t.planKey(generation))); !errors.Is(err, orm.KindConditionFailed) {
			t.retired = t.Now() // a commit may take a while, and until then everybody used the old one
			return err
		}
	}
}

// Abort gives up the generation that is being made, and deletes its items. Events of
// it that are still in the queue are acknowledged without being handled. When none is
// being made, it deletes what is left of those that were given up. Errors: ErrNone.
func (t *Tool) Abort(ctx context.Context) (Result, error) {
	g, err := t.Pointer(ctx)
	if err != nil {
		return Result{}, err
	}
	r := Result{Generation: g.Building, Before: g.Current}
	if g.Building == "" {
		if !slices.ContainsFunc(g.Retired, func(o bus.Retired) bool { return o.Aborted }) {
			return r, ErrNone
		}
		return r, t.drop(ctx, &r, false)
	}
	given := g.Building
	g.Retired = append(g.Retired, bus.Retired{Generation: given, At: t.Now().UTC(), Aborted: true})
	g.Building, g.BuildingSince = "", time.Time{}
	err = t.change(ctx, g, given, ops.Aborted, eventlog.State.Delete(t.planKey(given)))
	t.retired = t.Now()
	if err != nil {
		if errors.Is(err, orm.KindConditionFailed) {
			err = fmt.Errorf("%w: somebody else was faster", ErrLost)
		}
		return r, err
	}
	return r, t.drop(ctx, &r, false)
}
