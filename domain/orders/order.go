package orders

import (
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
)

// Status is where an order is.
type Status string

// The states of an order. Whether its stock is set aside is told apart from them:
// an order may be paid before or after.
const (
	StatusPlaced    Status = "placed"
	StatusPaid      Status = "paid"
	StatusConfirmed Status = "confirmed"
	StatusFulfilled Status = "fulfilled"
	StatusCancelled Status = "cancelled"
)

// Statuses are all of them.
func Statuses() []Status {
	return []Status{StatusPlaced, StatusPaid, StatusConfirmed, StatusFulfilled, StatusCancelled}
}

// Order is what the events of one stream come to: all that a decision needs, and
// nothing else. It is a value: what happened to it later makes another one.
type Order struct {
	ID          string
	Status      Status // empty: there is no such order
	Items       []Item
	Total       Money
	Reserved    []Line // set aside, nil before
	Rejected    bool   // there was too little stock
	PaidAt      time.Time
	ConfirmedAt time.Time
	Reason      string // why it was cancelled
}

// The rules of an order, as a refusal names them.
const (
	ruleExists     = "an order must exist"
	rulePayOnce    = "an order is paid once, before anything else is done with it"
	rulePayExactly = "an order is paid in full and in its own currency"
	ruleConfirm    = "an order is confirmed when it is paid and its stock is set aside"
	ruleFulfil     = "an order is fulfilled when it is confirmed"
	ruleCancel     = "an order can be cancelled until it is shipped"
)

// Orders folds a stream of an order.
var Orders = eventlog.NewFold(func() Order { return Order{} },
	eventlog.Apply(Placed, Order.placed),
	eventlog.Apply(Reserved, Order.reserved),
	eventlog.Apply(Rejected, Order.rejected),
	eventlog.Apply(Captured, Order.captured),
	eventlog.Apply(Confirmed, Order.confirmed),
	eventlog.Apply(Fulfilled, Order.fulfilled),
	eventlog.Apply(Cancelled, Order.cancelled),
	eventlog.Ignore[Order](Due),
)

func (o Order) placed(e event.Event[OrderPlaced]) Order {
	o.ID, o.Status, o.Items, o.Total = e.Data.OrderID, StatusPlaced, e.Data.Items, e.Data.Total
	return o
}

func (o Order) reserved(e event.Event[InventoryReserved]) Order {
	o.Reserved = e.Data.Lines
	return o
}

func (o Order) rejected(event.Event[InventoryRejected]) Order {
	o.Rejected = true
	return o
}

func (o Order) captured(e event.Event[PaymentCaptured]) Order {
	o.Status, o.PaidAt = StatusPaid, e.Time
	return o
}

func (o Order) confirmed(e event.Event[OrderConfirmed]) Order {
	o.Status, o.ConfirmedAt = StatusConfirmed, e.Time
	return o
}

func (o Order) fulfilled(event.Event[OrderFulfilled]) Order {
	o.Status = StatusFulfilled
	return o
}

func (o Order) cancelled(e event.Event[OrderCancelled]) Order {
	o.Status, o.Reason = StatusCancelled, e.Data.Reason
	return o
}

// exists refuses what is asked of an order that is not there.
func (o Order) exists() error {
	if o.Status == "" {
		return &Error{Kind: NotFound, Field: "order_id", Rule: ruleExists, Message: "no such order"}
	}
	return nil
}

// Pay decides whether an order may be paid with an amount.
func (o Order) Pay(paid Money) (PaymentCaptured, error) {
	switch {
	case o.Status != StatusPlaced:
		return PaymentCaptured{}, refuse(Conflict, rulePayOnce, "the order is %s", o.Status)
	case paid != o.Total:
		return PaymentCaptured{}, refuse(Refused, rulePayExactly, "the order comes to %s, and %s was offered", o.Total, paid)
	}
	return PaymentCaptured{OrderID: o.ID, Paid: paid}, nil
}

// Confirm decides whether an order may go to the warehouse.
func (o Order) Confirm() (OrderConfirmed, error) {
	switch {
	case o.Status != StatusPaid:
		return OrderConfirmed{}, refuse(Conflict, ruleConfirm, "the order is %s", o.Status)
	case o.Reserved == nil:
		return OrderConfirmed{}, refuse(Conflict, ruleConfirm, "its stock is not set aside yet")
	}
	return OrderConfirmed{OrderID: o.ID}, nil
}

// Fulfil decides whether an order may be shipped.
func (o Order) Fulfil(trackingNumber string) (OrderFulfilled, error) {
	if o.Status != StatusConfirmed {
		return OrderFulfilled{}, refuse(Conflict, ruleFulfil, "the order is %s", o.Status)
	}
	return OrderFulfilled{OrderID: o.ID, TrackingNumber: trackingNumber, ConfirmedAt: o.ConfirmedAt}, nil
}

// Cancel decides whether an order may be cancelled, and says what is to be undone.
func (o Order) Cancel(reason string) (OrderCancelled, error) {
	if o.Status == StatusFulfilled || o.Status == StatusCancelled {
		return OrderCancelled{}, refuse(Conflict, ruleCancel, "the order is %s", o.Status)
	}
	c := OrderCancelled{OrderID: o.ID, Reason: reason, Release: o.Reserved}
	if !o.PaidAt.IsZero() {
		c.Refund, c.PaidAt = &o.Total, &o.PaidAt
	}
	if !o.ConfirmedAt.IsZero() {
		c.ConfirmedAt = &o.ConfirmedAt
	}
	return c, nil
}

// lines are how many of each product the order is for. An order from before version 3
// may name a product twice.
func (o Order) lines() []Line {
	var lines []Line
	place := map[string]int{}
	for _, item := range o.Items {
		i, ok := place[item.ProductID]
		if !ok {
			i = len(lines)
			place[item.ProductID], lines = i, append(lines, Line{ProductID: item.ProductID})
		}
		lines[i].Quantity += item.Quantity
	}
	return lines
}

// open reports whether stock is still to be set aside for the order.
func (o Order) open() bool {
	return o.Status != StatusCancelled && o.Reserved == nil && !o.Rejected
}
