package settings_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/settings"
)

func TestDefaults(t *testing.T) {
	f := newFixture(t)
	for _, r := range []*settings.Reader{f.reader, nil} {
		want(t, maxItems, r, 100)
		want(t, enabled, r, true)
		want(t, share, r, 0.5)
		want(t, greeting, r, "hello")
		want(t, window, r, time.Hour)
		want(t, way, r, "fast")
		if b, err := bounds.Get(t.Context(), r); err != nil || b.Most != 3 || !slices.Equal(b.Names, []string{"a"}) {
			t.Errorf("bounds are %+v, %v", b, err)
		}
	}
	if n := f.asked(); n != 7 {
		t.Errorf("%d reads, want one a setting", n)
	}
}

// A change is seen when what is known is too old, and not before.
func TestChange(t *testing.T) {
	f := newFixture(t)
	want(t, maxItems, f.reader, 100)
	f.put("max_items", "7")
	f.clock.pass(settings.DefaultMaxAge - 1)
	f.asked()
	want(t, maxItems, f.reader, 100)
	if n := f.asked(); n != 0 {
		t.Errorf("%d reads of what is known", n)
	}
	f.clock.pass(1)
	want(t, maxItems, f.reader, 7)
	want(t, maxItems, f.reader, 7)
	if n := f.asked(); n != 1 {
		t.Errorf("%d reads, want 1", n)
	}
	f.put("max_items", "") // taken back
	f.clock.pass(settings.DefaultMaxAge)
	want(t, maxItems, f.reader, 100)
	if stored, err := settings.Read(t.Context(), f.store, "max_items"); err != nil || stored.Version != 2 || stored.Value != nil {
		t.Errorf("stored is %+v, %v", stored, err)
	}
	// A clock that is set back does not make a value current for long.
	f.put("max_items", "8")
	f.clock.pass(-time.Hour)
	want(t, maxItems, f.reader, 8)
}

func TestMaxAge(t *testing.T) {
	f := newFixture(t)
	quick := settings.NewReader(f.store, settings.Options{MaxAge: time.Second})
	want(t, enabled, quick, true)
	f.put("enabled", "false")
	f.clock.pass(time.Second)
	want(t, enabled, quick, false)
}

// While the table does not answer, what was read last holds.
func TestOutage(t *testing.T) {
	f := newFixture(t)
	f.put("max_items", "7")
	want(t, maxItems, f.reader, 7)
	down := &orm.Error{Kind: orm.KindUnavailable, Op: "get", Table: "state", Err: errors.New("no answer")}
	f.failing(down)
	f.clock.pass(settings.DefaultMaxAge)
	f.asked()
	for range 3 {
		want(t, maxItems, f.reader, 7)
	}
	if n := f.asked(); n != 1 {
		t.Errorf("%d reads of a table that does not answer, want 1", n)
	}
	f.clock.pass(5 * time.Second)
	want(t, maxItems, f.reader, 7)
	if n := f.asked(); n != 1 {
		t.Errorf("%d reads five seconds later, want 1", n)
	}
	if n := f.logged("cannot be read: what it was goes on to hold"); n != 1 {
		t.Errorf("%d lines in the log, want one for the outage", n)
	}
	if n := f.counted(settings.MetricStale); n != 2 {
		t.Errorf("counted %d, want both reads", n)
	}
	// What was never read in this process is an error, and no default.
	if v, err := enabled.Get(t.Context(), f.reader); !errors.Is(err, settings.KindRead) || !errors.Is(err, orm.KindUnavailable) || v {
		t.Errorf("never read: %v, %v", v, err)
	}
	f.failing(nil)
	f.put("max_items", "8")
	f.clock.pass(5 * time.Second)
	want(t, maxItems, f.reader, 8)
	want(t, enabled, f.reader, true)
	if n := f.logged("can be read again"); n != 1 {
		t.Errorf("%d lines about the end of the outage, want 1", n)
	}
	// The next outage is told again.
	f.failing(down)
	f.clock.pass(settings.DefaultMaxAge)
	want(t, maxItems, f.reader, 8)
	if n := f.logged("goes on to hold"); n != 1 {
		t.Errorf("%d lines about the second outage, want 1", n)
	}
}

// A role that does not allow the read is told what is missing.
func TestDenied(t *testing.T) {
	f := newFixture(t)
	f.failing(&orm.Error{Kind: orm.KindDenied, Op: "get", Table: "state", Err: errors.New("not authorized")})
	if _, err := maxItems.Get(t.Context(), f.reader); !errors.Is(err, orm.KindDenied) || !strings.Contains(err.Error(), "bus.ReadsSettings") {
		t.Errorf("error is %v", err)
	}
}

