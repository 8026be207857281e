package capture_test

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
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/capture/capturetest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// TestChange: what a handler gets to see of each operation.
func TestChange(t *testing.T) {
	var got []capture.Change[box]
	k := capturetest.New(t, follow, capture.On(boxes, func(_ context.Context, c capture.Change[box]) error {
		got = append(got, c)
		return nil
	}))
	k.Write(put("a", 1, 5))
	k.Advance(90 * time.Second)
	k.Write(put("a", 1, 7))
	k.Write(put("a", 1, 7)) // changes nothing
	k.Write(boxes.Delete(orm.Key("a", 1)))
	if n := k.Deliver(); n != 1 || len(got) != 3 {
		t.Fatalf("%d invocations, %d changes", n, len(got))
	}
	five, seven := &box{Room: "a", N: 1, Count: 5}, &box{Room: "a", N: 1, Count: 7}
	for i, want := range []capture.Change[box]{
		{Operation: capture.Insert, After: five, At: capturetest.Start},
		{Operation: capture.Modify, Before: five, After: seven, At: capturetest.Start.Add(90 * time.Second)},
		{Operation: capture.Remove, Before: seven, At: capturetest.Start.Add(90 * time.Second)},
	} {
		c, r := got[i], k.Records()[i]
		same := func(a, b *box) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }
		if c.Operation != want.Operation || !same(c.Before, want.Before) || !same(c.After, want.After) || !c.At.Equal(want.At) || c.Expired {
			t.Errorf("change %d is %+v (%v to %v), want %+v", i, c, c.Before, c.After, want)
		}
		if c.SequenceNumber != r.Change.SequenceNumber || c.EventID != r.EventID || c.ID != "change/boxes/"+r.EventID || boxes.Schema().KeyText(c.Key) != `"a", 1` {
			t.Errorf("change %d is known as %q %q %q, key %v", i, c.SequenceNumber, c.EventID, c.ID, c.Key)
		}
	}
}

// TestExactlyOnce: however often, however divided and with whatever answers lost.
func TestExactlyOnce(t *testing.T) {
	k := capturetest.New(t, follow, capture.OnTx(boxes, add))
	want, changes := 0, 0
	for i := range 40 {
		k.Write(put("a", i%7, i))
	}
	for n := range 7 {
		b, err := boxes.Get(t.Context(), k.Store, orm.Key("a", n))
		if err != nil {
			t.Fatal(err)
		}
		want += b.Count
	}
	changes = len(k.Records())
	calls := 0
	k.Store.After(func(c ormtest.Call) error { // it happened, and nobody hears of it
		if calls++; c.Op == "transact" && calls%3 == 0 {
			return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op, Err: errors.New("connection reset")}
		}
		return nil
	})
	k.Deliver()
	k.Store.After(nil)
	for _, size := range []int{0, 1, 7, 40} {
		k.DeliverAgain(size)
	}
	if got := sumOf(t, k, "a"); got != want || len(k.Committed()) != changes {
		t.Errorf("sum %d of %d events, want %d of %d", got, len(k.Committed()), want, changes)
	}
	if f := k.Failures(); len(f) > 0 {
		t.Errorf("failures %v", f)
	}
}

