package ops

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// Selection is a part of the log: events of some types in a range of time, or those
// of one stream, or those of one correlation id.
type Selection struct {
	Types []string  `json:"types,omitempty"` // exact; with From
	From  time.Time `json:"from,omitzero"`   // the first moment that belongs to it
	// To is the first moment that does not any more; zero: now, when the replay
	// begins.
	To            time.Time `json:"to,omitzero"`
	Stream        string    `json:"stream,omitempty"`
	CorrelationID string    `json:"correlation_id,omitempty"`
}

// Replay says what is to be sent to one subscription again.
type Replay struct {
	Selection
	// Again names a namespace in which every event is handled once more. Only a
	// subscription that is bus.Rebuildable may be replayed so.
	Again string `json:"again,omitempty"`
	// Old says that events without a record are sent, too, when they are older than
	// [bus.MinRetention]. Records expire, so those may have been handled long ago, and
	// would be handled again. In a namespace, and for an ordered subscription, which
	// remembers its place in each stream, there is no such doubt.
	Old bool `json:"old,omitempty"`
	// DryRun looks and counts, and sends and records nothing.
	DryRun bool `json:"-"`
	// Rate is the most messages a second; 0: [DefaultRate].
	Rate int `json:"-"`
	// Cursor is where an earlier run of the same replay came to; empty: the
	// beginning.
	Cursor string `json:"-"`
	// ID is that of the earlier run, for the record; empty: a new one.
	ID     string `json:"id"`
	Reason string `json:"reason,omitempty"` // for the record
	// Each is called for each event that is sent, or would be, from the goroutine of
	// Replay, before it is sent.
	Each func(event.Envelope) `json:"-"`
	// Progress is called after each page of the log, from the goroutine of Replay.
	// What it returned last is where to go on after a stop.
	Progress func(ReplayProgress) `json:"-"`
}

// DefaultRate is the most messages a second that are sent when nobody says otherwise.
// The subscription has its ordinary work beside this.
const DefaultRate = 100

// ReplayProgress is how far a replay has come. Counts are of this run.
type ReplayProgress struct {
	Looked    int `json:"looked"`    // events of the selection
	NotAsked  int `json:"not_asked"` // of these, those that the subscription does not ask for
	Succeeded int `json:"succeeded"` // that it has handled
	Ignored   int `json:"ignored"`   // that it has no handler for, or that were skipped or replaced
	Old       int `json:"old"`       // that are not sent because their record may have expired, see Replay.Old
	Sent      int `json:"sent"`      // or would be, in a dry run
	// Last is the time of the last event that was looked at.
	Last time.Time `json:"last,omitzero"`
	// Cursor is where to go on; all before it is done. Empty when Done.
	Cursor string `json:"cursor,omitempty"`
	Done   bool   `json:"done"`
	ID     string `json:"id,omitempty"` // of the replay; empty in a dry run
}

// Replay sends events of the log into the queue of exactly one subscription, as
// messages like those that EventBridge sends.
//
// An event is sent when the subscription asks for it, by type and content, and has
// no record of having succeeded with it, or of having ignored it (in the current
// generation of its read model, when that has any). So it also finds
// and mends what was lost on the way, whatever the cause, and sending it to a
// subscription that has all does nothing. An event that was given up is tried once
// more. What is so old that its record may have expired is left out, unless
// [Replay.Old] says otherwise.
//
// To an ordered subscription the messages only say that there is something to look
// at: it handles what is behind its checkpoint in each stream, whose place is another
// one in each namespace, and nothing before.
//
// A page is a second's worth of events, at most a hundred. A run that stops in the
// middle of one is gone on with from the beginning of that page, which sends some
// messages twice and is harmless.
//
// The error is of [KindUnknown] without such a subscription, of [KindInvalid] for a
// selection that is none or when the context names no Actor, of [KindRefused] when
// the subscription may not be replayed like this, or the log's, the store's, the
// queues' or the context's; how far it came is returned with it.
func (o *Ops) Replay(ctx context.Context, subscription string, r Replay) (ReplayProgress, error) {
	p := ReplayProgress{Cursor: r.Cursor}
	s, err := o.withQueues("replay", subscription)
	if err != nil {
		return p, err
	}
	if r.Rate == 0 {
		r.Rate = DefaultRate
	}
	if err := s.inLog("replay"); err != nil {
		return p, err
	}
	if err := o.check(ctx, s, &r); err != nil {
		return p, err
	}
	pages, err := o.pages(s, &r.Selection)
	if err != nil {
		return p, err
	}
	if r.DryRun {
		return o.replay(ctx, s, &r, pages, p)
	}
	resumed := r.ID != ""
	if !resumed {
		r.ID = o.newID()
	}
	p.ID = r.ID
	begun := r.phase(s.Name, Began)
	begun.Resumed = resumed
	if _, err := o.record(ctx, Replayed.At(Stream(s.Name), event.Append).Record(begun)); err != nil {
		return p, err
	}
	p, err = o.replay(ctx, s, &r, pages, p)
	end := r.phase(s.Name, Ended)
	end.Sent = p.Sent
	if err != nil {
		end.Phase = Stopped
	}
	// Also when ctx has ended: a person has stopped it, and that belongs on record.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_, unrecorded := o.record(last, Replayed.At(Stream(s.Name), event.Append).Record(end))
	return p, errors.Join(err, unrecorded)
}

