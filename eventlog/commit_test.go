package eventlog_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, file string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", file, got, want)
	}
}

func TestTables(t *testing.T) {
	for _, def := range []orm.Definition{eventlog.Events, eventlog.State} {
		if err := def.Err(); err != nil {
			t.Error(err)
		}
	}
	golden(t, "testdata/events_schema.json", eventlog.Events.Schema())
	golden(t, "testdata/state_schema.json", eventlog.State.Schema())
}

func TestCommitStoresEverything(t *testing.T) {
	f := newFixture()
	ctx := event.WithFlow(context.Background(), event.Flow{CausationID: "order/9@4", TenantID: "acme", Actor: "bob", TraceParent: "00-a-b-01"})
	got, err := f.Commit(ctx, eventlog.Changes{
		Writes: []orm.Write{users.Insert(user{ID: "1", Email: "a@b.c"})},
		Events: []event.Record{
			orderPlaced.At("order/1", event.New).Record(placed{1}),
			orderShipped.Record(placed{2}),
			orderShipped.At("order/1", event.Append).Record(placed{3}),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := users.Get(ctx, f.store, "1"); err != nil {
		t.Error(err)
	}
	if got.ID != "c1" {
		t.Errorf("commit id %q, want c1", got.ID)
	}
	var items []map[string]string
	for i, id := range []string{"order/1@1", "fact/c1@1", "order/1@2"} {
		if got.Events[i].ID != id {
			t.Errorf("event %d is %s, want %s", i, got.Events[i].ID, id)
		}
		stream, version, err := event.ParseID(got.Events[i].ID)
		if err != nil {
			t.Fatal(err)
		}
		item, err := eventlog.Events.Encode(f.item(t, stream, version))
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, readable(t, item))
		e, err := fromItem(item)
		if err != nil {
			t.Fatal(err)
		}
		if e.Metadata != got.Events[i] {
			t.Errorf("event %d reads as\n%+v, Commit said\n%+v", i, e.Metadata, got.Events[i])
		}
	}
	golden(t, "testdata/events_items.json", items)
	want := event.Metadata{
		ID: "order/1@2", Source: "shop", Type: "order.shipped", Subject: "order/1",
		Time: start.Add(2), SchemaVersion: 3,
		CorrelationID: "c1", CausationID: "order/9@4", TenantID: "acme", Actor: "bob", TraceParent: "00-a-b-01",
	}
	if got.Events[2] != want {
		t.Errorf("got\n%+v, want\n%+v", got.Events[2], want)
	}
}

// readable is an item with its DynamoDB types, for a golden file.
func readable(t *testing.T, item orm.Item) map[string]string {
	t.Helper()
	m := map[string]string{}
	for name, v := range item {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			m[name] = "S " + v.Value
		case *types.AttributeValueMemberN:
			m[name] = "N " + v.Value
		default:
			t.Errorf("attribute %s is a %T", name, v)
		}
	}
	return m
}

func TestCommitKeepsTheCorrelation(t *testing.T) {
	f := newFixture()
	ctx := event.WithFlow(context.Background(), event.Flow{CorrelationID: "request-7"})
	got, err := f.Commit(ctx, one("order/1", event.New))
	if err != nil {
		t.Fatal(err)
	}
	if c := got.Events[0].CorrelationID; c != "request-7" {
		t.Errorf("correlation id %q, want request-7", c)
	}
}

// Time as text must sort as time does: the indexes know nothing else.
func TestTimeSorts(t *testing.T) {
	times := []time.Time{start, start.Add(1), start.Add(10), start.Truncate(time.Second).Add(time.Second), start.Add(time.Hour)}
	f := newFixture()
	var before string
	for i, now := range times {
		l := eventlog.New(f.store, eventlog.Options{Source: "shop", Now: func() time.Time { return now.In(time.FixedZone("", 7*3600)) }})
		stream := fmt.Sprintf("order/%d", i)
		if _, err := l.Commit(context.Background(), one(stream, event.New)); err != nil {
			t.Fatal(err)
		}
		s := f.item(t, stream, 1)
		if s.Time <= before {
			t.Errorf("%q comes after %q and sorts before it", s.Time, before)
		}
		before = s.Time
		if want := "order.placed#2026-11-21#"; !strings.HasPrefix(s.Bucket, want) {
			t.Errorf("bucket %q, want %q and a shard", s.Bucket, want)
		}
	}
}

func TestBucketSpreadsAndStays(t *testing.T) {
	count := map[string]int{}
	for i := range 8000 {
		stream := fmt.Sprintf("order/%d", i)
		b := eventlog.Bucket("order.placed", start, stream)
		if b != eventlog.Bucket("order.placed", start, stream) {
			t.Fatal("one stream has two buckets")
		}
		count[b]++
	}
	if len(count) != eventlog.Shards {
		t.Fatalf("%d buckets, want %d", len(count), eventlog.Shards)
	}
	for b, n := range count {
		if n < 700 || n > 1300 {
			t.Errorf("bucket %s has %d of 8000", b, n)
		}
	}
}

func TestExpectations(t *testing.T) {
	for _, tt := range []struct {
		head     int
		expected event.Expected
		ok       bool
	}{
		{0, event.New, true},
		{0, event.Append, true},
		{0, event.Expect(1), false},
		{0, event.Expect(7), false},
		{3, event.New, false},
		{3, event.Append, true},
		{3, event.Expect(2), false},
		{3, event.Expect(3), true},
		{3, event.Expect(4), false}, // would leave a gap
		{3, event.Expect(9), false},
	} {
		t.Run(fmt.Sprintf("head %d, expected %d", tt.head, tt.expected), func(t *testing.T) {
			f := newFixture()
			f.seed(t, "order/1", tt.head)
			got, err := f.Commit(context.Background(), one("order/1", tt.expected))
			if tt.ok {
				if err != nil {
					t.Fatal(err)
				}
				if want := event.EventID("order/1", int64(tt.head)+1); got.Events[0].ID != want {
					t.Errorf("event %s, want %s", got.Events[0].ID, want)
				}
				wantIDs(t, f, "order/1", tt.head+1)
				return
			}
			var conflict *eventlog.ConflictError
			if !errors.As(err, &conflict) {
				t.Fatalf("got %v, want a conflict", err)
			}
			if conflict.Stream != "order/1" || conflict.Expected != tt.expected || conflict.Current != int64(tt.head) {
				t.Errorf("got %+v", conflict)
			}
			if !errors.Is(err, eventlog.KindConflict) {
				t.Errorf("%v is not of kind %q", err, eventlog.KindConflict)
			}
			wantIDs(t, f, "order/1", tt.head)
		})
	}
}

func TestSeveralEventsOfOneStream(t *testing.T) {
	at := func(expected ...event.Expected) []event.Record {
		var records []event.Record
		for i, x := range expected {
			records = append(records, orderPlaced.At("order/1", x).Record(placed{i}))
		}
		return records
	}
	for _, tt := range []struct {
		name     string
		head     int
		expected []event.Expected
		ok       bool
	}{
		{"all new", 0, []event.Expected{event.New, event.New, event.New}, true},
		{"new then append", 0, []event.Expected{event.New, event.Append}, true},
		{"new then the version before", 0, []event.Expected{event.New, event.Expect(1), event.Expect(2)}, true},
		{"expect then append", 2, []event.Expected{event.Expect(2), event.Append, event.Append}, true},
		{"expect then itself", 2, []event.Expected{event.Expect(2), event.Expect(2)}, true},
		{"expect then the version before", 2, []event.Expected{event.Expect(2), event.Expect(3)}, true},
		{"append", 2, []event.Expected{event.Append, event.Append}, true},
		{"new then another", 0, []event.Expected{event.New, event.Expect(2)}, false},
		{"append then a number", 2, []event.Expected{event.Append, event.Expect(3)}, false},
		{"expect then new", 2, []event.Expected{event.Expect(2), event.New}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture()
			f.seed(t, "order/1", tt.head)
			_, err := f.Commit(context.Background(), eventlog.Changes{Events: at(tt.expected...)})
			if !tt.ok {
				if !errors.Is(err, eventlog.KindInvalid) {
					t.Fatalf("got %v, want kind %q", err, eventlog.KindInvalid)
				}
				wantIDs(t, f, "order/1", tt.head)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			wantIDs(t, f, "order/1", tt.head+len(tt.expected))
		})
	}
}

func TestInvalidChanges(t *testing.T) {
	handmade := func(change func(*event.Record)) event.Record {
		r := event.Record{Type: "order.placed", SchemaVersion: 1, Data: []byte(`{}`)}
		change(&r)
		return r
	}
	deep := event.WithFlow(context.Background(), event.Flow{CorrelationID: strings.Repeat("x", 257), Actor: "\xff"})
	for _, tt := range []struct {
		name string
		ctx  context.Context
		c    eventlog.Changes
		want []string
	}{
		{"nothing", nil, eventlog.Changes{}, []string{"nothing to commit"}},
		{"nil write", nil, eventlog.Changes{Writes: []orm.Write{nil}}, []string{"write 0 is nil"}},
		{"write that cannot be", nil, eventlog.Changes{Writes: []orm.Write{users.Insert(user{})}}, []string{"write 0"}},
		{"write to the log", nil, eventlog.Changes{Writes: []orm.Write{eventlog.Events.Put(eventlog.Stored{Stream: "a/b", Version: 1, Time: "t", Bucket: "b", CorrelationID: "c"})}}, []string{`write 0 is to the table "events"`}},
		{"record with an error", nil, eventlog.Changes{Events: []event.Record{orderPlaced.At("order", event.New).Record(placed{})}}, []string{"event 0", "no slash"}},
		{"all of it", nil, eventlog.Changes{Events: []event.Record{
			handmade(func(r *event.Record) { r.Type = "Order" }),
			handmade(func(r *event.Record) { r.SchemaVersion = 0 }),
			handmade(func(r *event.Record) { r.Data = []byte("[]") }),
			handmade(func(r *event.Record) { r.Data = []byte("{") }),
			handmade(func(r *event.Record) { r.Data = nil }),
			handmade(func(r *event.Record) { r.Data = []byte("{\"a\":\"\xff\"}") }),
			handmade(func(r *event.Record) { r.Stream = "x" }),
			handmade(func(r *event.Record) { r.Stream, r.Expected = "order/1", -2 }),
		}}, []string{"event 0: ", "event 1: ", "event 2: ", "event 3: ", "event 4: ", "event 5: ", "event 6: ", "event 7: "}},
		{"flow", deep, one("order/1", event.New), []string{"correlation id has 257 bytes", "actor is no valid UTF-8"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture()
			f.store.Before(func(c ormtest.Call) error {
				t.Errorf("invalid changes made a call: %s", c.Op)
				return nil
			})
			ctx := tt.ctx
			if ctx == nil {
				ctx = context.Background()
			}
			_, err := f.Commit(ctx, tt.c)
			if !errors.Is(err, eventlog.KindInvalid) {
				t.Fatalf("got %v, want kind %q", err, eventlog.KindInvalid)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	type doc struct{ Text string }
	def := event.Define[doc]("doc.written")
	records := func(n, bytes int) []event.Record {
		var r []event.Record
		for i := range n {
			r = append(r, def.At(fmt.Sprintf("doc/%d", i), event.New).Record(doc{strings.Repeat("x", bytes)}))
		}
		return r
	}
	writes := func(n int) []orm.Write {
		var w []orm.Write
		for i := range n {
			w = append(w, users.Update(fmt.Sprint(i), userCount.Add(1)))
		}
		return w
	}
	for _, tt := range []struct {
		name string
		c    eventlog.Changes
		want *eventlog.TooLargeError // nil: fits
	}{
		{"100 actions", eventlog.Changes{Writes: writes(60), Events: records(40, 10)}, nil},
		{"101 actions", eventlog.Changes{Writes: writes(61), Events: records(40, 10)}, &eventlog.TooLargeError{Event: -1, Actions: 101}},
		{"event that fits", eventlog.Changes{Events: records(1, 357_000)}, nil},
		{"event too large", eventlog.Changes{Events: append(records(1, 10), def.At("x/1", event.New).Record(doc{strings.Repeat("x", 358_400)}))}, &eventlog.TooLargeError{Event: 1, Type: "doc.written"}},
		{"4 MB in all", eventlog.Changes{Events: records(11, 350_000)}, nil},
		{"over 4 MB in all", eventlog.Changes{Events: records(12, 350_000)}, &eventlog.TooLargeError{Event: -1}},
		{"over 4 MB with a write", eventlog.Changes{
			Writes: []orm.Write{users.Update("1", userNote.Set(strings.Repeat("x", 390_000)))},
			Events: records(11, 350_000)}, &eventlog.TooLargeError{Event: -1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture()
			transactions := 0
			f.store.Before(on(func(n int, _ ormtest.Call) error { transactions = n; return nil }))
			_, err := f.Commit(context.Background(), tt.c)
			if tt.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var large *eventlog.TooLargeError
			if !errors.As(err, &large) {
				t.Fatalf("got %v, want a TooLargeError", err)
			}
			if large.Event != tt.want.Event || large.Type != tt.want.Type || large.Actions != tt.want.Actions {
				t.Errorf("got %+v, want %+v", large, tt.want)
			}
			if limit := map[bool]int{true: eventlog.MaxEvent, false: eventlog.MaxCommit}[large.Event >= 0]; large.Actions == 0 && large.Bytes <= limit {
				t.Errorf("%d bytes are said to be more than %d", large.Bytes, limit)
			}
			if transactions > 0 {
				t.Error("a commit that is too large was tried")
			}
			if !errors.Is(err, eventlog.KindTooLarge) {
				t.Errorf("%v is not of kind %q", err, eventlog.KindTooLarge)
			}
		})
	}
}

// What the application's own conditions say comes through as package orm says it.
func TestConditionsOfTheCaller(t *testing.T) {
	f := newFixture()
	ctx := context.Background()
	create := func(id, mail, stream string, expected event.Expected) error {
		c := one(stream, expected)
		c.Writes = []orm.Write{users.Insert(user{ID: id, Email: mail})}
		_, err := f.Commit(ctx, c)
		return err
	}
	if err := create("1", "alice@example.com", "user/1", event.New); err != nil {
		t.Fatal(err)
	}
	for _, expected := range []event.Expected{event.New, event.Append} {
		err := create("2", "Alice@Example.com", "user/2", expected)
		if !errors.Is(err, orm.KindAlreadyExists) {
			t.Errorf("got %v, want kind %q", err, orm.KindAlreadyExists)
		}
		if errors.Is(err, eventlog.KindConflict) {
			t.Errorf("%v is no conflict of the log", err)
		}
		wantIDs(t, f, "user/2", 0)
	}
	var failed *orm.Error
	if err := create("2", "alice@example.com", "user/2", event.New); !errors.As(err, &failed) || failed.Attribute != "email" {
		t.Errorf("got %v, want the attribute email named", err)
	}
	// Both: the stream is taken and so is the address.
	err := create("1", "alice@example.com", "user/1", event.New)
	if !errors.Is(err, eventlog.KindConflict) || !errors.Is(err, orm.KindAlreadyExists) {
		t.Errorf("got %v, want both kinds", err)
	}
	// The stream alone: nobody may read that as a taken address.
	err = create("3", "carol@example.com", "user/1", event.New)
	if !errors.Is(err, eventlog.KindConflict) || errors.Is(err, orm.KindAlreadyExists) || errors.Is(err, orm.KindConditionFailed) {
		t.Errorf("got %v, want a conflict of the log and no other kind", err)
	}
	if len(f.waits) > 0 {
		t.Errorf("waited %v: none of this gets better by waiting", f.waits)
	}
}

func TestOptionsThatAreWrong(t *testing.T) {
	for name, f := range map[string]func(){
		"no store":  func() { eventlog.New(nil, eventlog.Options{Source: "shop"}) },
		"no source": func() { eventlog.New(ormtest.New(), eventlog.Options{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
	for _, id := range []string{"", strings.Repeat("x", 37), "a b"} {
		l := eventlog.New(ormtest.New(), eventlog.Options{Source: "shop", NewID: func() string { return id }})
		if _, err := l.Commit(context.Background(), one("order/1", event.New)); !errors.Is(err, eventlog.KindInvalid) {
			t.Errorf("commit id %q: got %v", id, err)
		}
	}
}

func TestDefaults(t *testing.T) {
	l := eventlog.New(ormtest.New(), eventlog.Options{Source: "shop"})
	before := time.Now()
	first, err := l.Commit(context.Background(), one("order/1", event.New))
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.Commit(context.Background(), one("order/1", event.Append))
	if err != nil {
		t.Fatal(err)
	}
	if first.ID == second.ID || len(first.ID) > 36 {
		t.Errorf("commit ids %q and %q", first.ID, second.ID)
	}
	if at := first.Events[0].Time; at.Before(before.Add(-time.Second)) || at.After(time.Now()) || at.Location() != time.UTC {
		t.Errorf("time %v", at)
	}
}

func TestFromEnv(t *testing.T) {
	env := map[string]string{"VINCI_APP": "shop", "VINCI_DEPLOYMENT": "test", "AWS_REGION": "us-east-1"}
	l, store, err := eventlog.FromEnv(func(k string) string { return env[k] })
	if err != nil || l == nil || store == nil {
		t.Fatalf("got %v, %v, %v", l, store, err)
	}
	delete(env, "VINCI_APP")
	if _, _, err := eventlog.FromEnv(func(k string) string { return env[k] }); err == nil || !strings.Contains(err.Error(), "VINCI_APP") {
		t.Errorf("got %v, want an error that names VINCI_APP", err)
	}
}

// The rules of an event's data are run when it is committed: event, version, field
// and rule are in the error, and nothing is written.
func TestCommitValidates(t *testing.T) {
	type paid struct {
		Cents int `json:"cents" validate:"min=1"`
	}
	def := event.Define[paid]("order.paid", event.Version(2), event.Since(2))
	f := newFixture()
	for name, c := range map[string]eventlog.Changes{
		"an event": {Events: []event.Record{orderPlaced.At("order/1", event.New).Record(placed{1}), def.At("order/1", event.Append).Record(paid{})}},
		"a timer":  {Events: []event.Record{orderPlaced.At("order/1", event.New).Record(placed{1})}, Timers: []eventlog.Timer{{Due: start, Event: def.Record(paid{})}}},
	} {
		_, err := f.Commit(context.Background(), c)
		var broken *event.Error
		if !errors.Is(err, eventlog.KindInvalid) || !errors.Is(err, event.KindValidation) || !errors.As(err, &broken) ||
			broken.Type != "order.paid" || broken.Version != 2 || broken.Member != "cents" || !strings.Contains(broken.Reason, "min=1") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if n := len(f.store.Items(eventlog.Events)) + len(f.store.Items(eventlog.State)); n > 0 {
		t.Errorf("%d items were written", n)
	}
}
