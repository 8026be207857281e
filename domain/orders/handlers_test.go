package orders_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/tables"
)

// ofTenant is an event with a tenant, which a commit of the service has.
func ofTenant(e event.Envelope, tenant string) event.Envelope {
	e.TenantID = tenant
	return e
}

func placedRecord(id string, items ...orders.Item) event.Record {
	total := int64(0)
	for _, i := range items {
		total += i.Price * int64(i.Quantity)
	}
	return orders.Placed.At(orders.Stream("acme", id), event.New).Record(orders.OrderPlaced{
		OrderID: id, CustomerID: "c", CustomerName: "Alice", Email: "a@example.com", Items: items, Total: orders.Money{Amount: total, Currency: "EUR"},
	})
}

func stockOf(t *testing.T, s orm.Reader, product string) int {
	t.Helper()
	stock, err := tables.Inventory.Get(t.Context(), s, orm.Key("acme", product))
	if err != nil {
		t.Fatal(err)
	}
	return stock.Available
}

// TestReserve: orders that want more than there is at once take what there is, never
// more, and each is told.
func TestReserve(t *testing.T) {
	var kit *bustest.Kit
	kit = bustest.New(t, orders.ReserveStock, bus.OnTx(orders.Placed, func(ctx context.Context, e event.Event[orders.OrderPlaced], tx *bus.Tx) error {
		return orders.Reserve(kit.Log)(ctx, e, tx)
	}))
	if err := orm.Exec(t.Context(), kit.Store, tables.Inventory.Put(tables.Stock{TenantID: "acme", ProductID: "p1", Available: 10}),
		tables.Inventory.Put(tables.Stock{TenantID: "acme", ProductID: "p2", Available: 100})); err != nil {
		t.Fatal(err)
	}
	var events []event.Envelope
	for i := range 6 {
		id := fmt.Sprintf("o%d", i)
		events = append(events, ofTenant(kit.Commit(placedRecord(id,
			orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3}, orders.Item{ProductID: "p2", Title: "Bulb", Price: 1, Quantity: 1}))[0], "acme"))
	}
	for range 3 { // duplicates, too
		kit.DeliverEach(events...)
	}
	reserved, rejected := 0, 0
	for _, e := range events {
		if d := kit.Settle(e); d.Status != bus.Succeeded {
			t.Fatalf("delivery %+v", d)
		}
		for stored, err := range kit.Log.Stream(t.Context(), e.Subject, 2) {
			switch {
			case err != nil:
				t.Fatal(err)
			case stored.Type == "inventory.reserved":
				reserved++
			case stored.Type == "inventory.rejected":
				rejected++
			}
		}
	}
	if reserved != 3 || rejected != 3 || stockOf(t, kit.Store, "p1") != 1 || stockOf(t, kit.Store, "p2") != 97 {
		t.Errorf("%d reserved, %d rejected, %d and %d left", reserved, rejected, stockOf(t, kit.Store, "p1"), stockOf(t, kit.Store, "p2"))
	}
}

// TestReserveSentAnew: an event that `vinci dlq send` has sent anew is in a stream of
// its own, and is about the order all the same.
func TestReserveSentAnew(t *testing.T) {
	var kit *bustest.Kit
	kit = bustest.New(t, orders.ReserveStock, bus.OnTx(orders.Placed, func(ctx context.Context, e event.Event[orders.OrderPlaced], tx *bus.Tx) error {
		return orders.Reserve(kit.Log)(ctx, e, tx)
	}))
	if err := orm.Exec(t.Context(), kit.Store, tables.Inventory.Put(tables.Stock{TenantID: "acme", ProductID: "p1", Available: 10})); err != nil {
		t.Fatal(err)
	}
	kit.Commit(placedRecord("o1", orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3}))
	again := placedRecord("o1", orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3})
	again.Stream = "ops/reserve_stock/1"
	e := ofTenant(kit.Commit(again)[0], "acme")
	if d := kit.Settle(e); d.Status != bus.Succeeded || stockOf(t, kit.Store, "p1") != 7 {
		t.Errorf("delivery %+v, %d left", d, stockOf(t, kit.Store, "p1"))
	}
}

