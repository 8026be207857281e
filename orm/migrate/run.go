package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vinci-go/vinci/orm"
)

// Summary is what a migration has come to, over all its runs since it began.
type Summary struct {
	Looked   int64 // items that were handled, failed ones among them
	Changed  int64 // of these, items with writes
	Skipped  int64 // of these, items that needed none or were gone
	Failures []Failure
	// Finished: every item was handled and none has failed.
	Finished bool
	// Before: it had finished in an earlier run, and nothing was done.
	Before bool
}

// Run does one run of a migration, from its beginning or from where the last run
// stopped, and returns how far it came, also with an error: [ErrStopped] when ctx
// ended, [ErrFailures] when items have failed, [ErrRunning], [ErrCheckpoint], or
// what the store said. It blocks; stopping it through ctx finishes the items in
// hand and writes the checkpoint.
func Run[T, K any](ctx context.Context, name string, table *orm.Table[T, K], fn Func[T], o Options) (Summary, error) {
	o = o.withDefaults()
	if err := errors.Join(o.check(name), table.Err()); err != nil {
		return Summary{}, err
	}
	if fn == nil {
		return Summary{}, fmt.Errorf("migration %s: the function is nil", name)
	}
	r := newRunner(name, table, fn, o)
	if o.DryRun {
		r.keep = nowhere{}
	} else {
		release, err := lock(o.Checkpoint)
		if err != nil {
			return Summary{}, err
		}
		defer release() // the kernel lets go of it in any case
	}
	return r.run(ctx)
}

func newRunner[T, K any](name string, table *orm.Table[T, K], fn Func[T], o Options) *runner {
	return &runner{Options: o, name: name, table: table.Schema(), limit: newLimiter(o), keep: file(o.Checkpoint),
		call: func(ctx context.Context, raw orm.Item) ([]orm.Write, error) {
			item, err := table.Decode(raw)
			if err != nil {
				return nil, err
			}
			return fn(ctx, item)
		}}
}

// runner is one run, of any type of item.
type runner struct {
	Options
	name  string
	table *orm.Schema
	call  func(context.Context, orm.Item) ([]orm.Write, error)
	limit *limiter
	keep  keeper
	bar   *bar

	mu    sync.Mutex
	state *state
}

func (r *runner) run(ctx context.Context) (Summary, error) {
	old, err := r.begin()
	if err != nil {
		return Summary{}, err
	}
	if !r.state.Finished.IsZero() {
		s := r.summary()
		s.Before = true
		return s, nil
	}
	// At once, so that a folder that cannot be written to is known before the
	// first write, and a restart has forgotten.
	if err := r.keep.save(r.state); err != nil {
		return Summary{}, err
	}
	r.bar = newBar(r, old)
	told := r.tellStop(ctx)
	err = r.work(ctx)
	told()
	r.mu.Lock()
	if err == nil && len(r.state.Failures) == 0 {
		r.state.Finished = r.Now().UTC()
	}
	saveErr := r.keep.save(r.state)
	r.bar.clear()
	r.mu.Unlock()
	s := r.summary()
	if err == nil && len(s.Failures) > 0 {
		err = ErrFailures
	}
	return s, errors.Join(err, saveErr)
}

// tellStop says, once ctx has ended and the run goes on for a second, why it
// does. The function that is returned ends that.
func (r *runner) tellStop(ctx context.Context) (end func()) {
	over, cancel := context.WithCancel(context.WithoutCancel(ctx))
	undo := context.AfterFunc(ctx, func() {
		if r.Sleep(over, time.Second) != nil {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if over.Err() == nil {
			r.bar.stopping()
		}
	})
	return func() {
		undo()
		cancel()
	}
}

// begin reads the checkpoint or makes a new state; old says which.
func (r *runner) begin() (old bool, err error) {
	if !r.Restart {
		if r.state, err = r.keep.load(); err != nil {
			return false, err
		}
	}
	if r.state == nil {
		r.state = &state{Name: r.name, Deployment: r.Deployment, Table: r.table.Name, TableID: r.TableID, Hash: r.table.Hash, Sort: r.table.Sort,
			Started: r.Now().UTC(), Segments: make([]segment, max(r.Segments, 1))}
		return false, nil
	}
	s := r.state
	misfit := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s %s: name another file, or begin anew with --restart", ErrCheckpoint, r.Checkpoint, fmt.Sprintf(format, args...))
	}
	switch {
	case s.Name != r.name:
		return false, misfit("is of migration %q, not of %q", s.Name, r.name)
	case s.Deployment != r.Deployment:
		return false, misfit("is of deployment %q, not of %q", s.Deployment, r.Deployment)
	case s.Table != r.table.Name || s.Hash != r.table.Hash || s.Sort != r.table.Sort:
		return false, misfit("is of table %s (key %s %s), not of %s (key %s %s)", s.Table, s.Hash, s.Sort, r.table.Name, r.table.Hash, r.table.Sort)
	case s.TableID != "" && r.TableID != "" && s.TableID != r.TableID:
		// Going on in another table would forget its first items.
		return false, misfit("is of a table %s that is no more: the table was made anew since", s.Table)
	case len(s.Segments) == 0:
		return false, misfit("has no segments")
	case r.Segments != 0 && r.Segments != len(s.Segments):
		return false, misfit("was begun with %s, and a scan goes on with as many as it began with, not %d", counted(len(s.Segments), "segment"), r.Segments)
	}
	if s.TableID == "" {
		s.TableID = r.TableID
	}
	return true, nil
}

