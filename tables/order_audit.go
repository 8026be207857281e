package tables

import (
	"time"

	"github.com/vinci-go/vinci/orm"
)

// AuditEntry is one fact about an order, for those who must show later what
// happened. Entries are added and never changed.
type AuditEntry struct {
	TenantID  string    `dynamo:"tenant_id,hash" validate:"required"`
	Entry     string    `dynamo:"entry,range" validate:"required"` // time and event id, so that entries are in order
	EventID   string    `dynamo:"event_id"`
	EventType string    `dynamo:"event_type"`
	OrderID   string    `dynamo:"order_id"`
	Actor     string    `dynamo:"actor,omitempty"`
	At        time.Time `dynamo:"at"`
}

// OrderAudit is the audit trail of all orders.
var OrderAudit = orm.Define[AuditEntry, orm.Pair[string, string]]("order_audit",
	orm.Description("The audit trail of orders: one entry a fact, never changed."))
