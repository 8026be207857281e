package bus_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

type parcel struct {
	Weight int      `json:"weight"`
	To     string   `json:"to,omitempty"`
	Tags   []string `json:"tags,omitempty"`
}

var (
	parcelSent = event.Define[parcel]("parcel.sent")
	parcelLost = event.Define[parcel]("parcel.lost")
	weight     = event.Path(parcelSent, func(p *parcel) *int { return &p.Weight })
	to         = event.Path(parcelSent, func(p *parcel) *string { return &p.To })
)

// What the rule would not let in is acknowledged and told, and nothing is written
// for it.
func TestFilter(t *testing.T) {
	heavy := bus.Subscription("heavy", bus.To(event.Where(parcelSent, weight.Ge(10)), event.Where(parcelSent, to.Prefix("PO "), event.Tenant.Eq("acme")), parcelLost))
	tests := []struct {
		name   string
		data   parcel
		tenant string
		lost   bool
		want   string
	}{
		{name: "by one", data: parcel{Weight: 10}, want: "succeeded"},
		{name: "by the other", data: parcel{To: "PO 7"}, tenant: "acme", want: "succeeded"},
		{name: "by half of the other", data: parcel{To: "PO 7"}, want: "filtered"},
		{name: "by none", data: parcel{Weight: 9}, tenant: "acme", want: "filtered"},
		{name: "by type alone", data: parcel{Weight: 1}, lost: true, want: "succeeded"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			var ran []string
			k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Logger = slog.New(slog.NewTextHandler(&out, nil)) }}, heavy,
				bus.On(parcelSent, func(_ context.Context, e event.Event[parcel]) error { ran = append(ran, e.ID); return nil }),
				bus.On(parcelLost, func(_ context.Context, e event.Event[parcel]) error { ran = append(ran, e.ID); return nil }))
			def := parcelSent
			if tt.lost {
				def = parcelLost
			}
			e := k.Event(def.Record(tt.data))
			e.TenantID = tt.tenant
			if r := k.Deliver(e)[0]; r.Again {
				t.Errorf("receipt %+v", r)
			}
			done := tt.want == "succeeded"
			if k.Delivered(e.ID) != done || slices.Contains(ran, e.ID) != done {
				t.Errorf("ran %v, recorded %v, want %s", ran, k.Delivered(e.ID), tt.want)
			}
			if !strings.Contains(out.String(), "outcome="+tt.want) {
				t.Errorf("log lacks outcome=%s:\n%s", tt.want, &out)
			}
		})
	}
}

// An event that was tried before the filter was narrowed down does not stay
// failed for ever.
func TestFilterNarrowedDown(t *testing.T) {
	k := bustest.New(t, bus.Subscription("parcels", bus.To(parcelSent)), bus.On(parcelSent, func(context.Context, event.Event[parcel]) error { return errBoom }))
	e := k.Event(parcelSent.Record(parcel{Weight: 1}))
	k.Deliver(e)
	wantDelivery(t, k.Delivery(e.ID), bus.Failed, 1, "failed")
	k = bustest.With(t, bustest.Options{Store: k.Store}, bus.Subscription("parcels", bus.To(event.Where(parcelSent, weight.Gt(1)))),
		bus.On(parcelSent, func(context.Context, event.Event[parcel]) error { return errBoom }))
	k.DeliverIn(t.Context(), 2, e)
	wantDelivery(t, k.Delivery(e.ID), bus.Ignored, 1, "")
	if len(k.Troubles()) != 0 {
		t.Errorf("troubles %v", k.Troubles())
	}
}

