package migrate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

func TestRun(t *testing.T) {
	for _, segments := range []int{1, 3} {
		w := newWorld(t, 57)
		o := w.options()
		o.Segments, o.PageSize = segments, 10
		s, err := w.run(t.Context(), o, toCents)
		if err != nil || !s.Finished || s.Before || s.Looked != 57 || s.Changed != 57 || s.Skipped != 0 {
			t.Errorf("%d segments: %+v, %v", segments, s, err)
		}
		if wrong := w.wrong(t); len(wrong) > 0 {
			t.Errorf("%d segments: not handled: %v", segments, wrong)
		}
		// A second run has nothing to do and says so; a restart looks at all again.
		if s, err = w.run(t.Context(), o, toCents); err != nil || !s.Before || !s.Finished {
			t.Errorf("second run: %+v, %v", s, err)
		}
		o.Restart = true
		if s, err = w.run(t.Context(), o, toCents); err != nil || s.Before || s.Looked != 57 || s.Skipped != 57 {
			t.Errorf("restart: %+v, %v", s, err)
		}
	}
}

// Killed at any step whatever (before a request, between a write and its answer,
// before a checkpoint), any number of times, it comes to the same end: every item
// as it should be, every item counted once, and no more done again than the pages
// in hand.
func TestKilledAtEveryStep(t *testing.T) {
	const items, page = 23, 5
	for killAt := 1; ; killAt++ {
		w := newWorld(t, items)
		o := w.options()
		o.PageSize = page
		calls := 0
		fn := func(ctx context.Context, a account) ([]orm.Write, error) { calls++; return toCents(ctx, a) }
		w.killAt = killAt
		_, err := w.run(t.Context(), o, fn)
		if err == nil {
			if killAt < 3*items {
				t.Fatalf("only %d steps: the test is broken", killAt)
			}
			return // it was over before the kill: all steps were tried
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("killed at %d: %v", killAt, err)
		}
		w.restart()
		s, err := w.run(t.Context(), o, fn)
		if err != nil || !s.Finished || s.Looked != items || s.Changed+s.Skipped != items {
			t.Fatalf("killed at %d: %+v, %v", killAt, s, err)
		}
		if wrong := w.wrong(t); len(wrong) > 0 {
			t.Fatalf("killed at %d: not handled: %v", killAt, wrong)
		}
		if calls > items+page {
			t.Fatalf("killed at %d: the function was called %d times for %d items, at most a page may be done again", killAt, calls, items)
		}
	}
}

// The same with several segments, killed again and again.
func TestKilledAgainAndAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.IntRange(0, 40).Draw(t, "items")
		segments := rapid.IntRange(1, 5).Draw(t, "segments")
		w := newWorld(t, items)
		o := w.options()
		o.PageSize = rapid.IntRange(1, 7).Draw(t, "page")
		o.Segments = segments
		for range rapid.IntRange(0, 6).Draw(t, "kills") {
			w.restart()
			w.killAt = rapid.IntRange(1, 60).Draw(t, "kill at")
			if _, err := w.run(context.Background(), o, toCents); err != nil && !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
		}
		w.restart()
		o.Segments = 0 // as it began
		s, err := w.run(context.Background(), o, toCents)
		if err != nil || !s.Finished || s.Looked != int64(items) || s.Changed+s.Skipped != int64(items) {
			t.Fatalf("%+v, %v", s, err)
		}
		if wrong := w.wrong(t); len(wrong) > 0 {
			t.Fatalf("not handled: %v", wrong)
		}
	})
}

// Stopped by its context after any number of items, it does no item twice.
func TestStoppedAfterAnyItem(t *testing.T) {
	const items = 12
	for n := 1; n < items; n++ {
		w := newWorld(t, items)
		o := w.options()
		o.PageSize = 5
		seen := map[string]int{}
		ctx, cancel := context.WithCancel(t.Context())
		s, err := w.run(ctx, o, func(ctx context.Context, a account) ([]orm.Write, error) {
			if seen[a.ID]++; len(seen) == n {
				cancel()
			}
			if ctx.Err() != nil {
				t.Error("the item in hand is cut off")
			}
			return toCents(ctx, a)
		})
		if !errors.Is(err, ErrStopped) || !errors.Is(err, context.Canceled) || s.Looked != int64(n) || s.Finished {
			t.Fatalf("stopped after %d: %+v, %v", n, s, err)
		}
		s, err = w.run(t.Context(), o, func(ctx context.Context, a account) ([]orm.Write, error) {
			seen[a.ID]++
			return toCents(ctx, a)
		})
		if err != nil || s.Looked != items || s.Changed != items {
			t.Fatalf("after %d: %+v, %v", n, s, err)
		}
		for id, times := range seen {
			if times != 1 {
				t.Errorf("stopped after %d: %s was done %d times", n, id, times)
			}
		}
		if len(seen) != items {
			t.Errorf("stopped after %d: %d items were seen", n, len(seen))
		}
	}
}