// TestReserveNamedTwice: an old order may name a product twice, and wants both.
func TestReserveNamedTwice(t *testing.T) {
	for available, want := range map[int]int{10: 5, 4: 4} {
		var kit *bustest.Kit
		kit = bustest.New(t, orders.ReserveStock, bus.OnTx(orders.Placed, func(ctx context.Context, e event.Event[orders.OrderPlaced], tx *bus.Tx) error {
			return orders.Reserve(kit.Log)(ctx, e, tx)
		}))
		if err := orm.Exec(t.Context(), kit.Store, tables.Inventory.Put(tables.Stock{TenantID: "acme", ProductID: "p1", Available: available})); err != nil {
			t.Fatal(err)
		}
		e := ofTenant(kit.Commit(placedRecord("o1", orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3}, orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 2}))[0], "acme")
		if d := kit.Settle(e); d.Status != bus.Succeeded || stockOf(t, kit.Store, "p1") != want {
			t.Errorf("of %d: delivery %+v, %d left; want %d", available, d, stockOf(t, kit.Store, "p1"), want)
		}
	}
}

// TestReserveAfterCancel: an order that was cancelled before its stock was set aside
// gets none.
func TestReserveAfterCancel(t *testing.T) {
	var kit *bustest.Kit
	kit = bustest.New(t, orders.ReserveStock, bus.OnTx(orders.Placed, func(ctx context.Context, e event.Event[orders.OrderPlaced], tx *bus.Tx) error {
		return orders.Reserve(kit.Log)(ctx, e, tx)
	}))
	if err := orm.Exec(t.Context(), kit.Store, tables.Inventory.Put(tables.Stock{TenantID: "acme", ProductID: "p1", Available: 10})); err != nil {
		t.Fatal(err)
	}
	e := ofTenant(kit.Commit(placedRecord("o1", orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3}))[0], "acme")
	kit.Commit(orders.Cancelled.At(e.Subject, event.Append).Record(orders.OrderCancelled{OrderID: "o1", Reason: "x"}))
	if d := kit.Settle(e); d.Status != bus.Succeeded || stockOf(t, kit.Store, "p1") != 10 {
		t.Errorf("delivery %+v, %d left", d, stockOf(t, kit.Store, "p1"))
	}
}

// TestRelease gives back exactly once.
func TestRelease(t *testing.T) {
	kit := bustest.New(t, orders.ReleaseStock, bus.OnTx(orders.Cancelled, orders.Release))
	if err := orm.Exec(t.Context(), kit.Store, tables.Inventory.Put(tables.Stock{TenantID: "acme", ProductID: "p1", Available: 1})); err != nil {
		t.Fatal(err)
	}
	e := ofTenant(kit.Event(orders.Cancelled.At("order/acme/o1", event.Append).Record(orders.OrderCancelled{
		OrderID: "o1", Reason: "x", Release: []orders.Line{{ProductID: "p1", Quantity: 4}},
	})), "acme")
	kit.DeliverParallel(20, e)
	if d := kit.Settle(e); d.Status != bus.Succeeded || stockOf(t, kit.Store, "p1") != 5 {
		t.Errorf("delivery %+v, %d there", d, stockOf(t, kit.Store, "p1"))
	}
}

// TestProcess: what cannot go on is cancelled, and what was paid is left alone.
func TestProcess(t *testing.T) {
	for _, c := range []struct {
		name   string
		before []event.Record
		what   event.Record
		want   string // reason; empty: not cancelled
	}{
		{"unpaid", nil, orders.Due.At(orders.Stream("acme", "o1"), event.Append).Record(orders.PaymentDue{OrderID: "o1"}), orders.ReasonUnpaid},
		{"paid in the same moment", []event.Record{orders.Captured.At(orders.Stream("acme", "o1"), event.Append).Record(orders.PaymentCaptured{OrderID: "o1", Paid: orders.Money{Amount: 3, Currency: "EUR"}})},
			orders.Due.At(orders.Stream("acme", "o1"), event.Append).Record(orders.PaymentDue{OrderID: "o1"}), ""},
		{"out of stock", nil, orders.Rejected.At(orders.Stream("acme", "o1"), event.Append).Record(orders.InventoryRejected{OrderID: "o1", ProductID: "p1", Wanted: 3}), orders.ReasonOutOfStock},
	} {
		t.Run(c.name, func(t *testing.T) {
			var kit *bustest.Kit
			kit = bustest.New(t, orders.OrderProcess,
				bus.OnTx(orders.Rejected, func(ctx context.Context, e event.Event[orders.InventoryRejected], tx *bus.Tx) error {
					return orders.CancelRejected(kit.Log)(ctx, e, tx)
				}),
				bus.OnTx(orders.Due, func(ctx context.Context, e event.Event[orders.PaymentDue], tx *bus.Tx) error {
					return orders.CancelUnpaid(kit.Log)(ctx, e, tx)
				}))
			kit.Commit(placedRecord("o1", orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3}))
			for _, r := range c.before {
				kit.Commit(r)
			}
			e := kit.Commit(c.what)[0]
			e = ofTenant(e, "acme")
			kit.DeliverParallel(5, e)
			if d := kit.Settle(e); d.Status != bus.Succeeded {
				t.Fatalf("delivery %+v", d)
			}
			reasons := []string{}
			for e, err := range kit.Log.Stream(t.Context(), orders.Stream("acme", "o1"), 1) {
				if err != nil {
					t.Fatal(err)
				}
				if e.Type == "order.cancelled" {
					cancelled, err := orders.Cancelled.Decode(e)
					if err != nil {
						t.Fatal(err)
					}
					reasons = append(reasons, cancelled.Data.Reason)
				}
			}
			if c.want == "" && len(reasons) > 0 || c.want != "" && (len(reasons) != 1 || !strings.HasPrefix(reasons[0], c.want)) {
				t.Errorf("cancelled because of %q; want %q", reasons, c.want)
			}
		})
	}
}

