package bustest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

type shipped struct {
	Parcel string   `json:"parcel"`
	Items  []string `json:"items"`
	At     int64    `json:"at"`
}

var (
	orderShipped = event.Define[shipped]("order.shipped", event.Version(2), event.Since(2))
	orderBilled  = event.Define[placed]("order.billed", event.Public(func(p placed) placed { return placed{Total: -p.Total} }, 3))
	bill         = bus.Subscription("bill", bus.To(orderPlaced), bus.Commits(orderBilled))
)

var errEmpty = errors.New("the order is empty")

// ship is a service's method: it ships what the stream says was placed.
func ship(ctx context.Context, log *eventlog.Log, order string) error {
	var items []string
	for e, err := range log.Stream(ctx, order, 1) {
		if err != nil {
			return err
		}
		items = append(items, e.ID)
	}
	if len(items) == 0 {
		return errEmpty
	}
	_, err := log.Commit(ctx, eventlog.Changes{Events: []event.Record{
		orderShipped.At(order, event.Append).Record(shipped{Parcel: "p-1", Items: items, At: 1234}),
		orderPlaced.Record(placed{Total: 1}),
	}})
	return err
}

func shipping(order string) func(context.Context, *bustest.Scenario) error {
	return func(ctx context.Context, s *bustest.Scenario) error { return ship(ctx, s.Log, order) }
}

func placing(total int) event.Record {
	return orderPlaced.At("order/1", event.Append).Record(placed{Total: total})
}

func shipment(s shipped) event.Record { return orderShipped.At("order/1", event.Append).Record(s) }

// An example of how a domain tests a service.
func TestShip(t *testing.T) {
	bustest.Given(t, placing(10), placing(5)).
		When(shipping("order/1")).
		Ignoring("at").
		Then(shipment(shipped{Parcel: "p-1", Items: []string{"order/1@1", "order/1@2"}}), orderPlaced.Record(placed{Total: 1}))

	bustest.Given(t, placing(10)).
		When(shipping("order/2")).
		ThenError(errEmpty)
}

func billing(_ context.Context, e event.Event[placed], tx *bus.Tx) error {
	if e.Data.Total < 0 {
		return bus.Permanent(errEmpty)
	}
	tx.Record(orderBilled.At(e.Subject, event.Append).Record(e.Data))
	return nil
}

// And how it tests a subscription.
func TestBill(t *testing.T) {
	billed := func(total int) event.Record {
		return orderBilled.At("order/1", event.Append).Record(placed{Total: total})
	}
	bustest.Given(t, placing(10), shipment(shipped{}), placing(5)).
		WhenHandled(bill, bus.OnTx(orderPlaced, billing)).
		Then(billed(10), billed(5))

	o := bustest.Given(t, placing(10), placing(-1), placing(5)).
		WhenHandled(bill, bus.OnTx(orderPlaced, billing)).
		ThenError(errEmpty, billed(10), billed(5))
	if d, err := bus.Deliveries.Get(t.Context(), o.Scenario.Store, orm.Key("order/1@2", "bill")); err != nil || d.Status != bus.Dead {
		t.Errorf("%+v, %v", d, err)
	}
}

func ExampleGiven() {
	t := &failures{}
	bustest.Given(t, placing(10)).
		When(func(ctx context.Context, s *bustest.Scenario) error {
			_, err := s.Log.Commit(ctx, eventlog.Changes{Events: []event.Record{placing(3)}})
			return err
		}).
		Then(placing(2), shipment(shipped{Parcel: "p-1"}))
	fmt.Println(t.text())
	// Output:
	// committed were 1 events, want 2 (- wanted, + committed):
	//   order.placed v1 in order/1
	//     {
	// -     "total": 2
	// +     "total": 3
	//     }
	// - order.shipped v2 in order/1
	// -   {
	// -     "at": 0,
	// -     "items": null,
	// -     "parcel": "p-1"
	// -   }
}

