// Command low_stock says when there is little left of a product.
package main

import (
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/tables"
)

func main() { capture.Start(orders.LowStock, capture.OnTx(tables.Inventory, orders.AlertLowStock)) }