func TestSelectorsByContent(t *testing.T) {
	two := bus.Subscription("two", bus.To(event.Where(parcelSent, weight.Gt(1)), event.Where(parcelSent, weight.Lt(-1))))
	if err := two.Err(); err != nil {
		t.Errorf("two conditions for one type: %v", err)
	}
	for name, tt := range map[string]struct {
		sub  *bus.Definition
		want string
	}{
		"twice":           {bus.Subscription("mail", bus.To(event.Where(parcelSent, weight.Gt(1)), event.Where(parcelSent, weight.Gt(1)))), "it asks for parcel.sent where data.weight > 1 twice"},
		"with and plain":  {bus.Subscription("mail", bus.To(event.Where(parcelSent, weight.Gt(1)), parcelSent)), "the second picks all that the first does"},
		"a wrong one":     {bus.Subscription("mail", bus.To(event.Where(parcelLost, weight.Gt(1)))), "selector 0 of bus.To is wrong"},
		"of another type": {bus.Subscription("mail", bus.To(event.Where(event.Match("parcel.*")))), "there is no condition"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.sub.Err(); !errors.Is(err, bus.KindDefinition) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// The consumer lets in what the conditions say in Go, whatever the event.
func TestFilterAgreesWithGo(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		low, high := rapid.IntRange(-3, 3).Draw(r, "low"), rapid.IntRange(-3, 3).Draw(r, "high")
		prefix := rapid.SampledFrom([]string{"a", "ab", "b"}).Draw(r, "prefix")
		sub := bus.Subscription("both", bus.To(event.Where(parcelSent, weight.Gt(low), to.Prefix(prefix)), event.Where(parcelSent, weight.Lt(high))))
		ran := 0
		k := bustest.With(t, bustest.Options{Change: quiet}, sub, bus.On(parcelSent, func(context.Context, event.Event[parcel]) error { ran++; return nil }))
		want := 0
		for range 5 {
			p := parcel{Weight: rapid.IntRange(-4, 4).Draw(r, "weight"), To: rapid.SampledFrom([]string{"", "a", "abc", "b", "ba"}).Draw(r, "to")}
			if p.Weight > low && strings.HasPrefix(p.To, prefix) || p.Weight < high {
				want++
			}
			k.Deliver(k.Event(parcelSent.Record(p)))
		}
		if ran != want {
			r.Errorf("%d runs, want %d", ran, want)
		}
	})
}

func namespaced(m events.SQSMessage, name string) events.SQSMessage {
	m.MessageAttributes = map[string]events.SQSMessageAttribute{bus.AttrNamespace: {DataType: "String", StringValue: &name}}
	return m
}

// In a namespace an event is handled once more, and once there, and what is known
// of it outside stays.
func TestNamespace(t *testing.T) {
	for _, how := range []string{"On", "OnTx", "OnBatch"} {
		t.Run(how, func(t *testing.T) {
			var keys []string
			run := func(ctx context.Context) error {
				keys = append(keys, bus.IdempotencyKey(ctx))
				return nil
			}
			h := map[string]bus.Handler{
				"On":   bus.On(doorOpened, func(ctx context.Context, _ event.Event[opened]) error { return run(ctx) }),
				"OnTx": bus.OnTx(doorOpened, func(ctx context.Context, _ event.Event[opened], _ *bus.Tx) error { return run(ctx) }),
				"OnBatch": bus.OnBatch(doorOpened, func(ctx context.Context, es []event.Event[opened]) []error {
					for _, e := range es {
						run(bus.EventContext(ctx, e.ID))
					}
					return nil
				}),
			}[how]
			k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Concurrency = 1 }}, bus.Subscription("total", bus.To(doorOpened), bus.Rebuildable()), h)
			e := opening(k, 1)
			k.Deliver(e)
			// Both namespaces in one batch, and one of them again.
			for range 2 {
				if r, err := k.Handle(t.Context(), namespaced(k.Message(e, 1), "spring"), namespaced(k.Message(e, 1), "autumn")); err != nil || r[0].Again || r[1].Again {
					t.Fatalf("receipts %+v, %v", r, err)
				}
			}
			k.Deliver(e)
			slices.Sort(keys)
			if want := []string{"total/door/1@1", "total/door/1@1!autumn", "total/door/1@1!spring"}; how == "OnTx" && !slices.Equal(slices.Compact(keys), want) || how != "OnTx" && !slices.Equal(keys, want) {
				t.Errorf("runs %q, want %q", keys, want)
			}
			for _, ns := range []string{"", "spring", "autumn"} {
				wantDelivery(t, k.Delivery(bus.RecordID(e.ID, ns)), bus.Succeeded, 1, "")
			}
		})
	}
}

// Without bus.Rebuildable, or by a wrong name, nothing runs and nothing is lost.
func TestNamespaceRefused(t *testing.T) {
	for _, tt := range []struct {
		name, namespace, want string
		opts                  []bus.Option
	}{
		{"not rebuildable", "spring", "declare the subscription bus.Rebuildable()", nil},
		{"wrong name", "Spring!", "allowed is a lower-case letter", []bus.Option{bus.Rebuildable()}},
		{"long name", strings.Repeat("a", 33), "at most 32 in all", []bus.Option{bus.Rebuildable()}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			runs := 0
			k := bustest.New(t, bus.Subscription("total", append(tt.opts, bus.To(doorOpened))...),
				bus.On(doorOpened, func(context.Context, event.Event[opened]) error { runs++; return nil }))
			r, err := k.Handle(t.Context(), namespaced(k.Message(opening(k, 1), 1), tt.namespace))
			if err != nil || r[0].Again {
				t.Fatalf("receipts %+v, %v", r, err)
			}
			l := k.DeadLetters()
			if runs != 0 || len(l) != 1 || !strings.Contains(l[0].Attributes[bus.AttrErrorMessage], tt.want) || l[0].Attributes[bus.AttrNamespace] != tt.namespace {
				t.Errorf("%d runs, dead letters %+v", runs, l)
			}
			if len(k.Store.Items(bus.Deliveries)) != 0 {
				t.Errorf("deliveries %v", k.Store.Items(bus.Deliveries))
			}
		})
	}
}

