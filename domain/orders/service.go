package orders

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
	"github.com/vinci-go/vinci/tables"
)

// attempts is how often a command loads and decides again when another command on
// the same order was faster.
const attempts = 5

// Options are the settings of [NewService]. Now and NewID are required.
type Options struct {
	Now func() time.Time
	// NewID makes order ids, never one twice: letters, digits and hyphens.
	NewID func() string
	// Settings say [PaymentWindow]; nil means its default.
	Settings *settings.Reader
	// Backoff waits before a command is decided again; nil means that of the store.
	Backoff func(ctx context.Context, try int) error
}

// Service takes commands. Each loads the order, decides, and commits at the version
// that it decided on; a command that was outrun decides again. It is safe for
// concurrent use.
type Service struct {
	store orm.Store
	log   *eventlog.Log
	o     Options
}

// NewService makes a service.
func NewService(store orm.Store, log *eventlog.Log, o Options) *Service {
	if o.Backoff == nil {
		o.Backoff = store.Backoff
	}
	return &Service{store: store, log: log, o: o}
}

// PlaceOrder is a wish to order.
type PlaceOrder struct {
	CustomerID   string `json:"customer_id"`
	CustomerName string `json:"customer_name"`
	Email        string `json:"email,omitempty"`
	Items        []Item `json:"items"`
	Currency     string `json:"currency"`
	DiscountCode string `json:"discount_code,omitempty"`
	// PayWithin is how many seconds the order waits for its payment before it is
	// cancelled, up to 30 days; 0 means [PaymentWindow].
	PayWithin int `json:"pay_within_seconds,omitempty"`
}

// maxPayWithin is 30 days.
const maxPayWithin = 30 * 24 * 60 * 60

// View is an order as a command answers with it.
type View struct {
	OrderID string
	Status  Status
	Total   Money
	Version int64 // of its stream
}

func view(o Order, version int64) View {
	return View{OrderID: o.ID, Status: o.Status, Total: o.Total, Version: version}
}

// Place takes an order for a tenant. With a key, whoever asks again under the same
// key gets the first answer for at least seven days, and nothing is ordered twice. Errors: Invalid with the
// field, Reused when the key was used for another request.
func (s *Service) Place(ctx context.Context, tenant, key string, p PlaceOrder) (View, error) {
	if err := CheckTenant(tenant); err != nil {
		return View{}, err
	}
	total, err := p.check()
	if err != nil {
		return View{}, err
	}
	placed := OrderPlaced{
		OrderID: s.o.NewID(), CustomerID: p.CustomerID, CustomerName: p.CustomerName, Email: p.Email,
		Items: p.Items, Total: Money{total, p.Currency}, DiscountCode: p.DiscountCode,
	}
	stream := Stream(tenant, placed.OrderID)
	window := time.Duration(p.PayWithin) * time.Second
	if p.PayWithin == 0 {
		if window, err = PaymentWindow.Get(ctx, s.o.Settings); err != nil {
			return View{}, fmt.Errorf("place order: %w", err)
		}
	}
	changes := eventlog.Changes{
		Events: []event.Record{Placed.At(stream, event.New).Record(placed)},
		Timers: []eventlog.Timer{{
			ID: unpaidTimer(stream), Due: s.o.Now().Add(window),
			Event: Due.At(stream, event.Append).Record(PaymentDue{OrderID: placed.OrderID}),
		}},
	}
	if key != "" {
		if changes.Command, err = command(tenant, key, p); err != nil {
			return View{}, err
		}
	}
	c, err := s.log.Commit(withTenant(ctx, tenant), changes)
	switch {
	case errors.Is(err, eventlog.KindDuplicate):
		return View{}, &Error{Kind: Reused, Field: "Idempotency-Key", Message: "was used for another order"}
	case err != nil:
		return View{}, fmt.Errorf("place order: %w", err)
	}
	// A repetition hears what it would have heard the first time: the order as it was
	// placed, whatever has become of it since.
	first := c.Events[0].Subject
	return View{OrderID: first[strings.LastIndexByte(first, '/')+1:], Status: StatusPlaced, Total: placed.Total, Version: 1}, nil
}

// command names a request by its key, so that it is done once.
func command(tenant, key string, p PlaceOrder) (eventlog.Command, error) {
	if len(key) > 200 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return eventlog.Command{}, invalid("Idempotency-Key", "must be 1 to 200 characters of printable ASCII without blanks")
	}
	request, err := json.Marshal(p)
	if err != nil {
		return eventlog.Command{}, fmt.Errorf("place order: %w", err) // cannot be: texts and numbers
	}
	return eventlog.Command{ID: "order/" + tenant + "/" + key, Request: string(request)}, nil
}

