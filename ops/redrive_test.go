package ops_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
)

// charging is a fixture with one subscription whose handler fails as it is told.
func charging(t *testing.T, opts ...bus.Option) (*fixture, *flaky) {
	t.Helper()
	h := &flaky{}
	sub := bus.Subscription("charge", append([]bus.Option{bus.To(placed)}, opts...)...)
	return newFixture(t, part{sub, []bus.Part{bus.On(placed, h.handle)}}), h
}

// dead commits n orders that the handler gives up.
func (f *fixture) dead(h *flaky, n int) []event.Envelope {
	f.t.Helper()
	h.broken = true
	var es []event.Envelope
	for i := range n {
		es = append(es, f.commit(placed.At(at(i), event.Append).Record(order{Number: i, City: "Ulm"}))...)
	}
	f.publish(es...)
	f.work()
	h.broken = false
	return es
}

// An event that was given up is listed with its reason, redriven, and succeeds; the
// act is in the event's own story.
func TestRedrive(t *testing.T) {
	f, h := charging(t)
	e := f.dead(h, 1)[0]
	letters, err := f.ops.DeadLetters(t.Context(), "charge", ops.DeadLetters, 0)
	if err != nil || len(letters) != 1 {
		t.Fatalf("%+v, %v", letters, err)
	}
	l := letters[0]
	if l.EventID != e.ID || l.EventType != "order.placed" || l.ErrorKind != "permanent" || !strings.Contains(l.ErrorMessage, "no such city: Ulm") || l.Attempts != 1 || l.Delivery.State != ops.Dead {
		t.Errorf("listed as %+v", l)
	}
	if n := f.queues.visible(dlq("charge")); n != 1 {
		t.Errorf("after it was listed %d messages are visible", n)
	}
	if got := f.trouble("charge"); len(got) != 1 || got[0].State != ops.Dead || !got[0].GivenUp {
		t.Errorf("trouble: %+v", got)
	}

	done, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true, Reason: "the city is there now"})
	if err != nil || done.Messages != 1 || !slices.Equal(done.Events, []string{e.ID}) {
		t.Fatalf("%+v, %v", done, err)
	}
	f.work()
	if d := f.first.Delivery(e.ID); d.Status != bus.Succeeded || !slices.Equal(h.handled, []string{e.ID}) {
		t.Errorf("delivery %+v, handled %v", d, h.handled)
	}
	if n := len(f.queues.held[dlq("charge")]) + len(f.queues.held[queue("charge")]); n != 0 {
		t.Errorf("%d messages are left", n)
	}
	if got := f.trouble("charge"); len(got) != 0 {
		t.Errorf("trouble: %+v", got)
	}
	acts := f.acts("charge")
	if len(acts) != 1 || acts[0].Type != "ops.redriven" || acts[0].Actor != "alice" || acts[0].CorrelationID != e.CorrelationID || acts[0].CausationID != e.ID {
		t.Fatalf("acts: %+v", acts)
	}
	act, err := ops.Redriven.Decode(acts[0])
	if err != nil || act.Data.Reason != "the city is there now" || act.Data.Queue != dlq("charge") || !slices.Equal(act.Data.Events, []string{e.ID}) || act.Time.IsZero() {
		t.Errorf("act: %+v, %v", act, err)
	}
}

func TestRedriveSome(t *testing.T) {
	f, h := charging(t)
	es := f.dead(h, 25)
	var looked []int
	done, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{IDs: []string{es[3].ID, es[21].ID, "order/77@1"}, Progress: func(d ops.Done) { looked = append(looked, d.Looked) }})
	if err != nil || done.Messages != 2 || !slices.Equal(done.Missing, []string{"order/77@1"}) {
		t.Fatalf("%+v, %v", done, err)
	}
	if !slices.Equal(looked, []int{10, 20, 25}) { // while it looks, and when it has moved them
		t.Errorf("progress at %v messages", looked)
	}
	f.work()
	slices.Sort(h.handled)
	if want := []string{es[21].ID, es[3].ID}; !slices.Equal(h.handled, want) {
		t.Errorf("handled %v, want %v", h.handled, want)
	}
	if n := f.queues.visible(dlq("charge")); n != 23 {
		t.Errorf("%d of 23 others are visible at once", n)
	}
}

