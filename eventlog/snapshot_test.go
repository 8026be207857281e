package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

var tallySnapshots = eventlog.Snapshots[tally]{Name: "tally", Version: 2, Every: 5}

// snapped is a log whose reads of streams are counted and whose warnings are kept.
type snapped struct {
	*eventlog.Log
	store *ormtest.Memory
	logs  bytes.Buffer
	now   time.Time
	read  int // events of streams
}

func newSnapped() *snapped {
	f := &snapped{store: ormtest.New(), now: start}
	f.Log = eventlog.New(counting{f.store, f}, eventlog.Options{Source: "shop",
		Now:    func() time.Time { f.now = f.now.Add(time.Second); return f.now },
		Logger: slog.New(slog.NewTextHandler(&f.logs, nil)),
	})
	return f
}

type counting struct {
	*ormtest.Memory
	f *snapped
}

func (c counting) Query(ctx context.Context, r *orm.QueryRequest) (*orm.Page, error) {
	p, err := c.Memory.Query(ctx, r)
	if err == nil && !r.Descending {
		c.f.read += len(p.Items)
	}
	return p, err
}

func (f *snapped) add(t testing.TB, n int) {
	t.Helper()
	for range n {
		if _, err := f.Commit(context.Background(), one("order/1", event.Append)); err != nil {
			t.Fatal(err)
		}
	}
}

// load loads the stream with snapshots, holds the result against a load without
// any, and returns how many events were read.
func (f *snapped) load(t testing.TB, s eventlog.Snapshots[tally]) int {
	t.Helper()
	ctx := context.Background()
	want, wantVersion, err := eventlog.Load(ctx, f.Log, "order/1", tallies)
	if err != nil {
		t.Fatal(err)
	}
	f.read = 0
	got, version, err := eventlog.Load(ctx, f.Log, "order/1", tallies, s)
	if err != nil || got != want || version != wantVersion {
		t.Fatalf("got %+v at %d, %v; want %+v at %d", got, version, err, want, wantVersion)
	}
	return f.read
}

func (f *snapped) snapshot(t testing.TB) (eventlog.StateItem, bool) {
	t.Helper()
	s, err := eventlog.State.Get(context.Background(), f.store, eventlog.SnapshotKey("tally", "order/1"))
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		t.Fatal(err)
	}
	return s, err == nil
}

func TestSnapshots(t *testing.T) {
	f := newSnapped()
	steps := []struct{ add, read, position int }{
		{0, 0, 0},
		{4, 4, 0},  // too few
		{1, 5, 5},  // saved
		{0, 1, 5},  // read from there: the event that it was made at
		{4, 5, 5},  // too few since
		{3, 8, 12}, // saved again
		{0, 1, 12},
	}
	for i, s := range steps {
		f.add(t, s.add)
		if got := f.load(t, tallySnapshots); got != s.read {
			t.Errorf("step %d: %d events were read, want %d", i, got, s.read)
		}
		snap, ok := f.snapshot(t)
		if ok != (s.position > 0) || int(snap.Position) != s.position {
			t.Errorf("step %d: snapshot at %d, want %d", i, snap.Position, s.position)
		}
	}
	if snap, _ := f.snapshot(t); snap.Kind != eventlog.StateSnapshot || snap.ExpiresAt != 0 {
		t.Errorf("got %+v", snap)
	}

	if err := tallySnapshots.Forget(context.Background(), f.Log, "order/1"); err != nil {
		t.Fatal(err)
	}
	if _, ok := f.snapshot(t); ok {
		t.Error("it is not forgotten")
	}
	if err := tallySnapshots.Forget(context.Background(), f.Log, "order/1"); err != nil {
		t.Errorf("forgotten twice: %v", err)
	}
	if got := f.load(t, tallySnapshots); got != 12 {
		t.Errorf("%d events were read, want all", got)
	}
	if f.logs.Len() > 0 {
		t.Errorf("warnings: %s", &f.logs)
	}
}

// Another version of the fold is as none, in both directions, and silent: it is
// what every deployment does.
func TestSnapshotOfAnotherVersion(t *testing.T) {
	f := newSnapped()
	newer := tallySnapshots
	newer.Version++
	f.add(t, 6)
	for i, s := range []eventlog.Snapshots[tally]{tallySnapshots, newer, tallySnapshots} {
		if got := f.load(t, s); got != 6 {
			t.Errorf("load %d: %d events were read, want all", i, got)
		}
		if got := f.load(t, s); got != 1 {
			t.Errorf("load %d, again: %d events were read, want the last", i, got)
		}
	}
	if f.logs.Len() > 0 {
		t.Errorf("warnings: %s", &f.logs)
	}
}

