// Command audit_orders writes down every fact about an order.
package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
)

func main() { bus.Start(orders.AuditOrders, orders.AuditHandlers()...) }