// A message that comes back at once is left: redriving all ends.
func TestRedriveEndsWhenMessagesComeBack(t *testing.T) {
	f, h := charging(t)
	f.dead(h, 12)
	f.queues.sent = func(q string, m ops.Outgoing) {
		if q == queue("charge") {
			f.queues.put(dlq("charge"), ops.Message{Body: m.Body, Attributes: m.Attributes})
		}
	}
	done, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true})
	if err != nil || done.Messages != 12 {
		t.Fatalf("%+v, %v", done, err)
	}
	if n := f.queues.visible(dlq("charge")); n != 12 {
		t.Errorf("%d messages came back and are visible", n)
	}
}

// What breaks off has said what it was about to do, has lost nothing, and can be done
// again.
func TestRedriveBreaksOff(t *testing.T) {
	for _, op := range []string{"send", "delete"} {
		t.Run(op, func(t *testing.T) {
			f, h := charging(t)
			es := f.dead(h, 30)
			calls := 0
			f.queues.fail = func(o, _ string) error {
				if o == op {
					if calls++; calls == 2 {
						return errors.New("the line is cut")
					}
				}
				return nil
			}
			done, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true})
			if err == nil || !strings.Contains(err.Error(), "the line is cut") || done.Messages != 10 {
				t.Fatalf("%+v, %v", done, err)
			}
			if n := f.queues.visible(dlq("charge")); n != 20 {
				t.Errorf("%d messages are visible in the dead-letter queue, want the 20 that were not deleted", n)
			}
			if n := len(f.acts("charge")); n != 1 {
				t.Errorf("%d acts", n)
			}
			done, err = f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true})
			if err != nil || done.Messages != 20 {
				t.Fatalf("again: %+v, %v", done, err)
			}
			f.work()
			slices.Sort(h.handled)
			if len(h.handled) != len(es) || len(slices.Compact(h.handled)) != len(es) {
				t.Errorf("handled %d times", len(h.handled))
			}
		})
	}
}

func TestRedriveRate(t *testing.T) {
	f, h := charging(t)
	f.dead(h, 25)
	var seen []int
	_, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true, Rate: 5, Progress: func(d ops.Done) {
		if len(seen) == 0 || seen[len(seen)-1] != d.Messages {
			seen = append(seen, d.Messages)
		}
	}})
	if err != nil || fmt.Sprint(f.waits) != "[1s 1s 1s 1s 1s]" || fmt.Sprint(seen) != "[0 5 10 15 20 25]" {
		t.Errorf("waits %v, progress %v, %v", f.waits, seen, err)
	}
}

