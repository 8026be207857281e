package relay_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/relay"
)

// A public event is two entries: its own, and what may leave the application.
func TestPublic(t *testing.T) {
	f := newFixture()
	if at := f.handle(t, context.Background(), insert(t, 0), insert(t, 1, public), insert(t, 2)); at != "" {
		t.Fatalf("goes on from %s", at)
	}
	if got := ids(f.bus.accepted); got != "0 1 1+ 2" {
		t.Fatalf("accepted %s", got)
	}
	inner, outer := decoded(t, f.bus.entries[1]), decoded(t, f.bus.entries[2])
	want := inner.Metadata
	want.Source, want.SchemaVersion = "shop.public", 7
	if outer.Metadata != want || string(outer.Data) != `{"total":5}` {
		t.Errorf("got %+v %s, want %+v", outer.Metadata, outer.Data, want)
	}
	if strings.Contains(f.bus.entries[2].Detail, `"n"`) {
		t.Errorf("inner data leaks: %s", f.bus.entries[2].Detail)
	}
}

func decoded(t *testing.T, e relay.Entry) event.Envelope {
	t.Helper()
	env, err := event.DecodeEnvelope([]byte(e.Detail))
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// Each entry goes, or is given up, for itself.
func TestPublicFailures(t *testing.T) {
	malformed := relay.Result{Code: "MalformedDetail", Message: "no"}
	for _, tt := range []struct {
		name     string
		change   func(*eventlog.Stored)
		answers  map[string]relay.Result
		accepted string
		failed   []string
		again    string
	}{
		{"refused", nil, map[string]relay.Result{"order/1@1+": malformed}, "0 1 2", []string{"order/1@1+"}, ""},
		{"its own refused", nil, map[string]relay.Result{"order/1@1": malformed}, "0 1+ 2", []string{"order/1@1"}, ""},
		{"throttled", nil, map[string]relay.Result{"order/1@1+": throttled}, "0 1 2", nil, sequence(1)},
		{"no version", func(s *eventlog.Stored) { s.PublicVersion = 0 }, nil, "0 1 2", []string{"order/1@1+"}, ""},
		{"no JSON", func(s *eventlog.Stored) { s.Public = "{" }, nil, "0 1 2", []string{"order/1@1+"}, ""},
		{"too large", func(s *eventlog.Stored) { s.Public = `"` + strings.Repeat("x", 1_000_000) + `"` }, nil, "0 1 2", []string{"order/1@1+"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture()
			f.bus.answer = func(_ int, id string) relay.Result { return tt.answers[id] }
			records := []events.DynamoDBEventRecord{insert(t, 0), insert(t, 1, func(s *eventlog.Stored) {
				public(s)
				if tt.change != nil {
					tt.change(s)
				}
			}), insert(t, 2)}
			if at := f.handle(t, context.Background(), records...); at != tt.again {
				t.Errorf("goes on from %q, want %q", at, tt.again)
			}
			if got := ids(f.bus.accepted); got != tt.accepted {
				t.Errorf("accepted %s, want %s", got, tt.accepted)
			}
			var failed []string
			for _, q := range f.queue.got {
				failed = append(failed, entryID(q.EventID, q.Public))
			}
			if !slices.Equal(failed, tt.failed) {
				t.Errorf("failure queue has %v, want %v", failed, tt.failed)
			}
		})
	}
}

// The lag is that of the event that waited longest, and of what was published
// only.
func TestLag(t *testing.T) {
	f := newFixture()
	at := func(second string) func(*eventlog.Stored) {
		return func(s *eventlog.Stored) { s.Time = "2026-11-21T05:47:" + second + ".000000000Z" }
	}
	f.bus.answer = func(_ int, id string) relay.Result {
		if id == "order/0@1" {
			return relay.Result{Code: "MalformedDetail"}
		}
		return relay.Result{}
	}
	f.handle(t, context.Background(), insert(t, 0, at("02")), insert(t, 1, at("17")), insert(t, 2, at("12")), insert(t, 3, at("20")))
	if m := lines(t, &f.metrics); len(m) != 2 || m[0][relay.MetricLag] != 7000.0 || m[0][relay.MetricFailed] != 1.0 {
		t.Errorf("metrics %v, want a lag of 7000 ms", m)
	}

	// The clock of whoever committed may be ahead.
	f = newFixture()
	f.handle(t, context.Background(), insert(t, 0, at("55")))
	if m := lines(t, &f.metrics); len(m) != 2 || m[0][relay.MetricLag] != 0.0 {
		t.Errorf("metrics %v, want a lag of 0", m)
	}
}
