package orders

import (
	"context"
	"fmt"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
)

// Confirmation is the mail that tells a customer of an order.
type Confirmation struct {
	To           string `json:"to"` // empty: an order from before addresses were asked for
	CustomerName string `json:"customer_name"`
	OrderID      string `json:"order_id"`
	Total        string `json:"total"`
}

// Mailer sends the mails of a tenant.
type Mailer interface {
	// SendConfirmation sends one mail. key is the same for every attempt at it: a
	// provider that takes an idempotency key sends it once.
	SendConfirmation(ctx context.Context, tenant string, m Confirmation, key string) error
}

// MsgConfirmationSent is the log line of a confirmation that went to nobody's
// provider.
const MsgConfirmationSent = "order confirmation sent"

// Mail tells the customer. A mail is an outside effect: it happens at least once,
// with a key by which a provider finds a repetition.
func Mail(m Mailer) func(context.Context, event.Event[OrderPlaced]) error {
	return func(ctx context.Context, e event.Event[OrderPlaced]) error {
		c := Confirmation{To: e.Data.Email, CustomerName: e.Data.CustomerName, OrderID: e.Data.OrderID, Total: e.Data.Total.String()}
		if err := m.SendConfirmation(ctx, e.TenantID, c, bus.IdempotencyKey(ctx)); err != nil {
			return fmt.Errorf("confirmation of order %s: %w", e.Data.OrderID, err)
		}
		return nil
	}
}