func TestPurge(t *testing.T) {
	f, h := charging(t)
	es := f.dead(h, 3)
	junk := f.queues.put(dlq("charge"), ops.Message{Body: "junk", Attributes: map[string]string{bus.AttrErrorKind: "undecodable"}})
	done, err := f.ops.Purge(f.ctx, "charge", ops.Pick{IDs: []string{es[1].ID, junk}})
	if err != nil || done.Messages != 2 || !slices.Equal(done.Events, []string{es[1].ID, "message:" + junk}) {
		t.Fatalf("%+v, %v", done, err)
	}
	if n := f.queues.visible(dlq("charge")); n != 2 {
		t.Errorf("%d messages left", n)
	}
	if acts := f.acts("charge"); len(acts) != 1 || acts[0].Type != "ops.purged" {
		t.Errorf("acts: %+v", acts)
	}
	// The record says dead, so a replay still finds it.
	p, err := f.ops.Replay(t.Context(), "charge", ops.Replay{Selection: ops.Selection{Stream: at(1)}, DryRun: true})
	if err != nil || p.Sent != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

// A dead-letter queue may have an event twice, however far apart.
func TestPurgeTakesCopies(t *testing.T) {
	f, h := charging(t)
	e := f.dead(h, 1)[0]
	body := f.queues.held[dlq("charge")][0].Body
	for range 700 {
		f.queues.put(dlq("charge"), ops.Message{Body: body})
	}
	done, err := f.ops.Purge(f.ctx, "charge", ops.Pick{All: true})
	if err != nil || done.Messages != 701 || len(f.queues.held[dlq("charge")]) != 0 {
		t.Errorf("%d messages of %s, %v; %d are left", done.Messages, e.ID, err, len(f.queues.held[dlq("charge")]))
	}
}

// Reasons are found wherever they are: a message that SQS moved has none of its own.
func TestDeadLetterReasons(t *testing.T) {
	f, h := charging(t)
	e := f.dead(h, 1)[0]
	body := f.queues.held[dlq("charge")][0].Body
	f.queues.held[dlq("charge")] = nil
	f.queues.put(dlq("charge"), ops.Message{Body: body, SourceARN: "arn:aws:sqs:x", Sent: f.now().Add(-time.Hour)})
	other, err := bus.MessageBody(f.commit(placed.At(at(9), event.New).Record(order{}))[0])
	if err != nil {
		t.Fatal(err)
	}
	f.queues.put(dlq("charge"), ops.Message{Body: string(other)})
	junk := f.queues.put(dlq("charge"), ops.Message{Body: "{}", Attributes: map[string]string{bus.AttrErrorKind: "undecodable", bus.AttrErrorMessage: "no detail"}})
	f.queues.put(queue("charge")+"_undelivered", ops.Message{Body: body, Attributes: map[string]string{"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "denied"}})

	letters, err := f.ops.DeadLetters(t.Context(), "charge", ops.DeadLetters, 0)
	if err != nil || len(letters) != 3 {
		t.Fatalf("%+v, %v", letters, err)
	}
	for i, want := range []struct{ id, kind, message string }{
		{e.ID, "received too often", "last attempt: permanent: "},
		{"order/9@1", "received too often", "no attempt was recorded"},
		{"message:" + junk, "undecodable", "no detail"},
	} {
		if l := letters[i]; l.ID() != want.id || l.ErrorKind != want.kind || !strings.Contains(l.ErrorMessage, want.message) {
			t.Errorf("%d: %s %s %q, want %+v", i, l.ID(), l.ErrorKind, l.ErrorMessage, want)
		}
	}
	if some, err := f.ops.DeadLetters(t.Context(), "charge", ops.DeadLetters, 2); err != nil || len(some) != 2 {
		t.Errorf("%d letters of 2, %v", len(some), err)
	}
	if n := f.queues.visible(dlq("charge")); n != 3 {
		t.Errorf("%d of 3 visible", n)
	}
	letters, err = f.ops.DeadLetters(t.Context(), "charge", ops.Undelivered, 0)
	if err != nil || len(letters) != 1 || letters[0].ErrorKind != "NO_PERMISSIONS" || letters[0].ErrorMessage != "denied" {
		t.Errorf("undelivered: %+v, %v", letters, err)
	}
	done, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true, Box: ops.Undelivered})
	if err != nil || done.Messages != 1 || f.queues.visible(queue("charge")) != 1 {
		t.Errorf("%+v, %v", done, err)
	}
}

func TestActsThatAreRefused(t *testing.T) {
	f, h := charging(t)
	e := f.dead(h, 1)[0]
	f.queues.absent[dlq("charge")] = true
	nobody := t.Context()
	for _, tt := range []struct {
		name string
		act  func() error
		kind ops.Kind
		says string
	}{
		{"nobody", func() error { _, err := f.ops.Redrive(nobody, "charge", ops.Pick{All: true}); return err }, ops.KindInvalid, "nobody is named"},
		{"nobody replays", func() error {
			_, err := f.ops.Replay(nobody, "charge", ops.Replay{Selection: ops.Selection{Stream: at(1)}})
			return err
		}, ops.KindInvalid, "nobody is named"},
		{"nothing picked", func() error { _, err := f.ops.Purge(f.ctx, "charge", ops.Pick{}); return err }, ops.KindInvalid, "say which messages"},
		{"all and some", func() error {
			_, err := f.ops.Purge(f.ctx, "charge", ops.Pick{All: true, IDs: []string{"x"}})
			return err
		}, ops.KindInvalid, "say which messages"},
		{"rate", func() error { _, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true, Rate: -1}); return err }, ops.KindInvalid, "rate -1"},
		{"unknown", func() error { _, err := f.ops.Redrive(f.ctx, "chrge", ops.Pick{All: true}); return err }, ops.KindUnknown, "there are: charge"},
		{"no queue", func() error { _, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true}); return err }, ops.KindUnknown, "it has no dead-letter queue"},
		{"no queue to list", func() error {
			_, err := f.ops.DeadLetters(nobody, "charge", ops.DeadLetters, 0)
			return err
		}, ops.KindUnknown, "it has no dead-letter queue"},
		{"skip", func() error { return f.ops.Skip(f.ctx, "charge", e.ID, "") }, ops.KindRefused, "it is not ordered"},
		{"edit nothing", func() error {
			_, err := f.ops.Edit(f.ctx, "charge", e.ID, json.RawMessage(`{"number": 0, "city":"Ulm"}`), "")
			return err
		}, ops.KindInvalid, "redrive it instead"},
		{"edit to a list", func() error { _, err := f.ops.Edit(f.ctx, "charge", e.ID, json.RawMessage(`[]`), ""); return err }, ops.KindInvalid, "JSON object"},
		{"edit what is not there", func() error {
			_, err := f.ops.Edit(f.ctx, "charge", "order/1@99", json.RawMessage(`{}`), "")
			return err
		}, ops.KindUnknown, "no event order/1@99"},
		{"deliveries of no id", func() error { _, err := f.ops.Deliveries(nobody, "order"); return err }, ops.KindInvalid, "it has no @"},
		{"tree of nothing", func() error { _, err := f.ops.Tree(nobody, "nothing"); return err }, ops.KindUnknown, "correlation id"},
	} {
		if err := tt.act(); !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %s: %s", tt.name, err, tt.kind, tt.says)
		}
	}
	if acts := f.acts("charge"); len(acts) > 1 || len(acts) == 1 && acts[0].Type != "ops.redriven" {
		t.Errorf("acts: %+v", acts)
	}
	if b, err := f.ops.Backlog(t.Context(), "charge"); err != nil || b.DeadLetters != nil {
		t.Errorf("%+v, %v", b, err)
	}
}

