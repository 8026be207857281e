package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/orm/ormtest"
)

var throttled = relay.Result{Code: "ThrottlingException", Message: "slow down"}

func TestPublishes(t *testing.T) {
	f := newFixture()
	if at := f.handle(t, context.Background(), inserts(t, 23)...); at != "" {
		t.Errorf("goes on from %s", at)
	}
	if want := "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22"; ids(f.bus.accepted) != want {
		t.Errorf("accepted %s", ids(f.bus.accepted))
	}
	if len(f.bus.requests) != 3 || len(f.bus.requests[2]) != 3 {
		t.Errorf("requests %v, want 10, 10 and 3 entries", f.bus.requests)
	}
	if m := lines(t, &f.metrics); len(m) != 2 || m[0][relay.MetricLag] != 999.0 || m[0][relay.MetricFailed] != nil ||
		m[1][relay.MetricPublished] != 23.0 || m[1][relay.DimensionEventType] != "order.placed" {
		t.Errorf("metrics %v, want the lag of the oldest event and how many of the type, and nothing else", m)
	}
	if f.logs.Len() > 0 {
		t.Errorf("logs %s: there is nothing to say", &f.logs)
	}
	e := f.bus.entries[7]
	if e.Source != "shop" || e.Type != "order.placed" || !e.Time.Equal(start.Add(-time.Second+7)) {
		t.Errorf("entry %+v", e)
	}
	env, err := event.DecodeEnvelope([]byte(e.Detail))
	if err != nil {
		t.Fatal(err)
	}
	want := event.Metadata{ID: "order/7@1", Source: "shop", Type: "order.placed", Subject: "order/7", Time: e.Time, SchemaVersion: 2, CorrelationID: "c"}
	if env.Metadata != want || string(env.Data) != `{"n":1}` {
		t.Errorf("got %+v %s, want %+v", env.Metadata, env.Data, want)
	}
}

// An event's trace goes to the bus as X-Ray writes it, for both of its entries. One
// that is malformed does not.
func TestTrace(t *testing.T) {
	f := newFixture()
	traced := func(parent string) func(*eventlog.Stored) { return func(s *eventlog.Stored) { s.TraceParent = parent } }
	f.handle(t, context.Background(),
		insert(t, 0, traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), public),
		insert(t, 1, traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")),
		insert(t, 2, traced("nothing")), insert(t, 3))
	const root = "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled="
	var got []string
	for _, e := range f.bus.entries {
		got = append(got, e.TraceHeader)
	}
	if want := []string{root + "1", root + "1", root + "0", "", ""}; !slices.Equal(got, want) {
		t.Errorf("traces are %q, want %q", got, want)
	}
	if m := lines(t, &f.metrics); len(m) != 2 || m[1][relay.MetricPublished] != 4.0 {
		t.Errorf("metrics %v: four events were published, one of them with a public entry", m)
	}
}

// At debug there is a line for each event, with all its ids, and at info none.
func TestDebugLine(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo} {
		var logs bytes.Buffer
		r := relay.New(relay.Options{
			Source: "shop", Publisher: &bus{}, Failures: &queue{}, Now: func() time.Time { return start },
			Logger: slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: level})),
		})
		s := insert(t, 7, func(s *eventlog.Stored) { s.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" })
		if _, err := r.Handle(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{s}}); err != nil {
			t.Fatal(err)
		}
		all := lines(t, &logs)
		if level == slog.LevelInfo {
			if len(all) > 0 {
				t.Errorf("lines at info: %v", all)
			}
			continue
		}
		if len(all) != 1 || all[0]["level"] != "DEBUG" || all[0]["event_id"] != "order/7@1" || all[0]["event_type"] != "order.placed" ||
			all[0]["correlation_id"] != "c" || all[0]["trace_id"] != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("lines at debug: %v", all)
		}
	}
}

