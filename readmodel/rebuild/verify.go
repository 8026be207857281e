package rebuild

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// Report is what a verification has found.
type Report struct {
	Generation string `json:"generation"`
	Events     int    `json:"events"` // of the log that the model was computed from
	Items      int    `json:"items"`  // of the generation, stored
	// Differing is how many items differ, and Differences what in them, of the first.
	Differing   int          `json:"differing"`
	Differences []Difference `json:"differences,omitempty"`
	// Missing is how many events are not handled in the generation, or not rightly,
	// and Unhandled the first of them.
	Missing   int         `json:"missing"`
	Unhandled []Unhandled `json:"unhandled,omitempty"`
}

// OK reports whether the model is what the log says.
func (r *Report) OK() bool { return r.Differing == 0 && r.Missing == 0 }

// maxListed is how many items and events a report lists.
const maxListed = 1000

// round is how long nothing is done between two looks at what differs.
const round = 500 * time.Millisecond

// Verify computes a generation from the log in memory, with the model's own handlers,
// and compares it with what is stored, item by item. Versions and stamps are not
// compared: they say how often and when an item was written.
//
// Events keep coming meanwhile. So only those are computed that the generation's
// delivery records say are in its items, and what differs is looked at again until it
// does not, or until nothing has got any further for Options.Patience. An event that
// is not handled by then is missing: it is computed after all, so that the report
// shows what it lacks.
//
// The handlers must not depend on the order of events (but those of one stream, when
// the subscription is ordered), nor on the clock. All items of the generation, and
// an entry for each event, are kept in memory. Tables that the handlers only read are
// read as they are now.
func (t *Tool) Verify(ctx context.Context, generation string) (Report, error) {
	return t.verify(ctx, generation, false)
}

func (t *Tool) verify(ctx context.Context, generation string, acceptDead bool) (Report, error) {
	g, err := t.Pointer(ctx)
	if err != nil {
		return Report{}, err
	}
	begun := g.Begun
	if generation == g.Building && generation != "" {
		begun = g.BuildingSince
	} else if generation != g.Current {
		begun = time.Time{}
	}
	if err := t.findReplaced(ctx); err != nil {
		return Report{}, err
	}
	f, err := newFold(ctx, t, generation)
	if err != nil {
		return Report{}, err
	}
	v := &verification{
		Tool: t, fold: f, generation: generation, acceptDead: acceptDead,
		forgets: t.Now().Sub(begun) > bus.MinRetention, // so also when nobody knows its beginning
		seen:    map[string]bool{}, next: map[string]int64{}, held: map[string]held{}, differ: map[string]*differing{},
	}
	v.report.Generation = generation
	if err := v.run(ctx); err != nil {
		return v.report, err
	}
	return v.report, nil
}

// verification is one run of Verify.
type verification struct {
	*Tool
	fold       *fold
	generation string
	acceptDead bool
	forgets    bool // records may have expired
	report     Report

	began  time.Time        // what is older has to be handled before it is over
	read   time.Time        // when the history was read last
	seen   map[string]bool  // event ids, but of an ordered subscription
	next   map[string]int64 // version of each stream that comes next, of an ordered one
	held   map[string]held  // what is not settled: by event id, or by stream
	done   int              // events that had to be handled, and are
	quiet  bool             // what is computed now has been reported
	differ map[string]*differing
}

// held is an event that is not settled.
type held struct {
	event.Envelope
	why  Unhandled
	dead bool
}

// differing is an item that is not what it should be, as far as can be seen.
type differing struct {
	table  *Table
	key    orm.Item
	stored string // as it was seen last
	moved  time.Time
}

func (v *verification) run(ctx context.Context) error {
	v.began = v.Now()
	v.read = v.began
	if err := v.history(ctx, v.From); err != nil {
		return err
	}
	if err := v.compare(ctx); err != nil {
		return err
	}
	progress, thorough := v.Now(), false
	for open, done := len(v.waiting())+len(v.differ), v.done; open > 0; {
		v.Progress(Progress{Step: "compare", Events: v.report.Events, Open: open})
		if err := v.Sleep(ctx, round); err != nil {
			return err
		}
		// The index is a moment behind; before anything is called wrong, all is read
		// that may be late.
		back := v.Settle
		if thorough {
			back = overlap
		}
		from := v.read.Add(-back)
		if from.Before(v.From) {
			from = v.From
		}
		v.read = v.Now()
		if err := v.history(ctx, from); err != nil {
			return err
		}
		if err := v.retry(ctx); err != nil {
			return err
		}
		if err := v.recheck(ctx); err != nil {
			return err
		}
		switch left := len(v.waiting()) + len(v.differ); {
		case left < open || v.done > done:
			open, done, progress, thorough = left, v.done, v.Now(), false
		case v.Now().Sub(progress) < v.Patience:
		case !thorough:
			thorough = true
		default:
			return v.conclude(ctx)
		}
	}
	return v.conclude(ctx)
}