// The new event is handled by one subscription only, though it goes to all.
func TestEdit(t *testing.T) {
	charge, report := &flaky{}, &flaky{}
	f := newFixture(t,
		part{bus.Subscription("charge", bus.To(placed)), []bus.Part{bus.On(placed, charge.handle)}},
		part{bus.Subscription("report", bus.To(event.Match("order.*")), bus.Rebuildable()), []bus.Part{bus.On(placed, report.handle)}},
		part{bus.Subscription("ship", bus.To(shipped)), []bus.Part{bus.On(shipped, report.handle)}},
	)
	charge.broken = true
	e := f.commit(placed.At(at(1), event.New).Record(order{Number: 1, City: "Ulm"}))[0]
	f.publish(e)
	f.work()
	charge.broken = false

	m, err := f.ops.Edit(f.ctx, "charge", e.ID, json.RawMessage(`{"number":1,"city":"Bonn"}`), "it moved")
	if err != nil {
		t.Fatal(err)
	}
	if m.CausationID != e.ID || m.CorrelationID != e.CorrelationID || m.Type != e.Type || m.Actor != "alice" || m.Subject == e.Subject {
		t.Errorf("the new event is %+v", m)
	}
	sent, err := f.first.Log.Get(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	f.publish(sent)
	f.work()
	if !slices.Equal(charge.handled, []string{m.ID}) || !slices.Equal(report.handled, []string{e.ID}) {
		t.Errorf("charge handled %v, report %v", charge.handled, report.handled)
	}
	ds, err := f.ops.Deliveries(t.Context(), m.ID)
	if err != nil || len(ds) != 2 || ds[0].State != ops.Succeeded || ds[1].State != ops.Ignored || ds[1].ErrorKind != ops.EditedKind {
		t.Errorf("deliveries %+v, %v", ds, err)
	}
	if n := len(f.queues.held[dlq("charge")]); n != 0 {
		t.Errorf("the old dead letter is still there")
	}
	// The old one is done with: neither a replay nor a message about it that is still
	// on its way makes its effects beside those of the new one.
	old, err := f.ops.Deliveries(t.Context(), e.ID)
	if err != nil || len(old) != 2 || old[0].State != ops.Ignored || old[0].ErrorKind != ops.EditedKind || !strings.Contains(old[0].ErrorMessage, m.ID) {
		t.Errorf("the old event's deliveries are %+v, %v", old, err)
	}
	for tr, err := range f.ops.Trouble(t.Context(), "charge") {
		t.Errorf("trouble %+v, %v", tr, err)
	}
	p, err := f.ops.Replay(f.ctx, "charge", ops.Replay{Selection: ops.Selection{Types: []string{"order.placed"}, From: bustest.Start, To: f.now().Add(time.Second)}})
	if err != nil || p.Sent != 0 || p.Ignored != 1 || p.Succeeded != 1 {
		t.Errorf("a replay: %+v, %v", p, err)
	}
	f.publish(e)
	f.work()
	if !slices.Equal(charge.handled, []string{m.ID}) {
		t.Errorf("charge handled %v", charge.handled)
	}
	act, err := ops.Edited.Decode(f.acts("charge")[0])
	if err != nil || act.Data != (ops.EditedEvent{Subscription: "charge", Event: e.ID, By: m.ID, Reason: "it moved"}) || act.CausationID != e.ID {
		t.Errorf("act %+v, %v", act, err)
	}
	// Not even when all is handled once more.
	var again []string
	_, err = f.ops.Replay(t.Context(), "report", ops.Replay{Selection: ops.Selection{Types: []string{"order.placed"}, From: bustest.Start}, Again: "spring", DryRun: true,
		Each: func(e event.Envelope) { again = append(again, e.ID) }})
	if err != nil || !slices.Equal(again, []string{e.ID}) {
		t.Errorf("in a namespace %v would be sent, %v", again, err)
	}
	tree, err := f.ops.TreeOf(t.Context(), m.ID)
	if err != nil || tree.Events != 3 || len(tree.Roots) != 1 || len(tree.Roots[0].Caused) != 2 {
		t.Errorf("tree %+v, %v", tree, err)
	}
}

// What becomes of the old event is decided in the transaction, whatever its record
// says: a message about it may be anywhere.
func TestEditTakesThePlace(t *testing.T) {
	lease := func(f *fixture, d time.Duration) bus.Delivery {
		return bus.Delivery{Status: bus.Processing, Attempts: 1, RunID: "r", LeaseUntil: f.first.Now().Add(d)}
	}
	for name, tt := range map[string]struct {
		record func(*fixture) bus.Delivery // nil: there is none
		want   ops.State
		kind   error
	}{
		"never met": {nil, ops.Ignored, nil},
		"failed":    {func(*fixture) bus.Delivery { return bus.Delivery{Status: bus.Failed, RunID: "r", Trouble: "charge"} }, ops.Ignored, nil},
		"stuck":     {func(f *fixture) bus.Delivery { return lease(f, -time.Minute) }, ops.Ignored, nil},
		"running":   {func(f *fixture) bus.Delivery { return lease(f, time.Minute) }, ops.Processing, ops.KindRefused},
		"succeeded": {func(*fixture) bus.Delivery { return bus.Delivery{Status: bus.Succeeded, RunID: "r"} }, ops.Succeeded, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f, _ := charging(t)
			e := f.commit(placed.At(at(1), event.New).Record(order{Number: 1, City: "Ulm"}))[0]
			if tt.record != nil {
				d := tt.record(f)
				d.EventID, d.Subscription, d.EventType, d.ExpiresAt = e.ID, "charge", e.Type, f.first.Now().Add(time.Hour).Unix()
				if err := orm.Exec(t.Context(), f.first.Store, bus.Deliveries.Put(d)); err != nil {
					t.Fatal(err)
				}
			}
			_, err := f.ops.Edit(f.ctx, "charge", e.ID, json.RawMessage(`{"number":1,"city":"Bonn"}`), "")
			if !errors.Is(err, tt.kind) || tt.kind == nil && err != nil {
				t.Fatalf("got %v, want %v", err, tt.kind)
			}
			ds, err := f.ops.Deliveries(t.Context(), e.ID)
			if err != nil || len(ds) != 1 || ds[0].State != tt.want {
				t.Errorf("deliveries %+v, %v; want it %s", ds, err, tt.want)
			}
			if n := len(f.acts("charge")); (n == 0) != (tt.kind != nil) {
				t.Errorf("%d acts", n)
			}
		})
	}
}

