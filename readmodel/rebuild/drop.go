package rebuild

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
)

// Drop deletes the items of all generations that are neither current nor being made,
// also of those that were kept. Errors: ErrNone.
func (t *Tool) Drop(ctx context.Context) (Result, error) {
	g, err := t.Pointer(ctx)
	if err != nil {
		return Result{}, err
	}
	r := Result{Generation: g.Current, Before: g.Current}
	if len(g.Retired) == 0 {
		return r, fmt.Errorf("%w, and no old one is left", ErrNone)
	}
	return r, t.drop(ctx, &r, true)
}

// drop deletes old generations, when nobody can write or read them any more.
func (t *Tool) drop(ctx context.Context, r *Result, kept bool) error {
	for {
		g, err := t.Pointer(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(g.Retired, func(o bus.Retired) bool { return kept || !o.Keep })
		if i < 0 {
			if len(g.Retired) > 0 {
				r.Kept = g.Retired[len(g.Retired)-1].Generation
				if r.Kept == "" {
					r.Kept = "the first"
				}
			}
			return nil
		}
		old := g.Retired[i]
		since := old.At
		if t.retired.After(since) {
			since = t.retired
		}
		if left := t.Grace - t.Now().Sub(since); left > 0 {
			t.Progress(Progress{Step: "grace"})
			if err := t.Sleep(ctx, left); err != nil {
				return err
			}
		}
		if err := t.empty(ctx, r, old.Generation); err != nil {
			return err
		}
		if g, err = t.Pointer(ctx); err != nil {
			return err
		}
		g.Retired = slices.DeleteFunc(g.Retired, func(o bus.Retired) bool { return o.Generation == old.Generation })
		if err := t.change(ctx, g, old.Generation, ops.Dropped); err != nil && !errors.Is(err, orm.KindConditionFailed) {
			return err
		}
	}
}

// empty deletes the items of a generation, and its places in streams.
func (t *Tool) empty(ctx context.Context, r *Result, generation string) error {
	for i := range t.model.tables {
		table := &t.model.tables[i]
		d := deleter{Tool: t, r: r, schema: table.schema}
		err := scan(ctx, t.Store, table, generation, func(item orm.Item) error { return d.add(ctx, item) })
		if err = errors.Join(err, d.flush(ctx)); err != nil {
			return err
		}
	}
	if !t.model.sub.Ordered {
		return nil
	}
	places := Table{def: eventlog.State, schema: eventlog.State.Schema(), generation: func(item orm.Item) (string, error) {
		s, err := eventlog.State.Decode(item)
		if err != nil {
			return "", err
		}
		if s.Kind == eventlog.StateCheckpoint && strings.HasPrefix(s.Key, eventlog.CheckpointKey(bus.RecordID(t.model.sub.Name, generation), "")) {
			return "of it", nil
		}
		return "", nil
	}}
	var uncounted Result
	d := deleter{Tool: t, r: &uncounted, schema: places.schema}
	err := scan(ctx, t.Store, &places, "of it", func(item orm.Item) error { return d.add(ctx, item) })
	return errors.Join(err, d.flush(ctx))
}

// deleter deletes items 25 at once, at the rate of the tool.
type deleter struct {
	*Tool
	r      *Result
	schema *orm.Schema
	keys   []orm.Item
}

func (d *deleter) add(ctx context.Context, item orm.Item) error {
	if d.keys = append(d.keys, d.schema.KeyOf(item)); len(d.keys) < orm.MaxBatchWrite {
		return nil
	}
	return d.flush(ctx)
}

func (d *deleter) flush(ctx context.Context) error {
	began, n := d.Now(), len(d.keys)
	for try := 1; len(d.keys) > 0; try++ {
		left, err := d.Store.BatchWrite(ctx, &orm.BatchWriteRequest{Table: d.schema, Deletes: d.keys})
		switch {
		case err != nil && (try >= 8 || !orm.Only(err, orm.KindThrottled, orm.KindUnavailable)):
			return fmt.Errorf("delete items of table %s: %w", d.schema.Name, err)
		case err == nil && len(left.Deletes) == 0:
			d.keys = d.keys[:0]
		default:
			if err == nil {
				if len(left.Deletes) < len(d.keys) {
					try = 0
				}
				d.keys = left.Deletes
			}
			if try >= 8 {
				return fmt.Errorf("delete items of table %s: %w", d.schema.Name, orm.KindThrottled)
			}
			if err := d.Store.Backoff(ctx, max(try, 1)); err != nil {
				return err
			}
		}
	}
	d.r.Dropped += n
	d.Progress(Progress{Step: "drop", Events: d.r.Dropped})
	rate := d.Rate
	if rate == 0 {
		rate = ops.DefaultRate
	}
	if left := time.Duration(n)*time.Second/time.Duration(rate*dropFactor) - d.Now().Sub(began); left > 0 {
		return d.Sleep(ctx, left)
	}
	return nil
}

// dropFactor is how many items are deleted in the time in which one event is sent:
// that costs one write, an event's handling several.
const dropFactor = 5