func (r *Replay) phase(subscription, phase string) ReplayedEvents {
	return ReplayedEvents{
		Subscription: subscription, Replay: r.ID, Phase: phase, Types: r.Types, From: r.From, To: r.To,
		Stream: r.Stream, CorrelationID: r.CorrelationID, Again: r.Again, Reason: r.Reason,
	}
}

// check finds what is wrong with a replay, and sets the end of one that is open.
func (o *Ops) check(ctx context.Context, s *subscription, r *Replay) error {
	bad := func(format string, args ...any) error {
		return wrong(KindInvalid, "replay", s.Name, format, args...)
	}
	if !r.DryRun {
		if err := actor(ctx, "replay", s.Name); err != nil {
			return err
		}
	}
	if r.Rate < 0 {
		return bad("rate %d: allowed are 1 and more, 0 means %d", r.Rate, DefaultRate)
	}
	ways := 0
	for _, is := range []bool{len(r.Types) > 0, r.Stream != "", r.CorrelationID != ""} {
		if is {
			ways++
		}
	}
	if ways != 1 {
		return bad("say which events: either types with a time to begin at, or a stream, or a correlation id")
	}
	for _, t := range r.Types {
		wants, err := s.wantsType(t)
		if err != nil {
			return err
		}
		if !wants {
			return bad("it does not ask for events of type %s", t)
		}
	}
	if len(r.Types) == 0 && !(r.From.IsZero() && r.To.IsZero()) {
		return bad("a range of time goes with types only")
	}
	if len(r.Types) > 0 && r.To.IsZero() {
		r.To = o.now().UTC()
	}
	if r.Again == "" {
		return nil
	}
	if err := bus.CheckNamespace(r.Again); err != nil {
		return &Error{Kind: KindInvalid, Op: "replay", Subscription: s.Name, Err: err}
	}
	if !s.Rebuildable {
		return wrong(KindRefused, "replay", s.Name, "to handle events again that it has handled may have effects twice: only a subscription declared with bus.Rebuildable() takes that")
	}
	if !bus.IsGeneration(r.Again) || r.DryRun {
		return nil
	}
	g, err := bus.ReadGenerations(ctx, o.store, s.Name)
	if err != nil {
		return err
	}
	if g.Over(r.Again) {
		return wrong(KindRefused, "replay", s.Name, "%s is the name of a generation of its read model that is neither current nor being made, so that nothing is handled in it: use another name, or vinci rebuild", r.Again)
	}
	return nil
}

// page is some events with where the next ones are; next empty: there are none.
type page struct {
	events []event.Envelope
	next   string
}

// pages reads a selection page by page.
func (o *Ops) pages(s *subscription, sel *Selection) (func(ctx context.Context, limit int, cursor string) (page, error), error) {
	if sel.Stream != "" {
		if err := event.CheckStream(sel.Stream); err != nil {
			return nil, &Error{Kind: KindInvalid, Op: "replay", Subscription: s.Name, Err: err}
		}
		return o.streamPages(s, sel.Stream), nil
	}
	h := o.log.Correlation(sel.CorrelationID)
	if len(sel.Types) > 0 {
		h = o.log.History(eventlog.HistoryQuery{Types: sel.Types, From: sel.From, To: sel.To})
	}
	return func(ctx context.Context, limit int, cursor string) (page, error) {
		p, err := h.Page(ctx, limit, eventlog.Cursor(cursor))
		if errors.Is(err, eventlog.KindQuery) {
			err = &Error{Kind: KindInvalid, Op: "replay", Subscription: s.Name, Err: err}
		}
		return page{p.Events, string(p.Next)}, err
	}, nil
}

