package bus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm/ormtest"
)

func TestIgnored(t *testing.T) {
	sub := bus.Subscription("some_door", bus.To(event.Match("door.*")))
	k := bustest.New(t, sub, bus.On(doorOpened, func(context.Context, event.Event[opened]) error { return errBoom }))
	e := k.Event(doorClosed.Record(closed{}))
	if r := k.Deliver(e, e); r[0].Again || r[1].Again {
		t.Errorf("receipts %+v", r)
	}
	d := k.Delivery(e.ID)
	wantDelivery(t, d, bus.Ignored, 0, "")
	if d.EventType != "door.closed" || d.ExpiresAt == 0 || len(k.Troubles()) != 0 {
		t.Errorf("delivery %+v, troubles %v", d, k.Troubles())
	}
	// A failed event whose handler has been taken away is ignored, too.
	failed := opening(k, 1)
	k.Deliver(failed)
	k2 := bustest.With(t, bustest.Options{Store: k.Store}, bus.Subscription("some_door", bus.To(event.Match("door.*"))), bus.On(doorClosed, closing))
	wantDelivery(t, k2.Settle(failed), bus.Ignored, 1, "")
	if len(k2.Troubles()) != 0 {
		t.Errorf("troubles %v", k2.Troubles())
	}
}

func TestUndecodable(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	e := opening(k, 1)
	encoded, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	long := e
	long.ID = strings.Repeat("x", 3000)
	bodies := map[string]string{
		"empty":              ``,
		"no JSON":            `hello`,
		"cut off":            `{"detail":`,
		"an array":           `[]`,
		"null":               `null`,
		"no detail":          `{"version":"0","detail-type":"door.opened"}`,
		"null detail":        `{"detail":null}`,
		"detail of a string": `{"detail":"x"}`,
		"no envelope":        `{"detail":{"n":1}}`,
		"bare envelope":      string(encoded),
		"id over DynamoDB's": k.Message(long, 1).Body,
	}
	want := 0
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			r, err := k.Handle(t.Context(), k.Raw(body, 1))
			if err != nil || r[0].Again {
				t.Fatalf("receipt %+v, %v", r, err)
			}
			want++
			letters := k.DeadLetters()
			if len(letters) != want {
				t.Fatalf("%d dead letters, want %d", len(letters), want)
			}
			l := letters[want-1]
			if l.Body != body || l.Attributes[bus.AttrErrorKind] != "undecodable" || l.Attributes[bus.AttrErrorMessage] == "" || l.Attributes[bus.AttrSubscription] != "on_door" {
				t.Errorf("dead letter %+v", l)
			}
			for name, value := range l.Attributes {
				if value == "" {
					t.Errorf("SQS refuses the empty attribute %s", name)
				}
			}
		})
	}
	if f.count() != 0 || len(k.Store.Items(bus.Deliveries)) != 0 {
		t.Errorf("%d runs, deliveries %v", f.count(), k.Store.Items(bus.Deliveries))
	}
}

// The envelope can be read, and the data cannot: that can be recorded.
func TestUndecodableData(t *testing.T) {
	for _, tx := range []bool{false, true} {
		k, _ := leasedKit(t, bustest.Options{})
		if tx {
			k = bustest.New(t, txDoor, bus.OnTx(doorOpened, countUp))
		}
		e := opening(k, 1)
		e.Data = json.RawMessage(`{"N":"many"}`)
		if r := k.Deliver(e)[0]; r.Again {
			t.Errorf("receipt %+v", r)
		}
		wantDelivery(t, k.Delivery(e.ID), bus.Dead, 1, "undecodable")
		if len(k.DeadLetters()) != 1 {
			t.Errorf("dead letters %v", k.DeadLetters())
		}
	}
}

