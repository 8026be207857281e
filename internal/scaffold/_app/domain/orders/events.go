package orders

import "github.com/vinci-go/vinci/event"

// OrderPlaced says that somebody ordered something.
type OrderPlaced struct {
	OrderID  string `json:"order_id" validate:"required" description:"the new order"`
	Product  string `json:"product" validate:"required" description:"what was ordered"`
	Quantity int    `json:"quantity" validate:"min=1" description:"how many units of it"`
}

// Placed is the event of a new order.
var Placed = event.Define[OrderPlaced]("order.placed", event.Version(1),
	event.Description("Somebody ordered something."))

// stream is where the events of one order are kept.
func stream(orderID string) string { return "order/" + orderID }