// receiver is a tenant's HTTP service.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	answers []int // one for each call; then 200
	keys    []string
	bodies  []string
	bad     int // calls with a wrong signature
}

const secret = "0123456789abcdef"

func newReceiver(t *testing.T, now func() time.Time, answers ...int) *receiver {
	r := &receiver{answers: answers}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil || !orders.Verify(secret, req.Header, body, now(), time.Minute) || orders.Verify("another secret..", req.Header, body, now(), time.Minute) {
			r.bad++
		}
		r.keys, r.bodies = append(r.keys, req.Header.Get(orders.HeaderIdempotency)), append(r.bodies, string(body))
		if len(r.answers) > 0 {
			w.Header().Set("Location", "/elsewhere") // for 3xx
			w.WriteHeader(r.answers[0])
			r.answers = r.answers[1:]
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// TestEndpoints: a mail and a webhook are signed, have one key for all attempts, and
// are tried again when that can help.
func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		name     string
		kind     string
		sub      *bus.Definition
		handler  func(*orders.Caller) bus.Part
		answers  []int
		attempts int
		status   bus.Status
		body     string
	}{
		{"a mail that fails twice", tables.EndpointMail, orders.ConfirmOrder, func(c *orders.Caller) bus.Part { return bus.On(orders.Placed, orders.Mail(c)) },
			[]int{500, 503}, 3, bus.Succeeded, `{"to":"a@example.com","customer_name":"Alice","order_id":"o1","total":"0.03 EUR"}`},
		{"a distributor that is busy", tables.EndpointDistributor, orders.NotifyDistributor, func(c *orders.Caller) bus.Part { return bus.On(orders.Placed, c.Notify) },
			[]int{429}, 2, bus.Succeeded, `{"order_id":"o1","items":[{"product_id":"p1","quantity":3}],"total":{"amount":3,"currency":"EUR"},"placed_at":"2026-03-01T12:00:00Z"}`},
		{"a distributor that has moved", tables.EndpointDistributor, orders.NotifyDistributor, func(c *orders.Caller) bus.Part { return bus.On(orders.Placed, c.Notify) },
			[]int{307}, 1, bus.Dead, ""},
		{"a distributor that refuses", tables.EndpointDistributor, orders.NotifyDistributor, func(c *orders.Caller) bus.Part { return bus.On(orders.Placed, c.Notify) },
			[]int{400}, 1, bus.Dead, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			caller := &orders.Caller{Client: orders.NewClient()}
			kit := bustest.New(t, c.sub, c.handler(caller))
			caller.Store, caller.Now = kit.Store, kit.Now
			r := newReceiver(t, kit.Now, c.answers...)
			if err := orm.Exec(t.Context(), kit.Store, tables.Endpoints.Put(tables.Endpoint{TenantID: "acme", Kind: c.kind, URL: r.URL, Secret: secret})); err != nil {
				t.Fatal(err)
			}
			e := ofTenant(kit.Event(placedRecord("o1", orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3})), "acme")
			if d := kit.Settle(e); d.Status != c.status || d.Attempts != c.attempts {
				t.Errorf("delivery %+v", d)
			}
			if len(r.keys) != c.attempts || r.bad > 0 {
				t.Fatalf("%d calls, %d with a wrong signature", len(r.keys), r.bad)
			}
			for _, key := range r.keys {
				if key != c.sub.Name+"/"+e.ID {
					t.Errorf("the key is %q", key)
				}
			}
			if c.body != "" && r.bodies[0] != c.body {
				t.Errorf("the body is %s\nwant %s", r.bodies[0], c.body)
			}
			if d := kit.Settle(ofTenant(kit.Event(placedRecord("o2", orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3})), "globex")); d.Status != bus.Succeeded || len(r.keys) != c.attempts {
				t.Errorf("a tenant without an endpoint: %+v", d)
			}
		})
	}
}