func TestNothingToDo(t *testing.T) {
	f := newFixture()
	if at := f.handle(t, context.Background()); at != "" || len(f.bus.requests) > 0 {
		t.Errorf("goes on from %q after %v", at, f.bus.requests)
	}
}

// What the log commits is what the bus gets.
func TestFromLogToBus(t *testing.T) {
	type placed struct{ Text string }
	def := event.Define[placed]("order.placed")
	f := newFixture()
	store := ormtest.New()
	var records []events.DynamoDBEventRecord
	store.Subscribe(func(r ormtest.Record) {
		if r.Table.Name == eventlog.Events.Schema().Name {
			records = append(records, record(t, r.Event, int(r.Sequence), r.New))
		}
	})
	log := eventlog.New(store, eventlog.Options{Source: "shop"})
	text := `"<Grüße> & ` + "\u2028\\"
	commit, err := log.Commit(context.Background(), eventlog.Changes{Events: []event.Record{
		def.At("order/1", event.New).Record(placed{text}),
		def.Record(placed{"fact"}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	if at := f.handle(t, context.Background(), records...); at != "" {
		t.Fatalf("goes on from %s: %s", at, &f.logs)
	}
	for i, e := range f.bus.entries {
		env, err := event.DecodeEnvelope([]byte(e.Detail))
		if err != nil {
			t.Fatal(err)
		}
		if env.Metadata != commit.Events[i] {
			t.Errorf("got %+v, want %+v", env.Metadata, commit.Events[i])
		}
		if got, err := def.Decode(env); err != nil || (i == 0 && got.Data.Text != text) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if len(f.bus.entries) != 2 {
		t.Errorf("%d entries, want 2", len(f.bus.entries))
	}
}

// Only what failed is sent again, and what comes later waits for it.
func TestPartialFailure(t *testing.T) {
	f := newFixture()
	f.bus.answer = func(n int, id string) relay.Result {
		if n <= 2 && (id == "order/3@1" || id == "order/8@1") {
			return throttled
		}
		if n == 2 && id == "order/3@1" {
			return relay.Result{Code: "InternalFailure"}
		}
		return relay.Result{}
	}
	if at := f.handle(t, context.Background(), inserts(t, 12)...); at != "" {
		t.Errorf("goes on from %s", at)
	}
	var got []string
	for _, r := range f.bus.requests {
		got = append(got, ids(r))
	}
	if want := []string{"0 1 2 3 4 5 6 7 8 9", "3 8", "3 8", "10 11"}; !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
	if want := "[100ms 200ms]"; fmt.Sprint(f.waits) != want {
		t.Errorf("waits %v, want %s", f.waits, want)
	}
	if len(f.queue.got) > 0 {
		t.Errorf("failure queue has %v", f.queue.got)
	}
}

func TestFailureThatStays(t *testing.T) {
	for name, stay := range map[string]func(*bus){
		"throttled": func(b *bus) {
			b.answer = func(_ int, id string) relay.Result {
				if id == "order/14@1" || id == "order/12@1" {
					return throttled
				}
				return relay.Result{}
			}
		},
		"a code that nobody knows": func(b *bus) {
			b.answer = func(_ int, id string) relay.Result {
				if id == "order/12@1" {
					return relay.Result{Code: "NewInNovember"}
				}
				return relay.Result{}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture()
			stay(&f.bus)
			if at := f.handle(t, context.Background(), inserts(t, 40)...); at != sequence(12) {
				t.Errorf("goes on from %q, want the first that failed, %s", at, sequence(12))
			}
			if len(f.bus.requests) != 1+5 {
				t.Errorf("%d requests, want one and five tries", len(f.bus.requests))
			}
			if got := f.bus.accepted[len(f.bus.accepted)-1]; got == "order/20@1" {
				t.Error("the relay went on behind a failure: Lambda will deliver that again")
			}
			if len(f.queue.got) > 0 {
				t.Errorf("failure queue has %v: waiting mends it", f.queue.got)
			}
		})
	}
}

func TestWholeRequestFails(t *testing.T) {
	f := newFixture()
	f.bus.fail = func(n int, _ []string) error {
		if n <= 2 {
			return errors.New("no route to host")
		}
		return nil
	}
	if at := f.handle(t, context.Background(), inserts(t, 3)...); at != "" || len(f.bus.requests) != 3 {
		t.Errorf("goes on from %q after %d requests", at, len(f.bus.requests))
	}

	f = newFixture()
	f.bus.fail = func(int, []string) error { return errors.New("no route to host") }
	if at := f.handle(t, context.Background(), inserts(t, 3)...); at != sequence(0) || len(f.bus.requests) != 5 {
		t.Errorf("goes on from %q after %d requests", at, len(f.bus.requests))
	}
}

// One entry that the service refuses together with its request must not take
// the others down.
func TestRejectedRequest(t *testing.T) {
	f := newFixture()
	f.bus.fail = func(_ int, in []string) error {
		if slices.Contains(in, "order/4@1") {
			return fmt.Errorf("put events: %w", &relay.RejectedError{Code: "ValidationException", Message: "too deep"})
		}
		return nil
	}
	if at := f.handle(t, context.Background(), inserts(t, 7)...); at != "" {
		t.Errorf("goes on from %s", at)
	}
	if ids(f.bus.accepted) != "0 1 2 3 5 6" || failed(f.queue.got) != "4" {
		t.Errorf("accepted %s, failed %s", ids(f.bus.accepted), failed(f.queue.got))
	}
	if q := f.queue.got[0]; q.ErrorCode != "ValidationException" || q.ErrorMessage != "too deep" {
		t.Errorf("got %+v", q)
	}
	if len(f.waits) > 0 {
		t.Errorf("waited %v", f.waits)
	}
}

// While the others of a rejected request are tried alone, one may fail for now:
// what comes behind it is not sent, since it will be delivered again.
func TestRejectedRequestThenFailure(t *testing.T) {
	f := newFixture()
	f.bus.fail = func(n int, _ []string) error {
		if n == 1 {
			return &relay.RejectedError{Code: "ValidationException"}
		}
		return nil
	}
	f.bus.answer = func(_ int, id string) relay.Result {
		if id == "order/2@1" {
			return throttled
		}
		return relay.Result{}
	}
	if at := f.handle(t, context.Background(), inserts(t, 5)...); at != sequence(2) || ids(f.bus.accepted) != "0 1" {
		t.Errorf("goes on from %q, accepted %s", at, ids(f.bus.accepted))
	}
}

// A record further on that cannot go anywhere ends the delivery; what stands
// before it, tried one by one, must all be sent.
func TestRejectedRequestBeforeFailure(t *testing.T) {
	f := newFixture()
	f.queue.fail = func(relay.Failure) error { return errQueue }
	f.bus.fail = func(n int, _ []string) error {
		if n == 1 {
			return &relay.RejectedError{Code: "ValidationException"}
		}
		return nil
	}
	bad := insert(t, 2, func(s *eventlog.Stored) { s.Time = "today" })
	if at := f.handle(t, context.Background(), insert(t, 0), insert(t, 1), bad); at != sequence(2) || ids(f.bus.accepted) != "0 1" {
		t.Errorf("goes on from %q, accepted %s", at, ids(f.bus.accepted))
	}
}

// AWS's rule: the bytes of source, detail-type and detail, and 14 for the time.
func TestEntrySize(t *testing.T) {
	e := relay.Entry{Source: "shop", Type: "order.placed", Detail: `{"a":"ü"}`, Time: start}
	if got, want := e.Size(), 14+4+12+10; got != want {
		t.Errorf("size %d, want %d", got, want)
	}
}

type short struct{}

func (short) Publish(context.Context, []relay.Entry) ([]relay.Result, error) {
	return []relay.Result{{}}, nil
}

func TestTooFewResults(t *testing.T) {
	f := newFixture()
	r := relay.New(relay.Options{Source: "shop", Publisher: short{}, Failures: &f.queue,
		Sleep: func(context.Context, time.Duration) error { return nil }})
	resp, err := r.Handle(context.Background(), events.DynamoDBEvent{Records: inserts(t, 2)})
	if err != nil || len(resp.BatchItemFailures) != 1 || resp.BatchItemFailures[0].ItemIdentifier != sequence(0) {
		t.Errorf("got %+v, %v", resp, err)
	}
}

func TestPoison(t *testing.T) {
	noImage := insert(t, 1)
	noImage.Change.NewImage = nil
	noKey := insert(t, 1)
	noKey.Change.Keys, noKey.Change.NewImage = nil, map[string]events.DynamoDBAttributeValue{"x": events.NewNumberAttribute("1")}
	for _, tt := range []struct {
		name   string
		record events.DynamoDBEventRecord
		answer relay.Result
		want   relay.Failure
	}{
		{"refused by the bus", insert(t, 1), relay.Result{Code: "MalformedDetail", Message: "no"},
			relay.Failure{EventID: "order/1@1", EventType: "order.placed", ErrorCode: "MalformedDetail", ErrorMessage: "no"}},
		{"not allowed", insert(t, 1), relay.Result{Code: "NotAuthorizedForSourceException", Message: "no"},
			relay.Failure{EventID: "order/1@1", EventType: "order.placed", ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "no"}},
		{"no image", noImage, relay.Result{},
			relay.Failure{EventID: "order/1@1", ErrorCode: relay.CodeMalformedItem, ErrorMessage: "no new image"}},
		{"no event", noKey, relay.Result{},
			relay.Failure{EventID: "", ErrorCode: relay.CodeMalformedItem, ErrorMessage: "damaged log"}},
		{"bad time", insert(t, 1, func(s *eventlog.Stored) { s.Time = "today" }), relay.Result{},
			relay.Failure{EventID: "order/1@1", ErrorCode: relay.CodeMalformedItem, ErrorMessage: "attribute time"}},
		{"bad data", insert(t, 1, func(s *eventlog.Stored) { s.Data = "{" }), relay.Result{},
			relay.Failure{EventID: "order/1@1", EventType: "order.placed", ErrorCode: relay.CodeMalformedItem, ErrorMessage: `"data"`}},
		{"too large", insert(t, 1, func(s *eventlog.Stored) { s.Data = `"` + strings.Repeat("x", 1_000_000) + `"` }), relay.Result{},
			relay.Failure{EventID: "order/1@1", EventType: "order.placed", ErrorCode: relay.CodeTooLarge, ErrorMessage: "at most 999999"}},
	} {
		deliver := func(f *fixture) string {
			f.bus.answer = func(_ int, id string) relay.Result {
				if id == "order/1@1" {
					return tt.answer
				}
				return relay.Result{}
			}
			return f.handle(t, context.Background(), insert(t, 0), tt.record, insert(t, 2), insert(t, 3))
		}
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture()
			if at := deliver(f); at != "" {
				t.Errorf("goes on from %s", at)
			}
			if ids(f.bus.accepted) != "0 2 3" {
				t.Errorf("accepted %s", ids(f.bus.accepted))
			}
			if len(f.queue.got) != 1 {
				t.Fatalf("failure queue has %+v", f.queue.got)
			}
			got := f.queue.got[0]
			if !strings.Contains(got.ErrorMessage, tt.want.ErrorMessage) {
				t.Errorf("message %q does not say %q", got.ErrorMessage, tt.want.ErrorMessage)
			}
			want := tt.want
			want.ErrorMessage, want.SequenceNumber, want.StreamARN, want.FailedAt = got.ErrorMessage, sequence(1), streamARN, start
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if m := lines(t, &f.metrics); len(m) != 2 || m[0][relay.MetricFailed] != 1.0 || m[1][relay.MetricPublished] != 3.0 {
				t.Errorf("metrics %v", m)
			}
			if l := lines(t, &f.logs); len(l) != 1 || l[0]["level"] != "ERROR" || l[0]["event_id"] != want.EventID {
				t.Errorf("logs %v", l)
			}
		})
		t.Run(tt.name+", and the queue is gone", func(t *testing.T) {
			f := newFixture()
			f.queue.fail = func(relay.Failure) error { return errQueue }
			if at := deliver(f); at != sequence(1) {
				t.Errorf("goes on from %q, want %s", at, sequence(1))
			}
			if len(f.bus.accepted) == 0 || f.bus.accepted[0] != "order/0@1" {
				t.Errorf("accepted %v: what stands before the failure must be sent", f.bus.accepted)
			}
			if !strings.Contains(f.logs.String(), errQueue.Error()) {
				t.Errorf("logs %s do not say why", &f.logs)
			}
		})
	}
}

// What stands before a poisonous record may fail as well: the stream goes on
// from the first of them.
func TestDoubleFailure(t *testing.T) {
	f := newFixture()
	f.queue.fail = func(relay.Failure) error { return errQueue }
	f.bus.answer = func(_ int, id string) relay.Result {
		switch id {
		case "order/1@1":
			return throttled
		case "order/2@1":
			return relay.Result{Code: "MalformedDetail"}
		}
		return relay.Result{}
	}
	bad := insert(t, 3, func(s *eventlog.Stored) { s.Time = "today" })
	if at := f.handle(t, context.Background(), insert(t, 0), insert(t, 1), insert(t, 2), bad, insert(t, 4)); at != sequence(1) {
		t.Errorf("goes on from %q, want %s", at, sequence(1))
	}
}

func TestChangedItems(t *testing.T) {
	f := newFixture()
	changed, removed := insert(t, 1), insert(t, 2)
	changed.EventName, removed.EventName = "MODIFY", "REMOVE"
	removed.Change.NewImage = nil
	removed.UserIdentity = &events.DynamoDBUserIdentity{Type: "Service", PrincipalID: "dynamodb.amazonaws.com"}
	if at := f.handle(t, context.Background(), insert(t, 0), changed, removed, insert(t, 3)); at != "" {
		t.Errorf("goes on from %s", at)
	}
	if ids(f.bus.accepted) != "0 3" || len(f.queue.got) > 0 {
		t.Errorf("accepted %s, failed %v", ids(f.bus.accepted), f.queue.got)
	}
	logs := lines(t, &f.logs)
	if len(logs) != 2 || logs[0]["msg"] != relay.MessageChanged || logs[0]["level"] != "ERROR" || logs[1]["event_id"] != "order/2@1" || logs[1]["change"] != "REMOVE" {
		t.Errorf("logs %v", logs)
	}
	const want = `{"Application":"shop","Deployment":"test","LogItemsChanged":2,"RelayLag":999,"_aws":{"Timestamp":1795240039000,` +
		`"CloudWatchMetrics":[{"Namespace":"Vinci","Dimensions":[["Application","Deployment"]],"Metrics":[{"Name":"LogItemsChanged","Unit":"Count"},{"Name":"RelayLag","Unit":"Milliseconds"}]}]}}` + "\n" +
		`{"Application":"shop","Deployment":"test","EventType":"order.placed","Published":2,"_aws":{"Timestamp":1795240039000,` +
		`"CloudWatchMetrics":[{"Namespace":"Vinci","Dimensions":[["Application","Deployment","EventType"]],"Metrics":[{"Name":"Published","Unit":"Count"}]}]}}` + "\n"
	if f.metrics.String() != want {
		t.Errorf("metrics\n%s\nwant\n%s", &f.metrics, want)
	}
}

// Requests are filled by bytes as well; the fake bus refuses what is over.
func TestRequestSizes(t *testing.T) {
	for _, size := range []int{1, 90_000, 99_000, 120_000, 340_000, 600_000} {
		f := newFixture()
		var records []events.DynamoDBEventRecord
		for i := range 12 {
			records = append(records, insert(t, i, func(s *eventlog.Stored) { s.Data = `"` + strings.Repeat("x", size) + `"` }))
		}
		if at := f.handle(t, context.Background(), records...); at != "" {
			t.Fatalf("%d bytes: goes on from %s: %s", size, at, &f.logs)
		}
		if len(f.bus.accepted) != 12 {
			t.Errorf("%d bytes: %d accepted", size, len(f.bus.accepted))
		}
		perRequest := min(relay.MaxEntries, relay.MaxBytes/f.bus.entries[11].Size())
		if want := (12 + perRequest - 1) / perRequest; len(f.bus.requests) != want {
			t.Errorf("%d bytes: %d requests, want %d", size, len(f.bus.requests), want)
		}
	}
}

// The function must answer before its time is over.
func TestNoTimeLeft(t *testing.T) {
	f := newFixture()
	f.now = time.Now()
	ctx, cancel := context.WithDeadline(context.Background(), f.now.Add(1200*time.Millisecond))
	defer cancel()
	f.bus.answer = func(int, string) relay.Result { return throttled }
	if at := f.handle(t, ctx, inserts(t, 2)...); at != sequence(0) {
		t.Errorf("goes on from %q", at)
	}
	if want := "[100ms 200ms]"; fmt.Sprint(f.waits) != want && fmt.Sprint(f.waits) != "[100ms]" {
		t.Errorf("waits %v, want at most %s: the next would leave less than a second", f.waits, want)
	}

	ctx, stop := context.WithCancel(context.Background())
	stop()
	f.waits = nil
	if at := f.handle(t, ctx, inserts(t, 2)...); at != sequence(0) || len(f.waits) != 1 {
		t.Errorf("goes on from %q after %v", at, f.waits)
	}
}

// hanging is a bus that never answers.
type hanging struct{ asked int }

func (h *hanging) Publish(ctx context.Context, _ []relay.Entry) ([]relay.Result, error) {
	h.asked++
	<-ctx.Done()
	return nil, ctx.Err()
}

// A request that hangs may not take the time in which the function must answer.
func TestRequestThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, hanging := newFixture(), &hanging{}
		r := relay.New(relay.Options{Source: "shop", Publisher: hanging, Failures: &f.queue, Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		answer, err := r.Handle(ctx, events.DynamoDBEvent{Records: inserts(t, 2)})
		if err != nil || len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != sequence(0) {
			t.Errorf("answer %v, %v; want the first record again", answer, err)
		}
		if deadline, _ := ctx.Deadline(); time.Until(deadline) < time.Second {
			t.Errorf("answered %v before the end, want at least 1s", time.Until(deadline))
		}
		if hanging.asked != 1 {
			t.Errorf("asked %d times, want once: no time was left", hanging.asked)
		}
	})
}

// Whatever the bus and the queue answer: before the record that the stream goes
// on from, every event is published or in the failure queue, each in its order.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := newFixture()
		result := rapid.SampledFrom([]string{"", "", "", "", "", "ThrottlingException", "InternalFailure", "MalformedDetail"})
		f.bus.answer = func(int, string) relay.Result { return relay.Result{Code: result.Draw(rt, "result")} }
		f.bus.fail = func(int, []string) error {
			switch rapid.IntRange(0, 9).Draw(rt, "request") {
			case 8:
				return &relay.RejectedError{Code: "ValidationException"}
			case 9:
				return errors.New("no route to host")
			}
			return nil
		}
		f.queue.fail = func(relay.Failure) error {
			if rapid.IntRange(0, 9).Draw(rt, "queue") == 9 {
				return errQueue
			}
			return nil
		}
		n := rapid.IntRange(0, 35).Draw(rt, "records")
		var records []events.DynamoDBEventRecord
		publics := make([]bool, n)
		for i := range n {
			kind := rapid.IntRange(0, 19).Draw(rt, "record")
			records = append(records, insert(t, i, func(s *eventlog.Stored) {
				switch kind {
				case 17, 18:
					s.Time = "today"
				case 19:
					s.Data = `"` + strings.Repeat("x", 400_000) + `"`
				}
				if publics[i] = rapid.Bool().Draw(rt, "public"); publics[i] {
					public(s)
				}
			}))
		}
		at := f.handle(t, context.Background(), records...)
		end := n
		if at != "" {
			end = slices.IndexFunc(records, func(r events.DynamoDBEventRecord) bool { return r.Change.SequenceNumber == at })
		}
		for i := range end {
			id := fmt.Sprintf("order/%d@1", i)
			damaged := slices.ContainsFunc(f.queue.got, func(q relay.Failure) bool { return q.EventID == id && q.EventType == "" })
			for _, public := range []bool{false, true}[:1+btoi(publics[i] && !damaged)] {
				published := slices.Contains(f.bus.accepted, entryID(id, public))
				given := slices.ContainsFunc(f.queue.got, func(q relay.Failure) bool { return q.EventID == id && q.Public == public })
				if published == given {
					rt.Fatalf("event %s, public %v: published %v, in the failure queue %v", id, public, published, given)
				}
			}
		}
	})
}