// An item that somebody else changes between the read and the write is read and
// done again; one that is removed is skipped.
func TestItemChangesMeanwhile(t *testing.T) {
	w := newWorld(t, 3)
	raced := map[string]int{}
	s, err := w.run(t.Context(), w.options(), func(ctx context.Context, a account) ([]orm.Write, error) {
		switch raced[a.ID]++; {
		case a.ID == id(0) && raced[a.ID] <= 2:
			must(t, orm.Exec(ctx, w.Memory, accounts.Update(a.ID, balance.Set(a.Balance+7))))
		case a.ID == id(1) && raced[a.ID] == 1:
			_, err := w.Memory.Do(ctx, orm.Action{Op: orm.OpDelete, Table: accounts.Schema(), Key: orm.Item{"id": &types.AttributeValueMemberS{Value: a.ID}}})
			must(t, err)
		}
		return toCents(ctx, a)
	})
	if err != nil || s.Changed != 2 || s.Skipped != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	if raced[id(0)] != 3 || raced[id(1)] != 1 || len(w.wrong(t)) > 0 {
		t.Errorf("calls %v, wrong %v", raced, w.wrong(t))
	}
	if len(w.sleeps) != 3 {
		t.Errorf("backed off %v times, want 3", w.sleeps)
	}
}

// A condition that never holds fails its item, after a bounded number of tries.
func TestHopelessCondition(t *testing.T) {
	w := newWorld(t, 2)
	calls := 0
	s, err := w.run(t.Context(), w.options(), func(_ context.Context, a account) ([]orm.Write, error) {
		if a.ID == id(1) {
			return nil, nil
		}
		calls++
		return []orm.Write{accounts.Update(a.ID, cents.Set(1)).If(balance.Eq(-1))}, nil
	})
	if !errors.Is(err, ErrFailures) || len(s.Failures) != 1 || s.Looked != 2 || calls != MaxTries {
		t.Fatalf("%+v, %v, %d calls", s, err, calls)
	}
	if f := s.Failures[0]; f.Key != `"a0"` || !strings.Contains(f.Reason, "condition failed") {
		t.Errorf("failure %+v", f)
	}
}

// Failed items are collected, the run goes on, and the next one tries them first.
func TestFailures(t *testing.T) {
	w := newWorld(t, 20)
	broken := true
	fn := func(ctx context.Context, a account) ([]orm.Write, error) {
		switch {
		case broken && a.ID == id(3):
			return nil, errors.New("no such currency")
		case broken && a.ID == id(4):
			var none []int
			return nil, fmt.Errorf("element %d", none[len(a.ID)])
		}
		return toCents(ctx, a)
	}
	// One that no Go struct can hold.
	_, err := w.Memory.Do(t.Context(), orm.Action{Op: orm.OpPut, Table: accounts.Schema(), Item: orm.Item{
		"id": &types.AttributeValueMemberS{Value: "odd"}, "balance": &types.AttributeValueMemberS{Value: "much"}}})
	must(t, err)
	s, err := w.run(t.Context(), w.options(), fn)
	if !errors.Is(err, ErrFailures) || s.Finished || s.Looked != 21 || s.Changed != 18 || len(s.Failures) != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	for i, says := range []string{"no such currency", "panicked: runtime error: index out of range", "decode accounts"} {
		if !strings.Contains(s.Failures[i].Reason, says) {
			t.Errorf("failure %d is %v, want %q", i, s.Failures[i], says)
		}
	}
	if !strings.Contains(s.Failures[1].Reason, "run_test.go:") {
		t.Errorf("the panic's place is missing: %v", s.Failures[1])
	}

	// The next run tries these three only, and what still fails stays.
	calls := 0
	broken = false
	counting := func(ctx context.Context, a account) ([]orm.Write, error) { calls++; return fn(ctx, a) }
	s, err = w.run(t.Context(), w.options(), counting)
	if !errors.Is(err, ErrFailures) || calls != 2 || s.Looked != 21 || s.Changed != 20 || len(s.Failures) != 1 {
		t.Fatalf("second run: %+v, %v, %d calls", s, err, calls)
	}
	// The odd one is gone by now.
	_, err = w.Memory.Do(t.Context(), orm.Action{Op: orm.OpDelete, Table: accounts.Schema(), Key: orm.Item{"id": &types.AttributeValueMemberS{Value: "odd"}}})
	must(t, err)
	s, err = w.run(t.Context(), w.options(), counting)
	if err != nil || !s.Finished || s.Looked != 21 || s.Changed != 20 || s.Skipped != 1 {
		t.Fatalf("third run: %+v, %v", s, err)
	}
}