// Pay takes the payment of an order. Errors: NotFound, Conflict, Refused when the
// amount is not the order's.
func (s *Service) Pay(ctx context.Context, tenant, orderID string, paid Money) (View, error) {
	if err := checkCurrency(paid.Currency); err != nil {
		return View{}, err
	}
	return s.command(ctx, tenant, orderID, func(o Order, at place) (eventlog.Changes, error) {
		e, err := o.Pay(paid)
		return eventlog.Changes{Events: []event.Record{Captured.At(at.stream, at.version).Record(e)}, Cancel: []string{unpaidTimer(at.stream)}}, err
	})
}

// Confirm sends an order to the warehouse. Errors: NotFound, Conflict.
func (s *Service) Confirm(ctx context.Context, tenant, orderID string) (View, error) {
	return s.command(ctx, tenant, orderID, func(o Order, at place) (eventlog.Changes, error) {
		e, err := o.Confirm()
		return eventlog.Changes{Events: []event.Record{Confirmed.At(at.stream, at.version).Record(e)}}, err
	})
}

// Fulfil says that an order was shipped. Errors: Invalid, NotFound, Conflict.
func (s *Service) Fulfil(ctx context.Context, tenant, orderID, trackingNumber string) (View, error) {
	if err := checkText("tracking_number", trackingNumber, 100); err != nil {
		return View{}, err
	}
	return s.command(ctx, tenant, orderID, func(o Order, at place) (eventlog.Changes, error) {
		e, err := o.Fulfil(trackingNumber)
		return eventlog.Changes{Events: []event.Record{Fulfilled.At(at.stream, at.version).Record(e)}}, err
	})
}

// Cancel calls an order off. Errors: Invalid, NotFound, Conflict.
func (s *Service) Cancel(ctx context.Context, tenant, orderID, reason string) (View, error) {
	if err := checkText("reason", reason, 500); err != nil {
		return View{}, err
	}
	return s.command(ctx, tenant, orderID, func(o Order, at place) (eventlog.Changes, error) {
		e, err := o.Cancel(reason)
		return eventlog.Changes{Events: []event.Record{Cancelled.At(at.stream, at.version).Record(e)}, Cancel: []string{unpaidTimer(at.stream)}}, err
	})
}

// place is where a decision's event goes: behind the version it was made on.
type place struct {
	stream  string
	version event.Expected
}

// command loads an order, lets decide, and commits at the version that the decision
// was made on. Of two commands at once one wins; the other loads what came of it and
// decides again.
func (s *Service) command(ctx context.Context, tenant, orderID string, decide func(Order, place) (eventlog.Changes, error)) (View, error) {
	if err := checkOrder(tenant, orderID); err != nil {
		return View{}, err
	}
	stream := Stream(tenant, orderID)
	for try := 1; ; try++ {
		order, version, err := eventlog.Load(ctx, s.log, stream, Orders)
		if err != nil {
			return View{}, fmt.Errorf("load order %s: %w", orderID, err)
		}
		if err := order.exists(); err != nil {
			return View{}, err
		}
		changes, err := decide(order, place{stream, event.Expect(version)})
		if err != nil {
			return View{}, err
		}
		c, err := s.log.Commit(withTenant(ctx, tenant), changes)
		if err == nil {
			// The events were committed behind the version that was decided on, so what
			// they make of the order is known: nothing is left to fail.
			for i, e := range c.Events {
				if order, err = Orders.Apply(order, event.Envelope{Metadata: e, Data: changes.Events[i].Data}); err != nil {
					return View{}, err
				}
				version++
			}
			return view(order, version), nil
		}
		if !errors.Is(err, eventlog.KindConflict) || try == attempts {
			return View{}, fmt.Errorf("change order %s: %w", orderID, err)
		}
		if err := s.o.Backoff(ctx, try); err != nil {
			return View{}, err
		}
	}
}

func unpaidTimer(stream string) string { return stream + "/unpaid" }

// withTenant puts the tenant into what flows to the events.
func withTenant(ctx context.Context, tenant string) context.Context {
	f := event.FlowFrom(ctx)
	f.TenantID = tenant
	return event.WithFlow(ctx, f)
}

var (
	tenantID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	orderID  = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)
)