// What is stored and cannot be used stops nothing.
func TestUnusable(t *testing.T) {
	for _, bad := range []string{`-1`, `"many"`, `null`, `7.5`, `{}`, `99999999999999999999`} {
		t.Run(bad, func(t *testing.T) {
			f := newFixture(t)
			f.put("max_items", bad)
			want(t, maxItems, f.reader, 100) // nothing was good before
			f.put("max_items", "7")
			f.clock.pass(settings.DefaultMaxAge)
			want(t, maxItems, f.reader, 7)
			f.log.Reset()
			f.lines.Reset()
			f.put("max_items", bad)
			for range 3 {
				f.clock.pass(settings.DefaultMaxAge)
				want(t, maxItems, f.reader, 7)
			}
			if n := f.logged("cannot be used"); n != 1 {
				t.Errorf("%d lines in the log, want one for the value", n)
			}
			if n := f.counted(settings.MetricInvalid); n != 3 {
				t.Errorf("counted %d, want each read", n)
			}
			f.put("max_items", bad) // another change that is as bad
			f.clock.pass(settings.DefaultMaxAge)
			want(t, maxItems, f.reader, 7)
			if n := f.logged("cannot be used"); n != 1 {
				t.Errorf("%d lines about the second value, want 1", n)
			}
		})
	}
}

// An object that an older program has stored lacks the newer fields: they are zero, and
// not the default's, of which an absent field may be a part that was taken out.
func TestOlderObject(t *testing.T) {
	f := newFixture(t)
	f.put("bounds", `{"most":5}`)
	if b, err := bounds.Get(t.Context(), f.reader); err != nil || b.Most != 5 || b.Names != nil || b.Rates != nil {
		t.Errorf("bounds are %+v, %v", b, err)
	}
	// Where the check does not take it, the whole default holds.
	f.put("bounds", `{"names":["x"]}`)
	r := settings.NewReader(f.store, settings.Options{Logger: f.logger()})
	if b, err := bounds.Get(t.Context(), r); err != nil || b.Most != 3 || !slices.Equal(b.Names, []string{"a"}) || f.logged("most is missing") != 1 {
		t.Errorf("bounds are %+v, %v", b, err)
	}
}

// An item that somebody has spoilt stops nothing either.
func TestSpoiltItem(t *testing.T) {
	f := newFixture(t)
	if err := orm.Exec(t.Context(), f.store, eventlog.State.Put(eventlog.StateItem{Key: eventlog.SettingKey("greeting"), Kind: eventlog.StateSetting, Data: "{", Position: 3})); err != nil {
		t.Fatal(err)
	}
	want(t, greeting, f.reader, "hello")
	if f.logged("cannot be used") != 1 || f.counted(settings.MetricInvalid) != 1 {
		t.Error("nobody is told")
	}
	if s, err := settings.Read(t.Context(), f.store, "greeting"); err != nil || s.Version != 3 || s.Problem == "" {
		t.Errorf("read %+v, %v, want the version and the problem", s, err)
	}
}

// What panics in a check is a value that cannot be used, for the program goes on.
func TestCheckPanics(t *testing.T) {
	f := newFixture(t)
	touchy := settings.Define("touchy", "x", 1, settings.Check(func(n int) error {
		if n == 2 {
			panic("two")
		}
		return nil
	}))
	f.put("touchy", "2")
	want(t, touchy, f.reader, 1)
	if f.logged("panicked: two") != 1 {
		t.Error("nobody is told")
	}
}

// An object is the caller's own: what he does to it, nobody else sees.
func TestObjectIsNotShared(t *testing.T) {
	f := newFixture(t)
	for _, stored := range []string{"", `{"most":5,"names":["x"],"rates":{"a":"1"},"later":true}`} {
		if stored != "" {
			f.put("bounds", stored)
			f.clock.pass(settings.DefaultMaxAge)
		}
		first, err := bounds.Get(t.Context(), f.reader)
		if err != nil {
			t.Fatal(err)
		}
		name := first.Names[0]
		first.Names[0] = "spoilt"
		if second, err := bounds.Get(t.Context(), f.reader); err != nil || second.Names[0] != name {
			t.Errorf("names are %v (%v), want %s", second.Names, err, name)
		}
	}
}

// Who asks at once causes one read, and who gives up does not spoil it for others.
func TestOneRead(t *testing.T) {
	f := newFixture(t)
	f.put("max_items", "7")
	arrived, release := make(chan struct{}, 10), make(chan struct{})
	f.store.Before(func(c ormtest.Call) error {
		if c.Get != nil {
			arrived <- struct{}{}
			<-release
		}
		return nil
	})
	impatient, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	results := make(chan string, 20)
	ask := func(ctx context.Context) {
		wg.Go(func() {
			v, err := maxItems.Get(ctx, f.reader)
			results <- fmt.Sprint(v, " ", err)
		})
	}
	ask(t.Context()) // it reads
	<-arrived
	for range 10 {
		ask(t.Context())
	}
	ask(impatient)
	cancel()
	if got := <-results; got != "0 context canceled" {
		t.Errorf("who gave up heard %s", got)
	}
	close(release)
	wg.Wait()
	close(results)
	n := 0
	for got := range results {
		if n++; got != "7 <nil>" {
			t.Errorf("heard %s", got)
		}
	}
	if n != 11 || len(arrived) != 0 {
		t.Errorf("%d answers, and %d reads more than one", n, len(arrived))
	}
}

