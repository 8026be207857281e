package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

var noon = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// printed is what a function prints on a screen without colours.
func printed(t *testing.T, f func(*screen) error) string {
	t.Helper()
	var b strings.Builder
	if err := f(&screen{w: &b}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func delivery(of, subscription string, state ops.State, attempts int, kind, message string) ops.Delivery {
	return ops.Delivery{
		EventID: of, Subscription: subscription, EventType: "order.placed", CorrelationID: "req-1", Status: bus.Status(state), State: state, Attempts: attempts,
		FirstAt: noon, LastAt: noon.Add(90 * time.Second), DurationMS: 12.345, ErrorKind: kind, ErrorMessage: message, ExpiresAt: noon.AddDate(0, 0, 35),
	}
}

func happened(id, eventType, cause string, after time.Duration) event.Envelope {
	stream, _, _ := strings.Cut(id, "@")
	return event.Envelope{Metadata: event.Metadata{
		ID: id, Source: "shop", Type: eventType, Subject: stream, Time: noon.Add(after), SchemaVersion: 1, CorrelationID: "req-1", CausationID: cause,
	}, Data: json.RawMessage(`{"number":1}`)}
}

func TestOpsPrinted(t *testing.T) {
	evil := "no\nsuch \x1b[31mcity\t\x07"
	charge := delivery("order/1@1", "charge", ops.Dead, 5, "failed", evil)
	report := delivery("order/1@1", "report_sales", ops.Succeeded, 1, "", "")
	ship := delivery("order/1@2", "ship", ops.Blocked, 2, "time-out", "the handler's time was up")
	again := delivery("order/1@2", "ship", ops.Stuck, 1, "", "")
	again.Namespace = "spring"
	edited := happened("edited/x@1", "order.placed", "order/1@1", 3*time.Second)
	edited.Actor = "ada"

	tree := ops.Tree{CorrelationID: "req-1", Events: 5, Roots: []*ops.Node{
		{Event: happened("order/1@1", "order.placed", "", 0), Deliveries: []ops.Delivery{charge, report}, Caused: []*ops.Node{
			{Event: happened("order/1@2", "order.paid", "order/1@1", time.Second), Deliveries: []ops.Delivery{ship}, Caused: []*ops.Node{
				{Event: happened("parcel/9@1", "parcel.sent", "order/1@2", 2*time.Second)},
			}},
			{Event: edited, Deliveries: []ops.Delivery{report}},
		}},
		{Event: happened("audit/7@1", "audit.written", "elsewhere", 4*time.Second)},
	}}
	letters := []ops.DeadLetter{
		{MessageID: "m1", EventID: "order/1@1", EventType: "order.placed", Attempts: 5, ErrorKind: "failed", ErrorMessage: evil, Sent: noon, Delivery: &charge,
			Body: `{"detail":{"x":1}}`},
		{MessageID: "m2", ErrorKind: "undecodable", ErrorMessage: "it is no event", Sent: noon.Add(time.Minute), Body: "junk\x1b[2J\nmore"},
	}
	five := ops.Depth{Waiting: 5, InFlight: 1}
	for name, f := range map[string]func(*screen) error{
		"trace": func(s *screen) error { return printTree(s, tree) },
		"deliveries": func(s *screen) error {
			return printDeliveries(s, []ops.Delivery{charge, report, again}, []string{"ship"})
		},
		"history": func(s *screen) error {
			return printHistory(s, eventlog.Page{Events: []event.Envelope{happened("order/1@1", "order.placed", "", 0), edited}, Next: "CURSOR"}, noon, true)
		},
		"letters": func(s *screen) error { return printLetters(s, letters, 2) },
		"letter":  func(s *screen) error { return printLetter(s, &letters[0]) },
		"junk":    func(s *screen) error { return printLetter(s, &letters[1]) },
		"trouble": func(s *screen) error {
			return printTrouble(s, []troubleReport{
				{"charge", ops.Backlog{Queue: five, DeadLetters: &five, Undelivered: five}, []ops.Trouble{{Delivery: charge, GivenUp: true}, {Delivery: ship, Stream: "order/1", GivenUp: true}, {Delivery: again}}, true},
				{"report_sales", ops.Backlog{}, nil, false},
			})
		},
		"replay": func(s *screen) error {
			return printReplay(s, &replayJSON{DryRun: true, Types: map[string]int{"order.placed": 3, "order.paid": 1}, Events: []string{"order/1@1", "order/2@1"},
				ReplayProgress: ops.ReplayProgress{Looked: 10, Sent: 4, Succeeded: 3, Ignored: 1, Old: 1, NotAsked: 1, Done: true}})
		},
	} {
		t.Run(name, func(t *testing.T) { golden(t, filepath.Join("ops", name+".txt"), printed(t, f)) })
	}
	for want, f := range map[string]func(*screen) error{
		"no events\n":                   func(s *screen) error { return printHistory(s, eventlog.Page{}, noon, true) },
		"nothing is there\n":            func(s *screen) error { return printLetters(s, nil, 1) },
		"no subscription asks for it\n": func(s *screen) error { return printDeliveries(s, nil, nil) },
		"the application has no subscriptions: add one in app.go with AddEventHandler\n": func(s *screen) error { return printTrouble(s, nil) },
	} {
		if got := printed(t, f); got != want {
			t.Errorf("printed %q, want %q", got, want)
		}
	}
	// Colours change nothing but the colours.
	var colored strings.Builder
	if err := printTree(&screen{w: &colored, color: true}, tree); err != nil {
		t.Fatal(err)
	}
	bare := strings.NewReplacer(dim, "", red, "", cyan, "", reset, "").Replace(colored.String())
	if plain := printed(t, func(s *screen) error { return printTree(s, tree) }); bare != plain || bare == colored.String() {
		t.Errorf("with colours:\n%s\nwithout:\n%s", colored.String(), plain)
	}
}

func TestMoment(t *testing.T) {
	for text, want := range map[string]time.Time{
		"90m": noon.Add(-90 * time.Minute), "7d": noon.AddDate(0, 0, -7), "0.5d": noon.Add(-12 * time.Hour),
		"2026-02-01": time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), "2026-02-01T10:00:00+02:00": time.Date(2026, 2, 1, 8, 0, 0, 0, time.UTC),
	} {
		if got, err := moment("since", text, noon); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("%s: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-1h", "-1d", "yesterday", "2026-13-01", "5"} {
		if got, err := moment("since", text, noon); err == nil || !strings.Contains(err.Error(), "--since") {
			t.Errorf("%q: %s, %v", text, got, err)
		}
	}
	if _, _, err := (&span{"1h", "2h"}).times(noon); err == nil {
		t.Error("an end before the beginning is taken")
	}
}

// shop is an application with two event types and two subscriptions.
func shop(t *testing.T) *application {
	t.Helper()
	return &application{
		dir: t.TempDir(), name: "shop",
		events: []*schema.Event{{Name: "order.placed"}, {Name: "order.paid"}},
		subscriptions: []*definitions.Subscription{
			definitions.SubscriptionOf(bus.Subscription("charge", bus.To(event.Match("order.*"))), true),
			definitions.SubscriptionOf(bus.Subscription("ship", bus.To(ordered)), true),
		},
	}
}

type orderPlaced struct {
	Number int `json:"number"`
}

var ordered = event.Define[orderPlaced]("order.placed")

func TestTypesThatAreMeant(t *testing.T) {
	app := shop(t)
	for meant, want := range map[string]string{
		"":                        "ops.edited ops.purged ops.rebuilt ops.redriven ops.replayed ops.republished ops.setting_changed ops.skipped order.paid order.placed",
		"order.placed":            "order.placed",
		"order.*":                 "order.paid order.placed",
		"*.paid order.*":          "order.paid order.placed",
		"ops.redriven order.paid": "ops.redriven order.paid",
	} {
		if got, err := app.types(strings.Fields(meant)); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %v, %v, want %s", meant, got, err, want)
		}
	}
	for meant, says := range map[string]string{"order.plced": `did you mean "order.placed"`, "user.*": "no event type is like user.*", "a*b*": "a*b*"} {
		if _, err := app.types([]string{meant}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", meant, err, says)
		}
	}
}

// Mistakes are found before anything is asked of the deployment.
func TestOpsMistakes(t *testing.T) {
	dir := fakeApp(t)
	t.Setenv("USER", "")
	if _, _, err := vinci(t, "", "dlq", "lst"); err == nil || !strings.Contains(err.Error(), `did you mean "list"`) {
		t.Errorf("vinci dlq lst: %v", err)
	}
	for _, tt := range []struct {
		says string
		args []string
	}{
		{"the subscription's name is missing: vinci dlq list SUBSCRIPTION", []string{"dlq", "list"}},
		{"one subscription at a time, got a b", []string{"dlq", "redrive", "a", "b"}},
		{"which messages? either --all, or --id", []string{"dlq", "purge", "a"}},
		{"which messages? either --all, or --id", []string{"dlq", "redrive", "a", "--all", "--id", "x"}},
		{"say it with --as NAME", []string{"dlq", "purge", "a", "--all"}},
		{"say --yes if it is meant", []string{"dlq", "purge", "a", "--all", "--as", "ada"}},
		{"--limit 0", []string{"history", "--limit", "0"}},
		{"--limit 0", []string{"trouble", "--limit", "0"}},
		{"say it with --as NAME", []string{"dlq", "skip", "a", "order/1@1"}},
		{"which data?", []string{"dlq", "send", "a", "order/1@1"}},
		{"an event id (order/7f3c@1) are needed", []string{"dlq", "send", "a"}},
		{"an id of `vinci dlq list` are needed", []string{"dlq", "show", "a"}},
		{"--limit 0", []string{"dlq", "list", "a", "--limit", "0"}},
		{"--rate -1", []string{"dlq", "redrive", "a", "--all", "--rate", "-1"}},
		{"it has no @", []string{"deliveries", "order"}},
		{"got 0 arguments", []string{"trace"}},
		{"--stream shows a whole stream", []string{"history", "order.placed", "--stream", "order/1"}},
		{`--since "soon"`, []string{"history", "--since", "soon"}},
		{`--until "soon"`, []string{"replay", "a", "--until", "soon"}},
		{"--list -1", []string{"replay", "a", "--list", "-1"}},
		{"which events? --since TIME", []string{"republish"}},
		{"--rate 0", []string{"republish", "--since", "1h", "--rate", "0"}},
		{"say it with --as NAME", []string{"republish", "--since", "1h"}},
		{"is more than 20 days ago", []string{"republish", "--since", "21d", "--as", "ada"}},
		{"nothing answers at http://127.0.0.1:1", []string{"trouble", "--endpoint", "http://127.0.0.1:1"}},
	} {
		if _, _, err := vinci(t, "", append(tt.args, "--dir", dir)...); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("vinci %s: %v, want %q", strings.Join(tt.args, " "), err, tt.says)
		}
	}
}

