package orders_test

import (
	"errors"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog/eventlogtest"

	"example.com/app-name/domain"
	"example.com/app-name/domain/orders"
	"example.com/app-name/tables"
)

// newService is a service over a log and tables in memory.
func newService() (*orders.Service, *eventlogtest.Log) {
	log := eventlogtest.New(domain.Application)
	return orders.NewService(log.Store, log.Log, log.Now, func() string { return "o1" }), log
}

func TestPlace(t *testing.T) {
	service, log := newService()
	if _, err := service.Place(t.Context(), "tea", 3); err != nil {
		t.Fatal(err)
	}
	stored, err := tables.Orders.Get(t.Context(), log.Store, "o1")
	if err != nil || stored.Product != "tea" || stored.Quantity != 3 {
		t.Errorf("stored %+v, %v", stored, err)
	}
	envelope, err := log.Get(t.Context(), event.EventID("order/o1", 1))
	if err != nil {
		t.Fatal(err)
	}
	e, err := orders.Placed.Decode(envelope)
	if want := (orders.OrderPlaced{OrderID: "o1", Product: "tea", Quantity: 3}); err != nil || e.Data != want {
		t.Errorf("event %+v, %v; want %+v", e.Data, err, want)
	}
}

func TestPlaceRefuses(t *testing.T) {
	for name, order := range map[string]struct {
		product  string
		quantity int
	}{
		"no product":  {"", 1},
		"no quantity": {"tea", 0},
		"too much":    {"tea", 1001},
	} {
		service, log := newService()
		if _, err := service.Place(t.Context(), order.product, order.quantity); !errors.Is(err, orders.ErrInvalid) {
			t.Errorf("%s: error is %v, want %v", name, err, orders.ErrInvalid)
		}
		if _, err := log.Get(t.Context(), event.EventID("order/o1", 1)); err == nil {
			t.Errorf("%s: there is an event of it", name)
		}
	}
}

// An order counts once, however often its event is delivered.
func TestCountedOnce(t *testing.T) {
	kit := bustest.New(t, orders.CountSales, bus.OnTx(orders.Placed, orders.AddToSales))
	e := kit.Event(orders.Placed.At("order/o1", event.New).Record(orders.OrderPlaced{OrderID: "o1", Product: "tea", Quantity: 3}))
	kit.DeliverParallel(10, e)
	if d := kit.Settle(e); d.Status != bus.Succeeded {
		t.Fatalf("delivery %+v", d)
	}
	sale, err := tables.Sales.Get(t.Context(), kit.Store, "tea")
	if err != nil || sale.Units != 3 {
		t.Errorf("sold %d, %v; want 3", sale.Units, err)
	}
}