// TestTwoAtOnce: Lambda may call twice for the same records when it has lost an
// answer.
func TestTwoAtOnce(t *testing.T) {
	k := capturetest.New(t, follow, capture.OnTx(boxes, add))
	for i := range 20 {
		k.Write(put("a", i%3, i+1))
	}
	done := make(chan error, 4)
	for range cap(done) {
		go func() {
			_, err := k.Consumer.Handle(t.Context(), events.DynamoDBEvent{Records: k.Records()})
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	k.Deliver()
	if got := len(k.Committed()); got != 20 {
		t.Errorf("%d events of 20 changes", got)
	}
}

// TestFlow: what is committed belongs to the item's tenant, and is the change's.
func TestFlow(t *testing.T) {
	k := capturetest.New(t, follow, capture.OnTx(boxes, add))
	k.Write(put("a", 1, 5))
	k.Write(boxes.Delete(orm.Key("a", 1)))
	k.Deliver()
	for i, e := range k.Committed() {
		id := "change/boxes/" + k.Records()[i].EventID
		if e.TenantID != "a" || e.CausationID != id || e.CorrelationID != id {
			t.Errorf("event %d: tenant %q, cause %q, correlation %q", i, e.TenantID, e.CausationID, e.CorrelationID)
		}
	}
	if len(k.Committed()) != 2 {
		t.Errorf("%d events", len(k.Committed()))
	}
}

// TestRetry: a failing change is tried again within the invocation, its item waits
// behind it, and others do not.
func TestRetry(t *testing.T) {
	for name, tx := range map[string]bool{"On": false, "OnTx": true} {
		t.Run(name, func(t *testing.T) {
			var seen journal
			fails := 2
			handle := func(c capture.Change[box]) error {
				if c.Item().N == 1 && c.Operation == capture.Insert && fails > 0 {
					fails--
					return errors.New("not now")
				}
				seen.see(c)
				return nil
			}
			part := capture.Part(capture.On(boxes, func(_ context.Context, c capture.Change[box]) error { return handle(c) }))
			if tx {
				part = capture.OnTx(boxes, func(_ context.Context, c capture.Change[box], _ *bus.Tx) error { return handle(c) })
			}
			k := capturetest.New(t, follow, part)
			k.Write(put("a", 1, 1))
			k.Write(put("a", 1, 2))
			k.Write(put("a", 2, 9))
			if n := k.Deliver(); n != 1 {
				t.Errorf("%d invocations", n)
			}
			got := seen.all()
			if first, second := slices.Index(got, "INSERT a/1 ->1"), slices.Index(got, "MODIFY a/1 1>2"); len(got) != 3 || first < 0 || second < first || !slices.Contains(got, "INSERT a/2 ->9") {
				t.Errorf("handled %v", got)
			}
			if waited := k.Now().Sub(capturetest.Start); waited != 3*time.Second {
				t.Errorf("waited %v, want 1s and 2s", waited)
			}
			if d := k.Delivery(k.Records()[0]); d.Status != bus.Succeeded || d.Attempts != 3 || d.Trouble != "" || d.EventType != "boxes.insert" {
				t.Errorf("delivery %+v", d)
			}
		})
	}
}

// TestGivenUp: what fails for good goes to the failure queue by its key, and the
// stream goes on.
func TestGivenUp(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name     string
		err      func() error
		kind     bus.Kind
		attempts string
		message  string
	}{
		{"fails", func() error { return boom }, bus.KindFailed, "5", "boom"},
		{"permanent", func() error { return bus.Permanent(boom) }, bus.KindPermanent, "1", "boom"},
		{"panics", func() error { panic("ouch") }, bus.KindPanic, "5", "ouch"},
	} {
		for _, tx := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s tx %v", c.name, tx), func(t *testing.T) {
				var seen journal
				handle := func(ch capture.Change[box]) error {
					if ch.After.Count == 13 {
						return c.err()
					}
					seen.see(ch)
					return nil
				}
				part := capture.Part(capture.On(boxes, func(_ context.Context, ch capture.Change[box]) error { return handle(ch) }))
				if tx {
					part = capture.OnTx(boxes, func(_ context.Context, ch capture.Change[box], _ *bus.Tx) error { return handle(ch) })
				}
				k := capturetest.New(t, follow, part)
				k.Write(put("a", 1, 13))
				k.Write(put("a", 1, 14))
				k.Write(put("b", 1, 1))
				k.Deliver()
				k.DeliverAgain(1)
				got := seen.all()
				slices.Sort(got)
				if tx {
					got = slices.Compact(got) // it runs for a duplicate, and nothing comes of it
				}
				if want := []string{"INSERT b/1 ->1", "MODIFY a/1 13>14"}; !slices.Equal(got, want) {
					t.Errorf("handled %v, want %v", got, want)
				}
				letters := k.Failures()
				if len(letters) != 1 {
					t.Fatalf("%d messages in the failure queue", len(letters))
				}
				l, r := letters[0], k.Records()[0]
				var f capture.Failure
				if err := json.Unmarshal([]byte(l.Body), &f); err != nil {
					t.Fatal(err)
				}
				if f.Handler != "follow" || f.Table != "boxes" || f.Operation != capture.Insert || f.Item != `"a", 1` || f.ID != "change/boxes/"+r.EventID ||
					f.SequenceNumber != r.Change.SequenceNumber || f.EventID != r.EventID || f.StreamARN != r.EventSourceArn || !f.At.Equal(capturetest.Start) {
					t.Errorf("failure %+v", f)
				}
				if key := f.Key["room"]; key.DataType() != events.DataTypeString || key.String() != "a" || f.Key["n"].Number() != "1" {
					t.Errorf("key %v", f.Key)
				}
				if l.Queue != capturetest.FailureQueue || l.SourceARN != r.EventSourceArn {
					t.Errorf("sent to %s from %s", l.Queue, l.SourceARN)
				}
				a := l.Attributes
				if a[bus.AttrSubscription] != "follow" || a[bus.AttrEventID] != f.ID || a[bus.AttrEventType] != "boxes.insert" || a[bus.AttrAttempts] != c.attempts ||
					a[bus.AttrErrorKind] != string(c.kind) || !strings.Contains(a[bus.AttrErrorMessage], c.message) {
					t.Errorf("attributes %v", a)
				}
				if d := k.Delivery(r); d.Status != bus.Dead || d.Trouble != "follow" || d.ErrorKind != string(c.kind) {
					t.Errorf("delivery %+v", d)
				}
			})
		}
	}
}

