package orders_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/eventlogtest"
)

// fixture is the order context over a memory store.
type fixture struct {
	*testing.T
	log     *eventlogtest.Log
	service *orders.Service
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	log := eventlogtest.New("user-system")
	var ids atomic.Int64
	return &fixture{t, log, orders.NewService(log.Store, log.Log, orders.Options{
		Now: log.Now, NewID: func() string { return fmt.Sprintf("o%d", ids.Add(1)) },
		Backoff: func(context.Context, int) error { return nil },
	})}
}

// wish is an order of two pieces at 10.00 and one at 2.50.
func wish() orders.PlaceOrder {
	return orders.PlaceOrder{
		CustomerID: "c1", CustomerName: "Alice", Email: "alice@example.com", Currency: "EUR",
		Items: []orders.Item{{ProductID: "p1", Title: "Lamp", Price: 1000, Quantity: 2}, {ProductID: "p2", Title: "Bulb", Price: 250, Quantity: 1}},
	}
}

func (f *fixture) place(key string) orders.View {
	f.Helper()
	v, err := f.service.Place(f.Context(), "acme", key, wish())
	if err != nil {
		f.Fatal(err)
	}
	return v
}

// reserve does what the reaction to the order does.
func (f *fixture) reserve(id string) {
	f.Helper()
	f.commit(orders.Reserved.At(orders.Stream("acme", id), event.Append).Record(orders.InventoryReserved{OrderID: id, Lines: []orders.Line{{ProductID: "p1", Quantity: 2}}}))
}

func (f *fixture) commit(r event.Record) {
	f.Helper()
	if _, err := f.log.Commit(f.Context(), eventlog.Changes{Events: []event.Record{r}}); err != nil {
		f.Fatal(err)
	}
}

// types are those of an order's events.
func (f *fixture) types(tenant, id string) string {
	f.Helper()
	var all []string
	for e, err := range f.log.Stream(f.Context(), orders.Stream(tenant, id), 1) {
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, e.Type)
		if e.TenantID != tenant && e.Type != "inventory.reserved" {
			f.Errorf("event %s is of tenant %q", e.ID, e.TenantID)
		}
	}
	return strings.Join(all, " ")
}

func TestLifeOfAnOrder(t *testing.T) {
	f := newFixture(t)
	v := f.place("")
	if v.OrderID != "o1" || v.Status != orders.StatusPlaced || v.Total != (orders.Money{Amount: 2250, Currency: "EUR"}) {
		t.Fatalf("placed %+v", v)
	}
	f.reserve("o1")
	for _, step := range []struct {
		do   func() (orders.View, error)
		want orders.Status
	}{
		{func() (orders.View, error) { return f.service.Pay(t.Context(), "acme", "o1", v.Total) }, orders.StatusPaid},
		{func() (orders.View, error) { return f.service.Confirm(t.Context(), "acme", "o1") }, orders.StatusConfirmed},
		{func() (orders.View, error) { return f.service.Fulfil(t.Context(), "acme", "o1", "TRACK-1") }, orders.StatusFulfilled},
	} {
		got, err := step.do()
		if err != nil || got.Status != step.want {
			t.Fatalf("got %+v, %v; want %s", got, err, step.want)
		}
	}
	if got := f.types("acme", "o1"); got != "order.placed inventory.reserved payment.captured order.confirmed order.fulfilled" {
		t.Error(got)
	}
}