// Data that breaks a rule of its type will not get better.
func TestInvalidData(t *testing.T) {
	type ticket struct {
		Seat int `json:"seat" validate:"min=1"`
	}
	sold := event.Define[ticket]("ticket.sold")
	ran := 0
	for how, h := range map[string]bus.Handler{
		"On":      bus.On(sold, func(context.Context, event.Event[ticket]) error { ran++; return nil }),
		"OnTx":    bus.OnTx(sold, func(context.Context, event.Event[ticket], *bus.Tx) error { ran++; return nil }),
		"OnBatch": bus.OnBatch(sold, func(_ context.Context, es []event.Event[ticket]) []error { ran++; return nil }),
	} {
		t.Run(how, func(t *testing.T) {
			k := bustest.New(t, bus.Subscription("tickets", bus.To(sold)), h)
			e := k.Event(sold.Record(ticket{Seat: 1}))
			e.Data = json.RawMessage(`{"seat":0}`)
			if r := k.Deliver(e)[0]; r.Again || ran != 0 {
				t.Errorf("receipt %+v, %d runs", r, ran)
			}
			d := k.Delivery(e.ID)
			wantDelivery(t, d, bus.Dead, 1, string(event.KindValidation))
			if !strings.Contains(d.ErrorMessage, "seat") || !strings.Contains(d.ErrorMessage, "min=1") {
				t.Errorf("the record says %q, want field and rule", d.ErrorMessage)
			}
		})
	}
}

// A program that knows the version is on its way.
func TestNewerVersion(t *testing.T) {
	for _, tx := range []bool{false, true} {
		k, _ := leasedKit(t, bustest.Options{})
		if tx {
			k = bustest.New(t, txDoor, bus.OnTx(doorOpened, countUp))
		}
		e := opening(k, 1)
		e.SchemaVersion = 2
		r := k.Deliver(e)[0]
		if !r.Again || r.Hidden != time.Minute {
			t.Errorf("receipt %+v", r)
		}
		wantDelivery(t, k.Delivery(e.ID), bus.Failed, 1, "newer schema version")
		e.SchemaVersion = 1 // the new program
		wantDelivery(t, k.Settle(e), bus.Succeeded, 2, "")
	}
}

func TestPanic(t *testing.T) {
	for name, end := range map[string]func(){
		"panic":  func() { panic("boom") },
		"goexit": runtime.Goexit,
	} {
		t.Run(name, func(t *testing.T) {
			sub := bus.Subscription("panicking", bus.To(doorOpened, doorClosed))
			k := bustest.New(t, sub,
				bus.On(doorOpened, func(context.Context, event.Event[opened]) error { end(); return nil }),
				bus.OnTx(doorClosed, func(context.Context, event.Event[closed], *bus.Tx) error { end(); return nil }))
			es := []event.Envelope{opening(k, 1), k.Event(doorClosed.Record(closed{}))}
			for _, r := range k.Deliver(es...) {
				if !r.Again {
					t.Errorf("receipt %+v", r)
				}
				wantDelivery(t, k.Delivery(r.EventID), bus.Failed, 1, "panic")
			}
		})
	}
}

func TestBatchOfMixedResults(t *testing.T) {
	sub := bus.Subscription("mixed", bus.To(event.Match("door.*")), bus.Writes(counters))
	k := bustest.New(t, sub,
		bus.On(doorOpened, func(_ context.Context, e event.Event[opened]) error {
			switch e.Data.N {
			case 1:
				return errBoom
			case 2:
				return bus.Permanent(errBoom)
			case 3:
				panic("boom")
			}
			return nil
		}))
	batch := []events.SQSMessage{
		k.Message(opening(k, 0), 1),
		k.Message(opening(k, 1), 1),
		k.Message(opening(k, 2), 1),
		k.Raw("no event", 1),
		k.Message(opening(k, 3), 1),
		k.Message(k.Event(doorClosed.Record(closed{})), 1),
		k.Message(opening(k, 4), 1),
	}
	receipts, err := k.Handle(t.Context(), batch...)
	if err != nil {
		t.Fatal(err)
	}
	var again []int
	for i, r := range receipts {
		if r.Again {
			again = append(again, i)
		}
	}
	if fmt.Sprint(again) != "[1 4]" {
		t.Errorf("messages %v come again, want those that failed", again)
	}
	if len(k.DeadLetters()) != 2 {
		t.Errorf("dead letters %v", k.DeadLetters())
	}
}

