package orders_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
)

// generation is that of every read model.
type generation string

func (g generation) Generation(context.Context) (string, error) { return string(g), nil }

// place commits an order of a tenant and projects it.
func place(t *testing.T, kit *bustest.Kit, tenant, id, title string, total int64) {
	t.Helper()
	c, err := kit.Log.Commit(event.WithFlow(t.Context(), event.Flow{TenantID: tenant}), eventlog.Changes{Events: []event.Record{
		orders.Placed.At(orders.Stream(tenant, id), event.New).Record(orders.OrderPlaced{
			OrderID: id, CustomerID: "c", CustomerName: "Alice", Total: orders.Money{Amount: total, Currency: "EUR"},
			Items: []orders.Item{{ProductID: "p1", Title: title, Price: total, Quantity: 1}},
		}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range kit.Log.Stream(t.Context(), c.Events[0].Subject, 1) {
		if err != nil {
			t.Fatal(err)
		}
		if d := kit.Settle(e); d.Status != bus.Succeeded {
			t.Fatalf("delivery %+v", d)
		}
	}
}

// TestList: each tenant's list has its own orders, each once, however long the pages
// are; and no cursor leads into another's.
func TestList(t *testing.T) {
	kit := bustest.New(t, orders.ProjectSummary, orders.SummaryHandlers()...)
	for i := range 7 {
		place(t, kit, "acme", fmt.Sprintf("a%d", i), "Lamp", 100)
	}
	place(t, kit, "globex", "a3", "Chair", 900) // the same id, another order
	q := orders.NewQueries(kit.Store, generation(""), generation(""))
	for limit := 1; limit <= 8; limit++ {
		var got []string
		var cursor string
		for {
			page, err := q.List(t.Context(), "acme", orders.StatusPlaced, limit, cursor)
			if err != nil || len(page.Orders) > limit {
				t.Fatalf("pages of %d: %d orders, %v", limit, len(page.Orders), err)
			}
			for _, s := range page.Orders {
				got = append(got, s.OrderID)
			}
			if cursor = page.Cursor; cursor == "" {
				break
			}
		}
		if want := []string{"a0", "a1", "a2", "a3", "a4", "a5", "a6"}; !slices.Equal(got, want) {
			t.Errorf("pages of %d: %v, want %v", limit, got, want)
		}
	}
	page, err := q.List(t.Context(), "acme", orders.StatusPlaced, 3, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.List(t.Context(), "globex", orders.StatusPlaced, 3, page.Cursor); !errors.Is(err, orders.Invalid) {
		t.Errorf("the cursor of another tenant: %v", err)
	}
	if _, err := q.List(t.Context(), "acme", orders.StatusPaid, 3, page.Cursor); !errors.Is(err, orders.Invalid) {
		t.Errorf("the cursor of another list: %v", err)
	}
	if s, err := q.Summary(t.Context(), "globex", "a3"); err != nil || s.TopItem != "Chair" {
		t.Errorf("the order of one tenant: %+v, %v", s, err)
	}
	if s, err := q.Summary(t.Context(), "acme", "a3"); err != nil || s.TopItem != "Lamp" {
		t.Errorf("the order of the other: %+v, %v", s, err)
	}
	other := orders.NewQueries(kit.Store, generation("g2"), generation("g2"))
	if page, err := other.List(t.Context(), "acme", orders.StatusPlaced, 0, ""); err != nil || len(page.Orders) > 0 {
		t.Errorf("another generation has %d orders, %v", len(page.Orders), err)
	}
}

// TestDashboardShows: the titles that were ordered most, and what has come in.
func TestDashboardShows(t *testing.T) {
	kit := bustest.New(t, orders.ProjectDashboard, orders.DashboardHandlers()...)
	for i, title := range []string{"F", "A", "B", "C", "D", "E", "A"} {
		place(t, kit, "acme", fmt.Sprintf("a%d", i), title, 100)
	}
	month := kit.Now().UTC().Format("2006-01")
	q := orders.NewQueries(kit.Store, generation(""), generation(""))
	got, err := q.Dashboard(t.Context(), "acme", month)
	if err != nil || fmt.Sprint(got) != "{"+month+" 7 [] 0 [{A 2} {B 1} {C 1} {D 1} {E 1}]}" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err = q.Dashboard(t.Context(), "globex", month); err != nil || fmt.Sprint(got) != "{"+month+" 0 [] 0 []}" {
		t.Errorf("another tenant's: %v, %v", got, err)
	}
}