// When the one who reads gives up, another who waits reads in his place, and nobody
// takes it for an outage.
func TestReaderGivesUp(t *testing.T) {
	f := newFixture(t)
	f.put("max_items", "7")
	arrived := make(chan struct{}, 2)
	reading, cancel := context.WithCancel(t.Context())
	f.store.Before(func(c ormtest.Call) error {
		if c.Get == nil {
			return nil
		}
		arrived <- struct{}{}
		if reading.Err() == nil {
			<-reading.Done()
			return &orm.Error{Kind: orm.KindUnavailable, Op: "get", Table: "state", Err: reading.Err()}
		}
		return nil
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := maxItems.Get(reading, f.reader); !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up heard %v", err)
		}
	})
	<-arrived
	wg.Go(func() { want(t, maxItems, f.reader, 7) })
	cancel()
	wg.Wait()
	if f.logged("cannot be read") != 0 || f.counted(settings.MetricStale) != 0 {
		t.Error("it was taken for an outage")
	}
}

// A table that does not answer in time is one that does not answer.
func TestTimeout(t *testing.T) {
	f := newFixture(t)
	slow := settings.NewReader(&hanging{Reader: f.store}, settings.Options{Timeout: time.Millisecond})
	if _, err := maxItems.Get(t.Context(), slow); !errors.Is(err, settings.KindRead) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

// hanging answers no read before its context ends.
type hanging struct{ orm.Reader }

func (h *hanging) Get(ctx context.Context, _ *orm.GetRequest) (orm.Item, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Many ask while values change, for the race detector.
func TestConcurrent(t *testing.T) {
	f := newFixture(t)
	f.reader = settings.NewReader(f.store, settings.Options{MaxAge: time.Nanosecond, Metrics: f.lines, Logger: f.logger()})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 50 {
				f.clock.pass(time.Millisecond)
				if n, err := maxItems.Get(t.Context(), f.reader); err != nil || n < 0 {
					t.Errorf("%d, %v", n, err)
				}
				if b, err := bounds.Get(t.Context(), f.reader); err != nil || b.Most < 1 {
					t.Errorf("%+v, %v", b, err)
				} else if len(b.Names) > 0 {
					b.Names[0] = fmt.Sprint(i)
				}
			}
		})
	}
	for i := range 50 {
		f.put("max_items", fmt.Sprint(i-10)) // some are refused
		f.put("bounds", fmt.Sprintf(`{"most":%d,"names":["x"]}`, i))
	}
	wg.Wait()
}

// TestStores: what is stored is the same in memory and in an engine.
func TestStores(t *testing.T) {
	for name, store := range map[string]func(*testing.T) orm.Store{
		"memory": func(*testing.T) orm.Store { return ormtest.New() },
		"engine": func(t *testing.T) orm.Store { return ormtest.StartEngine(t).Store(t, eventlog.State) },
	} {
		t.Run(name, func(t *testing.T) {
			s := store(t)
			quick := settings.NewReader(s, settings.Options{MaxAge: time.Nanosecond})
			want(t, window, quick, time.Hour)
			for _, value := range []string{`"90s"`, `"1h30m0s"`} {
				put(t, s, "window", value)
			}
			want(t, window, quick, 90*time.Minute)
			stored, err := settings.Read(t.Context(), s, "window")
			if err != nil || stored.Version != 2 || string(stored.Value) != `"1h30m0s"` {
				t.Fatalf("stored is %+v, %v", stored, err)
			}
			// Who has read an older version does not overwrite a newer one.
			for _, version := range []int64{0, 1, 3} {
				w, err := settings.Change("window", settings.Stored{Version: version, Value: json.RawMessage(`"2s"`)})
				if err != nil {
					t.Fatal(err)
				}
				if err := orm.Exec(t.Context(), s, w); !errors.Is(err, orm.KindConditionFailed) {
					t.Errorf("a change of version %d: %v", version, err)
				}
			}
			put(t, s, "enabled", "false")
			all, err := settings.ReadAll(t.Context(), s, []string{"enabled", "never", "window"})
			if err != nil || len(all) != 3 || string(all[0].Value) != "false" || all[1].Version != 0 || all[2].Version != 2 {
				t.Errorf("read %+v, %v", all, err)
			}
		})
	}
}

func TestFromEnv(t *testing.T) {
	env := map[string]string{names.EnvApplication: "shop", names.EnvDeployment: "dev"}
	store := ormtest.New()
	r, err := settings.FromEnv(func(name string) string { return env[name] }, store, settings.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want(t, maxItems, r, 100)
	if _, err := settings.FromEnv(func(string) string { return "" }, store, settings.Options{}); err == nil || !strings.Contains(err.Error(), names.EnvDeployment) {
		t.Errorf("an empty environment: %v", err)
	}
}

func BenchmarkGet(b *testing.B) {
	r := settings.NewReader(ormtest.New(), settings.Options{MaxAge: time.Hour})
	b.ReportAllocs()
	for b.Loop() {
		if n, err := maxItems.Get(b.Context(), r); err != nil || n != 100 {
			b.Fatal(n, err)
		}
	}
}