// A snapshot that cannot be used is ignored with a warning, and replaced.
func TestSnapshotDamaged(t *testing.T) {
	for name, change := range map[string]func(*eventlog.StateItem){
		"no JSON":           func(s *eventlog.StateItem) { s.Data = s.Data[:10] },
		"empty":             func(s *eventlog.StateItem) { s.Data = "" },
		"other state":       func(s *eventlog.StateItem) { s.Data = strings.Replace(s.Data, `"sum":106`, `"sum":"x"`, 1) },
		"no position":       func(s *eventlog.StateItem) { s.Position = 0 },
		"beyond the stream": func(s *eventlog.StateItem) { s.Position = 7 },
		"far beyond it":     func(s *eventlog.StateItem) { s.Position = 1 << 40 },
		"of another past":   func(s *eventlog.StateItem) { s.Position = 3 },
	} {
		t.Run(name, func(t *testing.T) {
			f := newSnapped()
			f.add(t, 6)
			f.load(t, tallySnapshots)
			good, ok := f.snapshot(t)
			if !ok {
				t.Fatal("no snapshot")
			}
			bad := good
			change(&bad)
			if bad == good {
				t.Fatalf("nothing is changed: %+v", good)
			}
			if err := orm.Exec(context.Background(), f.store, eventlog.State.Put(bad)); err != nil {
				t.Fatal(err)
			}
			f.load(t, tallySnapshots) // holds the result against a load without
			if !strings.Contains(f.logs.String(), "snapshot ignored") || !strings.Contains(f.logs.String(), "stream=order/1") {
				t.Errorf("no warning: %s", &f.logs)
			}
			if mended, _ := f.snapshot(t); mended != good {
				t.Errorf("got %+v, want %+v", mended, good)
			}
		})
	}
}

// Whatever happens to snapshots, a load is right.
func TestSnapshotTrouble(t *testing.T) {
	denied := &orm.Error{Kind: orm.KindDenied, Op: "get", Table: "state"}
	for _, op := range []string{"get", "do"} {
		f := newSnapped()
		f.add(t, 6)
		f.store.Before(func(c ormtest.Call) error {
			if c.Op == op && c.Table() == "state" {
				return denied
			}
			return nil
		})
		f.load(t, tallySnapshots)
		if want := map[string]string{"get": "snapshot ignored", "do": "snapshot not saved"}[op]; !strings.Contains(f.logs.String(), want) {
			t.Errorf("%s: no warning that says %q: %s", op, want, &f.logs)
		}
	}

	t.Run("too large", func(t *testing.T) {
		f := newSnapped()
		f.add(t, 5)
		big := eventlog.Fold[string]{New: func() string { return "" }, Apply: func(s string, _ event.Envelope) (string, error) { return s + strings.Repeat("x", 100_000), nil }}
		got, _, err := eventlog.Load(context.Background(), f.Log, "order/1", big, eventlog.Snapshots[string]{Name: "tally", Version: 1, Every: 1})
		if err != nil || len(got) != 500_000 || !strings.Contains(f.logs.String(), "at most") {
			t.Errorf("got %d bytes, %v, %s", len(got), err, &f.logs)
		}
	})
	t.Run("not JSON", func(t *testing.T) {
		f := newSnapped()
		f.add(t, 1)
		nan := eventlog.Fold[float64]{New: math.NaN, Apply: func(s float64, _ event.Envelope) (float64, error) { return s, nil }}
		if _, version, err := eventlog.Load(context.Background(), f.Log, "order/1", nan, eventlog.Snapshots[float64]{Name: "tally", Version: 1, Every: 1}); err != nil || version != 1 || !strings.Contains(f.logs.String(), "not saved") {
			t.Errorf("got %d, %v, %s", version, err, &f.logs)
		}
	})
	t.Run("a failing stream", func(t *testing.T) {
		f := newSnapped()
		f.add(t, 6)
		f.load(t, tallySnapshots)
		f.store.Before(func(c ormtest.Call) error {
			if c.Op == "query" {
				return errThrottled
			}
			return nil
		})
		if _, _, err := eventlog.Load(context.Background(), f.Log, "order/1", tallies, tallySnapshots); !errors.Is(err, orm.KindThrottled) {
			t.Errorf("got %v", err)
		}
	})
}

// A load that began earlier and ends later does not take a snapshot back.
func TestSnapshotGoesForward(t *testing.T) {
	f := newSnapped()
	f.add(t, 6)
	done := false
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "do" && !done {
			done = true
			f.add(t, 6)
			if _, _, err := eventlog.Load(context.Background(), f.Log, "order/1", tallies, tallySnapshots); err != nil {
				t.Error(err)
			}
		}
		return nil
	})
	if _, version, err := eventlog.Load(context.Background(), f.Log, "order/1", tallies, tallySnapshots); err != nil || version != 6 {
		t.Fatalf("at %d, %v", version, err)
	}
	if s, _ := f.snapshot(t); s.Position != 12 || f.logs.Len() > 0 {
		t.Errorf("snapshot at %d, want 12; %s", s.Position, &f.logs)
	}
}

