// Package e2e tests the application as a whole: its functions, rules, queues, tables
// and policies as they would be deployed, on this machine.
package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/local/localtest"

	"example.com/app-name/domain/orders"
	"example.com/app-name/tables"
)

// An order reaches the counter of its product: request, event, handler.
func TestOrderIsCounted(t *testing.T) {
	app := localtest.Start(t, localtest.Options{})

	resp, err := http.Post(app.URL(t)+"/orders", "application/json", strings.NewReader(`{"product":"tea","quantity":3}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var order struct {
		ID string `json:"order_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&order); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("place: %s, %v", resp.Status, err)
	}

	app.Handled(t.Context(), t, event.EventID("order/"+order.ID, 1), orders.CountSales)
	sale, err := tables.Sales.Get(t.Context(), app.Store(t), "tea")
	if err != nil || sale.Units != 3 {
		t.Errorf("sold %d, %v; want 3", sale.Units, err)
	}
}
