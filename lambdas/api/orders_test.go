package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/orm/ormtest"
)

// ask sends a request of a tenant.
func ask(t *testing.T, h http.Handler, tenant, key, method, path, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if tenant != "" {
		r.Header.Set(TenantHeader, tenant)
	}
	if key != "" {
		r.Header.Set(keyHeader, key)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatalf("%s %s: answer %q: %v", method, path, w.Body, err)
	}
	return w.Code, doc
}

const order = `{"customer_id":"c1","customer_name":"Alice","currency":"EUR","items":[{"product_id":"p1","title":"Lamp","price":1000,"quantity":2}]}`

func TestOrderRequests(t *testing.T) {
	h := newTestAPI(ormtest.New(), io.Discard)
	status, placed := ask(t, h, "acme", "k", "POST", "/orders", order)
	if status != 201 || fmt.Sprint(placed["total"]) != "map[amount:2000 currency:EUR]" || placed["status"] != "placed" {
		t.Fatalf("%d %v", status, placed)
	}
	id, _ := placed["order_id"].(string)
	if status, again := ask(t, h, "acme", "k", "POST", "/orders", order); status != 201 || fmt.Sprint(again) != fmt.Sprint(placed) {
		t.Errorf("asked again: %d %v; first %v", status, again, placed)
	}
	for _, c := range []struct {
		name, tenant, key, method, path, body string
		status                                int
		field, rule                           string
	}{
		{"no tenant", "", "", "POST", "/orders", order, 400, "tenant", ""},
		{"not a tenant", "Acme Inc", "", "POST", "/orders", order, 400, "tenant", ""},
		{"key of another order", "acme", "k", "POST", "/orders", strings.Replace(order, "2}", "3}", 1), 422, "Idempotency-Key", ""},
		{"unknown field", "acme", "", "POST", "/orders", `{"total":1}`, 400, "total", ""},
		{"a float for money", "acme", "", "POST", "/orders", strings.Replace(order, "1000", "10.5", 1), 400, "items.price", ""},
		{"wrong amount", "acme", "", "POST", "/orders/" + id + "/pay", `{"amount":1999,"currency":"EUR"}`, 422, "", "paid in full"},
		{"confirm an unpaid order", "acme", "", "POST", "/orders/" + id + "/confirm", "", 409, "", "confirmed when it is paid"},
		{"another tenant's order", "globex", "", "POST", "/orders/" + id + "/cancel", `{"reason":"x"}`, 404, "order_id", "must exist"},
		{"another tenant reads", "globex", "", "GET", "/orders/" + id, "", 404, "order_id", ""},
		{"no such status", "acme", "", "GET", "/orders?status=lost", "", 400, "status", ""},
		{"no number", "acme", "", "GET", "/orders?status=placed&limit=many", "", 400, "limit", ""},
		{"a foreign cursor", "acme", "", "GET", "/orders?status=placed&cursor=abc", "", 400, "cursor", ""},
		{"not a month", "acme", "", "GET", "/dashboard?month=2026-13", "", 400, "month", ""},
		{"negative stock", "acme", "", "PUT", "/inventory/p1", `{"available":-1}`, 400, "available", ""},
		{"no such endpoint", "acme", "", "PUT", "/endpoints/fax", `{"url":"http://127.0.0.1/","secret":"0123456789abcdef"}`, 400, "kind", ""},
		{"a short secret", "acme", "", "PUT", "/endpoints/mail", `{"url":"http://127.0.0.1/","secret":"short"}`, 400, "secret", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, doc := ask(t, h, c.tenant, c.key, c.method, c.path, c.body)
			rule, _ := doc["rule"].(string)
			field, _ := doc["field"].(string)
			if status != c.status || field != c.field || !strings.Contains(rule, c.rule) {
				t.Errorf("got %d %v; want %d, field %q, rule %q", status, doc, c.status, c.field, c.rule)
			}
			if strings.Contains(fmt.Sprint(doc), "short\"") {
				t.Errorf("the answer shows the secret: %v", doc)
			}
		})
	}
	if status, doc := ask(t, h, "acme", "", "POST", "/orders/"+id+"/pay", `{"amount":2000,"currency":"EUR"}`); status != 200 || doc["status"] != "paid" || doc["version"] != 2.0 {
		t.Errorf("pay: %d %v", status, doc)
	}
	if status, doc := ask(t, h, "acme", "", "GET", "/orders?status=paid", ""); status != 200 || fmt.Sprint(doc) != "map[orders:[]]" {
		t.Errorf("a list before any projection: %d %v", status, doc)
	}
	if status, doc := ask(t, h, "acme", "", "GET", "/dashboard?month=2026-03", ""); status != 200 || doc["orders"] != 0.0 {
		t.Errorf("dashboard: %d %v", status, doc)
	}
}