// A stream that is blocked goes on after its event is skipped, or sent anew.
func TestUnblock(t *testing.T) {
	for _, how := range []string{"skip", "edit", "redrive"} {
		t.Run(how, func(t *testing.T) {
			f, h := charging(t, bus.Ordered())
			es := f.commit(placed.At(at(1), event.New).Record(order{City: "nowhere"}))
			es = append(es, f.commit(placed.At(at(1), event.Append).Record(order{City: "Ulm"}))...)
			f.publish(es...)
			f.work()
			got := f.trouble("charge")
			if len(got) != 1 || got[0].State != ops.Blocked || got[0].Stream != at(1) || !got[0].GivenUp || len(h.handled) != 0 {
				t.Fatalf("trouble %+v, handled %v", got, h.handled)
			}
			want := []string{es[1].ID}
			switch how {
			case "skip":
				if err := f.ops.Skip(f.ctx, "charge", es[0].ID, "there is no such city"); err != nil {
					t.Fatal(err)
				}
				if err := f.ops.Skip(f.ctx, "charge", es[0].ID, ""); !errors.Is(err, bus.KindNotBlocked) {
					t.Errorf("a second time: %v", err)
				}
			case "edit":
				m, err := f.ops.Edit(f.ctx, "charge", es[0].ID, json.RawMessage(`{"city":"Bonn"}`), "")
				if err != nil {
					t.Fatal(err)
				}
				e, err := f.first.Log.Get(t.Context(), m.ID)
				if err != nil {
					t.Fatal(err)
				}
				f.publish(e)
				want = append(want, m.ID)
			case "redrive":
				if _, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true}); err != nil {
					t.Fatal(err)
				}
				want = nil // it fails again, and blocks again
			}
			f.work()
			slices.Sort(h.handled)
			slices.Sort(want)
			if !slices.Equal(h.handled, want) {
				t.Errorf("handled %v, want %v", h.handled, want)
			}
			if n := len(f.trouble("charge")); (n == 0) != (how != "redrive") {
				t.Errorf("%d deliveries in trouble", n)
			}
			acts := f.acts("charge")
			if len(acts) != 1 || acts[0].Actor != "alice" || acts[0].CausationID != es[0].ID {
				t.Errorf("acts %+v", acts)
			}
			if left := len(f.queues.held[dlq("charge")]); (left == 0) != (how != "redrive") {
				t.Errorf("%d dead letters", left)
			}
		})
	}
}

