package tables

import (
	"strings"
	"time"

	"github.com/vinci-go/vinci/orm"
)

// OrderSummary is an order as lists show it: a read model, made from the order's
// events and from nothing else.
type OrderSummary struct {
	// Model is the generation and the tenant: see [ModelKey].
	Model        string    `dynamo:"model,hash" validate:"required"`
	OrderID      string    `dynamo:"order_id,range" validate:"required" index:"by_status,range"`
	CustomerID   string    `dynamo:"customer_id"`
	CustomerName string    `dynamo:"customer_name"`
	ItemCount    int       `dynamo:"item_count"` // pieces, all items together
	Total        int64     `dynamo:"total"`      // minor units of Currency
	Currency     string    `dynamo:"currency"`
	TopItem      string    `dynamo:"top_item"` // title of the most expensive item
	Status       string    `dynamo:"status"`
	Reason       string    `dynamo:"reason,omitempty"` // why it was cancelled
	PlacedAt     time.Time `dynamo:"placed_at"`
	PaidAt       time.Time `dynamo:"paid_at,omitempty"`
	ConfirmedAt  time.Time `dynamo:"confirmed_at,omitempty"`
	FulfilledAt  time.Time `dynamo:"fulfilled_at,omitempty"`
	CancelledAt  time.Time `dynamo:"cancelled_at,omitempty"`
	// ModelStatus is Model and Status, for the list of the orders in one status.
	ModelStatus string `dynamo:"model_status" template:"{model}#{status}" index:"by_status,hash"`
	Version     int64  `dynamo:"version" version:"true"`
}

// OrderSummaries holds one item for each order and generation.
var OrderSummaries = orm.Define[OrderSummary, orm.Pair[string, string]]("order_summaries",
	orm.Description("Orders as lists show them, made from their events."))

// OrderSummariesByStatus lists the orders of a tenant in one status.
var OrderSummariesByStatus = orm.IndexOf(OrderSummaries,
	func(s *OrderSummary) *string { return &s.ModelStatus },
	func(s *OrderSummary) *string { return &s.OrderID })

// SummaryModelStatus composes the key of that list.
var SummaryModelStatus = orm.Composite(OrderSummaries, func(s *OrderSummary) *string { return &s.ModelStatus })

// ModelKey is the partition key of a tenant's part of a read model in one
// generation: a model that is rebuilt is made anew beside the old one.
func ModelKey(generation, tenant string) string { return generation + "#" + tenant }

// ModelGeneration is the generation of a [ModelKey]: no generation has a #.
func ModelGeneration(model string) string {
	generation, _, _ := strings.Cut(model, "#")
	return generation
}