// One message in a batch of ten of which nine must not wait for it.
func TestAllFailedIsNoError(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	f.failWith(errBoom)
	response, err := k.Consumer.Handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{k.Message(opening(k, 1), 1), k.Message(opening(k, 2), 1)}})
	if err != nil || len(response.BatchItemFailures) != 2 {
		t.Errorf("response %+v, %v", response, err)
	}
	response, err = k.Consumer.Handle(t.Context(), events.SQSEvent{})
	if err != nil || len(response.BatchItemFailures) != 0 {
		t.Errorf("empty batch: %+v, %v", response, err)
	}
}

func TestConcurrency(t *testing.T) {
	var running, most atomic.Int64
	gate := make(chan struct{}, 100)
	release := make(chan struct{})
	on := func(context.Context, event.Event[opened]) error {
		most.Store(max(most.Load(), running.Add(1)))
		defer running.Add(-1)
		gate <- struct{}{}
		<-release
		return nil
	}
	k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Concurrency = 3 }},
		bus.Subscription("parallel", bus.To(doorOpened)), bus.On(doorOpened, on))
	es := make([]event.Envelope, 7)
	for i := range es {
		es[i] = opening(k, i)
	}
	go func() {
		for range 3 {
			<-gate // three run at once, or this waits for ever
		}
		close(release)
	}()
	k.Deliver(es...)
	if most.Load() != 3 {
		t.Errorf("%d handlers ran at once, want 3", most.Load())
	}

	// Transactional handlers of one batch run in turn, in order.
	var order []int
	running.Store(0)
	k = bustest.New(t, txDoor, bus.OnTx(doorOpened, func(_ context.Context, e event.Event[opened], _ *bus.Tx) error {
		if running.Add(1) != 1 {
			t.Error("two transactional handlers at once")
		}
		defer running.Add(-1)
		order = append(order, e.Data.N)
		return nil
	}))
	k.Deliver(opening(k, 0), opening(k, 1), opening(k, 2))
	if fmt.Sprint(order) != "[0 1 2]" {
		t.Errorf("order %v", order)
	}
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Now = time.Now }}, onDoor,
			bus.On(doorOpened, func(ctx context.Context, _ event.Event[opened]) error {
				<-ctx.Done()
				return fmt.Errorf("call of another service: %w", ctx.Err())
			}),
			bus.On(doorClosed, closing))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		began := time.Now()
		e := opening(k, 1)
		r := k.DeliverIn(ctx, 1, e)[0]
		if took := time.Since(began); took != 9*time.Second {
			t.Errorf("the handler had %v of 10s", took)
		}
		if !r.Again || r.Hidden != time.Second {
			t.Errorf("receipt %+v", r)
		}
		d := k.Delivery(e.ID)
		wantDelivery(t, d, bus.Failed, 1, "time-out")
		if d.Duration != 9*time.Second {
			t.Errorf("duration %v", d.Duration)
		}
	})
}

// What has no time left is not begun, and that is no attempt.
func TestNoTimeLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := bustest.New(t, txDoor, bus.OnTx(doorOpened, func(ctx context.Context, e event.Event[opened], _ *bus.Tx) error {
			if e.Data.N == 1 {
				time.Sleep(9*time.Second + 300*time.Millisecond) // a bit late, and no failure
			}
			return nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r := k.DeliverIn(ctx, 1, opening(k, 1), opening(k, 2))
		if r[0].Again || !r[1].Again || r[1].Hidden != time.Second {
			t.Errorf("receipts %+v", r)
		}
		wantDelivery(t, k.Delivery(r[0].EventID), bus.Succeeded, 1, "")
		if k.Delivered(r[1].EventID) {
			t.Errorf("delivery %+v", k.Delivery(r[1].EventID))
		}
	})
}

func TestOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		sub := bus.Subscription("overrun", bus.To(doorOpened, doorClosed), bus.Writes(counters))
		k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Now = time.Now }}, sub,
			bus.On(doorOpened, func(_ context.Context, e event.Event[opened]) error {
				if e.Data.N == 1 {
					<-release // it does not look at its context
				}
				return nil
			}),
			bus.OnTx(doorClosed, func(_ context.Context, _ event.Event[closed], tx *bus.Tx) error {
				tx.Write(counters.Update("doors", count.Add(1)))
				<-release
				return nil
			}))
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		slow, fast, slowTx := opening(k, 1), opening(k, 2), k.Event(doorClosed.Record(closed{}))
		began := time.Now()
		receipts := k.DeliverIn(ctx, 1, slow, fast, slowTx)
		if took := time.Since(began); took != 29*time.Second {
			t.Errorf("Handle took %v of 30s", took)
		}
		if !receipts[0].Again || receipts[1].Again || !receipts[2].Again {
			t.Errorf("receipts %+v", receipts)
		}
		// The leased one still runs, so the lease stays until the function's time is
		// over: 30s and a margin of 5s after it was taken.
		d := k.Delivery(slow.ID)
		wantDelivery(t, d, bus.Processing, 1, "")
		if lease := d.LeaseUntil.Sub(began); lease != 35*time.Second || receipts[0].Hidden != 6*time.Second {
			t.Errorf("lease for %v, hidden for %v", lease, receipts[0].Hidden)
		}
		wantDelivery(t, k.Delivery(fast.ID), bus.Succeeded, 1, "")
		wantDelivery(t, k.Delivery(slowTx.ID), bus.Failed, 1, "unfinished")
		if counted(t, k) != 0 {
			t.Errorf("counted %d", counted(t, k))
		}
		// The process must end before it handles anything else.
		m := k.Message(fast, 2)
		if _, err := k.Handle(t.Context(), m); !errors.Is(err, bus.ErrOverrun) {
			t.Errorf("error %v, want %v", err, bus.ErrOverrun)
		}
		close(release)
		synctest.Wait()
		if r, err := k.Handle(t.Context(), m); err != nil || r[0].Again {
			t.Errorf("after the handler has returned: %+v, %v", r, err)
		}
	})
}

func TestLogs(t *testing.T) {
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, nil))
	sub := bus.Subscription("logging", bus.To(doorOpened))
	var key string
	k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Logger = logger }}, sub,
		bus.On(doorOpened, func(ctx context.Context, e event.Event[opened]) error {
			key = bus.IdempotencyKey(ctx)
			bus.Logger(ctx).Info("from the handler")
			if f := event.FlowFrom(ctx); f.CausationID != e.ID || f.CorrelationID != e.CorrelationID || f.TenantID != "t" || f.Actor != "a" || f.TraceParent != "tp" {
				t.Errorf("flow %+v", f)
			}
			return errBoom
		}))
	e := opening(k, 1)
	e.TenantID, e.Actor, e.TraceParent = "t", "a", "tp"
	m := k.Message(e, 2)
	m.Body = strings.Replace(m.Body, `{`, `{"replay-name":"again",`, 1)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request"})
	if _, err := k.Handle(ctx, m); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want the handler's and the one of the record:\n%s", len(lines), &out)
	}
	for i, line := range lines {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"event_id": e.ID, "event_type": "door.opened", "subscription": "logging", "correlation_id": e.CorrelationID, "request_id": "request", "message_id": m.MessageId, "replay": "again"}
		if i == 1 {
			for name, v := range map[string]any{"level": "WARN", "msg": "event failed", "outcome": "failed", "attempt": 1.0, "receive": 2.0, "duration_ms": 0.0, "again_in_s": 1.0, "error": "boom", "error_kind": "failed"} {
				want[name] = v
			}
		}
		for name, v := range want {
			if got[name] != v {
				t.Errorf("line %d: %s is %v, want %v", i, name, got[name], v)
			}
		}
	}
	if key != "logging/"+e.ID {
		t.Errorf("idempotency key %q", key)
	}
	if bus.IdempotencyKey(t.Context()) != "" || bus.Logger(t.Context()) != slog.Default() {
		t.Error("outside of a handler")
	}
}