func TestMaxFailures(t *testing.T) {
	w := newWorld(t, 50)
	o := w.options()
	o.MaxFailures = 3
	bad := func(context.Context, account) ([]orm.Write, error) { return nil, errors.New("bad") }
	s, err := w.run(t.Context(), o, bad)
	if !errors.Is(err, ErrFailures) || s.Looked != 3 || len(s.Failures) != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	// It does not go further before these are mended.
	if s, err = w.run(t.Context(), o, bad); !errors.Is(err, ErrFailures) || s.Looked != 3 || len(s.Failures) != 3 {
		t.Fatalf("second run: %+v, %v", s, err)
	}
	if s, err = w.run(t.Context(), o, toCents); err != nil || s.Changed != 50 {
		t.Fatalf("mended: %+v, %v", s, err)
	}
}

// What is no item's fault ends the run at the item, which is done by the next.
func TestOutage(t *testing.T) {
	for _, tt := range []struct {
		kind  orm.Kind
		tries int
	}{{orm.KindUnavailable, MaxTries}, {orm.KindThrottled, MaxTries}, {orm.KindDenied, 1}, {orm.KindNoTable, 1}} {
		w := newWorld(t, 5)
		tries := 0
		s, err := w.run(t.Context(), w.options(), func(ctx context.Context, a account) ([]orm.Write, error) {
			if w.kept.Segments[0].Looked == 0 && a.ID == id(2) {
				tries++
				return nil, &orm.Error{Kind: tt.kind, Op: "get", Table: "rates"}
			}
			return toCents(ctx, a)
		})
		if !errors.Is(err, tt.kind) || tries != tt.tries || len(s.Failures) > 0 || s.Finished {
			t.Errorf("%s: %+v, %v after %d tries", tt.kind, s, err, tries)
		}
		if s, err = w.run(t.Context(), w.options(), toCents); err != nil || s.Looked != 5 || len(w.wrong(t)) > 0 {
			t.Errorf("%s, next run: %+v, %v", tt.kind, s, err)
		}
	}
}

// A passing outage is waited for.
func TestPassingOutage(t *testing.T) {
	w := newWorld(t, 5)
	n := 0
	w.Memory.Before(func(c ormtest.Call) error {
		if n++; n%3 == 1 {
			return &orm.Error{Kind: orm.KindThrottled, Op: c.Op, Table: "accounts"}
		}
		return nil
	})
	if s, err := w.run(t.Context(), w.options(), toCents); err != nil || s.Looked != 5 || len(w.sleeps) == 0 {
		t.Fatalf("%+v, %v, %d waits", s, err, len(w.sleeps))
	}
	w.Memory.Before(nil)
	if wrong := w.wrong(t); len(wrong) > 0 {
		t.Errorf("not handled: %v", wrong)
	}
}

// Who stops a run in the middle of a slow item is told why it goes on.
func TestStoppingIsTold(t *testing.T) {
	w := newWorld(t, 5)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	told := make(signalled, 1)
	o := w.options()
	o.Terminal = true
	o.Progress = told
	s, err := w.run(ctx, o, func(ctx context.Context, a account) ([]orm.Write, error) {
		stop()
		told.wait(t)
		return toCents(ctx, a)
	})
	if !errors.Is(err, ErrStopped) || s.Changed != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	// A run that stops quickly, or was never stopped, says nothing.
	var out bytes.Buffer
	o.Progress = &out
	if s, err := w.run(t.Context(), o, toCents); err != nil || s.Changed != 5 || strings.Contains(out.String(), "in hand") {
		t.Errorf("%+v, %v:\n%s", s, err, &out)
	}
}

