package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// trail is middleware that leaves its name.
func trail(steps *[]string, name string) bus.Middleware {
	return func(next bus.Next) bus.Next {
		*steps = append(*steps, "made "+name)
		return func(ctx context.Context, e event.Envelope) error {
			*steps = append(*steps, name+" in "+e.ID)
			err := next(ctx, e)
			*steps = append(*steps, fmt.Sprint(name, " out ", err))
			return err
		}
	}
}

// The first named is the outermost, whichever Use named it and wherever Use
// stands among the handlers, and each is made once.
func TestMiddlewareOrder(t *testing.T) {
	var steps []string
	step := func(s string) { steps = append(steps, s) }
	handlers := map[string]bus.Handler{
		"On":   bus.On(doorOpened, func(context.Context, event.Event[opened]) error { step("handler"); return errBoom }),
		"OnTx": bus.OnTx(doorOpened, func(context.Context, event.Event[opened], *bus.Tx) error { step("handler"); return errBoom }),
		"OnBatch": bus.OnBatch(doorOpened, func(_ context.Context, es []event.Event[opened]) []error {
			step("handler")
			return slices.Repeat([]error{errBoom}, len(es))
		}),
	}
	for name, h := range handlers {
		t.Run(name, func(t *testing.T) {
			steps = nil
			k := bustest.New(t, txDoor, bus.Use(trail(&steps, "a"), trail(&steps, "b")), h, bus.Use(trail(&steps, "c")))
			k.Deliver(opening(k, 1))
			k.Deliver(opening(k, 2))
			want := []string{"made c", "made b", "made a",
				"a in door/1@1", "b in door/1@1", "c in door/1@1", "handler", "c out boom", "b out boom", "a out boom",
				"a in door/2@1", "b in door/2@1", "c in door/2@1", "handler", "c out boom", "b out boom", "a out boom"}
			if !slices.Equal(steps, want) {
				t.Errorf("steps\n%s\nwant\n%s", strings.Join(steps, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// Recover, time-out, flow and ids stand around the user's middleware, and its
// record is made behind it.
func TestMiddlewareStandsInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k *bustest.Kit
		mw := func(next bus.Next) bus.Next {
			return func(ctx context.Context, e event.Envelope) error {
				deadline, ok := ctx.Deadline()
				if left := time.Until(deadline); !ok || left != 9*time.Second {
					t.Errorf("the middleware has %v of 10s", left)
				}
				if f := event.FlowFrom(ctx); f.CausationID != e.ID || bus.IdempotencyKey(ctx) != "on_door/"+e.ID {
					t.Errorf("flow %+v, idempotency key %q", f, bus.IdempotencyKey(ctx))
				}
				if k.Delivery(e.ID).Status != bus.Processing {
					t.Errorf("delivery %+v, want a lease around the middleware", k.Delivery(e.ID))
				}
				panic("in the middleware")
			}
		}
		k = bustest.New(t, onDoor, bus.Use(mw), bus.On(doorOpened, func(context.Context, event.Event[opened]) error { return nil }), bus.On(doorClosed, closing))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r := k.DeliverIn(ctx, 1, opening(k, 1))[0]
		wantDelivery(t, k.Delivery(r.EventID), bus.Failed, 1, "panic")
	})
}

func TestMiddlewareDecides(t *testing.T) {
	around := func(f func(ctx context.Context, e event.Envelope, next bus.Next) error) bus.Part {
		return bus.Use(func(next bus.Next) bus.Next {
			return func(ctx context.Context, e event.Envelope) error { return f(ctx, e, next) }
		})
	}
	tests := []struct {
		name     string
		mw       bus.Part
		fails    int // of the handler's first runs
		status   bus.Status
		kind     string
		runs     int
		txStatus bus.Status // where a transactional handler differs
		txKind   string
		counted  int // by the transactional handler
	}{
		{name: "returns without next", status: bus.Succeeded,
			mw: around(func(context.Context, event.Envelope, bus.Next) error { return nil })},
		{name: "refuses for good", status: bus.Dead, kind: "permanent",
			mw: around(func(context.Context, event.Envelope, bus.Next) error { return bus.Permanent(errBoom) })},
		{name: "makes an error of success", status: bus.Failed, kind: "failed", runs: 1,
			mw: around(func(ctx context.Context, e event.Envelope, next bus.Next) error {
				return errors.Join(next(ctx, e), errBoom)
			})},
		{name: "makes an error permanent", status: bus.Dead, kind: "permanent", runs: 1, fails: 1,
			mw: around(func(ctx context.Context, e event.Envelope, next bus.Next) error { return bus.Permanent(next(ctx, e)) })},
		{name: "tries again", status: bus.Succeeded, runs: 2, fails: 1, counted: 1,
			mw: around(func(ctx context.Context, e event.Envelope, next bus.Next) error {
				if err := next(ctx, e); err != nil {
					return next(ctx, e)
				}
				return nil
			})},
		{name: "swallows an error", status: bus.Succeeded, runs: 1, fails: 1, txStatus: bus.Failed, txKind: "failed",
			mw: around(func(ctx context.Context, e event.Envelope, next bus.Next) error { next(ctx, e); return nil })},
		{name: "loses the context", status: bus.Failed, kind: "failed",
			mw: around(func(_ context.Context, e event.Envelope, next bus.Next) error {
				return next(context.Background(), e)
			})},
	}
	for _, tt := range tests {
		for _, how := range []string{"On", "OnTx", "OnBatch"} {
			t.Run(tt.name+"/"+how, func(t *testing.T) {
				runs := 0
				run := func() error {
					if runs++; runs <= tt.fails {
						return errBoom
					}
					return nil
				}
				h := map[string]bus.Handler{
					"On": bus.On(doorOpened, func(context.Context, event.Event[opened]) error { return run() }),
					"OnTx": bus.OnTx(doorOpened, func(ctx context.Context, e event.Event[opened], tx *bus.Tx) error {
						return errors.Join(countUp(ctx, e, tx), run())
					}),
					"OnBatch": bus.OnBatch(doorOpened, func(context.Context, []event.Event[opened]) []error { return []error{run()} }),
				}[how]
				k := bustest.New(t, txDoor, h, tt.mw)
				e := opening(k, 1)
				k.Deliver(e)
				status, kind := tt.status, tt.kind
				if how == "OnTx" && tt.txStatus != "" {
					status, kind = tt.txStatus, tt.txKind
				}
				wantDelivery(t, k.Delivery(e.ID), status, 1, kind)
				if runs != tt.runs {
					t.Errorf("%d runs, want %d", runs, tt.runs)
				}
				if n := counted(t, k); how == "OnTx" && n != tt.counted {
					t.Errorf("counted %d, want %d", n, tt.counted)
				}
			})
		}
	}
}

// Middleware sees what is to be handled, and nothing else.
func TestMiddlewareSeesRuns(t *testing.T) {
	var steps []string
	sub := bus.Subscription("some_door", bus.To(event.Match("door.*")))
	k := bustest.New(t, sub, bus.Use(trail(&steps, "a")), bus.On(doorOpened, func(context.Context, event.Event[opened]) error { return nil }))
	e := opening(k, 1)
	k.Deliver(e)
	k.Deliver(e)                                    // a duplicate
	k.Deliver(k.Event(doorClosed.Record(closed{}))) // no handler
	if _, err := k.Handle(t.Context(), k.Raw("no event", 1)); err != nil {
		t.Fatal(err)
	}
	if want := []string{"made a", "a in door/1@1", "a out <nil>"}; !slices.Equal(steps, want) {
		t.Errorf("steps %v, want %v", steps, want)
	}
}

func TestMiddlewareThatIsNone(t *testing.T) {
	on := bus.OnTx(doorOpened, countUp)
	for want, parts := range map[string][]bus.Part{
		"middleware 1 of bus.Use is nil": {on, bus.Use(trail(new([]string), "a"), nil)},
		"part 1 is nil":                  {on, nil},
	} {
		if err := bus.Check(txDoor, parts...); !errors.Is(err, bus.KindDefinition) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	_, err := bus.NewConsumer(bus.ConsumerOptions{Subscription: txDoor, Parts: []bus.Part{on, bus.Use(func(bus.Next) bus.Next { return nil })}})
	if err == nil || !strings.Contains(err.Error(), "middleware 0 returned nil") {
		t.Errorf("error %v", err)
	}
}

// The trace goes on through the handler: what it commits has the run for its
// parent, and every log line names both.
func TestTraceGoesOn(t *testing.T) {
	const traceID, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	var out bytes.Buffer
	var inside string
	k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Logger = slog.New(slog.NewJSONHandler(&out, nil)) }}, txDoor,
		bus.OnTx(doorOpened, func(ctx context.Context, _ event.Event[opened], tx *bus.Tx) error {
			inside = event.FlowFrom(ctx).TraceParent
			bus.Logger(ctx).Info("from the handler")
			tx.Record(doorNoted.At("note/1", event.New).Record(noted{}))
			return nil
		}))
	e := opening(k, 1)
	e.TraceParent = "00-" + traceID + "-" + parent + "-01"
	k.Deliver(e)
	committed, err := eventlog.Events.Get(t.Context(), k.Store, orm.Key("note/1", int64(1)))
	if err != nil || committed.TraceParent != inside {
		t.Errorf("committed %q, %v; the handler had %q", committed.TraceParent, err, inside)
	}
	var span string
	if n, err := fmt.Sscanf(strings.ReplaceAll(inside, "-", " "), "00 "+traceID+" %s 01", &span); n != 1 || err != nil || span == parent {
		t.Errorf("the handler had %q, want the same trace and another span", inside)
	}
	for line := range strings.Lines(out.String()) {
		if !strings.Contains(line, `"trace_id":"`+traceID+`"`) || !strings.Contains(line, `"span_id":"`+span+`"`) {
			t.Errorf("the line lacks the trace: %s", line)
		}
	}
}
