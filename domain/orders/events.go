package orders

import (
	"time"

	"github.com/vinci-go/vinci/event"
)

// Item is one line of an order.
type Item struct {
	ProductID string `json:"product_id" validate:"required,max=64" description:"the tenant's id of the product"`
	Title     string `json:"title" validate:"required,max=200"`
	Price     int64  `json:"price" validate:"min=0" description:"of one, in the smallest unit of the order's currency"`
	Quantity  int    `json:"quantity" validate:"min=1,max=1000000"`
}

// OrderPlaced says that a customer ordered. Version 3: amounts are minor units.
type OrderPlaced struct {
	OrderID      string `json:"order_id" validate:"required"`
	CustomerID   string `json:"customer_id" validate:"required,max=64"`
	CustomerName string `json:"customer_name" validate:"required,max=200"`
	Email        string `json:"email,omitempty" description:"where the confirmation goes; absent in orders from before version 3"`
	Items        []Item `json:"items" validate:"required,min=1,max=50,dive"`
	Total        Money  `json:"total"`
	DiscountCode string `json:"discount_code,omitempty" description:"what the customer typed in"`
}

// InventoryReserved says that everything of an order is set aside for it.
type InventoryReserved struct {
	OrderID string `json:"order_id" validate:"required"`
	Lines   []Line `json:"lines" validate:"required,min=1,dive"`
}

// Line is a quantity of a product.
type Line struct {
	ProductID string `json:"product_id" validate:"required"`
	Quantity  int    `json:"quantity" validate:"min=1"`
}

// InventoryRejected says that there was not enough of a product.
type InventoryRejected struct {
	OrderID   string `json:"order_id" validate:"required"`
	ProductID string `json:"product_id" validate:"required" description:"the first product of which there was too little"`
	Wanted    int    `json:"wanted"`
	Available int    `json:"available"`
}

// PaymentCaptured says that an order was paid in full.
type PaymentCaptured struct {
	OrderID string `json:"order_id" validate:"required"`
	Paid    Money  `json:"paid"`
}

// PaymentDue says that the time to pay an order is over. It is a timer's event, and
// comes whether the order was paid or not if the two meet.
type PaymentDue struct {
	OrderID string `json:"order_id" validate:"required"`
}

// OrderConfirmed says that an order that was paid and set aside goes to the
// warehouse.
type OrderConfirmed struct {
	OrderID string `json:"order_id" validate:"required"`
}

// OrderFulfilled says that an order was shipped.
type OrderFulfilled struct {
	OrderID        string    `json:"order_id" validate:"required"`
	TrackingNumber string    `json:"tracking_number" validate:"required,max=100"`
	ConfirmedAt    time.Time `json:"confirmed_at" description:"when it had been confirmed"`
}

// OrderCancelled says that an order will not be shipped. It tells what is to be
// undone, so that nobody who undoes it has to look.
type OrderCancelled struct {
	OrderID     string     `json:"order_id" validate:"required"`
	Reason      string     `json:"reason" validate:"required,max=500"`
	Release     []Line     `json:"release,omitempty" validate:"dive" description:"what had been set aside"`
	Refund      *Money     `json:"refund,omitempty" description:"what had been paid"`
	PaidAt      *time.Time `json:"paid_at,omitempty"`
	ConfirmedAt *time.Time `json:"confirmed_at,omitempty"`
}

// InventoryLow says that there is little left of a product. It comes once each time
// that the stock falls below [LowStockThreshold].
type InventoryLow struct {
	ProductID string `json:"product_id" validate:"required"`
	Available int    `json:"available"`
}

// The events of this context. All of an order are in its own stream: what reserves
// its stock, too, so that the order knows.
var (
	Placed = event.Define[OrderPlaced]("order.placed", event.Version(3),
		event.Upcast(1, addDiscountCode), event.Upcast(2, countInMinorUnits),
		event.Description("A customer ordered."))
	Reserved = event.Define[InventoryReserved]("inventory.reserved", event.Version(1),
		event.Description("Everything of an order is set aside for it."))
	Rejected = event.Define[InventoryRejected]("inventory.rejected", event.Version(1),
		event.Description("There was not enough of a product for an order."))
	Captured = event.Define[PaymentCaptured]("payment.captured", event.Version(1),
		event.Description("An order was paid in full."))
	Due = event.Define[PaymentDue]("payment.due", event.Version(1),
		event.Description("The time to pay an order is over."))
	Confirmed = event.Define[OrderConfirmed]("order.confirmed", event.Version(1),
		event.Description("An order goes to the warehouse."))
	Fulfilled = event.Define[OrderFulfilled]("order.fulfilled", event.Version(1),
		event.Description("An order was shipped."))
	Cancelled = event.Define[OrderCancelled]("order.cancelled", event.Version(1),
		event.Description("An order will not be shipped."))
	Low = event.Define[InventoryLow]("inventory.low", event.Version(1),
		event.Description("There is little left of a product."))
)

// Events are all of them.
func Events() []event.Type {
	return []event.Type{Placed, Reserved, Rejected, Captured, Due, Confirmed, Fulfilled, Cancelled, Low}
}

// Stream is where the events of one order are kept. The tenant is part of it: an
// order of another tenant is not found.
func Stream(tenant, orderID string) string { return "order/" + tenant + "/" + orderID }