// A panic of what the consumer itself calls costs one message, not the batch.
func TestConsumerPanics(t *testing.T) {
	k, _ := leasedKit(t, bustest.Options{})
	bad, good := opening(k, 1), opening(k, 2)
	k.Store.Before(func(c ormtest.Call) error {
		if c.Op == "do" && strings.Contains(fmt.Sprint(c.Actions[0].Table.KeyText(c.Actions[0].PrimaryKey())), bad.ID) {
			panic("boom")
		}
		return nil
	})
	r := k.Deliver(bad, good)
	if !r[0].Again || r[1].Again {
		t.Errorf("receipts %+v", r)
	}
}

func TestHidingFails(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	f.failWith(errBoom)
	k.FailQueue(func(string) error { return errBoom })
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; !r.Again {
		t.Errorf("the event is lost: %+v", r)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Failed, 1, "failed")
}

func TestRetention(t *testing.T) {
	day := 24 * time.Hour
	tests := []struct {
		retention, archive time.Duration
		want               time.Duration // 0: refused
	}{
		{0, 0, 35 * day},
		{0, 90 * day, 125 * day},
		{20 * day, 0, 20 * day},
		{20*day - 1, 0, 0},
		{25 * day, 5 * day, 25 * day},
		{24 * day, 5 * day, 0},
		{-day, 0, 0},
		{40 * day, -day, 0},
	}
	for _, tt := range tests {
		f := func(context.Context, event.Event[opened]) error { return nil }
		o := bus.ConsumerOptions{
			Subscription: bus.Subscription("kept", bus.To(doorOpened)), Parts: []bus.Part{bus.On(doorOpened, f)},
			Retention: tt.retention, Archive: tt.archive,
		}
		if tt.want == 0 {
			_, err := bus.NewConsumer(o)
			if !errors.Is(err, bus.KindDefinition) || !strings.Contains(err.Error(), "retention") {
				t.Errorf("%+v: %v", tt, err)
			}
			continue
		}
		k := bustest.With(t, bustest.Options{Change: func(c *bus.ConsumerOptions) { c.Retention, c.Archive = tt.retention, tt.archive }}, o.Subscription, o.Parts...)
		e := opening(k, 1)
		k.Deliver(e)
		if got := k.Delivery(e.ID).ExpiresAt; got != bustest.Start.Add(tt.want).Unix() {
			t.Errorf("%+v: expires %d", tt, got)
		}
	}
}

func TestNewConsumerReportsAll(t *testing.T) {
	_, err := bus.NewConsumer(bus.ConsumerOptions{
		Subscription: txDoor,
		Parts:        []bus.Part{bus.OnTx(doorOpened, countUp), bus.On(doorClosed, closing)},
		MaxAttempts:  -1, Retention: time.Hour,
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"a handler for door.closed", "Store is nil", "Queue is nil", "cannot be negative", "retention of delivery records 1h0m0s", "Log is nil"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
	if _, err := bus.NewConsumer(bus.ConsumerOptions{}); !errors.Is(err, bus.KindDefinition) {
		t.Errorf("no subscription: %v", err)
	}
}

// With a concurrency of 1 nothing runs beside anything else, in the same order
// each time.
func TestOneAfterAnother(t *testing.T) {
	for range 20 {
		var order []string
		note := func(what string, n int) { order = append(order, fmt.Sprint(what, n)) }
		sub := bus.Subscription("alone", bus.To(doorOpened, doorClosed, doorNoted))
		k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { quiet(o); o.Concurrency = 1 }}, sub,
			bus.On(doorOpened, func(_ context.Context, e event.Event[opened]) error { note("on", e.Data.N); return nil }),
			bus.OnTx(doorClosed, func(_ context.Context, e event.Event[closed], _ *bus.Tx) error { note("tx", e.Data.N); return nil }),
			bus.OnBatch(doorNoted, func(_ context.Context, es []event.Event[noted]) []error { note("batch", len(es)); return nil }))
		var es []event.Envelope
		for i := range 3 {
			es = append(es, k.Event(doorNoted.Record(noted{})), k.Event(doorClosed.Record(closed{N: i})), opening(k, i))
		}
		k.Deliver(es...)
		if got := fmt.Sprint(order); got != "[on0 on1 on2 batch3 tx0 tx1 tx2]" {
			t.Fatalf("order %s", got)
		}
	}
}