// TestDashboard: in whatever order and how often the events of many orders come, the
// months are what the log says.
func TestDashboard(t *testing.T) {
	for seed := range uint64(5) {
		random := rand.New(rand.NewPCG(seed, 0))
		kit := bustest.New(t, orders.ProjectDashboard, orders.DashboardHandlers()...)
		month := func(m int) time.Time { return time.Date(2026, time.Month(m), 15, 0, 0, 0, 0, time.UTC) }
		want := map[string]tables.Dashboard{}
		change := func(m int, f func(*tables.Dashboard)) {
			key := month(m).Format("2006-01")
			d, ok := want[key]
			if !ok {
				d = tables.Dashboard{Model: "#acme", Month: key, Revenue: map[string]int64{}, Titles: map[string]int64{}}
			}
			f(&d)
			want[key] = d
		}
		var events []event.Envelope
		add := func(r event.Record, m int) {
			e := ofTenant(kit.Event(r), "acme")
			e.Time = month(m)
			events = append(events, e)
		}
		for i := range 30 {
			id := fmt.Sprintf("o%d", i)
			stream, price := orders.Stream("acme", id), random.Int64N(10000)
			title := fmt.Sprintf("Title %d", random.IntN(4))
			add(placedRecord(id, orders.Item{ProductID: "p", Title: title, Price: price, Quantity: 2}), 1)
			change(1, func(d *tables.Dashboard) { d.Orders++; d.Titles[title] += 2 })
			total := orders.Money{Amount: 2 * price, Currency: "EUR"}
			at := []time.Time{month(2), month(3)}
			paid, confirmed := random.IntN(3) > 0, random.IntN(3) > 0
			if paid {
				add(orders.Captured.At(stream, event.Append).Record(orders.PaymentCaptured{OrderID: id, Paid: total}), 2)
				change(2, func(d *tables.Dashboard) { d.Revenue["EUR"] += total.Amount })
			}
			if confirmed = confirmed && paid; confirmed {
				add(orders.Confirmed.At(stream, event.Append).Record(orders.OrderConfirmed{OrderID: id}), 3)
				change(3, func(d *tables.Dashboard) { d.Pending++ })
			}
			switch c := (orders.OrderCancelled{OrderID: id, Reason: "x"}); {
			case confirmed && random.IntN(2) == 0:
				add(orders.Fulfilled.At(stream, event.Append).Record(orders.OrderFulfilled{OrderID: id, TrackingNumber: "T", ConfirmedAt: at[1]}), 4)
				change(3, func(d *tables.Dashboard) { d.Pending-- })
			case random.IntN(2) == 0:
				if paid {
					c.Refund, c.PaidAt = &total, &at[0]
					change(2, func(d *tables.Dashboard) { d.Revenue["EUR"] -= total.Amount })
				}
				if confirmed {
					c.ConfirmedAt = &at[1]
					change(3, func(d *tables.Dashboard) { d.Pending-- })
				}
				add(orders.Cancelled.At(stream, event.Append).Record(c), 5)
			}
		}
		all := append(append([]event.Envelope{}, events...), events[:len(events)/2]...)
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for len(all) > 0 {
			n := min(1+random.IntN(10), len(all))
			kit.DeliverEach(all[:n]...)
			all = all[n:]
		}
		for _, e := range events {
			if d := kit.Settle(e); d.Status != bus.Succeeded {
				t.Fatalf("seed %d: delivery %+v", seed, d)
			}
		}
		for key, w := range want {
			got, err := tables.Dashboards.Get(t.Context(), kit.Store, orm.Key("#acme", key))
			if errors.Is(err, orm.KindNotFound) {
				t.Fatalf("seed %d: no %s", seed, key)
			}
			if err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(w.Revenue, func(_ string, n int64) bool { return n == 0 })
			maps.DeleteFunc(got.Revenue, func(_ string, n int64) bool { return n == 0 })
			if got.Orders != w.Orders || got.Pending != w.Pending || !maps.Equal(got.Revenue, w.Revenue) || !maps.Equal(got.Titles, w.Titles) {
				t.Errorf("seed %d: %s is %+v; want %+v", seed, key, got, w)
			}
		}
	}
}

