package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/event"
)

// OrderSubscriptions are those of the order context.
func OrderSubscriptions() []*bus.Definition {
	return []*bus.Definition{
		orders.AnalyseOrders, orders.AuditOrders, orders.ConfirmOrder, orders.NotifyDistributor, orders.OrderProcess,
		orders.ProjectDashboard, orders.ProjectSummary, orders.ReleaseStock, orders.ReserveStock,
	}
}

// What the story of the orders is about.
const (
	tenant       = "acme"
	secret       = "a secret of 24 characters"
	failingFor   = "bob@example.com" // to whom the mail fails twice
	slowFor      = "clock"           // about which the distributor is slow
	distributing = 1500 * time.Millisecond
)

// placedOrder is the API's answer about an order.
type placedOrder struct {
	OrderID string       `json:"order_id"`
	Status  string       `json:"status"`
	Total   orders.Money `json:"total"`
}

// story is the orders of one tenant, with the services that are called for it.
type story struct {
	*Stage
	mail, distributor *Service
	began             time.Time // the POST of the order whose mail fails
	answered          time.Duration
}

// Orders places orders of every kind and prints what came of each. Their mail provider
// and distributor are HTTP servers of its own. It needs a fresh application.
func (s *Stage) Orders(ctx context.Context) (err error) {
	st := &story{Stage: s}
	again := make(chan struct{})
	st.mail, err = NewService(secret, func(c ServiceCall) int {
		if !strings.Contains(string(c.Body), failingFor) || c.Nth > 2 {
			return 200
		}
		if c.Nth == 2 {
			close(again)
		}
		return 503
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.mail.Close()) }()
	st.distributor, err = NewService(secret, func(c ServiceCall) int {
		if strings.Contains(string(c.Body), slowFor) {
			select {
			case <-again: // as slow as the mail
			case <-time.After(distributing):
			}
		}
		return 200
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.distributor.Close()) }()
	return st.tell(ctx)
}

func (st *story) tell(ctx context.Context) error {
	if err := st.prepare(ctx); err != nil {
		return err
	}
	failing, err := st.placeFailing(ctx)
	if err != nil {
		return err
	}
	all := []string{failing.OrderID}
	for _, chapter := range []func(context.Context) (string, error){st.fulfilled, st.cancelled, st.withoutStock, st.unpaid} {
		id, err := chapter(ctx)
		if err != nil {
			return err
		}
		all = append(all, id)
	}
	for _, id := range all {
		if err := st.Settled(ctx, orders.Stream(tenant, id), OrderSubscriptions()); err != nil {
			return &stepError{"wait for every reaction to order " + id, orders.ConfirmOrder.Name, err}
		}
	}
	if err := st.services(all); err != nil {
		return &stepError{"look at what the services were sent", orders.ConfirmOrder.Name, err}
	}
	if err := st.readModels(ctx); err != nil {
		return &stepError{"read the read models", orders.ProjectDashboard.Name, err}
	}
	return st.timeline(ctx, failing.OrderID)
}

// prepare sets stock and endpoints.
func (st *story) prepare(ctx context.Context) error {
	for product, available := range map[string]int{"lamp": 10, "chair": 0, "clock": 5} {
		_, err := st.insist(ctx, Request{Method: "PUT", Path: "/inventory/" + product, Tenant: tenant, Body: map[string]int{"available": available}}, nil, 200)
		if err != nil {
			return &stepError{"set the stock", "api", err}
		}
	}
	for kind, service := range map[string]*Service{"mail": st.mail, "distributor": st.distributor} {
		_, err := st.insist(ctx, Request{Method: "PUT", Path: "/endpoints/" + kind, Tenant: tenant, Body: map[string]string{"url": service.URL, "secret": secret}}, nil, 200)
		if err != nil {
			return &stepError{"set the endpoints", "api", err}
		}
	}
	fmt.Fprintf(st.out, "\nTenant %s has 10 lamps, 5 clocks and no chairs, a mail provider and a distributor\n", tenant)
	return nil
}

// wish is an order of one product, in euros.
func wish(email, product, title string, price int64, quantity int) orders.PlaceOrder {
	return orders.PlaceOrder{
		CustomerID: email, CustomerName: "Customer", Email: email, Currency: "EUR",
		Items: []orders.Item{{ProductID: product, Title: title, Price: price, Quantity: quantity}},
	}
}

func (st *story) place(ctx context.Context, key string, p orders.PlaceOrder) (placedOrder, error) {
	var order placedOrder
	if _, err := st.insist(ctx, Request{Method: "POST", Path: "/orders", Tenant: tenant, Key: key, Body: p}, &order, 201); err != nil {
		return placedOrder{}, &stepError{"place an order", "api", err}
	}
	return order, nil
}

// command gives an order a command.
func (st *story) command(ctx context.Context, id, command string, body any) error {
	if _, err := st.insist(ctx, Request{Method: "POST", Path: "/orders/" + id + "/" + command, Tenant: tenant, Body: body}, nil, 200); err != nil {
		return &stepError{command + " order " + id, "api", err}
	}
	return nil
}

