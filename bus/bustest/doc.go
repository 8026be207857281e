// Package bustest runs a subscription's handlers in a test, with nothing else
// running: a real [bus.Consumer] over a store in memory, and a queue that only
// remembers what the consumer asked of it.
//
//	func TestCounted(t *testing.T) {
//		kit := bustest.New(t, users.CountTotal, bus.OnTx(users.Created, users.AddToTotal))
//		e := kit.Event(users.Created.At("user/1", event.New).Record(users.UserCreated{UserID: "1"}))
//		kit.DeliverParallel(50, e)
//		stats, err := tables.UserStats.Get(t.Context(), kit.Store, tables.GlobalStats)
//		… // counted once
//		kit.Delivery(e.ID) // status succeeded
//	}
//
// [Given] is for what commits events, services and handlers alike: events that are
// in the log, something that happens, and exactly these events that it commits.
//
// Messages are what an EventBridge rule puts into a queue, and an event can be
// delivered again and again, as SQS does. Time stands still unless the test moves
// it with [Kit.Advance], waits take none, and there is no jitter. Ids of runs and
// commits are random, so that several kits may share a store.
package bustest