// TestSummary: the last event of an order says its status, however they arrive.
func TestSummary(t *testing.T) {
	kit := bustest.New(t, orders.ProjectSummary, orders.SummaryHandlers()...)
	stream := orders.Stream("acme", "o1")
	var events []event.Envelope
	for _, r := range []event.Record{
		placedRecord("o1", orders.Item{ProductID: "p1", Title: "Bulb", Price: 1, Quantity: 3}, orders.Item{ProductID: "p2", Title: "Lamp", Price: 100, Quantity: 2}),
		orders.Captured.At(stream, event.Append).Record(orders.PaymentCaptured{OrderID: "o1", Paid: orders.Money{Amount: 203, Currency: "EUR"}}),
		orders.Confirmed.At(stream, event.Append).Record(orders.OrderConfirmed{OrderID: "o1"}),
		orders.Cancelled.At(stream, event.Append).Record(orders.OrderCancelled{OrderID: "o1", Reason: "broken"}),
	} {
		events = append(events, kit.Commit(r)...)
	}
	for _, i := range []int{3, 1, 0, 2, 3, 0} {
		kit.Deliver(events[i])
	}
	s, err := tables.OrderSummaries.Get(t.Context(), kit.Store, orm.Key("#", "o1"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Status != "cancelled" || s.Reason != "broken" || s.ItemCount != 5 || s.TopItem != "Lamp" || s.Total != 203 || s.CustomerName != "Alice" ||
		s.PaidAt.IsZero() || s.ConfirmedAt.IsZero() || s.CancelledAt.IsZero() || !s.FulfilledAt.IsZero() {
		t.Errorf("summary %+v", s)
	}
}

// TestPaymentMeetsTimer: the order is paid after the handler has looked and before it
// commits, and stays paid.
func TestPaymentMeetsTimer(t *testing.T) {
	var kit *bustest.Kit
	stream, runs := orders.Stream("acme", "o1"), 0
	kit = bustest.New(t, orders.OrderProcess,
		bus.OnTx(orders.Rejected, func(context.Context, event.Event[orders.InventoryRejected], *bus.Tx) error { return nil }),
		bus.OnTx(orders.Due, func(ctx context.Context, e event.Event[orders.PaymentDue], tx *bus.Tx) error {
			err := orders.CancelUnpaid(kit.Log)(ctx, e, tx)
			if runs++; runs == 1 {
				kit.Commit(orders.Captured.At(stream, event.Append).Record(orders.PaymentCaptured{OrderID: "o1", Paid: orders.Money{Amount: 3, Currency: "EUR"}}))
			}
			return err
		}))
	kit.Commit(placedRecord("o1", orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3}))
	e := ofTenant(kit.Commit(orders.Due.At(stream, event.Append).Record(orders.PaymentDue{OrderID: "o1"}))[0], "acme")
	if d := kit.Settle(e); d.Status != bus.Succeeded || runs != 2 {
		t.Errorf("delivery %+v after %d runs", d, runs)
	}
	for e, err := range kit.Log.Stream(t.Context(), stream, 1) {
		if err != nil || e.Type == "order.cancelled" {
			t.Errorf("%s, %v", e.Type, err)
		}
	}
}

// TestCancellationMeetsReservation: the order is cancelled after the handler has
// looked and before it commits, and no stock is taken.
func TestCancellationMeetsReservation(t *testing.T) {
	var kit *bustest.Kit
	stream, runs := orders.Stream("acme", "o1"), 0
	kit = bustest.New(t, orders.ReserveStock, bus.OnTx(orders.Placed, func(ctx context.Context, e event.Event[orders.OrderPlaced], tx *bus.Tx) error {
		err := orders.Reserve(kit.Log)(ctx, e, tx)
		if runs++; runs == 1 {
			kit.Commit(orders.Cancelled.At(stream, event.Append).Record(orders.OrderCancelled{OrderID: "o1", Reason: "x"}))
		}
		return err
	}))
	if err := orm.Exec(t.Context(), kit.Store, tables.Inventory.Put(tables.Stock{TenantID: "acme", ProductID: "p1", Available: 10})); err != nil {
		t.Fatal(err)
	}
	e := ofTenant(kit.Commit(placedRecord("o1", orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3}))[0], "acme")
	if d := kit.Settle(e); d.Status != bus.Succeeded || runs != 2 || stockOf(t, kit.Store, "p1") != 10 {
		t.Errorf("delivery %+v after %d runs, %d left", d, runs, stockOf(t, kit.Store, "p1"))
	}
}

// TestCallsEnd: a service that hangs is not waited for as long as the function may run.
func TestCallsEnd(t *testing.T) {
	if timeout := orders.NewClient().Timeout; timeout <= 0 || timeout > 10*time.Second {
		t.Errorf("a call may take %s", timeout)
	}
}