// placeFailing places the order whose mail fails and whose distributor is slow.
func (st *story) placeFailing(ctx context.Context) (placedOrder, error) {
	st.began = time.Now()
	order, err := st.place(ctx, "bob-1", wish(failingFor, slowFor, "Clock", 4000, 1))
	st.answered = time.Since(st.began)
	if err == nil {
		fmt.Fprintf(st.out, "Placed order %s for %s: its mail will fail twice, and its distributor is slow\n", order.OrderID, order.Total)
	}
	return order, err
}

// fulfilled takes an order all the way.
func (st *story) fulfilled(ctx context.Context) (string, error) {
	p := wish("alice@example.com", "lamp", "Lamp", 1250, 2)
	order, err := st.place(ctx, "alice-1", p)
	if err != nil {
		return "", err
	}
	again, err := st.place(ctx, "alice-1", p)
	if err != nil {
		return "", err
	}
	if again != order {
		return "", &stepError{"place an order twice under one key", "api", fmt.Errorf("the first answer is %+v, the second %+v", order, again)}
	}
	fmt.Fprintf(st.out, "Placed order %s for %s; asked again under the same key: the same order\n", order.OrderID, order.Total)
	if err := st.reserved(ctx, order.OrderID); err != nil {
		return "", err
	}
	if err := st.command(ctx, order.OrderID, "pay", order.Total); err != nil {
		return "", err
	}
	if err := st.command(ctx, order.OrderID, "confirm", nil); err != nil {
		return "", err
	}
	if err := st.command(ctx, order.OrderID, "fulfil", map[string]string{"tracking_number": "TRACK-1"}); err != nil {
		return "", err
	}
	fmt.Fprintf(st.out, "Paid, confirmed and fulfilled order %s\n", order.OrderID)
	return order.OrderID, nil
}

// cancelled calls a paid order off.
func (st *story) cancelled(ctx context.Context) (string, error) {
	order, err := st.place(ctx, "carol-1", wish("carol@example.com", "lamp", "Lamp", 1250, 3))
	if err != nil {
		return "", err
	}
	if err := st.reserved(ctx, order.OrderID); err != nil {
		return "", err
	}
	if err := st.command(ctx, order.OrderID, "pay", order.Total); err != nil {
		return "", err
	}
	if err := st.command(ctx, order.OrderID, "cancel", map[string]string{"reason": "changed my mind"}); err != nil {
		return "", err
	}
	fmt.Fprintf(st.out, "Cancelled order %s after it was paid: %s go back, and so do 3 lamps\n", order.OrderID, order.Total)
	return order.OrderID, nil
}

// withoutStock orders what is not there.
func (st *story) withoutStock(ctx context.Context) (string, error) {
	order, err := st.place(ctx, "dave-1", wish("dave@example.com", "chair", "Chair", 9900, 1))
	if err != nil {
		return "", err
	}
	reason, err := st.cancellation(ctx, order.OrderID)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(st.out, "Order %s was cancelled: %s\n", order.OrderID, reason)
	return order.OrderID, nil
}

// unpaid orders and does not pay.
func (st *story) unpaid(ctx context.Context) (string, error) {
	p := wish("erin@example.com", "lamp", "Lamp", 1250, 4)
	p.PayWithin = 1
	order, err := st.place(ctx, "erin-1", p)
	if err != nil {
		return "", err
	}
	reason, err := st.cancellation(ctx, order.OrderID)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(st.out, "Order %s was cancelled: %s\n", order.OrderID, reason)
	return order.OrderID, nil
}

// reserved waits until an order's stock is set aside.
func (st *story) reserved(ctx context.Context, id string) error {
	if _, err := st.await(ctx, id, orders.Reserved); err != nil {
		return &stepError{"set the stock of order " + id + " aside", orders.ReserveStock.Name, err}
	}
	return nil
}

// cancellation waits until the process has cancelled an order, and returns the reason.
func (st *story) cancellation(ctx context.Context, id string) (string, error) {
	e, err := st.await(ctx, id, orders.Cancelled)
	if err != nil {
		return "", &stepError{"cancel order " + id, orders.OrderProcess.Name, err}
	}
	cancelled, err := orders.Cancelled.Decode(e)
	if err != nil {
		return "", &stepError{"cancel order " + id, "", err}
	}
	return cancelled.Data.Reason, nil
}

// await waits for an event of a type in the stream of an order.
func (st *story) await(ctx context.Context, id string, t event.Type) (event.Envelope, error) {
	for {
		for e, err := range st.Log.Stream(ctx, orders.Stream(tenant, id), 1) {
			if err != nil {
				return event.Envelope{}, err
			}
			if e.Type == t.Name() {
				return e, nil
			}
		}
		if err := wait(ctx); err != nil {
			return event.Envelope{}, fmt.Errorf("there was no %s in time", t.Name())
		}
	}
}