// streamPages reads a stream: its cursors are version numbers with the stream, so
// that none fits another one.
func (o *Ops) streamPages(s *subscription, stream string) func(context.Context, int, string) (page, error) {
	return func(ctx context.Context, limit int, cursor string) (page, error) {
		from := int64(1)
		if cursor != "" {
			of, v, err := event.ParseID(cursor)
			if err != nil || of != stream {
				return page{}, &Error{Kind: KindInvalid, Op: "replay", Subscription: s.Name, Reason: fmt.Sprintf("cursor %q is none of stream %s", cursor, stream), Err: err}
			}
			from = v
		}
		var p page
		for e, err := range o.log.Stream(ctx, stream, from) {
			if err != nil {
				return page{}, err
			}
			if len(p.events) == limit {
				p.next = e.ID
				break
			}
			p.events = append(p.events, e)
		}
		return p, nil
	}
}

func (o *Ops) replay(ctx context.Context, s *subscription, r *Replay, pages func(context.Context, int, string) (page, error), p ReplayProgress) (ReplayProgress, error) {
	pace := o.pace(r.Rate)
	size := eventlog.DefaultPage
	if !r.DryRun {
		size = min(r.Rate, size)
	}
	for {
		// What was done of a page that was not finished is counted when it is.
		n := p
		pg, err := pages(ctx, size, p.Cursor)
		if err != nil {
			return p, err
		}
		send, err := o.missing(ctx, s, r, pg.events, &n)
		if err != nil {
			return p, err
		}
		for at := 0; at < len(send); {
			some := send[at:min(at+pace.step(), len(send))]
			at += len(some)
			for _, e := range some {
				if r.Each != nil {
					r.Each(e)
				}
			}
			if r.DryRun {
				n.Sent += len(some)
				continue
			}
			if err := o.resend(ctx, s.Name, r.Again, some); err != nil {
				return p, err
			}
			n.Sent += len(some)
			p.Sent = n.Sent // they are on their way, whatever comes next
			if err := pace.wait(ctx, len(some)); err != nil {
				return p, err
			}
		}
		n.Cursor, n.Done = pg.next, pg.next == ""
		p = n
		if r.Progress != nil {
			r.Progress(p)
		}
		if p.Done {
			return p, nil
		}
		if err := ctx.Err(); err != nil {
			return p, err
		}
	}
}

// missing are those events of a page that are to be sent; the others are counted.
func (o *Ops) missing(ctx context.Context, s *subscription, r *Replay, events []event.Envelope, n *ReplayProgress) ([]event.Envelope, error) {
	namespace := r.Again
	if namespace == "" {
		var err error
		if namespace, err = o.generation(ctx, s); err != nil {
			return nil, err
		}
	}
	var asked []event.Envelope
	var keys []orm.Pair[string, string]
	for _, e := range events {
		n.Looked++
		n.Last = e.Time
		wants, err := s.wants(e)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", e.ID, err)
		}
		if !wants {
			n.NotAsked++
			continue
		}
		asked = append(asked, e)
		keys = append(keys, orm.Key(bus.RecordID(e.ID, namespace), s.Name))
	}
	records, err := o.records(ctx, keys)
	if err != nil {
		return nil, err
	}
	forgotten := o.now().Add(-bus.MinRetention)
	doubtful := !r.Old && r.Again == "" && !s.Ordered
	var send []event.Envelope
	for i, e := range asked {
		switch d := records[i]; {
		case d != nil && d.Status == bus.Succeeded:
			n.Succeeded++
		case d != nil && d.Status == bus.Ignored:
			n.Ignored++
		case d == nil && doubtful && e.Time.Before(forgotten):
			n.Old++
		default:
			send = append(send, e)
		}
	}
	return send, nil
}

// resend puts events into the subscription's queue.
func (o *Ops) resend(ctx context.Context, subscription, again string, events []event.Envelope) error {
	out := make([]Outgoing, len(events))
	for i, e := range events {
		body, err := bus.MessageBody(e)
		if err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
		out[i] = Outgoing{Body: string(body), Attributes: redriven(subscription, again)}
	}
	return o.queues.Send(ctx, o.names.Queue(subscription), out)
}

// String is the selection for people.
func (s Selection) String() string {
	switch {
	case s.Stream != "":
		return "stream " + s.Stream
	case s.CorrelationID != "":
		return "correlation id " + s.CorrelationID
	}
	text := "events " + strings.Join(s.Types, ", ")
	if len(s.Types) > 3 {
		text = "events of " + strconv.Itoa(len(s.Types)) + " types"
	}
	text += " from " + s.From.UTC().Format(time.RFC3339)
	if !s.To.IsZero() {
		text += " to " + s.To.UTC().Format(time.RFC3339)
	}
	return text
}
