package tables

import (
	"time"

	"github.com/vinci-go/vinci/orm"
)

// Order is an order of so many units of one product.
type Order struct {
	OrderID  string    `dynamo:"order_id,hash"`
	Product  string    `dynamo:"product" validate:"required,max=100"`
	Quantity int       `dynamo:"quantity" validate:"min=1,max=1000"`
	PlacedAt time.Time `dynamo:"placed_at"`
}

// Orders holds one item an order.
var Orders = orm.Define[Order, string]("orders", orm.Description("Orders, as they were placed."))