// waiting are those of what is held that have to be handled before the verification
// is over.
func (v *verification) waiting() []string {
	var out []string
	for id, h := range v.held {
		if !h.Time.After(v.began) && !(v.acceptDead && h.dead) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

// history takes what is new in the log.
func (v *verification) history(ctx context.Context, from time.Time) error {
	dirty := map[string]bool{}
	var some []event.Envelope
	flush := func() error {
		err := v.take(ctx, some)
		some = some[:0]
		return err
	}
	for e, err := range v.Log.History(eventlog.HistoryQuery{Types: v.model.types, From: from, Concurrency: v.Concurrency}).All(ctx) {
		if err != nil {
			return err
		}
		if v.model.sub.Ordered {
			stream, version, err := event.ParseID(e.ID)
			if err != nil {
				return err
			}
			if version >= max(v.next[stream], 1) {
				dirty[stream] = true
			}
			continue
		}
		if v.seen[e.ID] {
			continue
		}
		v.seen[e.ID] = true
		if some = append(some, e); len(some) == page {
			if err := flush(); err != nil {
				return err
			}
			v.Progress(Progress{Step: "compute", Events: v.report.Events, At: e.Time})
		}
	}
	if err := flush(); err != nil {
		return err
	}
	for i, stream := range slices.Sorted(maps.Keys(dirty)) {
		if err := v.follow(ctx, stream, false); err != nil {
			return err
		}
		if i%page == page-1 {
			v.Progress(Progress{Step: "compute", Events: v.report.Events})
		}
	}
	return nil
}

// take computes those of some events that are settled and keeps the others.
func (v *verification) take(ctx context.Context, es []event.Envelope) error {
	es, err := v.asked(es)
	if err != nil {
		return err
	}
	verdicts, err := v.verdicts(ctx, v.generation, v.forgets, es)
	if err != nil {
		return err
	}
	for i, e := range es {
		if !verdicts[i].settled {
			v.held[e.ID] = held{e, verdicts[i].why, verdicts[i].dead}
			continue
		}
		delete(v.held, e.ID)
		if err := v.apply(ctx, e, verdicts[i]); err != nil {
			return err
		}
	}
	return nil
}

// apply computes an event that is settled.
func (v *verification) apply(ctx context.Context, e event.Envelope, of verdict) error {
	v.report.Events++
	if !e.Time.After(v.began) {
		v.done++
	}
	if !of.applied {
		return nil
	}
	if err := v.fold.feed(ctx, e); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if v.quiet {
			return nil
		}
		v.missing(Unhandled{EventID: e.ID, EventType: e.Type, State: fails, Error: err.Error()})
	}
	return nil
}

func (v *verification) missing(u Unhandled) {
	v.report.Missing++
	if len(v.report.Unhandled) < maxListed {
		v.report.Unhandled = append(v.report.Unhandled, u)
	}
}

// follow computes a stream of an ordered subscription, from where it was left up to
// the first event that is not settled, or, when all is true, up to the head.
func (v *verification) follow(ctx context.Context, stream string, all bool) error {
	from := max(v.next[stream], 1)
	var es []event.Envelope
	for e, err := range v.Log.Stream(ctx, stream, from) {
		if err != nil {
			return err
		}
		es = append(es, e)
	}
	asked, err := v.asked(es)
	if err != nil {
		return err
	}
	verdicts, err := v.verdicts(ctx, v.generation, v.forgets, asked)
	if err != nil {
		return err
	}
	for _, e := range es {
		if len(asked) > 0 && asked[0].ID == e.ID {
			of := verdicts[0]
			asked, verdicts = asked[1:], verdicts[1:]
			if !of.settled && !all {
				v.held[stream] = held{e, of.why, of.dead}
				return nil
			}
			if err := v.apply(ctx, e, verdict{applied: of.applied || !of.settled}); err != nil {
				return err
			}
		}
		from++
		v.next[stream] = from
	}
	delete(v.held, stream)
	return nil
}

// retry looks again at what was not settled.
func (v *verification) retry(ctx context.Context) error {
	if v.model.sub.Ordered {
		for _, stream := range slices.Sorted(maps.Keys(v.held)) {
			if err := v.follow(ctx, stream, false); err != nil {
				return err
			}
		}
		return nil
	}
	var es []event.Envelope
	for _, id := range slices.Sorted(maps.Keys(v.held)) {
		es = append(es, v.held[id].Envelope)
	}
	for some := range slices.Chunk(es, page) {
		if err := v.take(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// compare finds all items that differ.
func (v *verification) compare(ctx context.Context) error {
	v.report.Items = 0
	clear(v.differ)
	for i := range v.model.tables {
		t := &v.model.tables[i]
		expected := map[string]orm.Item{}
		for _, item := range v.fold.memory.Items(t.def) {
			expected[keyID(t.schema, item)] = item
		}
		err := scan(ctx, v.Store, t, v.generation, func(item orm.Item) error {
			v.report.Items++
			id := keyID(t.schema, item)
			if is := content(t.schema, item); is != content(t.schema, expected[id]) {
				v.differ[t.schema.Name+" "+id] = &differing{table: t, key: t.schema.KeyOf(item), stored: is}
			}
			delete(expected, id)
			if v.report.Items%1000 == 0 {
				v.Progress(Progress{Step: "compare", Events: v.report.Events, Open: len(v.differ)})
			}
			return nil
		})
		if err != nil {
			return err
		}
		for id, item := range expected {
			v.differ[t.schema.Name+" "+id] = &differing{table: t, key: t.schema.KeyOf(item)}
		}
	}
	return nil
}

// recheck forgets items that do not differ any more.
func (v *verification) recheck(ctx context.Context) error {
	for _, id := range slices.Sorted(maps.Keys(v.differ)) {
		d := v.differ[id]
		stored, expected, err := v.both(ctx, d)
		if err != nil {
			return err
		}
		is := content(d.table.schema, stored)
		if is == content(d.table.schema, expected) {
			delete(v.differ, id)
			continue
		}
		if is != d.stored {
			d.stored, d.moved = is, v.Now()
		}
	}
	return nil
}

// both reads an item, strongly consistent, and what it should be.
func (v *verification) both(ctx context.Context, d *differing) (stored, expected orm.Item, err error) {
	r := &orm.GetRequest{Table: d.table.schema, Key: d.key}
	if stored, err = v.Store.Get(ctx, r); err != nil {
		return nil, nil, err
	}
	expected, err = v.fold.memory.Get(ctx, r)
	return stored, expected, err
}

// conclude writes the report. What was not handled in time is computed now, to show
// what the items lack.
func (v *verification) conclude(ctx context.Context) error {
	v.quiet = true
	waiting := v.waiting()
	for _, id := range waiting {
		h := v.held[id]
		v.missing(h.why)
		var err error
		if v.model.sub.Ordered {
			err = v.follow(ctx, id, true)
		} else {
			err = v.apply(ctx, h.Envelope, verdict{applied: true})
		}
		if err != nil {
			return err
		}
	}
	if len(waiting) > 0 {
		was := maps.Clone(v.differ)
		if err := v.compare(ctx); err != nil {
			return err
		}
		for id, d := range was {
			if now := v.differ[id]; now != nil {
				now.moved = d.moved
			}
		}
		if err := v.recheck(ctx); err != nil {
			return err
		}
	}
	v.report.Differing = len(v.differ)
	for _, id := range slices.Sorted(maps.Keys(v.differ)) {
		if len(v.report.Differences) >= maxListed {
			break
		}
		d := v.differ[id]
		stored, expected, err := v.both(ctx, d)
		if err != nil {
			return err
		}
		list := differences(d.table.schema, d.table.schema.KeyText(d.key), stored, expected)
		for i := range list {
			list[i].Moving = v.Now().Sub(d.moved) < v.Patience/2
		}
		v.report.Differences = append(v.report.Differences, list...)
	}
	return nil
}

// scan calls f for each item of a generation.
func scan(ctx context.Context, store orm.Reader, t *Table, generation string, f func(orm.Item) error) error {
	var start orm.Item
	for try := 0; ; {
		p, err := store.Scan(ctx, &orm.ScanRequest{Table: t.schema, Start: start})
		if err != nil {
			if try++; try < 8 && orm.Only(err, orm.KindThrottled, orm.KindUnavailable) {
				if err := store.Backoff(ctx, try); err != nil {
					return err
				}
				continue
			}
			return fmt.Errorf("scan table %s: %w", t.schema.Name, err)
		}
		try = 0
		for _, item := range p.Items {
			if t.schema.HoldsUniqueValue(item) {
				continue
			}
			of, err := t.of(item, generation)
			if err != nil {
				return err
			}
			if of {
				if err := f(item); err != nil {
					return err
				}
			}
		}
		if p.Next == nil {
			return nil
		}
		start = p.Next
	}
}