// signalled is a writer that tells when a run says that it stops.
type signalled chan struct{}

func (s signalled) Write(b []byte) (int, error) {
	if bytes.HasSuffix(b, []byte("to_cents: finishing the items in hand; Ctrl-C again ends at once\n")) {
		close(s)
	}
	return len(b), nil
}

func (s signalled) wait(t *testing.T) {
	select {
	case <-s:
	case <-time.After(10 * time.Second):
		t.Error("nothing is said")
	}
}

// Whoever looks on is told what is waited for: a throttled page here, and a
// throttled item.
func TestWaitingIsTold(t *testing.T) {
	w := newWorld(t, 5)
	left := map[string]int{"scan": 4, "do": 5}
	w.Memory.Before(func(c ormtest.Call) error {
		if left[c.Op] == 0 {
			return nil
		}
		left[c.Op]--
		must(t, w.clock.sleep(t.Context(), 3*time.Second))
		return &orm.Error{Kind: orm.KindThrottled, Op: c.Op, Table: "accounts"}
	})
	var out bytes.Buffer
	o := w.options()
	o.Progress, o.Terminal = &out, true
	if s, err := w.run(t.Context(), o, toCents); err != nil || s.Changed != 5 {
		t.Fatalf("%+v, %v", s, err)
	}
	for _, want := range []string{"\r\x1b[Kto_cents: throttled: try 5 of 8", "\r\x1b[Kto_cents: throttled: try 6 of 8"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, &out)
		}
	}
}

// The rate holds over the whole run, whatever the number of segments.
func TestRate(t *testing.T) {
	for _, segments := range []int{1, 4} {
		w := newWorld(t, 201)
		o := w.options()
		o.Rate, o.Segments = 50, segments
		began := w.clock.now()
		if _, err := w.run(t.Context(), o, toCents); err != nil {
			t.Fatal(err)
		}
		if took := w.clock.now().Sub(began); took < 4*time.Second {
			t.Errorf("%d segments: 201 items at 50 a second took %v, want 4s", segments, took)
		} else if segments == 1 && took > 4*time.Second {
			t.Errorf("it took %v, and the rate allows 4s", took)
		}
	}
}

// After a pause the bucket holds one second's items and no more.
func TestRateAfterAPause(t *testing.T) {
	c := &clock{t: time.Unix(0, 0)}
	l := newLimiter(Options{Rate: 10, Now: c.now, Sleep: c.sleep})
	must(t, c.sleep(t.Context(), time.Hour))
	began := c.now()
	for range 31 {
		must(t, l.wait(t.Context()))
	}
	if took := c.now().Sub(began); took != 2*time.Second {
		t.Errorf("31 items after a pause took %v, want 2s: 11 at once, 20 at 10 a second", took)
	}
}

func TestDryRun(t *testing.T) {
	w := newWorld(t, 3)
	var out bytes.Buffer
	o := w.options()
	o.DryRun, o.Output, o.Checkpoint = true, &out, filepath.Join(t.TempDir(), "x", "y.json")
	s, err := Run(t.Context(), "to_cents", accounts, toCents, o)
	if err != nil || s.Changed != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	if !strings.Contains(out.String(), "update accounts \"a1\": set cents = 200 if balance = 2\n") || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("it printed\n%s", &out)
	}
	if got := w.wrong(t); len(got) != 3 {
		t.Errorf("a dry run wrote: %v are untouched", got)
	}
	if _, err := os.Stat(filepath.Dir(o.Checkpoint)); !os.IsNotExist(err) {
		t.Errorf("a dry run left %v", err)
	}
}

