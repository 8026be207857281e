package direct_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus/direct"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog/relay"
)

type search struct {
	Text   string `json:"text" validate:"required"`
	UserID string `json:"user_id,omitempty"`
}

type outside struct {
	Text string `json:"text"`
}

var (
	searched = event.Define[search]("page.searched")
	shared   = event.Define[search]("page.shared", event.Public(func(s search) outside { return outside{s.Text} }, 2))
)

var start = time.Date(2026, 11, 21, 5, 47, 19, 0, time.UTC)

// bus keeps what it is sent and answers as told.
type bus struct {
	requests [][]relay.Entry
	answer   func(n int, e relay.Entry) relay.Result
	err      error
}

func (b *bus) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	b.requests = append(b.requests, entries)
	if b.err != nil {
		return nil, b.err
	}
	results := make([]relay.Result, len(entries))
	for i, e := range entries {
		if b.answer != nil {
			results[i] = b.answer(len(b.requests), e)
		}
	}
	return results, nil
}

func newPublisher(b *bus) *direct.Publisher {
	n := 0
	return direct.New(direct.Options{
		Source: "shop", Bus: b, Now: func() time.Time { return start },
		NewID: func() string { n++; return fmt.Sprint("r", n) },
	})
}

func envelope(t *testing.T, e relay.Entry) event.Envelope {
	t.Helper()
	env, err := event.DecodeEnvelope([]byte(e.Detail))
	if err != nil {
		t.Fatal(err)
	}
	if env.Source != e.Source || env.Type != e.Type || !env.Time.Equal(e.Time) {
		t.Errorf("entry %+v holds %+v", e, env.Metadata)
	}
	return env
}

func TestPublish(t *testing.T) {
	b := &bus{}
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	flow := event.Flow{CorrelationID: "r", CausationID: "c", TenantID: "acme", Actor: "ann", TraceParent: parent}
	made, err := newPublisher(b).Publish(event.WithFlow(context.Background(), flow),
		searched.Record(search{Text: "go", UserID: "u"}),
		shared.At("page/7", event.Append).Record(search{Text: "<go>", UserID: "u"}),
	)
	if err != nil || len(made) != 2 || len(b.requests) != 1 || len(b.requests[0]) != 3 {
		t.Fatalf("made %+v, %v, sent %+v", made, err, b.requests)
	}
	want := event.Metadata{
		ID: "direct/r1@1", Source: "shop", Type: "page.searched", Subject: "direct/r1", Time: start, SchemaVersion: 1,
		CorrelationID: "r", CausationID: "c", TenantID: "acme", Actor: "ann", TraceParent: parent,
	}
	for _, e := range b.requests[0] {
		if e.TraceHeader != "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1" {
			t.Errorf("the entry has the trace %q", e.TraceHeader)
		}
	}
	first := envelope(t, b.requests[0][0])
	if made[0] != want || first.Metadata != want {
		t.Errorf("made %+v, sent %+v, want %+v", made[0], first.Metadata, want)
	}
	if got, err := searched.Decode(first); err != nil || got.Data != (search{"go", "u"}) {
		t.Errorf("decoded %+v, %v", got, err)
	}
	inner, public := envelope(t, b.requests[0][1]), envelope(t, b.requests[0][2])
	if inner.Subject != "page/7" || inner.ID != "direct/r2@1" || public.ID != inner.ID || public.Source != "shop.public" || public.SchemaVersion != 2 || public.Subject != "page/7" {
		t.Errorf("sent %+v and %+v", inner.Metadata, public.Metadata)
	}
	if strings.Contains(b.requests[0][2].Detail, "user_id") {
		t.Errorf("inner data leaks: %s", b.requests[0][2].Detail)
	}
}

// Without a request to belong to, the first event begins one.
func TestBeginsCorrelation(t *testing.T) {
	b := &bus{}
	made, err := newPublisher(b).Publish(context.Background(), searched.Record(search{Text: "a"}), searched.Record(search{Text: "b"}))
	if err != nil || made[0].CorrelationID != "direct/r1@1" || made[1].CorrelationID != "direct/r1@1" || made[0].ID == made[1].ID {
		t.Errorf("made %+v, %v", made, err)
	}
}

func TestNothing(t *testing.T) {
	b := &bus{}
	if made, err := newPublisher(b).Publish(context.Background()); err != nil || len(made) != 0 || len(b.requests) != 0 {
		t.Errorf("%v, %v, %v", made, err, b.requests)
	}
}