// A dead letter keeps its namespace, so that a redrive goes there again.
func TestNamespaceOfDeadLetter(t *testing.T) {
	cause := bus.Permanent(errBoom)
	k := bustest.New(t, bus.Subscription("total", bus.To(doorOpened), bus.Rebuildable()),
		bus.On(doorOpened, func(context.Context, event.Event[opened]) error { return cause }))
	e := opening(k, 1)
	if _, err := k.Handle(t.Context(), namespaced(k.Message(e, 1), "spring")); err != nil {
		t.Fatal(err)
	}
	wantDelivery(t, k.Delivery(e.ID+"!spring"), bus.Dead, 1, "permanent")
	cause = nil
	if _, err := k.Handle(t.Context(), k.Redriven(k.DeadLetters()[0])); err != nil {
		t.Fatal(err)
	}
	wantDelivery(t, k.Delivery(e.ID+"!spring"), bus.Succeeded, 2, "")
	if k.Delivered(e.ID) {
		t.Errorf("delivery %+v outside of the namespace", k.Delivery(e.ID))
	}
}

// What a handler commits in a namespace is caused by the event as before.
func TestNamespaceOfCommittedEvents(t *testing.T) {
	sub := bus.Subscription("total", bus.To(doorOpened), bus.Rebuildable(), bus.Commits(doorNoted))
	k := bustest.New(t, sub, bus.OnTx(doorOpened, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
		tx.Record(doorNoted.At("note/1", event.Append).Record(noted{Text: "x"}))
		return nil
	}))
	e := opening(k, 1)
	if _, err := k.Handle(t.Context(), namespaced(k.Message(e, 1), "spring")); err != nil {
		t.Fatal(err)
	}
	s, err := eventlog.Events.Get(t.Context(), k.Store, orm.Key("note/1", int64(1)))
	if err != nil || s.CausationID != e.ID {
		t.Errorf("stored %+v, %v", s, err)
	}
}

// An ordered subscription passes over what its filter leaves out, and has a place
// of its own in each namespace.
func TestOrderedFilterAndNamespace(t *testing.T) {
	var ran []string
	sub := bus.Subscription("heavy", bus.To(event.Where(parcelSent, weight.Ge(10))), bus.Ordered(), bus.Rebuildable())
	k := bustest.New(t, sub, bus.On(parcelSent, func(ctx context.Context, e event.Event[parcel]) error {
		ran = append(ran, bus.IdempotencyKey(ctx))
		return nil
	}))
	var last event.Envelope
	for _, w := range []int{10, 1, 11, 2} {
		if _, err := k.Log.Commit(t.Context(), eventlog.Changes{Events: []event.Record{parcelSent.At("parcel/1", event.Append).Record(parcel{Weight: w})}}); err != nil {
			t.Fatal(err)
		}
	}
	for e, err := range k.Log.Stream(t.Context(), "parcel/1", 1) {
		if err != nil {
			t.Fatal(err)
		}
		last = e
	}
	for _, name := range []string{"", "spring", "spring", ""} {
		m := k.Message(last, 1)
		if name != "" {
			m = namespaced(m, name)
		}
		if r, err := k.Handle(t.Context(), m); err != nil || r[0].Again {
			t.Fatalf("receipts %+v, %v", r, err)
		}
	}
	if want := []string{"heavy/parcel/1@1", "heavy/parcel/1@3", "heavy/parcel/1@1!spring", "heavy/parcel/1@3!spring"}; !slices.Equal(ran, want) {
		t.Errorf("runs %q, want %q", ran, want)
	}
	for name, position := range map[string]int64{"heavy": 4, bus.RecordID("heavy", "spring"): 4} {
		p, err := bus.ReadCheckpoint(t.Context(), k.Store, name, "parcel/1")
		if err != nil || p.Position != position || p.BlockedBy != "" {
			t.Errorf("checkpoint of %s %+v, %v", name, p, err)
		}
	}
	if k.Delivered("parcel/1@2") || k.Delivered("parcel/1@2!spring") {
		t.Error("what is left out is recorded")
	}
}
