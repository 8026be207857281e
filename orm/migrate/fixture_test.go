package migrate

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type account struct {
	ID      string `dynamo:"id,hash"`
	Email   string `dynamo:"email" unique:"exact"`
	Balance int    `dynamo:"balance"`
	Cents   int64  `dynamo:"cents"`
}

var (
	accounts = orm.Define[account, string]("accounts")
	cents    = orm.Attr(accounts, func(a *account) *int64 { return &a.Cents })
	balance  = orm.Attr(accounts, func(a *account) *int { return &a.Balance })
)

// toCents is repeatable: what it writes depends only on what it does not write.
func toCents(_ context.Context, a account) ([]orm.Write, error) {
	want := int64(a.Balance) * 100
	if a.Cents == want {
		return nil, nil
	}
	return []orm.Write{accounts.Update(a.ID, cents.Set(want)).If(balance.Eq(a.Balance))}, nil
}

func id(i int) string { return "a" + strconv.Itoa(i) }

// errKilled is every answer that a process does not live to see.
var errKilled = errors.New("the process was killed")

// fataler is a test or a property.
type fataler interface {
	Helper()
	Fatal(...any)
}

// world is a table and what may happen around a run: it can be killed before any
// of its steps (a request, a saved checkpoint). It is safe for concurrent use.
type world struct {
	*ormtest.Memory
	clock *clock

	mu     sync.Mutex
	steps  int // done so far
	killAt int // the step that is not done any more, and all after it; 0: none
	kept   *state
	sleeps []time.Duration // of Backoff
}

func newWorld(t fataler, items int) *world {
	w := &world{Memory: ormtest.New(), clock: &clock{t: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}
	for i := range items {
		if err := orm.Exec(context.Background(), w.Memory, accounts.Insert(account{ID: id(i), Email: id(i) + "@example.com", Balance: i + 1})); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) step() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.steps++
	if w.killAt > 0 && w.steps >= w.killAt {
		return errKilled
	}
	return nil
}

// restart is a new process in the same world.
func (w *world) restart() { w.steps, w.killAt = 0, 0 }

func (w *world) Scan(ctx context.Context, r *orm.ScanRequest) (*orm.Page, error) {
	if err := w.step(); err != nil {
		return nil, err
	}
	return w.Memory.Scan(ctx, r)
}

func (w *world) Do(ctx context.Context, a orm.Action) (orm.Item, error) {
	if err := w.step(); err != nil {
		return nil, err
	}
	item, err := w.Memory.Do(ctx, a)
	if err != nil {
		return nil, err
	}
	return item, w.step() // the write happened, and nobody was told
}

func (w *world) Backoff(ctx context.Context, try int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sleeps = append(w.sleeps, time.Duration(try))
	return ctx.Err()
}

// load and save make the world a keeper: of copies, as a file is one.
func (w *world) load() (*state, error) { return w.kept.clone(), nil }

func (w *world) save(s *state) error {
	if err := w.step(); err != nil {
		return err
	}
	w.kept = s.clone()
	return nil
}

func (s *state) clone() *state {
	if s == nil {
		return nil
	}
	out := *s
	out.Segments, out.Failures = slices.Clone(s.Segments), slices.Clone(s.Failures)
	return &out
}

// clock is a clock that only sleeping moves.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
	return ctx.Err()
}

func (w *world) options() Options {
	return Options{Store: w, Deployment: "test", Checkpoint: "unused", Rate: -1, Now: w.clock.now, Sleep: w.clock.sleep}
}

// run is [Run] with the world as keeper.
func (w *world) run(ctx context.Context, o Options, fn Func[account]) (Summary, error) {
	r := newRunner("to_cents", accounts, fn, o.withDefaults())
	r.keep = w
	return r.run(ctx)
}

// wrong lists the items that are not as the migration makes them.
func (w *world) wrong(t fataler) []string {
	var out []string
	for _, raw := range w.Memory.Items(accounts) {
		if accounts.Schema().HoldsUniqueValue(raw) {
			continue
		}
		a, err := accounts.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if a.Cents != int64(a.Balance)*100 {
			out = append(out, a.ID)
		}
	}
	return out
}