// TestUnreadable: a record that the definition cannot read is given up at once.
func TestUnreadable(t *testing.T) {
	for name, spoil := range map[string]func(*events.DynamoDBEventRecord){
		"a value of another type": func(r *events.DynamoDBEventRecord) { r.Change.NewImage["count"] = events.NewStringAttribute("many") },
		"no new image":            func(r *events.DynamoDBEventRecord) { r.Change.NewImage = nil },
		"no old image":            func(r *events.DynamoDBEventRecord) { r.EventName = "MODIFY" },
		"an unknown operation":    func(r *events.DynamoDBEventRecord) { r.EventName = "MERGE" },
		"no key":                  func(r *events.DynamoDBEventRecord) { r.Change.Keys = nil },
	} {
		t.Run(name, func(t *testing.T) {
			var seen journal
			k := capturetest.New(t, follow, capture.On(boxes, func(_ context.Context, c capture.Change[box]) error { seen.see(c); return nil }))
			k.Write(put("a", 1, 1))
			k.Write(put("b", 1, 1))
			records := k.Records()
			spoil(&records[0])
			if n := k.DeliverRecords(records...); n != 1 {
				t.Errorf("%d invocations", n)
			}
			if got := seen.all(); !slices.Equal(got, []string{"INSERT b/1 ->1"}) {
				t.Errorf("handled %v", got)
			}
			if l := k.Failures(); len(l) != 1 || l[0].Attributes[bus.AttrErrorKind] != string(bus.KindUndecodable) || !strings.Contains(l[0].Body, records[0].EventID) {
				t.Errorf("failures %v", l)
			}
		})
	}
}