// work handles what has failed before, and then every segment.
func (r *runner) work(ctx context.Context) error {
	if err := r.again(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	var first error // of a segment, and the reason why the others stopped
	var once sync.Once
	for i := range r.state.Segments {
		wg.Go(func() {
			if err := r.segment(ctx, i); err != nil {
				once.Do(func() { first = err })
				cancel(&halt{err}) // the others finish what they have in hand
			}
		})
	}
	wg.Wait()
	return first
}

// halt is why a segment stops: another one failed.
type halt struct{ err error }

func (h *halt) Error() string { return h.err.Error() }

// stopped is the error of a segment whose context has ended.
func stopped(ctx context.Context) error {
	if h, ok := context.Cause(ctx).(*halt); ok {
		return h.err
	}
	return fmt.Errorf("%w: %w", ErrStopped, ctx.Err())
}

// again tries the items that failed in an earlier run. It runs alone.
func (r *runner) again(ctx context.Context) error {
	all := len(r.state.Failures)
	for i, tried := 0, 0; i < len(r.state.Failures); {
		if err := r.limit.wait(ctx); err != nil {
			return stopped(ctx)
		}
		item, err := r.get(ctx, orm.Item(r.state.Failures[i].Item))
		if err != nil {
			return err
		}
		out := outcome{skipped: true} // it is gone
		if item != nil {
			if out, err = r.handle(ctx, item); err != nil {
				return err
			}
		}
		if out.failure != nil {
			r.state.Failures[i] = *out.failure
			i++
		} else {
			r.state.Failures = slices.Delete(r.state.Failures, i, i+1)
			// It was counted as looked at when it failed. In which segment that was
			// does not matter.
			r.state.Segments[0].count(out)
		}
		tried++
		r.mu.Lock()
		r.bar.again(tried, all)
		r.mu.Unlock()
		// What is done twice after a crash does no harm, and the file has as many
		// lines as items have failed.
		if tried%r.PageSize == 0 {
			if err := r.save(); err != nil {
				return err
			}
		}
	}
	r.bar.began = r.Now() // the rate is that of the pages
	return r.tooMany()
}

// segment handles one part of the table, page by page.
func (r *runner) segment(ctx context.Context, i int) error {
	for {
		r.mu.Lock()
		s := r.state.Segments[i]
		r.mu.Unlock()
		if s.Done {
			return nil
		}
		page, err := r.read(ctx, i, orm.Item(s.Next))
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if err := r.item(ctx, i, item); err != nil {
				return err
			}
		}
		r.mu.Lock()
		at := &r.state.Segments[i]
		at.Next, at.Done = itemKey(page.Next), page.Next == nil
		r.mu.Unlock()
		if err := r.save(); err != nil {
			return err
		}
	}
}

// item handles one item of a page and moves the segment's place behind it.
func (r *runner) item(ctx context.Context, i int, item orm.Item) error {
	var out outcome
	own := r.table.HoldsUniqueValue(item)
	if !own {
		if err := r.limit.wait(ctx); err != nil {
			return stopped(ctx)
		}
		var err error
		if out, err = r.handle(ctx, item); err != nil {
			return err
		}
	}
	r.mu.Lock()
	at := &r.state.Segments[i]
	at.Next = itemKey(r.table.KeyOf(item))
	at.Read++
	if !own {
		at.Looked++
		at.count(out)
	}
	if out.failure != nil {
		r.state.Failures = append(r.state.Failures, *out.failure)
	}
	r.bar.tick()
	r.mu.Unlock()
	return r.tooMany()
}

func (s *segment) count(out outcome) {
	switch {
	case out.changed:
		s.Changed++
	case out.skipped:
		s.Skipped++
	}
}

func (r *runner) tooMany() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.state.Failures); n >= r.MaxFailures {
		return fmt.Errorf("%w: %d, and the run stops at %d (--max-failures)", ErrFailures, n, r.MaxFailures)
	}
	return nil
}

func (r *runner) save() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keep.save(r.state)
}

func (r *runner) summary() Summary {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Summary{Failures: slices.Clone(r.state.Failures), Finished: !r.state.Finished.IsZero()}
	for _, g := range r.state.Segments {
		s.Looked += g.Looked
		s.Changed += g.Changed
		s.Skipped += g.Skipped
	}
	// Segments run side by side: the order in which items failed means nothing.
	slices.SortFunc(s.Failures, func(a, b Failure) int { return strings.Compare(a.Key, b.Key) })
	return s
}