// services compares what was sent to the mail provider and the distributor with the
// orders.
func (st *story) services(all []string) error {
	for name, service := range map[string]*Service{"the mail provider": st.mail, "the distributor": st.distributor} {
		for i, id := range all {
			calls, want := service.About(id), 1
			if service == st.mail && i == 0 {
				want = 3
			}
			// A call is made at least once. Where nothing fails it is exactly once; under
			// chaos functions die after a call and before its outcome is on record.
			if len(calls) < want || len(calls) > want && !st.insists {
				return fmt.Errorf("%s was called %d times about order %s, wanted %d", name, len(calls), id, want)
			}
			for _, c := range calls {
				if !c.Signed || c.Key != calls[0].Key {
					return fmt.Errorf("%s was called about order %s with the key %q, rightly signed: %t; the first key was %q", name, id, c.Key, c.Signed, calls[0].Key)
				}
			}
		}
	}
	fmt.Fprintf(st.out, "Mails sent: %d; the distributor was told of %d orders; every signature was right\n", len(all), len(all))
	return nil
}

// readModels asks the read models and compares them with what happened.
func (st *story) readModels(ctx context.Context) error {
	var month struct {
		Month   string         `json:"month"`
		Orders  int            `json:"orders"`
		Revenue []orders.Money `json:"revenue"`
		Pending int            `json:"pending_fulfilment"`
		Titles  []struct {
			Title  string `json:"title"`
			Pieces int    `json:"pieces"`
		} `json:"top_titles"`
	}
	if _, err := st.insist(ctx, Request{Method: "GET", Path: "/dashboard", Tenant: tenant}, &month, 200); err != nil {
		return err
	}
	if got := fmt.Sprint(month.Orders, month.Revenue, month.Pending, month.Titles); got != "5 [25.00 EUR] 0 [{Lamp 9} {Chair 1} {Clock 1}]" {
		return fmt.Errorf("the dashboard says %s", got)
	}
	fmt.Fprintf(st.out, "Dashboard of this month: %d orders, revenue %s, %d to be fulfilled, first title %s (%d pieces)\n",
		month.Orders, month.Revenue[0], month.Pending, month.Titles[0].Title, month.Titles[0].Pieces)
	for _, want := range []struct {
		status orders.Status
		orders int
	}{{orders.StatusPlaced, 1}, {orders.StatusFulfilled, 1}, {orders.StatusCancelled, 3}} {
		var list struct {
			Orders []struct {
				OrderID string `json:"order_id"`
			} `json:"orders"`
		}
		if _, err := st.insist(ctx, Request{Method: "GET", Path: "/orders?status=" + string(want.status), Tenant: tenant}, &list, 200); err != nil {
			return err
		}
		if len(list.Orders) != want.orders {
			return fmt.Errorf("%d orders are listed as %s, wanted %d", len(list.Orders), want.status, want.orders)
		}
		fmt.Fprintf(st.out, "Orders that are %s: %d\n", want.status, len(list.Orders))
	}
	var stock struct {
		Available int `json:"available"`
	}
	if _, err := st.insist(ctx, Request{Method: "GET", Path: "/inventory/lamp", Tenant: tenant}, &stock, 200); err != nil {
		return err
	}
	if stock.Available != 8 {
		return fmt.Errorf("%d lamps are left, wanted 8", stock.Available)
	}
	fmt.Fprintf(st.out, "Lamps left: %d\n", stock.Available)
	return nil
}

// timeline prints every reaction to the order whose mail failed, and holds that one
// that fails and one that is slow have delayed no other, nor the response.
func (st *story) timeline(ctx context.Context, id string) error {
	reactions, err := st.Timeline(ctx, orders.Stream(tenant, id))
	if err != nil {
		return &stepError{"read the deliveries", "", err}
	}
	fmt.Fprintf(st.out, "\nReactions to order %s since its POST, which was answered after %s:\n", id, st.answered.Round(time.Millisecond))
	if err := printTimeline(st.out, st.began, reactions); err != nil {
		return err
	}
	mail := st.mail.About(id)
	return Independent(reactions, mail[len(mail)-1].At, st.began.Add(st.answered))
}

// Independent holds that all reactions but the failing mail were done before that
// was sent at last, and the response before that, too.
func Independent(reactions []Reaction, mailed, answered time.Time) error {
	if !answered.Before(mailed) {
		return fmt.Errorf("the response waited for the mail: it came at %s, the mail was sent at %s", answered, mailed)
	}
	for _, r := range reactions {
		d := r.Delivery
		if d.Subscription != orders.ConfirmOrder.Name && !d.LastAt.Before(mailed) {
			return fmt.Errorf("%s of %s waited for the mail: it was done at %s, the mail was sent at %s", d.Subscription, r.Event.Type, d.LastAt, mailed)
		}
	}
	return nil
}