// TestFailureQueueAway: what cannot be given up stays in the stream, with all behind
// it of its item; others are done meanwhile.
func TestFailureQueueAway(t *testing.T) {
	runs := 0
	k := capturetest.New(t, follow, capture.OnTx(boxes, func(ctx context.Context, c capture.Change[box], tx *bus.Tx) error {
		if c.After.Count == 13 {
			runs++
			return bus.Permanent(errors.New("no"))
		}
		return add(ctx, c, tx)
	}))
	k.Write(put("a", 1, 1))
	k.Write(put("a", 2, 13))
	k.Write(put("a", 2, 3))
	k.Write(put("a", 3, 5))
	k.FailQueue(func() error { return errors.New("no such queue") })
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	failed, err := k.Handle(ctx, k.Records()...)
	if err != nil || failed != 1 {
		t.Fatalf("failed at %d, %v", failed, err)
	}
	if got := sumOf(t, k, "a"); got != 6 {
		t.Errorf("sum %d: want what does not wait, 6", got)
	}
	k.FailQueue(nil)
	k.DeliverRecords(k.Records()[1:]...)
	if got := sumOf(t, k, "a"); got != 6+3-13 || len(k.Failures()) != 1 {
		t.Errorf("sum %d, %d failures", got, len(k.Failures()))
	}
}

// TestTimeUp: attempts are counted over invocations, and each ends in time.
func TestTimeUp(t *testing.T) {
	runs := 0
	k := capturetest.New(t, follow, capture.On(boxes, func(context.Context, capture.Change[box]) error {
		runs++
		return errors.New("not now")
	}))
	k.Write(put("a", 1, 1))
	for i := 1; i <= 5; i++ {
		ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
		failed, err := k.Handle(ctx, k.Records()...)
		stop()
		want := 0
		if i == 5 {
			want = -1 // given up
		}
		if err != nil || failed != want || runs != i {
			t.Errorf("invocation %d: %d runs, failed at %d, %v", i, runs, failed, err)
		}
	}
	if len(k.Failures()) != 1 {
		t.Errorf("%d failures", len(k.Failures()))
	}
}

// TestCrash: with On a run is claimed first, so that one that kills its process each
// time is given up as well; the lease of the dead keeps others away until it ends.
func TestCrash(t *testing.T) {
	runs := 0
	k := capturetest.New(t, follow, capture.On(boxes, func(context.Context, capture.Change[box]) error { runs++; return nil }))
	k.Write(put("a", 1, 1))
	// A lease of a process that is no more.
	d := bus.Delivery{
		EventID: "change/boxes/" + k.Records()[0].EventID, Subscription: "follow", Status: bus.Processing, Attempts: 5, RunID: "gone",
		LeaseUntil: k.Now().Add(20 * time.Second), FirstAt: k.Now(), LastAt: k.Now(), ExpiresAt: k.Now().Add(time.Hour).Unix(),
	}
	if err := orm.Exec(t.Context(), k.Store, bus.Deliveries.Put(d)); err != nil {
		t.Fatal(err)
	}
	k.Deliver()
	if runs != 0 || len(k.Failures()) != 1 || k.Failures()[0].Attributes[bus.AttrErrorKind] != string(bus.KindUnfinished) {
		t.Errorf("%d runs, failures %v", runs, k.Failures())
	}
	if waited := k.Now().Sub(capturetest.Start); waited < 20*time.Second {
		t.Errorf("given up after %v, while the lease lasted", waited)
	}
}

// TestOverrun: a handler that does not return is left behind, and the process ends.
func TestOverrun(t *testing.T) {
	let := make(chan struct{})
	k := capturetest.New(t, follow, capture.On(boxes, func(context.Context, capture.Change[box]) error { <-let; return nil }))
	k.Write(put("a", 1, 1))
	ctx, stop := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer stop()
	if failed, err := k.Handle(ctx, k.Records()...); err != nil || failed != 0 {
		t.Errorf("failed at %d, %v", failed, err)
	}
	if _, err := k.Handle(t.Context(), k.Records()...); !errors.Is(err, bus.ErrOverrun) {
		t.Errorf("the next invocation: %v", err)
	}
	close(let)
}