// Nothing is skipped that is not on record.
func TestSkipIsOneTransaction(t *testing.T) {
	f, h := charging(t, bus.Ordered())
	e := f.dead(h, 1)[0]
	f.first.Store.Before(nil)
	ctx := event.WithFlow(t.Context(), event.Flow{Actor: strings.Repeat("a", 300)}) // longer than the log takes
	if err := f.ops.Skip(ctx, "charge", e.ID, ""); !errors.Is(err, eventlog.KindInvalid) {
		t.Errorf("got %v", err)
	}
	if got := f.trouble("charge"); len(got) != 1 || got[0].State != ops.Blocked {
		t.Errorf("trouble %+v", got)
	}
}

// A queue holds what anybody has sent: whatever it is, it is listed and can be purged.
func TestForeignLetters(t *testing.T) {
	f, h := charging(t)
	e := f.dead(h, 1)[0]
	long := e
	long.CorrelationID = strings.Repeat("c", 300)
	endless, blank := e, e
	endless.ID, blank.ID = strings.Repeat("x", 3000), "an id\twith blanks"
	for _, foreign := range []event.Envelope{long, endless, blank} {
		f.queues.held[dlq("charge")] = nil
		body, err := bus.MessageBody(foreign)
		if err != nil {
			t.Fatal(err)
		}
		id := f.queues.put(dlq("charge"), ops.Message{Body: string(body)})
		letters, err := f.ops.DeadLetters(t.Context(), "charge", ops.DeadLetters, 0)
		if err != nil || len(letters) != 1 || letters[0].MessageID != id {
			t.Fatalf("%+v, %v", letters, err)
		}
		if named := letters[0].ID() == e.ID; named != (foreign.ID == e.ID) {
			t.Errorf("it is called %s", letters[0].ID())
		}
		done, err := f.ops.Purge(f.ctx, "charge", ops.Pick{IDs: []string{letters[0].ID()}})
		if err != nil || done.Messages != 1 {
			t.Errorf("%+v, %v", done, err)
		}
	}
	if n := len(f.acts("charge")); n != 3 {
		t.Errorf("%d acts", n)
	}
}
