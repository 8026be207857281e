package orders_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
	"github.com/vinci-go/vinci/settings/settingstest"
	"github.com/vinci-go/vinci/tables"
)

func TestSettingsAreRight(t *testing.T) {
	for _, s := range orders.Settings() {
		if err := s.Err(); err != nil {
			t.Error(err)
		}
	}
}

// An order waits as long as the setting says when it is placed, unless it says itself.
func TestPaymentWindow(t *testing.T) {
	f := newFixture(t)
	service := orders.NewService(f.log.Store, f.log.Log, orders.Options{
		Now: f.log.Now, NewID: func() string { return "s" + f.log.Now().Format("150405") },
		Settings: settings.NewReader(f.log.Store, settings.Options{MaxAge: time.Nanosecond}),
	})
	waits := func(within int) time.Duration {
		t.Helper()
		f.log.Advance(time.Second)
		now := f.log.Now()
		wish := wish()
		wish.PayWithin = within
		v, err := service.Place(t.Context(), "acme", "", wish)
		if err != nil {
			t.Fatal(err)
		}
		for timer, err := range f.log.DueTimers(t.Context(), now.AddDate(0, 2, 0)) {
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(timer.ID, v.OrderID) {
				return timer.Due.Sub(now)
			}
		}
		t.Fatal("the order has no timer")
		return 0
	}
	if got := waits(0); got != 24*time.Hour {
		t.Errorf("it waits %s, want a day", got)
	}
	settingstest.Set(t, f.log.Store, orders.PaymentWindow, 10*time.Minute)
	if got := waits(0); got != 10*time.Minute {
		t.Errorf("it waits %s, want 10m", got)
	}
	if got := waits(90); got != 90*time.Second {
		t.Errorf("it waits %s, want what the order says", got)
	}
}

// While the switch is off a notice is given up at once, and nobody is called; what was
// given up is told when it comes again with the switch on.
func TestTellDistributors(t *testing.T) {
	caller := &orders.Caller{Client: orders.NewClient()}
	kit := bustest.New(t, orders.NotifyDistributor, bus.On(orders.Placed, caller.Notify))
	caller.Store, caller.Now = kit.Store, kit.Now
	caller.Settings = settings.NewReader(kit.Store, settings.Options{MaxAge: time.Nanosecond})
	r := newReceiver(t, kit.Now)
	if err := orm.Exec(t.Context(), kit.Store, tables.Endpoints.Put(tables.Endpoint{TenantID: "acme", Kind: tables.EndpointDistributor, URL: r.URL, Secret: secret})); err != nil {
		t.Fatal(err)
	}
	tell := func(id string) bus.Delivery {
		return kit.Settle(ofTenant(kit.Event(placedRecord(id, orders.Item{ProductID: "p1", Title: "Lamp", Price: 1, Quantity: 3})), "acme"))
	}
	settingstest.Set(t, kit.Store, orders.TellDistributors, false)
	if d := tell("o1"); d.Status != bus.Dead || d.Attempts != 1 || !strings.Contains(d.ErrorMessage, "tell_distributors is false") || len(r.keys) != 0 {
		t.Errorf("off: %+v, %d calls", d, len(r.keys))
	}
	kit.Advance(time.Second)
	settingstest.Set(t, kit.Store, orders.TellDistributors, true)
	if d := tell("o2"); d.Status != bus.Succeeded || len(r.keys) != 1 {
		t.Errorf("on: %+v, %d calls", d, len(r.keys))
	}
}
