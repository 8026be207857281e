package tables

import "github.com/vinci-go/vinci/orm"

// OrderDay is what a tenant's orders of one day and currency come to.
type OrderDay struct {
	TenantID string `dynamo:"tenant_id,hash" validate:"required"`
	Day      string `dynamo:"day,range" validate:"required"` // 2026-03-01/EUR
	Orders   int64  `dynamo:"orders"`
	Pieces   int64  `dynamo:"pieces"`
	Value    int64  `dynamo:"value"` // minor units
}

// OrderAnalytics holds one item for each tenant, day and currency.
var OrderAnalytics = orm.Define[OrderDay, orm.Pair[string, string]]("order_analytics",
	orm.Description("Orders, pieces and value by tenant, day and currency."))

// The attributes that are counted up.
var (
	DayOrders = orm.Number(OrderAnalytics, func(d *OrderDay) *int64 { return &d.Orders })
	DayPieces = orm.Number(OrderAnalytics, func(d *OrderDay) *int64 { return &d.Pieces })
	DayValue  = orm.Number(OrderAnalytics, func(d *OrderDay) *int64 { return &d.Value })
)
