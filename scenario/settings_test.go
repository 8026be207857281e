package scenario_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario"
	"github.com/vinci-go/vinci/settings"
)

// TestSettings changes what functions go by while they run, with the roles that they
// have: how long orders wait for their payment, and whether distributors are told. What
// was given up while they were not is told after a redrive.
func TestSettings(t *testing.T) {
	var stderr bytes.Buffer
	s, err := scenario.Start(t.Context(), scenario.Options{Dir: ".."}, progress.New(&stderr), io.Discard, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	defer func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ctx = event.WithFlow(ctx, event.Flow{Actor: "ada"})
	check := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v\n%s", what, err, &stderr)
		}
	}
	const tenant, secret = "acme", "a secret of 24 characters"
	distributor, err := scenario.NewService(secret, nil)
	check("start the distributor", err)
	defer func() {
		if err := distributor.Close(); err != nil {
			t.Error(err)
		}
	}()
	var subs []ops.Subscription
	for _, sub := range scenario.OrderSubscriptions() {
		subs = append(subs, ops.Of(sub))
	}
	o, err := ops.New(ops.Options{Application: scenario.Deployment.App, Deployment: scenario.Deployment.ID, Store: s.Store, Log: s.Log, Queues: ops.NewSQS(s.AWS()), Subscriptions: subs})
	check("ops", err)
	set := func(of settings.Definition, text string) {
		t.Helper()
		value, err := of.Parse(text)
		check("parse "+text, err)
		stored, err := o.Settings(ctx, of.Name())
		check("read "+of.Name(), err)
		_, err = o.SetSetting(ctx, of.Name(), value, stored[0].Version, "a test")
		check("set "+of.Name(), err)
	}

	check("endpoint", s.Do(ctx, scenario.Request{Method: "PUT", Path: "/endpoints/distributor", Tenant: tenant, Body: map[string]string{"url": distributor.URL, "secret": secret}}, nil, 200))
	check("stock", s.Do(ctx, scenario.Request{Method: "PUT", Path: "/inventory/lamp", Tenant: tenant, Body: map[string]int{"available": 1000}}, nil, 200))
	place := func() string {
		t.Helper()
		var order struct {
			OrderID string `json:"order_id"`
		}
		wish := orders.PlaceOrder{
			CustomerID: "c", CustomerName: "Customer", Currency: "EUR", Items: []orders.Item{{ProductID: "lamp", Title: "Lamp", Price: 100, Quantity: 1}},
		}
		check("place an order", s.Do(ctx, scenario.Request{Method: "POST", Path: "/orders", Tenant: tenant, Body: wish}, &order, 201))
		return order.OrderID
	}
	// told waits for what becomes of the notice about an order.
	told := func(id string) bus.Status {
		t.Helper()
		for {
			d, err := bus.Deliveries.Get(ctx, s.Store, orm.Key(event.EventID(orders.Stream(tenant, id), 1), orders.NotifyDistributor.Name))
			if err == nil && d.Status.Settled() {
				return d.Status
			}
			if err != nil && !errors.Is(err, orm.KindNotFound) {
				t.Fatal(err)
			}
			select {
			case <-ctx.Done():
				t.Fatalf("nothing became of the notice about order %s: %+v\n%s", id, d, &stderr)
			case <-time.After(20 * time.Millisecond): // between two looks at a condition that nothing signals
			}
		}
	}

	// The API reads its setting when the first order comes.
	set(orders.PaymentWindow, "10m")
	before := time.Now()
	first := place()
	after := time.Now()
	for timer, err := range s.Log.DueTimers(ctx, before.Add(48*time.Hour)) {
		check("read the timers", err)
		if due := timer.Due; due.Before(before.Add(10*time.Minute-time.Second)) || due.After(after.Add(10*time.Minute+time.Second)) {
			t.Errorf("order %s waits until %s, want ten minutes from %s", first, due, before)
		}
	}
	if status := told(first); status != bus.Succeeded || len(distributor.About(first)) != 1 {
		t.Fatalf("the first notice is %s, with %d calls", status, len(distributor.About(first)))
	}

	// The function knows that the switch is on; it looks again when that is too old.
	set(orders.TellDistributors, "false")
	held, tries := "", 0
	for held == "" {
		id := place()
		tries++
		switch told(id) {
		case bus.Dead:
			held = id
		case bus.Succeeded:
			if len(distributor.About(id)) != 1 {
				t.Errorf("the notice about %s succeeded with %d calls", id, len(distributor.About(id)))
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("after %d orders the function has not seen the change", tries)
		case <-time.After(100 * time.Millisecond): // what it knows becomes too old by time alone
		}
	}
	if n := len(distributor.About(held)); n != 0 {
		t.Errorf("%d calls while the switch is off", n)
	}
	if tries < 2 {
		t.Log("the function had forgotten the switch when the first order came")
	}

	// On again: what was held back is told.
	set(orders.TellDistributors, "true")
	for len(distributor.About(held)) == 0 {
		if _, err := o.Redrive(ctx, orders.NotifyDistributor.Name, ops.Pick{All: true}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("order %s is not told after a redrive", held)
		case <-time.After(200 * time.Millisecond):
		}
	}
	if calls := distributor.About(held); !calls[0].Signed || calls[0].Key != "notify_distributor/"+event.EventID(orders.Stream(tenant, held), 1) {
		t.Errorf("told with %+v", calls)
	}
	history, err := o.SettingHistory(ctx, orders.TellDistributors.Name())
	check("history", err)
	if len(history) != 2 || history[0].Data.After != "false" || history[1].Data.After != "true" || history[1].Actor != "ada" {
		t.Errorf("history is %+v", history)
	}
}