func TestOptionsThatAreWrong(t *testing.T) {
	for _, o := range []relay.Options{
		{Publisher: &bus{}, Failures: &queue{}},
		{Source: "shop", Failures: &queue{}},
		{Source: "shop", Publisher: &bus{}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for %+v", o)
				}
			}()
			relay.New(o)
		}()
	}
}

// Lambda's own JSON, as the function gets it.
func TestLambdaJSON(t *testing.T) {
	const in = `{"Records":[{"eventID":"1","eventName":"INSERT","eventSource":"aws:dynamodb","awsRegion":"eu-west-1","eventSourceARN":"` + streamARN + `",
		"dynamodb":{"ApproximateCreationDateTime":1.7637E9,"SequenceNumber":"7","SizeBytes":10,"StreamViewType":"NEW_AND_OLD_IMAGES",
		"Keys":{"stream":{"S":"order/1"},"version":{"N":"1"}},
		"NewImage":{"stream":{"S":"order/1"},"version":{"N":"1"},"type":{"S":"order.placed"},"schema_version":{"N":"1"},
			"time":{"S":"2026-11-21T05:47:18.000000000Z"},"data":{"S":"{}"},"commit_id":{"S":"c"},"correlation_id":{"S":"c"},"bucket":{"S":"b"},
			"later":{"M":{"a":{"L":[{"BOOL":true},{"NULL":true},{"B":"eA=="},{"SS":["a"]},{"NS":["1"]},{"BS":["eA=="]}]}}}}}}]}`
	var ev events.DynamoDBEvent
	if err := json.Unmarshal([]byte(in), &ev); err != nil {
		t.Fatal(err)
	}
	f := newFixture()
	resp, err := f.Handle(context.Background(), ev)
	if err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(resp)
	if err != nil || string(out) != `{"batchItemFailures":[]}` {
		t.Errorf("got %s, %v", out, err)
	}
	if ids(f.bus.accepted) != "1" {
		t.Errorf("accepted %s: %s", ids(f.bus.accepted), &f.logs)
	}
}

// accepting takes everything and keeps nothing.
type accepting struct{ results []relay.Result }

func (a accepting) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	return a.results[:len(entries)], nil
}

func BenchmarkHandle(b *testing.B) {
	r := relay.New(relay.Options{Source: "shop", Publisher: accepting{make([]relay.Result, relay.MaxEntries)}, Failures: &queue{}})
	ev := events.DynamoDBEvent{Records: inserts(b, 100)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Handle(context.Background(), ev); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/event")
}