// CheckTenant reports what is wrong with a tenant's id, nil when it may be used.
func CheckTenant(tenant string) error {
	if !tenantID.MatchString(tenant) {
		return invalid("tenant", "must be 1 to 32 lower-case letters, digits and hyphens")
	}
	return nil
}

func checkOrder(tenant, id string) error {
	if err := CheckTenant(tenant); err != nil {
		return err
	}
	if !orderID.MatchString(id) {
		return Order{}.exists()
	}
	return nil
}

func checkCurrency(code string) error {
	if _, ok := minorDigits(code); !ok {
		return invalid("currency", "must be a currency of ISO 4217, as EUR")
	}
	return nil
}

func checkText(field, text string, most int) error {
	if n := utf8.RuneCountInString(text); strings.TrimSpace(text) == "" || n > most {
		return invalid(field, "must be 1 to %d characters", most)
	}
	return nil
}

// check reports the first thing that is wrong with a wish, or what it comes to.
func (p *PlaceOrder) check() (int64, error) {
	if err := checkText("customer_id", p.CustomerID, 64); err != nil {
		return 0, err
	}
	if err := checkText("customer_name", p.CustomerName, 200); err != nil {
		return 0, err
	}
	if p.Email != "" {
		if a, err := mail.ParseAddress(p.Email); err != nil || a.Address != p.Email || len(p.Email) > 254 {
			return 0, invalid("email", "is no e-mail address")
		}
	}
	if err := checkCurrency(p.Currency); err != nil {
		return 0, err
	}
	if p.DiscountCode != "" {
		if err := checkText("discount_code", p.DiscountCode, 64); err != nil {
			return 0, err
		}
	}
	if p.PayWithin < 0 || p.PayWithin > maxPayWithin {
		return 0, invalid("pay_within_seconds", "must be 1 to %d, or absent", maxPayWithin)
	}
	if len(p.Items) == 0 || len(p.Items) > 50 {
		return 0, invalid("items", "must be 1 to 50, and there are %d", len(p.Items))
	}
	var total int64
	seen := map[string]bool{}
	for i, item := range p.Items {
		field := func(name string) string { return fmt.Sprintf("items[%d].%s", i, name) }
		if err := checkText(field("product_id"), item.ProductID, 64); err != nil {
			return 0, err
		}
		if seen[item.ProductID] {
			return 0, invalid(field("product_id"), "is in the order twice: add the quantities")
		}
		seen[item.ProductID] = true
		if err := checkText(field("title"), item.Title, 200); err != nil {
			return 0, err
		}
		if item.Price < 0 {
			return 0, invalid(field("price"), "must not be negative")
		}
		if item.Quantity < 1 || item.Quantity > 1_000_000 {
			return 0, invalid(field("quantity"), "must be 1 to 1000000")
		}
		value, ok := times(item.Price, item.Quantity)
		if ok = ok && total+value <= MaxTotal; !ok {
			return 0, invalid("items", "come to more than %d", MaxTotal)
		}
		total += value
	}
	return total, nil
}

// maxStock leaves room for what cancelled orders give back.
const maxStock = 1_000_000_000

// SetStock says how many of a product a tenant can sell from now on. Errors: Invalid.
func (s *Service) SetStock(ctx context.Context, tenant, productID string, available int) error {
	if err := CheckTenant(tenant); err != nil {
		return err
	}
	if err := checkText("product_id", productID, 64); err != nil {
		return err
	}
	if available < 0 || available > maxStock {
		return invalid("available", "must be 0 to %d", maxStock)
	}
	stock := tables.Stock{TenantID: tenant, ProductID: productID, Available: available}
	if err := orm.Exec(ctx, s.store, tables.Inventory.Put(stock)); err != nil {
		return fmt.Errorf("set the stock of %s: %w", productID, err)
	}
	return nil
}

// SetEndpoint says where a tenant's endpoint of a kind is. Errors: Invalid with the
// field.
func (s *Service) SetEndpoint(ctx context.Context, tenant, kind, url, secret string) error {
	if err := CheckTenant(tenant); err != nil {
		return err
	}
	err := orm.Exec(ctx, s.store, tables.Endpoints.Put(tables.Endpoint{TenantID: tenant, Kind: kind, URL: url, Secret: secret}))
	if errors.Is(err, orm.KindValidation) {
		first := orm.Errors(err)[0]
		return invalid(first.Attribute, "%v", first.Err)
	}
	if err != nil {
		return fmt.Errorf("set the %s endpoint: %w", kind, err)
	}
	return nil
}
