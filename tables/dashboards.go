package tables

import "github.com/vinci-go/vinci/orm"

// Dashboard is what a tenant's month comes to: a read model, read by one GetItem.
// A month is that of the event's own time, UTC. Every title that was ordered in the
// month is in the item, which may have 400 KB: ample for 5,000 different titles.
type Dashboard struct {
	// Model is the generation and the tenant: see [ModelKey].
	Model   string           `dynamo:"model,hash" validate:"required"`
	Month   string           `dynamo:"month,range" validate:"required"` // 2026-03
	Orders  int64            `dynamo:"orders"`                          // placed in the month
	Revenue map[string]int64 `dynamo:"revenue"`                         // captured in the month less what was cancelled again: minor units by currency
	Pending int64            `dynamo:"pending"`                         // confirmed in the month and not fulfilled yet
	Titles  map[string]int64 `dynamo:"titles"`                          // pieces ordered in the month by title
	Version int64            `dynamo:"version" version:"true"`
}

// Dashboards holds one item for each tenant, month and generation.
var Dashboards = orm.Define[Dashboard, orm.Pair[string, string]]("dashboards",
	orm.Description("What each tenant's month comes to, made from the events of orders."))
