// Package capturetest runs a table handler in a test, with nothing else running: a
// real [capture.Consumer] over a store in memory, whose changes come as the records
// of a DynamoDB stream.
//
//	func TestLowStock(t *testing.T) {
//		kit := capturetest.New(t, orders.LowStock, capture.OnTx(tables.Inventory, orders.AlertLowStock))
//		kit.Write(tables.Inventory.Put(tables.Stock{TenantID: "acme", ProductID: "p1", Available: 9}))
//		kit.Write(tables.Inventory.Update(orm.Key("acme", "p1"), tables.StockAvailable.Add(-7)))
//		kit.Deliver()       // as Lambda does, until all is done
//		kit.DeliverAgain(3) // everything once more, three records an invocation
//		kit.Committed()     // one event
//	}
//
// Time stands still unless something waits: a wait moves the clock on by as much, and
// takes none. There is no jitter.
package capturetest
