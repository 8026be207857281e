package timers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/timers"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type due struct {
	N int `json:"n"`
}

var reminded = event.Define[due]("order.reminded")

var start = time.Date(2026, 11, 21, 5, 47, 19, 0, time.UTC)

// fixture is the handler on a log in memory, with the clock under control.
type fixture struct {
	*timers.Timers
	log     *eventlog.Log
	store   *ormtest.Memory
	now     time.Time
	logs    bytes.Buffer
	metrics bytes.Buffer
}

func newFixture() *fixture {
	var id atomic.Int64
	f := &fixture{store: ormtest.New(), now: start}
	f.log = eventlog.New(f.store, eventlog.Options{
		Source: "shop",
		Now:    func() time.Time { return f.now },
		NewID:  func() string { return fmt.Sprint("c", id.Add(1)) },
		Jitter: func(d time.Duration) time.Duration { return d },
		Sleep:  func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	f.Timers = timers.New(timers.Options{
		Log: f.log, Application: "shop", Deployment: "test", Concurrency: 1,
		Logger: slog.New(slog.NewJSONHandler(&f.logs, nil)), Metrics: &f.metrics,
		Now: func() time.Time { return f.now },
	})
	return f
}

// set commits timers that are due so long after the start, each with a number.
func (f *fixture) set(t testing.TB, stream string, after ...time.Duration) {
	t.Helper()
	for i, d := range after {
		_, err := f.log.PublishAt(context.Background(), fmt.Sprintf("%s/%d", stream, i), start.Add(d), reminded.At(stream, event.Append).Record(due{i}))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// numbers are those of the events of a stream, in order.
func (f *fixture) numbers(t interface{ Fatal(...any) }, stream string) (all []int) {
	for e, err := range f.log.Stream(context.Background(), stream, 1) {
		if err != nil {
			t.Fatal(err)
		}
		d, err := reminded.Decode(e)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d.Data.N)
	}
	return all
}

func (f *fixture) handle(t testing.TB, want timers.Answer) {
	t.Helper()
	got, err := f.Handle(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got.Fired != want.Fired || got.Gone != want.Gone || got.Failed != want.Failed || got.Left != want.Left {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

func lines(t *testing.T, b *bytes.Buffer) (all []map[string]any) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewReader(b.Bytes())); d.More(); {
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

func TestNothingDue(t *testing.T) {
	f := newFixture()
	f.set(t, "order/1", time.Nanosecond)
	f.handle(t, timers.Answer{})
	if f.logs.Len() > 0 || f.metrics.Len() > 0 {
		t.Errorf("logs %s, metrics %s: there is nothing to say", &f.logs, &f.metrics)
	}
}

func TestFires(t *testing.T) {
	f := newFixture()
	f.set(t, "order/1", time.Minute)
	f.now = start.Add(time.Minute + 1500*time.Millisecond)
	f.handle(t, timers.Answer{Fired: 1})
	if got := f.numbers(t, "order/1"); !slices.Equal(got, []int{0}) {
		t.Errorf("events %v", got)
	}
	const want = `{"Application":"shop","Deployment":"test","TimersFired":1,"TimerLag":1500,"_aws":{"Timestamp":1795240100500,` +
		`"CloudWatchMetrics":[{"Namespace":"Vinci","Dimensions":[["Application","Deployment"]],"Metrics":[{"Name":"TimersFired","Unit":"Count"},{"Name":"TimerLag","Unit":"Milliseconds"}]}]}}` + "\n"
	if f.metrics.String() != want {
		t.Errorf("metrics\n%s\nwant\n%s", &f.metrics, want)
	}
	l := lines(t, &f.logs)
	if len(l) != 1 || l[0]["level"] != "INFO" || l[0]["timer_id"] != "order/1/0" || l[0]["event_id"] != "order/1@1" || l[0]["lag_ms"] != 1500.0 || l[0]["correlation_id"] == "" {
		t.Errorf("logs %v", l)
	}
	f.handle(t, timers.Answer{})
}

// After an outage all that was due comes, in the order of the due times.
func TestAfterAnOutage(t *testing.T) {
	f := newFixture()
	var after []time.Duration
	for i := range 200 {
		after = append(after, time.Duration(i*7919%200)*time.Minute) // each minute once, in no order
	}
	f.set(t, "order/1", after...)
	f.now = start.Add(199 * time.Minute)
	f.handle(t, timers.Answer{Fired: 200})
	got := f.numbers(t, "order/1")
	if len(got) != 200 || !slices.IsSortedFunc(got, func(a, b int) int { return int(after[a] - after[b]) }) {
		t.Errorf("%d events, not in the order of the due times: %v", len(got), got)
	}
	if m := lines(t, &f.metrics); len(m) != 1 || m[0][timers.MetricLag] != float64((199*time.Minute).Milliseconds()) {
		t.Errorf("metrics %v", m)
	}
}

// One that fails is tried again by the next call, and holds up no other.
func TestOneFails(t *testing.T) {
	f := newFixture()
	f.set(t, "order/1", 0)
	f.set(t, "order/2", time.Second)
	f.set(t, "order/3", 2*time.Second)
	f.now = start.Add(time.Minute)
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "transact" && strings.Contains(fmt.Sprint(eventlog.Events.Schema().KeyText(c.Actions[1].PrimaryKey())), "order/1") {
			return &orm.Error{Kind: orm.KindThrottled, Op: "transact"}
		}
		return nil
	})
	a, err := f.Handle(context.Background())
	if a.Fired != 2 || a.Failed != 1 || !errors.Is(err, orm.KindThrottled) || !strings.Contains(err.Error(), "timers: 2 fired, 1 failed: fire timer order/1/0: ") {
		t.Errorf("got %+v, %v", a, err)
	}
	if m := lines(t, &f.metrics); len(m) != 1 || m[0][timers.MetricFired] != 2.0 || m[0][timers.MetricFailed] != 1.0 || m[0][timers.MetricLag] != 60000.0 {
		t.Errorf("metrics %v", m)
	}
	if l := lines(t, &f.logs); len(l) != 3 || l[0]["level"] != "ERROR" || l[0]["timer_id"] != "order/1/0" {
		t.Errorf("logs %v", l)
	}
	f.store.Before(nil)
	f.handle(t, timers.Answer{Fired: 1})
	for _, stream := range []string{"order/1", "order/2", "order/3"} {
		if got := f.numbers(t, stream); len(got) != 1 {
			t.Errorf("%s has %v", stream, got)
		}
	}
}

func TestDamaged(t *testing.T) {
	f := newFixture()
	item := eventlog.StateItem{Key: eventlog.TimerKey("bad"), Kind: eventlog.StateTimer, Data: "{", CommitID: "c", Due: "2026", DueShard: eventlog.TimerShard("bad")}
	if err := orm.Exec(context.Background(), f.store, eventlog.State.Put(item)); err != nil {
		t.Fatal(err)
	}
	f.set(t, "order/1", 0)
	a, err := f.Handle(context.Background())
	if a.Fired != 1 || a.Failed != 1 || !errors.Is(err, eventlog.KindDamaged) {
		t.Errorf("got %+v, %v", a, err)
	}
	// Its due time cannot be read: that is no lag of two thousand years.
	if m := lines(t, &f.metrics); len(m) != 1 || m[0][timers.MetricLag] != 0.0 {
		t.Errorf("metrics %v", m)
	}
}

// Two calls may overlap: what one fired is gone for the other.
func TestOverlap(t *testing.T) {
	f := newFixture()
	f.set(t, "order/1", 0, 0, 0)
	inside := false
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "transact" && !inside {
			inside = true
			other := timers.New(timers.Options{Log: f.log, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return f.now }})
			if a, err := other.Handle(context.Background()); err != nil || a.Fired != 3 {
				t.Errorf("the rival: %+v, %v", a, err)
			}
		}
		return nil
	})
	f.handle(t, timers.Answer{Gone: 3})
	if got := f.numbers(t, "order/1"); len(got) != 3 {
		t.Errorf("events %v", got)
	}
	if f.metrics.Len() > 0 {
		t.Errorf("metrics %s: nothing was late", &f.metrics)
	}
}

// The function must answer before its time is over.
func TestTimeIsUp(t *testing.T) {
	f := newFixture()
	f.set(t, "order/1", 0, 0, 0, 0)
	f.now = time.Now()
	ctx, cancel := context.WithDeadline(context.Background(), f.now.Add(50*time.Second))
	defer cancel()
	f.store.After(func(c ormtest.Call) error {
		if c.Op == "transact" {
			f.now = f.now.Add(20 * time.Second)
		}
		return nil
	})
	a, err := f.Handle(ctx)
	if err != nil || a.Fired != 3 || !a.Left {
		t.Errorf("got %+v, %v; want 3 within the time", a, err)
	}
	f.handle(t, timers.Answer{Fired: 1})
}

func TestReadFails(t *testing.T) {
	f := newFixture()
	f.set(t, "order/1", 0)
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "query" {
			return &orm.Error{Kind: orm.KindDenied, Op: "query"}
		}
		return nil
	})
	if a, err := f.Handle(context.Background()); !errors.Is(err, orm.KindDenied) || a.Fired != 0 {
		t.Errorf("got %+v, %v", a, err)
	}
}

func TestWithoutLog(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	timers.New(timers.Options{})
}

func TestFromEnv(t *testing.T) {
	env := map[string]string{"VINCI_APP": "shop", "VINCI_DEPLOYMENT": "test", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
	if _, err := timers.FromEnv(func(n string) string { return env[n] }, nil, nil); err != nil {
		t.Error(err)
	}
	if _, err := timers.FromEnv(func(string) string { return "" }, nil, nil); err == nil || !strings.Contains(err.Error(), "VINCI_APP") {
		t.Errorf("got %v, want an error that names VINCI_APP", err)
	}
}
