package tables

import "github.com/vinci-go/vinci/orm"

// Stock is how many of a product a tenant can still sell.
type Stock struct {
	TenantID  string `dynamo:"tenant_id,hash" validate:"required"`
	ProductID string `dynamo:"product_id,range" validate:"required"`
	Available int    `dynamo:"available" validate:"min=0"`
}

// Inventory holds one item for each product of a tenant. Its changes are
// subscribed to: see orders.LowStock.
var Inventory = orm.Define[Stock, orm.Pair[string, string]]("inventory",
	orm.Description("What each tenant can still sell of each product; never below zero."), orm.Stream())

// StockAvailable is what reservations take from and releases give back to.
var StockAvailable = orm.Number(Inventory, func(s *Stock) *int { return &s.Available })