// sink takes messages until it breaks.
type sink struct {
	ops.Queues
	taken, breaksAt int
}

func (s *sink) Send(_ context.Context, _ string, messages []ops.Outgoing) error {
	if s.taken += len(messages); s.breaksAt > 0 && s.taken > s.breaksAt {
		return errors.New("the line is cut")
	}
	return nil
}

// What a broken subscription has piled up does not flood the screen.
func TestTroubleLimit(t *testing.T) {
	store := ormtest.New()
	d, err := newDeployed(shop(t), &target{Deployment: names.Deployment{App: "shop", ID: "local"}, env: map[string]string{}}, store, empty{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		r := bus.Delivery{EventID: event.EventID("order/1", int64(i+1)), Subscription: "charge", Status: bus.Dead, Trouble: "charge", ExpiresAt: noon.Unix()}
		if err := orm.Exec(t.Context(), store, bus.Deliveries.Put(r)); err != nil {
			t.Fatal(err)
		}
	}
	for limit, more := range map[int]bool{3: true, 5: false} {
		if r, err := d.troubleReport(t.Context(), "charge", limit); err != nil || len(r.Trouble) != limit || r.More != more {
			t.Errorf("limit %d: %d deliveries, more %t, %v", limit, len(r.Trouble), r.More, err)
		}
	}
}

// empty are queues without messages.
type empty struct{ ops.Queues }

func (empty) Depth(context.Context, string) (ops.Depth, error) { return ops.Depth{}, nil }

// A replay that breaks off leaves a bookmark with all that is needed to go on.
func TestReplayBookmark(t *testing.T) {
	app, store, queue := shop(t), ormtest.New(), &sink{breaksAt: 25}
	d, err := newDeployed(app, &target{Deployment: names.Deployment{App: "shop", ID: "local"}, env: map[string]string{}}, store, queue)
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		if _, err := d.log.Commit(t.Context(), eventlog.Changes{Events: []event.Record{ordered.At("order/1", event.Append).Record(orderPlaced{})}}); err != nil {
			t.Fatal(err)
		}
	}
	mark := bookmarkOf(app.dir, d.ID, "charge")
	f := &opsFlags{as: "ada"}
	run := func(r ops.Replay) (string, string, error) {
		cmd := &cobra.Command{}
		cmd.SetContext(t.Context())
		var out, errs strings.Builder
		cmd.SetOut(&out)
		cmd.SetErr(&errs)
		err := f.replay(cmd, d, "charge", r, mark, 2)
		return out.String(), errs.String(), err
	}
	r := ops.Replay{Selection: ops.Selection{Types: []string{"order.placed"}, From: time.Now().Add(-time.Hour).UTC(), To: time.Now().Add(time.Minute).UTC()}, Rate: 10}
	r.DryRun = true
	if out, _, err := run(r); err != nil || !strings.Contains(out, "would send 40") || !strings.Contains(out, "and 38 more") {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := os.Stat(mark.path); !os.IsNotExist(err) {
		t.Errorf("a dry run left a bookmark: %v", err)
	}
	r.DryRun = false
	_, said, err := run(r)
	if err == nil || !strings.Contains(err.Error(), "the line is cut") || !strings.Contains(said, "vinci replay charge --resume goes on") {
		t.Fatalf("%v, %s", err, said)
	}
	var b replayBookmark
	if there, err := mark.read(&b); !there || err != nil || b.Cursor == "" || b.Sent != 20 || b.Replay.ID == "" || b.Replay.Types[0] != "order.placed" || !b.Replay.To.Equal(r.To) {
		t.Fatalf("the bookmark is %+v, %v", b, err)
	}
	queue.taken, queue.breaksAt = 0, 0
	next := b.Replay
	next.Cursor, next.Rate = b.Cursor, 1000
	if out, _, err := run(next); err != nil || !strings.Contains(out, "sent 20, 0 had succeeded") || queue.taken != 20 {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := os.Stat(mark.path); !os.IsNotExist(err) {
		t.Errorf("a replay that has ended left a bookmark: %v", err)
	}
	if err := os.WriteFile(mark.path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := mark.read(&b); err == nil || !strings.Contains(err.Error(), "delete the file to begin anew") {
		t.Errorf("a broken bookmark: %v", err)
	}
}
