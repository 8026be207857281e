package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// in is a timer for order 1 that is due after d.
func in(id string, d time.Duration) eventlog.Timer {
	return eventlog.Timer{ID: id, Due: start.Add(d), Event: orderShipped.At("order/1", event.Append).Record(placed{7})}
}

// due lists the timers that are due after d.
func (f *fixture) due(t testing.TB, d time.Duration) []eventlog.DueTimer {
	t.Helper()
	var all []eventlog.DueTimer
	for timer, err := range f.DueTimers(context.Background(), start.Add(d)) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, timer)
	}
	return all
}

func timerIDs(timers []eventlog.DueTimer) string {
	var ids []string
	for _, t := range timers {
		ids = append(ids, t.ID)
	}
	return strings.Join(ids, " ")
}

// set commits timers and fails the test when that fails.
func (f *fixture) set(t testing.TB, timers ...eventlog.Timer) eventlog.Commit {
	t.Helper()
	c, err := f.Commit(context.Background(), eventlog.Changes{Timers: timers})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTimer(t *testing.T) {
	f := newFixture()
	flow := event.Flow{CorrelationID: "req-1", CausationID: "order/1@1", TenantID: "acme", Actor: "ann", TraceParent: "00-1-2-01"}
	c, err := f.Commit(event.WithFlow(context.Background(), flow), eventlog.Changes{
		Writes: []orm.Write{users.Put(user{ID: "u"})},
		Events: []event.Record{orderPlaced.At("order/1", event.New).Record(placed{1})},
		Timers: []eventlog.Timer{in("order/1/unpaid", time.Hour)},
	})
	if err != nil || len(c.Events) != 1 {
		t.Fatalf("%+v, %v", c, err)
	}
	if got := f.due(t, time.Hour-1); len(got) != 0 {
		t.Errorf("due before its time: %+v", got)
	}
	due := f.due(t, time.Hour)
	if len(due) != 1 || due[0].ID != "order/1/unpaid" || !due[0].Due.Equal(start.Add(time.Hour)) || due[0].CommitID != c.ID {
		t.Fatalf("due: %+v", due)
	}
	fired, ok, err := f.Fire(context.Background(), due[0])
	if err != nil || !ok || len(fired.Events) != 1 {
		t.Fatalf("fire: %+v, %v, %v", fired, ok, err)
	}
	want := event.Metadata{
		ID: "order/1@2", Source: "shop", Type: "order.shipped", Subject: "order/1", Time: start, SchemaVersion: 3,
		CorrelationID: "req-1", CausationID: "order/1@1", TenantID: "acme", Actor: "ann", TraceParent: "00-1-2-01",
	}
	if fired.Events[0] != want {
		t.Errorf("fired %+v, want %+v", fired.Events[0], want)
	}
	if s := f.item(t, "order/1", 2); s.Data != `{"n":7}` {
		t.Errorf("data %s", s.Data)
	}
	if got := f.store.Items(eventlog.State); len(got) != 0 {
		t.Errorf("the timer is still there: %v", got)
	}
	// Whoever read it before it was fired does nothing.
	if c, ok, err := f.Fire(context.Background(), due[0]); err != nil || ok || len(c.Events) != 0 {
		t.Errorf("fired again: %+v, %v, %v", c, ok, err)
	}
	wantIDs(t, f, "order/1", 2)
}

// A timer without a correlation belongs to the commit that set it.
func TestTimerBeginsCorrelation(t *testing.T) {
	f := newFixture()
	c, err := f.PublishAt(context.Background(), "", start.Add(time.Minute), orderPlaced.Record(placed{1}))
	if err != nil {
		t.Fatal(err)
	}
	due := f.due(t, time.Minute)
	if len(due) != 1 || due[0].ID != c.ID+"/0" {
		t.Fatalf("due: %+v", due)
	}
	fired, ok, err := f.Fire(context.Background(), due[0])
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if e := fired.Events[0]; e.CorrelationID != c.ID || e.Subject != "fact/"+fired.ID {
		t.Errorf("fired %+v, want the correlation of commit %s and a stream of its own", e, c.ID)
	}
}

// Data is kept to the byte, whatever JSON may do to it on the way.
func TestTimerKeepsData(t *testing.T) {
	f := newFixture()
	r := orderPlaced.Record(placed{1})
	r.Data = []byte("{ \"a\" : \"<b> & \u2028\", \"n\": 1.0 }")
	r.Public, r.PublicVersion = []byte(`{ "out" : "<&>" }`), 4
	f.set(t, eventlog.Timer{ID: "t", Due: start, Event: r})
	fired, ok, err := f.Fire(context.Background(), f.due(t, 0)[0])
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	s := f.item(t, fired.Events[0].Subject, 1)
	if s.Data != string(r.Data) || s.Public != string(r.Public) || s.PublicVersion != 4 {
		t.Errorf("got %q and %q in version %d, want %q and %q", s.Data, s.Public, s.PublicVersion, r.Data, r.Public)
	}
}

func TestTimerAllOrNothing(t *testing.T) {
	f := newFixture()
	f.seed(t, "order/1", 1)
	_, err := f.Commit(context.Background(), eventlog.Changes{
		Events: []event.Record{orderPlaced.At("order/1", event.New).Record(placed{1})},
		Timers: []eventlog.Timer{in("a", 0)},
	})
	if !errors.Is(err, eventlog.KindConflict) {
		t.Errorf("got %v", err)
	}
	f.set(t, in("b", 0))
	_, err = f.Commit(context.Background(), eventlog.Changes{
		Events: []event.Record{orderPlaced.At("order/1", event.Expect(1)).Record(placed{1})},
		Cancel: []string{"b"},
		Writes: []orm.Write{users.Update("nobody", userNote.Set("x")).If(userNote.Eq("y"))},
	})
	if !errors.Is(err, orm.KindConditionFailed) {
		t.Errorf("got %v", err)
	}
	if got := timerIDs(f.due(t, 0)); got != "b" {
		t.Errorf("timers %q, want only the one that was there", got)
	}
}

func TestTimerExists(t *testing.T) {
	f := newFixture()
	first := f.set(t, in("a", time.Hour))
	_, err := f.Commit(context.Background(), eventlog.Changes{Timers: []eventlog.Timer{in("a", 2*time.Hour)}})
	var exists *eventlog.TimerExistsError
	if !errors.As(err, &exists) || !errors.Is(err, eventlog.KindTimerExists) {
		t.Fatalf("got %v", err)
	}
	if exists.ID != "a" || !exists.Due.Equal(start.Add(time.Hour)) || exists.CommitID != first.ID || !strings.Contains(err.Error(), "timer a exists already, due at 2026-11-21T06:47:19.12Z: set it with Timer.Replace") {
		t.Errorf("got %+v: %v", exists, err)
	}

	// What else failed is not hidden.
	f.seedUser(t, "u", "ann@example.com")
	_, err = f.Commit(context.Background(), eventlog.Changes{
		Writes: []orm.Write{users.Insert(user{ID: "v", Email: "ann@example.com"})},
		Timers: []eventlog.Timer{in("a", 0)},
	})
	if !errors.Is(err, eventlog.KindTimerExists) || !errors.Is(err, orm.KindAlreadyExists) {
		t.Errorf("got %v, want both reasons", err)
	}
	// A stream that is not where it was expected comes first: the timer follows from it.
	f.seed(t, "order/1", 1)
	_, err = f.Commit(context.Background(), eventlog.Changes{
		Events: []event.Record{orderPlaced.At("order/1", event.New).Record(placed{1})},
		Timers: []eventlog.Timer{in("a", 0)},
	})
	if !errors.Is(err, eventlog.KindConflict) {
		t.Errorf("got %v", err)
	}
}

func (f *fixture) seedUser(t testing.TB, id, email string) {
	t.Helper()
	if err := orm.Exec(context.Background(), f.store, users.Insert(user{ID: id, Email: email})); err != nil {
		t.Fatal(err)
	}
}

func TestTimerReplaceAndCancel(t *testing.T) {
	ctx := context.Background()
	f := newFixture()
	f.set(t, in("a", 0))
	old := f.due(t, 0)[0]
	again := in("a", time.Hour)
	again.Replace = true
	f.set(t, again)
	if got := f.due(t, time.Minute); len(got) != 0 {
		t.Errorf("the old time still counts: %+v", got)
	}
	// Who read the old one fires neither.
	if _, ok, err := f.Fire(ctx, old); ok || err != nil {
		t.Errorf("fired the replaced timer: %v, %v", ok, err)
	}
	replaced := f.due(t, time.Hour)
	if timerIDs(replaced) != "a" {
		t.Fatalf("due: %+v", replaced)
	}
	for range 2 { // the second finds nothing, which is no error
		if _, err := f.Commit(ctx, eventlog.Changes{Cancel: []string{"a"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, err := f.Fire(ctx, replaced[0]); ok || err != nil {
		t.Errorf("fired the cancelled timer: %v, %v", ok, err)
	}
	if got := f.store.Items(eventlog.Events); len(got) != 0 {
		t.Errorf("events: %v", got)
	}
	// Replace also sets one that is not there, and the id is free again.
	f.set(t, again)
	if _, err := f.Commit(ctx, eventlog.Changes{Cancel: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	f.set(t, in("a", 0))
}

// All that is due comes by its time, whichever shard it is in.
func TestDueTimersOrder(t *testing.T) {
	f := newFixture()
	var want []string
	shards := map[string]bool{}
	for i := range 60 {
		id := fmt.Sprintf("t%02d", i)
		want = append(want, id)
		shards[eventlog.TimerShard(id)] = true
	}
	if len(shards) != eventlog.TimerShards {
		t.Fatalf("the ids fall into %v", shards)
	}
	for _, i := range []int{1, 0, 2} { // in three commits, not in order
		var timers []eventlog.Timer
		for j := i * 20; j < (i+1)*20; j++ {
			// Differences below a second, and in another zone: text must sort as time does.
			timer := in(want[j], time.Duration(j)*100*time.Millisecond)
			timer.Due = timer.Due.In(time.FixedZone("x", j*3600/10))
			timers = append(timers, timer)
		}
		slices.Reverse(timers)
		f.set(t, timers...)
	}
	if got := timerIDs(f.due(t, time.Hour)); got != strings.Join(want, " ") {
		t.Errorf("got %s", got)
	}
	if got := timerIDs(f.due(t, 300*time.Millisecond)); got != "t00 t01 t02 t03" {
		t.Errorf("got %s, want those due up to then", got)
	}
	// Who stops early reads no further.
	reads := 0
	f.store.Before(func(c ormtest.Call) error { reads++; return nil })
	for range f.DueTimers(context.Background(), start.Add(time.Hour)) {
		break
	}
	if reads != eventlog.TimerShards {
		t.Errorf("%d reads, want one a shard", reads)
	}
}

func TestDueTimersReadFails(t *testing.T) {
	f := newFixture()
	f.set(t, in("a", 0))
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "query" {
			return errThrottled
		}
		return nil
	})
	n := 0
	for timer, err := range f.DueTimers(context.Background(), start) {
		n++
		if !errors.Is(err, orm.KindThrottled) || timer.ID != "" {
			t.Errorf("got %+v, %v", timer, err)
		}
	}
	if n != 1 {
		t.Errorf("%d results, want one error", n)
	}
}

func TestTimersThatAreWrong(t *testing.T) {
	event1 := orderPlaced.Record(placed{1})
	bad := event1
	bad.Data = []byte("[]")
	for _, tt := range []struct {
		name    string
		changes eventlog.Changes
		want    string
	}{
		{"blank", eventlog.Changes{Timers: []eventlog.Timer{{ID: "a b", Due: start, Event: event1}}}, `timer 0: timer id "a b": allowed are 1 to 256 characters of printable ASCII without blanks`},
		{"long", eventlog.Changes{Timers: []eventlog.Timer{{ID: strings.Repeat("x", 257), Due: start, Event: event1}}}, "xxx…"},
		{"not ASCII", eventlog.Changes{Cancel: []string{"ä"}}, `cancellation 0: timer id "ä"`},
		{"cancel nothing", eventlog.Changes{Cancel: []string{""}}, `cancellation 0: timer id ""`},
		{"replace nothing", eventlog.Changes{Timers: []eventlog.Timer{{Due: start, Event: event1, Replace: true}}}, "Replace is set and ID is empty"},
		{"never due", eventlog.Changes{Timers: []eventlog.Timer{{ID: "a", Event: event1}}}, "allowed are times of the years 1 to 9999"},
		{"far", eventlog.Changes{Timers: []eventlog.Timer{{ID: "a", Due: start.AddDate(8000, 0, 0), Event: event1}}}, "allowed are times of the years 1 to 9999"},
		{"bad event", eventlog.Changes{Timers: []eventlog.Timer{{ID: "a", Due: start, Event: bad}}}, "timer 0: record order.placed: invalid: its data is no JSON object"},
		{"expects", eventlog.Changes{Timers: []eventlog.Timer{{ID: "a", Due: start, Event: orderPlaced.At("order/1", event.Expect(3)).Record(placed{1})}}}, "expects stream order/1 at version 3: when it fires nobody can decide again"},
		{"twice", eventlog.Changes{Timers: []eventlog.Timer{{ID: "a", Due: start, Event: event1}, {ID: "a", Due: start, Event: event1}}}, `timer 1 has the id "a", which is that of timer 0`},
		{"set and cancel", eventlog.Changes{Timers: []eventlog.Timer{{ID: "a", Due: start, Event: event1}}, Cancel: []string{"a"}}, `cancellation 0 has the id "a", which is that of timer 0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture()
			_, err := f.Commit(context.Background(), tt.changes)
			var invalid *eventlog.InvalidError
			if !errors.As(err, &invalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want one that says %q", err, tt.want)
			}
			if len(invalid.Problems) != 1 {
				t.Errorf("%d problems: %v", len(invalid.Problems), err)
			}
			if got := f.store.Items(eventlog.State); len(got) > 0 {
				t.Errorf("written: %v", got)
			}
		})
	}
}

func TestTimersTooLarge(t *testing.T) {
	f := newFixture()
	r := orderPlaced.Record(placed{1})
	r.Data = []byte(`{"x":"` + strings.Repeat("x", eventlog.MaxEvent) + `"}`)
	_, err := f.PublishAt(context.Background(), "a", start, r)
	var large *eventlog.TooLargeError
	if !errors.As(err, &large) || large.Timer != "a" || large.Event != -1 || large.Bytes <= eventlog.MaxEvent || !strings.Contains(err.Error(), "the event of timer a (order.placed) has ") {
		t.Errorf("got %v", err)
	}
	// What may be set may be fired: the largest event that is taken.
	for size := eventlog.MaxEvent - 200; ; size-- {
		r.Data = []byte(`{"x":"` + strings.Repeat("x", size) + `"}`)
		if _, err = f.PublishAt(context.Background(), "a", start, r); err == nil {
			break
		}
		if !errors.Is(err, eventlog.KindTooLarge) {
			t.Fatal(err)
		}
	}
	if _, ok, err := f.Fire(context.Background(), f.due(t, 0)[0]); !ok || err != nil {
		t.Errorf("fire the largest: %v, %v", ok, err)
	}

	var many []eventlog.Timer
	for range eventlog.MaxActions {
		many = append(many, eventlog.Timer{Due: start, Event: orderPlaced.Record(placed{1})})
	}
	if _, err := f.Commit(context.Background(), eventlog.Changes{Timers: many, Cancel: []string{"a"}}); !errors.As(err, &large) || large.Actions != eventlog.MaxActions+1 {
		t.Errorf("got %v", err)
	}
	for i := range many {
		many[i].Event.Data = []byte(`{"x":"` + strings.Repeat("x", 50_000) + `"}`)
	}
	if _, err := f.Commit(context.Background(), eventlog.Changes{Timers: many}); !errors.As(err, &large) || large.Bytes <= eventlog.MaxCommit {
		t.Errorf("got %v", err)
	}
}

// A timer keeps its event as text in a text: an event that would fit may not.
func TestTimerWithManyQuotationMarks(t *testing.T) {
	type note struct {
		Text string `json:"text"`
	}
	def := event.Define[note]("note.made")
	for marks, fits := range map[int]bool{90_000: true, 150_000: false} {
		f := newFixture()
		_, err := f.PublishAt(context.Background(), "t", start, def.Record(note{strings.Repeat(`"`, marks)}))
		var large *eventlog.TooLargeError
		if errors.As(err, &large) == fits || fits && err != nil {
			t.Errorf("%d of them: got %v, fits is %v", marks, err, fits)
		}
		if large != nil && (large.Timer != "t" || large.Bytes <= orm.MaxItemSize) {
			t.Errorf("got %+v", large)
		}
	}
}

// A person must look at an item that no commit can have written; it is not lost
// and holds up nothing but itself.
func TestDamagedTimers(t *testing.T) {
	f := newFixture()
	tried := 0
	for i, data := range []string{"", "{", `{"type":"order.placed","schema_version":1,"data":"[]"}`, `{"type":"Order","schema_version":1,"data":"{}"}`} {
		id := fmt.Sprint("t", i)
		item := eventlog.StateItem{Key: eventlog.TimerKey(id), Kind: eventlog.StateTimer, Data: data, CommitID: "c", Due: "2026", DueShard: eventlog.TimerShard(id)}
		if err := orm.Exec(context.Background(), f.store, eventlog.State.Put(item)); err != nil {
			t.Fatal(err)
		}
		var damaged *eventlog.DamagedTimerError
		for _, timer := range f.due(t, 0) {
			tried++
			if _, ok, err := f.Fire(context.Background(), timer); ok || !errors.As(err, &damaged) || !errors.Is(err, eventlog.KindDamaged) || damaged.ID != timer.ID {
				t.Errorf("%q: %v, %v", data, ok, err)
			}
		}
	}
	if got := f.store.Items(eventlog.State); len(got) != 4 || tried != 1+2+3+4 {
		t.Errorf("%d items are left after %d tries, want 4 after 10", len(got), tried)
	}
}

// A lost answer neither sets nor fires twice, also when the store has forgotten
// the token.
func TestTimerAnswerLost(t *testing.T) {
	for name, through := range map[string]func(*ormtest.Memory) orm.Store{
		"token known":     func(m *ormtest.Memory) orm.Store { return m },
		"token forgotten": func(m *ormtest.Memory) orm.Store { return forgetful{m, nil} },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixtureOn(through)
			lose := func(times int) {
				f.store.After(func(c ormtest.Call) error {
					if c.Op == "transact" && times > 0 {
						times--
						return errLost
					}
					return nil
				})
			}
			lose(1)
			c := f.set(t, in("a", 0))
			due := f.due(t, 0)
			if timerIDs(due) != "a" || due[0].CommitID != c.ID {
				t.Fatalf("due %+v, want a by %s", due, c.ID)
			}
			lose(1)
			if _, ok, err := f.Fire(context.Background(), due[0]); !ok || err != nil {
				t.Errorf("fire: %v, %v", ok, err)
			}
			wantIDs(t, f, "order/1", 1)
		})
	}
}

// When no answer comes at all, the timer that is there says that it was set.
func TestTimerOutcome(t *testing.T) {
	f := newFixture()
	f.store.After(on(func(int, ormtest.Call) error { return errLost }))
	f.set(t, in("a", 0))
	f.store.After(nil)
	f.store.Before(on(func(int, ormtest.Call) error { return errLost }))
	_, err := f.Commit(context.Background(), eventlog.Changes{Timers: []eventlog.Timer{in("b", 0)}})
	if !errors.Is(err, eventlog.KindUnknown) {
		t.Errorf("got %v, want an unknown outcome", err)
	}
}

// A command that sets a timer and is asked for again sets none again, not even
// when the first has fired since.
func TestTimerOfCommand(t *testing.T) {
	f := newFixture()
	changes := eventlog.Changes{
		Command: eventlog.Command{ID: "checkout/1", Request: "{}"},
		Timers:  []eventlog.Timer{in("a", 0)},
	}
	first, err := f.Commit(context.Background(), changes)
	if err != nil {
		t.Fatal(err)
	}
	for _, fired := range []bool{false, true} {
		again, err := f.Commit(context.Background(), changes)
		if err != nil || !again.Replayed || again.ID != first.ID {
			t.Fatalf("fired %v: got %+v, %v", fired, again, err)
		}
		for _, timer := range f.due(t, 0) {
			if _, ok, err := f.Fire(context.Background(), timer); !ok || err != nil {
				t.Fatal(ok, err)
			}
		}
	}
	wantIDs(t, f, "order/1", 1)
}