// TestRules: each refusal says which rule it was, and changes nothing.
func TestRules(t *testing.T) {
	euro := func(n int64) orders.Money { return orders.Money{Amount: n, Currency: "EUR"} }
	pay := func(f *fixture) error { _, err := f.service.Pay(f.Context(), "acme", "o1", euro(2250)); return err }
	confirm := func(f *fixture) error { _, err := f.service.Confirm(f.Context(), "acme", "o1"); return err }
	fulfil := func(f *fixture) error { _, err := f.service.Fulfil(f.Context(), "acme", "o1", "T"); return err }
	cancel := func(f *fixture) error {
		_, err := f.service.Cancel(f.Context(), "acme", "o1", "changed my mind")
		return err
	}
	reserve := func(f *fixture) error { f.reserve("o1"); return nil }
	type act = func(*fixture) error
	for _, c := range []struct {
		name   string
		before []act
		do     act
		kind   orders.Kind
		rule   string
	}{
		{"too little", nil, func(f *fixture) error { _, err := f.service.Pay(f.Context(), "acme", "o1", euro(2249)); return err }, orders.Refused, "paid in full"},
		{"another currency", nil, func(f *fixture) error {
			_, err := f.service.Pay(f.Context(), "acme", "o1", orders.Money{Amount: 2250, Currency: "USD"})
			return err
		}, orders.Refused, "its own currency"},
		{"paid twice", []act{pay}, pay, orders.Conflict, "paid once"},
		{"confirmed before it is paid", []act{reserve}, confirm, orders.Conflict, "confirmed when it is paid"},
		{"confirmed without stock", []act{pay}, confirm, orders.Conflict, "its stock is set aside"},
		{"shipped before it is confirmed", []act{reserve, pay}, fulfil, orders.Conflict, "fulfilled when it is confirmed"},
		{"cancelled after it was shipped", []act{reserve, pay, confirm, fulfil}, cancel, orders.Conflict, "until it is shipped"},
		{"cancelled twice", []act{cancel}, cancel, orders.Conflict, "until it is shipped"},
		{"paid after it was cancelled", []act{cancel}, pay, orders.Conflict, "paid once"},
		{"no such order", nil, func(f *fixture) error { _, err := f.service.Confirm(f.Context(), "acme", "o9"); return err }, orders.NotFound, "must exist"},
		{"no reason", nil, func(f *fixture) error { _, err := f.service.Cancel(f.Context(), "acme", "o1", " "); return err }, orders.Invalid, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.place("")
			for _, before := range c.before {
				if err := before(f); err != nil {
					t.Fatal(err)
				}
			}
			was := f.types("acme", "o1")
			err := c.do(f)
			var refused *orders.Error
			if !errors.Is(err, c.kind) || !errors.As(err, &refused) || !strings.Contains(refused.Rule, c.rule) {
				t.Errorf("got %v; want %s by the rule %q", err, c.kind, c.rule)
			}
			if got := f.types("acme", "o1"); got != was {
				t.Errorf("the order was %s and is %s", was, got)
			}
		})
	}
}

