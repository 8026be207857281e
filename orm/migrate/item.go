package migrate

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	"github.com/vinci-go/vinci/orm"
)

// outcome is what one item came to: one of the three.
type outcome struct {
	changed, skipped bool
	failure          *Failure
}

// handle does with one item whatever is needed. An error ends the run, and the
// item counts as not handled.
func (r *runner) handle(ctx context.Context, item orm.Item) (outcome, error) {
	key := r.table.KeyOf(item)
	for try := 1; ; try++ {
		changed, err := r.attempt(context.WithoutCancel(ctx), item)
		if err == nil {
			return outcome{changed: changed, skipped: !changed}, nil
		}
		switch what := judge(err); {
		case what == hopeless, what == passing && try == MaxTries:
			return outcome{}, fmt.Errorf("item %s: %w", r.table.KeyText(key), err)
		case what == fails, try == MaxTries:
			return outcome{failure: &Failure{Key: r.table.KeyText(key), Reason: err.Error(), Item: itemKey(key)}}, nil
		}
		if err := r.backoff(ctx, try, err); err != nil {
			return outcome{}, stopped(ctx)
		}
		if item, err = r.get(ctx, key); err != nil {
			return outcome{}, err
		}
		if item == nil {
			return outcome{skipped: true}, nil
		}
	}
}

// attempt calls the function once and executes what it returned.
func (r *runner) attempt(ctx context.Context, item orm.Item) (changed bool, err error) {
	writes, err := r.safely(ctx, item)
	if err != nil || len(writes) == 0 {
		return false, err
	}
	if !r.DryRun {
		return true, orm.Exec(ctx, r.Store, writes...)
	}
	actions, err := orm.Actions(ctx, r.Store, writes...)
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bar.clear()
	for _, a := range actions {
		if _, err := fmt.Fprintln(r.Output, actionText(&a)); err != nil {
			return false, fmt.Errorf("%w: %w", errPrint, err)
		}
	}
	return true, nil
}

// safely calls the function; a panic is the item's failure, with its place.
func (r *runner) safely(ctx context.Context, item orm.Item) (writes []orm.Write, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the function panicked: %v (%s)", v, panicPlace())
		}
	}()
	return r.call(ctx, item)
}

// panicPlace is the file and line that panicked. It is called by the deferred
// function.
func panicPlace() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if f.File != "" && !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s:%d", f.File, f.Line)
		}
		if !more {
			return "place unknown"
		}
	}
}

// get reads an item again.
func (r *runner) get(ctx context.Context, key orm.Item) (item orm.Item, err error) {
	err = r.request(ctx, func() error {
		item, err = r.Store.Get(ctx, &orm.GetRequest{Table: r.table, Key: key})
		return err
	})
	return item, err
}

// read reads a page of a segment.
func (r *runner) read(ctx context.Context, i int, from orm.Item) (page *orm.Page, err error) {
	in := &orm.ScanRequest{Table: r.table, Limit: int32(r.PageSize), Start: from}
	if n := len(r.state.Segments); n > 1 {
		in.Segment, in.Segments = int32(i), int32(n)
	}
	err = r.request(ctx, func() error {
		page, err = r.Store.Scan(ctx, in)
		return err
	})
	return page, err
}

// request makes a request until it is answered, for MaxTries times.
func (r *runner) request(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		err := do()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return stopped(ctx)
		case judge(err) != passing || try == MaxTries:
			return err
		}
		if err := r.backoff(ctx, try, err); err != nil {
			return stopped(ctx)
		}
	}
}

// backoff waits before the next try. All tries together take up to half a minute,
// in which somebody looks on: what is waited for is told.
func (r *runner) backoff(ctx context.Context, try int, err error) error {
	if judge(err) == passing {
		r.mu.Lock()
		r.bar.waits(try, err)
		r.mu.Unlock()
	}
	return r.Store.Backoff(ctx, try)
}