func TestSnapshotsRefused(t *testing.T) {
	f := newFixture()
	ctx := context.Background()
	for name, s := range map[string]eventlog.Snapshots[tally]{
		"no name":    {Version: 1, Every: 1},
		"a slash":    {Name: "a/b", Version: 1, Every: 1},
		"no version": {Name: "a", Every: 1},
		"never":      {Name: "a", Version: 1},
	} {
		if _, _, err := eventlog.Load(ctx, f.Log, "order/1", tallies, s); err == nil || s.Forget(ctx, f.Log, "order/1") == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := tallySnapshots.Forget(ctx, f.Log, "order"); !errors.Is(err, event.KindInvalid) {
		t.Errorf("got %v, want kind %q", err, event.KindInvalid)
	}
	type private struct{ n int }
	type embedded struct {
		tally
		At time.Time
	}
	type deep struct{ M map[string][]*private }
	type cyclic struct{ Next *cyclic }
	type left struct {
		n int `json:"-"`
	}
	for want, err := range map[string]error{
		"private.n":   eventlog.Snapshots[private]{Name: "a", Version: 1, Every: 1}.Err(),
		"deep.M.n":    eventlog.Snapshots[deep]{Name: "a", Version: 1, Every: 1}.Err(),
		"error":       eventlog.Snapshots[error]{Name: "a", Version: 1, Every: 1}.Err(),
		"Snapshots.N": eventlog.Snapshots[int]{Name: "A", Version: 1, Every: 1}.Err(),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error naming %s", err, want)
		}
	}
	for _, err := range []error{
		eventlog.Snapshots[embedded]{Name: "a", Version: 1, Every: 1}.Err(),
		eventlog.Snapshots[cyclic]{Name: "a", Version: 1, Every: 1}.Err(),
		eventlog.Snapshots[*tally]{Name: "a", Version: 1, Every: 1}.Err(),
		eventlog.Snapshots[left]{Name: "a", Version: 1, Every: 1}.Err(),
		eventlog.Snapshots[time.Time]{Name: "a", Version: 1, Every: 1}.Err(),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	_ = private{}.n + left{}.n
}

func TestSnapshotsParallel(t *testing.T) {
	f := newFixture()
	ctx := context.Background()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if _, err := f.Commit(ctx, one("order/1", event.Append)); err != nil {
					t.Error(err)
				}
				got, version, err := eventlog.Load(ctx, f.Log, "order/1", tallies, tallySnapshots)
				if err != nil || int64(got.Sum) != 100+version {
					t.Errorf("got %+v at %d, %v", got, version, err)
				}
			}
		})
	}
	wg.Wait()
}

// Random commits, loads with snapshots of several versions, and damage: each load
// is what a load without snapshots is.
func TestSnapshotsModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := context.Background()
		f := newSnapped()
		fail := rapid.SampledFrom([]string{"", "", "get", "do"}).Draw(t, "failing")
		f.store.Before(func(c ormtest.Call) error {
			if c.Op == fail && c.Table() == "state" {
				return errThrottled
			}
			return nil
		})
		f.store.After(func(c ormtest.Call) error {
			if c.Op == "do" && rapid.IntRange(0, 3).Draw(t, "answer lost") == 0 {
				return errLost
			}
			return nil
		})
		sum, seen, version := 100, "", int64(0)
		t.Repeat(map[string]func(*rapid.T){
			"commit": func(t *rapid.T) {
				def, sign, letter := orderPlaced, 1, "p"
				if rapid.Bool().Draw(t, "shipped") {
					def, sign, letter = orderShipped, -1, "s"
				}
				n := rapid.IntRange(0, 9).Draw(t, "n")
				if _, err := f.Commit(ctx, eventlog.Changes{Events: []event.Record{def.At("order/1", event.Expect(version)).Record(placed{n})}}); err != nil {
					t.Fatal(err)
				}
				sum, seen, version = sum+sign*n, seen+fmt.Sprintf("%s%d ", letter, n), version+1
			},
			"load": func(t *rapid.T) {
				s := eventlog.Snapshots[tally]{Name: "tally", Version: rapid.IntRange(1, 2).Draw(t, "version"), Every: int64(rapid.IntRange(1, 4).Draw(t, "every"))}
				got, at, err := eventlog.Load(ctx, f.Log, "order/1", tallies, s)
				if err != nil || got != (tally{sum, seen}) || at != version {
					t.Fatalf("got %+v at %d, %v; want %d, %s at %d", got, at, err, sum, seen, version)
				}
			},
			"forget": func(t *rapid.T) {
				if err := tallySnapshots.Forget(ctx, f.Log, "order/1"); err != nil && fail == "" && !errors.Is(err, orm.KindUnavailable) {
					t.Fatal(err)
				}
			},
		})
	})
}