// TestIdempotencyKey: however many ask at once, one order is placed, and all hear of
// it.
func TestIdempotencyKey(t *testing.T) {
	f := newFixture(t)
	var wg sync.WaitGroup
	ids := make([]string, 20)
	for i := range ids {
		wg.Go(func() {
			v, err := f.service.Place(t.Context(), "acme", "k1", wish())
			if err != nil {
				t.Error(err)
			}
			ids[i] = v.OrderID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Fatalf("orders %v", ids)
		}
	}
	// Whatever became of it, the first answer is what a repetition hears.
	if _, err := f.service.Cancel(t.Context(), "acme", ids[0], "x"); err != nil {
		t.Fatal(err)
	}
	if v, err := f.service.Place(t.Context(), "acme", "k1", wish()); err != nil || v.OrderID != ids[0] || v.Status != orders.StatusPlaced {
		t.Errorf("asked again: %+v, %v", v, err)
	}
	other := wish()
	other.Items[0].Quantity = 3
	if _, err := f.service.Place(t.Context(), "acme", "k1", other); !errors.Is(err, orders.Reused) {
		t.Errorf("another order under the key: %v", err)
	}
	if v, err := f.service.Place(t.Context(), "globex", "k1", wish()); err != nil || v.OrderID == ids[0] {
		t.Errorf("another tenant's key: %+v, %v", v, err)
	}
}

// TestParallelCommands: of two commands on one order one wins, and the other decides
// on what came of it.
func TestParallelCommands(t *testing.T) {
	for round := range 20 {
		f := newFixture(t)
		v := f.place("")
		results := make([]error, 8)
		var wg sync.WaitGroup
		for i := range results {
			wg.Go(func() {
				if i%2 == 0 {
					_, results[i] = f.service.Pay(t.Context(), "acme", v.OrderID, v.Total)
				} else {
					_, results[i] = f.service.Cancel(t.Context(), "acme", v.OrderID, "x")
				}
			})
		}
		wg.Wait()
		for i, err := range results {
			if err != nil && !errors.Is(err, orders.Conflict) {
				t.Errorf("round %d, command %d: %v", round, i, err)
			}
		}
		switch got := f.types("acme", v.OrderID); got {
		case "order.placed order.cancelled", "order.placed payment.captured order.cancelled":
		default:
			t.Errorf("round %d: %s", round, got)
		}
	}
}

// TestTenantsAreApart: nothing of a tenant can be seen or changed under another's
// name.
func TestTenantsAreApart(t *testing.T) {
	f := newFixture(t)
	v := f.place("")
	f.reserve(v.OrderID)
	for name, do := range map[string]func(tenant string) error{
		"pay":     func(tn string) error { _, err := f.service.Pay(t.Context(), tn, v.OrderID, v.Total); return err },
		"confirm": func(tn string) error { _, err := f.service.Confirm(t.Context(), tn, v.OrderID); return err },
		"fulfil":  func(tn string) error { _, err := f.service.Fulfil(t.Context(), tn, v.OrderID, "T"); return err },
		"cancel":  func(tn string) error { _, err := f.service.Cancel(t.Context(), tn, v.OrderID, "r"); return err },
	} {
		if err := do("globex"); !errors.Is(err, orders.NotFound) {
			t.Errorf("%s by another tenant: %v", name, err)
		}
		for _, tenant := range []string{"", "acme/" + v.OrderID, "ACME", "acme#", "acme/../globex"} {
			if err := do(tenant); !errors.Is(err, orders.Invalid) {
				t.Errorf("%s by tenant %q: %v", name, tenant, err)
			}
		}
	}
	for _, id := range []string{"", "../globex/o1", "o1/x", "o1@1"} {
		if _, err := f.service.Cancel(t.Context(), "acme", id, "r"); !errors.Is(err, orders.NotFound) {
			t.Errorf("order id %q: %v", id, err)
		}
	}
}

func TestWishes(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		field  string
		change func(*orders.PlaceOrder)
	}{
		{"customer_id", func(p *orders.PlaceOrder) { p.CustomerID = "" }},
		{"customer_name", func(p *orders.PlaceOrder) { p.CustomerName = strings.Repeat("a", 201) }},
		{"email", func(p *orders.PlaceOrder) { p.Email = "nobody" }},
		{"email", func(p *orders.PlaceOrder) { p.Email = "Bob <bob@example.com>" }},
		{"discount_code", func(p *orders.PlaceOrder) { p.DiscountCode = strings.Repeat("a", 65) }},
		{"currency", func(p *orders.PlaceOrder) { p.Currency = "eur" }},
		{"currency", func(p *orders.PlaceOrder) { p.Currency = "XQZ" }},
		{"items", func(p *orders.PlaceOrder) { p.Items = nil }},
		{"items", func(p *orders.PlaceOrder) { p.Items = make([]orders.Item, 51) }},
		{"items[1].product_id", func(p *orders.PlaceOrder) { p.Items[1].ProductID = "p1" }},
		{"items[0].title", func(p *orders.PlaceOrder) { p.Items[0].Title = "" }},
		{"items[0].price", func(p *orders.PlaceOrder) { p.Items[0].Price = -1 }},
		{"items[0].quantity", func(p *orders.PlaceOrder) { p.Items[0].Quantity = 0 }},
		{"items", func(p *orders.PlaceOrder) { p.Items[0].Price = 1 << 62 }},
		{"items", func(p *orders.PlaceOrder) { p.Items[0].Price, p.Items[1].Price = 1<<61+1<<60, 1<<62 }},
		{"items", func(p *orders.PlaceOrder) { p.Items[0].Price, p.Items[1].Price = orders.MaxTotal/2, 1 }},
	} {
		p := wish()
		c.change(&p)
		_, err := f.service.Place(t.Context(), "acme", "", p)
		var refused *orders.Error
		if !errors.As(err, &refused) || refused.Kind != orders.Invalid || refused.Field != c.field {
			t.Errorf("%s: got %v", c.field, err)
		}
	}
	for _, key := range []string{"a b", strings.Repeat("k", 201), "é"} {
		if _, err := f.service.Place(t.Context(), "acme", key, wish()); !errors.Is(err, orders.Invalid) {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

func TestUnpaidTimer(t *testing.T) {
	f := newFixture(t)
	timers := func() int {
		n := 0
		for _, err := range f.log.DueTimers(t.Context(), f.log.Now().Add(24*time.Hour+time.Second)) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		return n
	}
	v := f.place("")
	if timers() != 1 {
		t.Error("no timer waits for the payment")
	}
	if _, err := f.service.Pay(t.Context(), "acme", v.OrderID, v.Total); err != nil {
		t.Fatal(err)
	}
	if timers() != 0 {
		t.Error("the timer still waits after the payment")
	}
}

// TestStockAndEndpoints: what a tenant sets is checked first.
func TestStockAndEndpoints(t *testing.T) {
	f := newFixture(t)
	for _, available := range []int{-1, 1_000_000_001} {
		if err := f.service.SetStock(t.Context(), "acme", "p1", available); !errors.Is(err, orders.Invalid) {
			t.Errorf("%d in stock: %v", available, err)
		}
	}
	for _, c := range []struct{ kind, url, secret, field string }{
		{"mail", "https://mail.example.com/send", "0123456789abcdef", ""},
		{"mail", "file:///etc/passwd", "0123456789abcdef", "url"},
		{"mail", "mail.example.com", "0123456789abcdef", "url"},
		{"fax", "https://mail.example.com/send", "0123456789abcdef", "kind"},
		{"mail", "https://mail.example.com/send", "short", "secret"},
	} {
		err := f.service.SetEndpoint(t.Context(), "acme", c.kind, c.url, c.secret)
		var refused *orders.Error
		if c.field == "" && err != nil || c.field != "" && (!errors.As(err, &refused) || refused.Field != c.field) {
			t.Errorf("%s at %s: %v; want field %q", c.kind, c.url, err, c.field)
		}
	}
}
