package main

import (
	"net/http"
	"strconv"
	"time"

	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/tables"
)

// TenantHeader says whose request it is. Orders' routes take signed requests only, of
// the shops' own services, and this reference application trusts those for the tenant.
// Where tenants sign in themselves, take it from what the authorizer has verified
// (httpflow.CallerFrom), here and nowhere else.
const TenantHeader = "X-Tenant-Id"

// keyHeader makes a repeated POST /orders return the first answer.
const keyHeader = "Idempotency-Key"

// tenant is the request's tenant, and "" when it is none: then the order context
// refuses the request, and the flow has no tenant.
func tenant(r *http.Request) string {
	t := r.Header.Get(TenantHeader)
	if orders.CheckTenant(t) != nil {
		return ""
	}
	return t
}

// money is an amount as the API shows it: exact, in the smallest unit.
type money = orders.Money

type orderBody struct {
	OrderID string        `json:"order_id"`
	Status  orders.Status `json:"status"`
	Total   money         `json:"total"`
	Version int64         `json:"version"`
}

func writeOrder(w http.ResponseWriter, status int, v orders.View) error {
	return writeJSON(w, status, orderBody(v))
}

func (a *api) placeOrder(w http.ResponseWriter, r *http.Request) error {
	var wish orders.PlaceOrder
	if err := readJSON(r, &wish); err != nil {
		return err
	}
	v, err := a.orders.Place(r.Context(), tenant(r), r.Header.Get(keyHeader), wish)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/orders/"+v.OrderID)
	return writeOrder(w, http.StatusCreated, v)
}

func (a *api) payOrder(w http.ResponseWriter, r *http.Request) error {
	var paid money
	if err := readJSON(r, &paid); err != nil {
		return err
	}
	v, err := a.orders.Pay(r.Context(), tenant(r), r.PathValue("order_id"), paid)
	if err != nil {
		return err
	}
	return writeOrder(w, http.StatusOK, v)
}

func (a *api) confirmOrder(w http.ResponseWriter, r *http.Request) error {
	v, err := a.orders.Confirm(r.Context(), tenant(r), r.PathValue("order_id"))
	if err != nil {
		return err
	}
	return writeOrder(w, http.StatusOK, v)
}

func (a *api) fulfilOrder(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		TrackingNumber string `json:"tracking_number"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	v, err := a.orders.Fulfil(r.Context(), tenant(r), r.PathValue("order_id"), body.TrackingNumber)
	if err != nil {
		return err
	}
	return writeOrder(w, http.StatusOK, v)
}

func (a *api) cancelOrder(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	v, err := a.orders.Cancel(r.Context(), tenant(r), r.PathValue("order_id"), body.Reason)
	if err != nil {
		return err
	}
	return writeOrder(w, http.StatusOK, v)
}

// summaryBody is an order as lists show it. Times that have not come are absent.
type summaryBody struct {
	OrderID      string        `json:"order_id"`
	Status       orders.Status `json:"status"`
	CustomerID   string        `json:"customer_id"`
	CustomerName string        `json:"customer_name"`
	ItemCount    int           `json:"item_count"`
	Total        money         `json:"total"`
	TopItem      string        `json:"top_item"`
	Reason       string        `json:"reason,omitempty"`
	PlacedAt     time.Time     `json:"placed_at"`
	PaidAt       *time.Time    `json:"paid_at,omitempty"`
	ConfirmedAt  *time.Time    `json:"confirmed_at,omitempty"`
	FulfilledAt  *time.Time    `json:"fulfilled_at,omitempty"`
	CancelledAt  *time.Time    `json:"cancelled_at,omitempty"`
}

func showSummary(s tables.OrderSummary) summaryBody {
	return summaryBody{
		OrderID: s.OrderID, Status: orders.Status(s.Status), CustomerID: s.CustomerID, CustomerName: s.CustomerName,
		ItemCount: s.ItemCount, Total: money{Amount: s.Total, Currency: s.Currency}, TopItem: s.TopItem, Reason: s.Reason,
		PlacedAt: s.PlacedAt, PaidAt: unlessZero(s.PaidAt), ConfirmedAt: unlessZero(s.ConfirmedAt),
		FulfilledAt: unlessZero(s.FulfilledAt), CancelledAt: unlessZero(s.CancelledAt),
	}
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (a *api) readOrder(w http.ResponseWriter, r *http.Request) error {
	s, err := a.queries.Summary(r.Context(), tenant(r), r.PathValue("order_id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, showSummary(s))
}

func (a *api) listOrders(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	limit := 0
	if text := query.Get("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil || limit == 0 {
			return &problem{Status: http.StatusBadRequest, Field: "limit", Detail: "limit: must be a number from 1"}
		}
	}
	page, err := a.queries.List(r.Context(), tenant(r), orders.Status(query.Get("status")), limit, query.Get("cursor"))
	if err != nil {
		return err
	}
	body := struct {
		Orders []summaryBody `json:"orders"`
		Cursor string        `json:"cursor,omitempty"` // absent on the last page
	}{Orders: []summaryBody{}, Cursor: page.Cursor}
	for _, s := range page.Orders {
		body.Orders = append(body.Orders, showSummary(s))
	}
	return writeJSON(w, http.StatusOK, body)
}

type titleBody struct {
	Title  string `json:"title"`
	Pieces int64  `json:"pieces"`
}

func (a *api) dashboard(w http.ResponseWriter, r *http.Request) error {
	month := r.URL.Query().Get("month")
	if month == "" {
		month = a.now().UTC().Format("2006-01")
	}
	m, err := a.queries.Dashboard(r.Context(), tenant(r), month)
	if err != nil {
		return err
	}
	body := struct {
		Month     string      `json:"month"`
		Orders    int64       `json:"orders"`
		Revenue   []money     `json:"revenue"`
		Pending   int64       `json:"pending_fulfilment"`
		TopTitles []titleBody `json:"top_titles"`
	}{Month: m.Month, Orders: m.Orders, Revenue: append([]money{}, m.Revenue...), Pending: m.Pending, TopTitles: []titleBody{}}
	for _, t := range m.TopTitles {
		body.TopTitles = append(body.TopTitles, titleBody(t))
	}
	return writeJSON(w, http.StatusOK, body)
}

type stockBody struct {
	Available int `json:"available"`
}

func (a *api) stock(w http.ResponseWriter, r *http.Request) error {
	available, err := a.queries.Stock(r.Context(), tenant(r), r.PathValue("product_id"))
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, stockBody{available})
}

func (a *api) setStock(w http.ResponseWriter, r *http.Request) error {
	var body stockBody
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if err := a.orders.SetStock(r.Context(), tenant(r), r.PathValue("product_id"), body.Available); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, body)
}

func (a *api) setEndpoint(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		URL    string `json:"url"`
		Secret string `json:"secret"`
	}
	if err := readJSON(r, &body); err != nil {
		return err
	}
	if err := a.orders.SetEndpoint(r.Context(), tenant(r), r.PathValue("kind"), body.URL, body.Secret); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, struct {
		Kind string `json:"kind"`
		URL  string `json:"url"`
	}{r.PathValue("kind"), body.URL})
}
