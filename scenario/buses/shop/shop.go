package shop

import "github.com/vinci-go/vinci/event"

// Application is its name.
const Application = "shop"

// OrderPlaced is what happened, as shop itself sees it.
type OrderPlaced struct {
	OrderID string `json:"order_id" validate:"required"`
	Cents   int64  `json:"cents" validate:"min=0"`
	Card    string `json:"card"`
}

// PublicOrder is what others see of it.
type PublicOrder struct {
	OrderID string `json:"order_id" validate:"required"`
	Cents   int64  `json:"cents" validate:"min=0"`
}

// Placed is public.
var Placed = event.Define[OrderPlaced]("order.placed", event.Version(3), event.Since(3),
	event.Description("A customer has ordered something."),
	event.Public(func(o OrderPlaced) PublicOrder { return PublicOrder{o.OrderID, o.Cents} }, 2))