// failures is a testing.TB that keeps what a test would say.
type failures struct {
	testing.TB
	said []string
}

func (f *failures) Helper()                  {}
func (f *failures) Context() context.Context { return context.Background() }
func (f *failures) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}
func (f *failures) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	panic(f)
}
func (f *failures) text() string { return strings.Join(f.said, "\n") }

// A scenario fails the test where it does not come true, and says why.
func TestScenarioFails(t *testing.T) {
	good := shipment(shipped{Parcel: "p-1", Items: []string{"order/1@1"}, At: 1234})
	fact := orderPlaced.Record(placed{Total: 1})
	tests := map[string]struct {
		do   func(t testing.TB)
		want string // "": it must not fail
	}{
		"as expected":      {func(t testing.TB) { bustest.Given(t, placing(1)).When(shipping("order/1")).Then(good, fact) }, ""},
		"one is missing":   {func(t testing.TB) { bustest.Given(t, placing(1)).When(shipping("order/1")).Then(good) }, "+ order.placed v1 in a stream of its own"},
		"none is expected": {func(t testing.TB) { bustest.Given(t, placing(1)).When(shipping("order/1")).Then() }, "committed were 2 events, want 0"},
		"other order":      {func(t testing.TB) { bustest.Given(t, placing(1)).When(shipping("order/1")).Then(fact, good) }, "- order.placed"},
		"other stream": {func(t testing.TB) {
			bustest.Given(t, placing(1)).When(shipping("order/1")).Then(orderShipped.At("order/2", event.Append).Record(shipped{Parcel: "p-1", Items: []string{"order/1@1"}, At: 1234}), fact)
		}, "- order.shipped v2 in order/2\n+ order.shipped v2 in order/1"},
		"a stream for a fact": {func(t testing.TB) {
			bustest.Given(t, placing(1)).When(shipping("order/1")).Then(good, orderPlaced.At("order/9", event.Append).Record(placed{Total: 1}))
		}, "- order.placed v1 in order/9"},
		"other data": {func(t testing.TB) {
			bustest.Given(t, placing(1)).When(shipping("order/1")).Then(shipment(shipped{Parcel: "p-2", Items: []string{"order/1@1"}, At: 1234}), fact)
		}, `-     "parcel": "p-2"`},
		"other public form": {func(t testing.TB) {
			other := event.Define[placed]("order.billed", event.Public(func(p placed) placed { return p }, 3))
			bustest.Given(t).When(func(ctx context.Context, s *bustest.Scenario) error {
				_, err := s.Log.Commit(ctx, eventlog.Changes{Events: []event.Record{orderBilled.Record(placed{Total: 4})}})
				return err
			}).Then(other.Record(placed{Total: 4}))
		}, "public v3"},
		"it fails": {func(t testing.TB) { bustest.Given(t).When(shipping("order/1")).Then() }, "it failed: the order is empty"},
		"it goes well": {func(t testing.TB) {
			bustest.Given(t, placing(1)).When(shipping("order/1")).ThenError(errEmpty, good, fact)
		}, "it went well"},
		"another error": {func(t testing.TB) { bustest.Given(t).When(shipping("order/1")).ThenError(context.Canceled) }, "the error is\n  the order is empty\nwant\n  context canceled"},
		"wrong given":   {func(t testing.TB) { bustest.Given(t, orderPlaced.At("", event.New).Record(placed{})) }, "given event 0"},
		"wrong expected": {func(t testing.TB) {
			bustest.Given(t).When(shipping("order/1")).ThenError(errEmpty, orderPlaced.At("", event.New).Record(placed{}))
		}, "expected event 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &failures{}
			func() {
				defer func() {
					if p := recover(); p != nil && p != any(f) {
						panic(p)
					}
				}()
				tt.do(f)
			}()
			if (tt.want == "") != (f.text() == "") || !strings.Contains(f.text(), tt.want) {
				t.Errorf("it says\n%s\nwant\n%s", f.text(), tt.want)
			}
		})
	}
}