// TestAccess: a write that is not granted is given up at once.
func TestAccess(t *testing.T) {
	bare := capture.Define("bare", boxes)
	k := capturetest.New(t, bare, capture.OnTx(boxes, add))
	k.Write(put("a", 1, 1))
	k.Deliver()
	if l := k.Failures(); len(l) != 1 || l[0].Attributes[bus.AttrErrorKind] != string(bus.KindAccess) || !strings.Contains(l[0].Attributes[bus.AttrErrorMessage], "bus.Writes") {
		t.Errorf("failures %v", l)
	}
}

// TestOwnTable: a handler that writes to the table that it follows gets those changes
// as well.
func TestOwnTable(t *testing.T) {
	label := orm.Attr(boxes, func(b *box) *string { return &b.Label })
	own := capture.Define("own", boxes, bus.Writes(boxes))
	var seen journal
	k := capturetest.New(t, own, capture.OnTx(boxes, func(_ context.Context, c capture.Change[box], tx *bus.Tx) error {
		seen.see(c)
		if c.After != nil && c.After.Label == "" {
			tx.Write(boxes.Update(orm.Key(c.After.Room, c.After.N), label.Set("seen")))
		}
		return nil
	}))
	k.Write(put("a", 1, 1))
	k.Deliver()
	if got := seen.all(); !slices.Equal(got, []string{"INSERT a/1 ->1", "MODIFY a/1 1>1"}) {
		t.Errorf("seen %v", got)
	}
}

// TestMiddleware: it sees the change as an event without data, and the handler's
// context tells the change.
func TestMiddleware(t *testing.T) {
	var seen journal
	k := capturetest.New(t, follow,
		capture.Use(func(next bus.Next) bus.Next {
			return func(ctx context.Context, e event.Envelope) error {
				seen.add("%s %s of %s", e.Type, e.ID, e.TenantID)
				return next(ctx, e)
			}
		}),
		capture.On(boxes, func(ctx context.Context, c capture.Change[box]) error {
			seen.add("%s", bus.IdempotencyKey(ctx))
			return nil
		}))
	k.Write(put("a", 1, 1))
	k.Deliver()
	id := "change/boxes/" + k.Records()[0].EventID
	if got := seen.all(); !slices.Equal(got, []string{"boxes.insert " + id + " of a", "follow/" + id}) {
		t.Errorf("seen %v", got)
	}
}

// TestLogAndMetrics: one line a change with its ids, one of metrics a batch.
func TestLogAndMetrics(t *testing.T) {
	var lines, metrics bytes.Buffer
	k := capturetest.With(t, capturetest.Options{Change: func(o *capture.ConsumerOptions) {
		o.Logger = slog.New(slog.NewJSONHandler(&lines, nil))
		o.Metrics = bus.Metrics{Writer: &metrics, Application: "shop", Deployment: "dev"}
	}}, follow, capture.OnTx(boxes, func(ctx context.Context, c capture.Change[box], _ *bus.Tx) error {
		bus.Logger(ctx).Info("mine")
		return nil
	}))
	k.Write(put("a", 1, 1))
	k.Deliver()
	r := k.Records()[0]
	for _, line := range strings.Split(strings.TrimSpace(lines.String()), "\n") {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		if got["event_id"] != "change/boxes/"+r.EventID || got["event_type"] != "boxes.insert" || got["subscription"] != "follow" || got["sequence_number"] != r.Change.SequenceNumber {
			t.Errorf("line %s", line)
		}
	}
	if !strings.Contains(lines.String(), `"msg":"change succeeded"`) || !strings.Contains(lines.String(), `"msg":"mine"`) {
		t.Errorf("lines %s", &lines)
	}
	if got := metrics.String(); !strings.Contains(got, `"Subscription":"follow"`) || !strings.Contains(got, `"Handled":1`) || strings.Count(got, "\n") != 1 {
		t.Errorf("metrics %s", got)
	}
}