// A whole run on files: the checkpoint is there, private, locked while it runs.
func TestRunKeepsAFile(t *testing.T) {
	w := newWorld(t, 9)
	o := w.options()
	o.Checkpoint, o.PageSize = filepath.Join(t.TempDir(), "local", "to_cents.json"), 2
	ctx, cancel := context.WithCancel(t.Context())
	var n atomic.Int64
	s, err := Run(ctx, "to_cents", accounts, func(ctx context.Context, a account) ([]orm.Write, error) {
		if n.Add(1) == 5 {
			if _, err := Run(t.Context(), "to_cents", accounts, toCents, o); !errors.Is(err, ErrRunning) {
				t.Errorf("a second run beside the first: %v, want %v", err, ErrRunning)
			}
			cancel()
		}
		return toCents(ctx, a)
	}, o)
	if !errors.Is(err, ErrStopped) || s.Looked != 5 {
		t.Fatalf("%+v, %v", s, err)
	}
	info, err := os.Stat(o.Checkpoint)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the checkpoint has mode %v", info.Mode())
	}
	s, err = Run(t.Context(), "to_cents", accounts, toCents, o)
	if err != nil || !s.Finished || s.Looked != 9 {
		t.Fatalf("%+v, %v", s, err)
	}
	if wrong := w.wrong(t); len(wrong) > 0 {
		t.Errorf("not handled: %v", wrong)
	}
}

func TestCheckpointThatDoesNotFit(t *testing.T) {
	good := state{Name: "to_cents", Deployment: "test", Table: "accounts", Hash: "id", Segments: make([]segment, 2)}
	for name, change := range map[string]func(*state, *Options){
		"migration":                 func(s *state, _ *Options) { s.Name = "other" },
		"deployment":                func(s *state, _ *Options) { s.Deployment = "prod" },
		"table":                     func(s *state, _ *Options) { s.Table = "users" },
		"key":                       func(s *state, _ *Options) { s.Sort = "when" },
		"segments":                  func(_ *state, o *Options) { o.Segments = 3 },
		"another table of the name": func(s *state, o *Options) { s.TableID, o.TableID = "7f3c", "8a4d" },
		"no segments":               func(s *state, _ *Options) { s.Segments = nil },
	} {
		w := newWorld(t, 1)
		o := w.options()
		s := good.clone()
		change(s, &o)
		w.kept = s
		if _, err := w.run(t.Context(), o, toCents); !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), "--restart") {
			t.Errorf("%s: %v", name, err)
		}
		o.Restart, o.Segments = true, 0
		if _, err := w.run(t.Context(), o, toCents); err != nil {
			t.Errorf("%s, restart: %v", name, err)
		}
	}
}

// The checkpoint knows the table by its id from the run on that first knew it.
func TestCheckpointKnowsTheTable(t *testing.T) {
	w := newWorld(t, 3)
	o := w.options()
	bad := func(context.Context, account) ([]orm.Write, error) { return nil, errors.New("bad") }
	if _, err := w.run(t.Context(), o, bad); !errors.Is(err, ErrFailures) || w.kept.TableID != "" {
		t.Fatalf("%v, %+v", err, w.kept)
	}
	for _, known := range []string{"7f3c", ""} {
		o.TableID = known
		if _, err := w.run(t.Context(), o, toCents); err != nil || w.kept.TableID != "7f3c" {
			t.Errorf("id %q: %v, %+v", known, err, w.kept)
		}
	}
	o.TableID = "8a4d" // deleted, and made anew
	if _, err := w.run(t.Context(), o, toCents); !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), "made anew") {
		t.Errorf("a migration that has finished on another table: %v", err)
	}
}

func TestOptions(t *testing.T) {
	w := newWorld(t, 0)
	ok := w.options()
	for says, change := range map[string]func(*Options){
		"Options.Store is missing":      func(o *Options) { o.Store = nil },
		"Options.Checkpoint is missing": func(o *Options) { o.Checkpoint = "" },
		"a rate of 0.0001 items":        func(o *Options) { o.Rate = 0.0001 },
		"-1 segments":                   func(o *Options) { o.Segments = -1 },
		"a page of -1 items":            func(o *Options) { o.PageSize = -1 },
		"at most -1 failures":           func(o *Options) { o.MaxFailures = -1 },
	} {
		o := ok
		change(&o)
		if _, err := Run(t.Context(), "to_cents", accounts, toCents, o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if _, err := Run(t.Context(), "../x", accounts, toCents, ok); err == nil || !strings.Contains(err.Error(), `"../x"`) {
		t.Errorf("a name that is a path: %v", err)
	}
	if _, err := Run(t.Context(), "x", orm.Define[int, string]("bad"), nil, ok); !errors.Is(err, orm.KindDefinition) {
		t.Errorf("a wrong table: %v", err)
	}
	if _, err := Run(t.Context(), "x", accounts, nil, ok); err == nil {
		t.Error("no function is allowed")
	}
}

func must(t fataler, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