// Requests hold as many as fit, and nothing is too large for one.
func TestRequests(t *testing.T) {
	for _, tt := range []struct{ events, size, requests int }{{25, 1, 3}, {10, 1, 1}, {4, 400_000, 2}, {3, 900_000, 3}} {
		b := &bus{}
		var records []event.Record
		for range tt.events {
			records = append(records, searched.Record(search{Text: strings.Repeat("x", tt.size)}))
		}
		made, err := newPublisher(b).Publish(context.Background(), records...)
		if err != nil || len(made) != tt.events || len(b.requests) != tt.requests {
			t.Errorf("%d events of %d bytes: %d requests, %v; want %d", tt.events, tt.size, len(b.requests), err, tt.requests)
		}
		sent := 0
		for _, r := range b.requests {
			size := 0
			for _, e := range r {
				size += e.Size()
			}
			if sent += len(r); len(r) > relay.MaxEntries || size > relay.MaxBytes {
				t.Errorf("a request of %d entries and %d bytes", len(r), size)
			}
		}
		if sent != tt.events {
			t.Errorf("%d sent, want %d", sent, tt.events)
		}
	}
}

// What is wrong is told of all events, and none is sent.
func TestInvalid(t *testing.T) {
	b := &bus{}
	_, err := newPublisher(b).Publish(context.Background(),
		searched.Record(search{Text: "fine"}),
		searched.Record(search{}),
		searched.At("page/7", event.Expect(3)).Record(search{Text: "a"}),
		searched.Record(search{Text: strings.Repeat("x", relay.MaxBytes)}),
		event.Record{Type: "Odd"},
	)
	if !errors.Is(err, direct.ErrInvalid) || !errors.Is(err, event.KindValidation) || len(b.requests) != 0 {
		t.Fatalf("got %v, sent %v", err, b.requests)
	}
	for _, want := range []string{"event 1: ", "event 2: page.searched expects stream page/7 at version 3", "event 3: it has 1000", "event 4: "} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want one that says %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "event 0") {
		t.Errorf("got %v, and the first event is fine", err)
	}
}

// Which events were not published is told; the others were.
func TestFailures(t *testing.T) {
	b := &bus{answer: func(_ int, e relay.Entry) relay.Result {
		if strings.Contains(e.Detail, "unlucky") {
			return relay.Result{Code: "ThrottlingException", Message: "slow down"}
		}
		return relay.Result{}
	}}
	var records []event.Record
	for i := range 12 {
		text := "lucky"
		if i == 3 || i == 11 {
			text = "un" + text
		}
		records = append(records, searched.Record(search{Text: text}))
	}
	made, err := newPublisher(b).Publish(context.Background(), records...)
	var failed *direct.Error
	if !errors.As(err, &failed) || len(made) != 12 || len(failed.Failed) != 2 || failed.Failed[0].Index != 3 || failed.Failed[1].Index != 11 || failed.Failed[1].Code != "ThrottlingException" {
		t.Fatalf("made %d, %v", len(made), err)
	}
	if want := "not published: event 3 (page.searched): ThrottlingException: slow down; event 11"; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %q, want %q", err, want)
	}
	if len(b.requests) != 2 {
		t.Errorf("%d requests: nothing is sent again", len(b.requests))
	}

	b = &bus{err: errors.New("connection reset")}
	if _, err := newPublisher(b).Publish(context.Background(), shared.Record(search{Text: "a"})); !errors.As(err, &failed) || len(failed.Failed) != 2 || !failed.Failed[1].Public || failed.Failed[0].Code != "" || err.Error() != "not published: event 0 (page.shared): connection reset; event 0 (page.shared): connection reset" {
		t.Errorf("got %v", err)
	}
	b = &bus{err: fmt.Errorf("put: %w", &relay.RejectedError{Code: "ValidationException"})}
	if _, err := newPublisher(b).Publish(context.Background(), searched.Record(search{Text: "a"})); !errors.As(err, &failed) || failed.Failed[0].Code != "ValidationException" {
		t.Errorf("got %v", err)
	}
}

func TestOptionsThatAreWrong(t *testing.T) {
	for _, o := range []direct.Options{{Bus: &bus{}}, {Source: "shop"}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic for %+v", o)
				}
			}()
			direct.New(o)
		}()
	}
	if _, err := direct.FromEnv(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "VINCI_APP") {
		t.Errorf("got %v, want an error that names VINCI_APP", err)
	}
	bad := direct.New(direct.Options{Source: "shop", Bus: &bus{}, NewID: func() string { return "no good" }})
	if _, err := bad.Publish(context.Background(), searched.Record(search{Text: "a"})); !errors.Is(err, direct.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
