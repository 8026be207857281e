package peers

import (
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
)

// placed is the data of the events, on both sides.
type placed struct {
	OrderID  string   `json:"order_id"`
	Customer string   `json:"customer"`
	Total    int      `json:"total"`
	Lines    []string `json:"lines"`
}

var (
	orderPlaced = event.Define[placed]("order.placed")

	order = placed{OrderID: "7f3c", Customer: "alice@example.com", Total: 4200, Lines: []string{"book", "pen", "paper"}}
	at    = time.Date(2026, time.March, 1, 12, 0, 0, 123456789, time.UTC)
)

func encoded(tb testing.TB) json.RawMessage {
	tb.Helper()
	b, err := json.Marshal(order)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// envelope is an event with all that one carries.
func envelope(tb testing.TB) event.Envelope {
	return event.Envelope{
		Metadata: event.Metadata{
			ID: "order/7f3c@1", Source: "shop", Type: orderPlaced.Name(), Subject: "order/7f3c", Time: at, SchemaVersion: 1,
			CorrelationID: "c1", CausationID: "c0", TenantID: "acme", Actor: "alice",
		},
		Data: encoded(tb),
	}
}

var silent = slog.New(slog.DiscardHandler)
