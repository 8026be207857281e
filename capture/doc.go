// Package capture runs a function for each change of a table's items: what it was
// before, what it is after, and what was done.
//
// A table handler is a value. It says whose changes are wanted and what their
// handler may touch; mapping, role, failure queue and dispatch all come from it:
//
//	var LowStock = capture.Define("low_stock", tables.Inventory,
//		capture.Operations(capture.Insert, capture.Modify),
//		capture.Tenant(tables.Inventory, func(s *tables.Stock) *string { return &s.TenantID }),
//		bus.Commits(Low))
//
// A function is a folder whose main starts it, and app.go adds both:
//
//	func main() { capture.Start(orders.LowStock, capture.OnTx(tables.Inventory, orders.AlertLowStock)) }
//
//	app.AddTableHandler(orders.LowStock, &constructs.TableHandlerProps{Function: "lambdas/low_stock"})
//
// The table needs [orm.Stream]. What it is for: following what a table holds,
// whoever writes it. For what has happened in the business, there are events: they
// say why, and their log is kept, where a stream forgets after 24 hours.
//
// Package capture/capturetest runs handlers in a test with nothing else running.
//
// # What is promised
//
// Every change that is made while the handler is deployed reaches it, or the failure
// queue. DynamoDB's stream has each change once, and those of one item in their
// order; Lambda delivers them at least once. So:
//
//   - Changes of one item are handled one at a time, in their order. When one comes
//     again because its invocation died, those behind it come again as well.
//   - [OnTx] is exactly once, for what the handler writes to DynamoDB and the events
//     it records through its [bus.Tx].
//   - [On] is at least once, under a lease, for effects outside DynamoDB. What
//     package bus says of both holds here.
//
// That rests on a delivery record for each change, in the table of package bus, under
// its [RecordID] and the handler's name. It is what makes it cheap to give a batch
// back: Lambda delivers from the first failed change on, and what behind it was done
// is known.
//
// Several changes within a moment are several records; a handler that asks whether a
// limit was crossed compares Before and After, and sees each crossing once. A write
// that changes nothing is no change. Items by which a table keeps values unique are
// its own and are never shown. What a time to live removes comes as [Remove], with
// Expired.
//
// # What becomes of a change
//
//   - Success: recorded. When it comes again, nothing comes of it. (With OnTx the
//     handler runs even so: the transaction finds the record.)
//   - An error or a panic: recorded as failed, and tried again in the same invocation
//     after 1s, 2s, 4s, 8s and up to half as much more, while its time lasts, then in
//     the next. Changes behind it of the same item wait; those of other items do not.
//   - The fifth failed attempt, an error marked [bus.Permanent], an item that the
//     definition cannot read, access that is not granted: a message with the change's
//     key goes to the failure queue, with the reason in its attributes, then it is
//     recorded as dead, and the stream goes on. Changes of the same item behind it are
//     handled: a handler that must not miss one looks at the item itself.
//   - The framework's own requests throttled or unanswered, or five transactions lost
//     against others: no attempt.
//   - The process dies: the batch comes again, divided in two each time, until the
//     change that kills it is alone. With On it is tried again when the lease of the
//     dead run has ended, and given up after five attempts, as each has been claimed
//     first. With OnTx, Lambda itself gives it up after 100
//     retries: it sends the range of sequence numbers to the same queue, without keys,
//     and the stream still has the changes for what is left of 24 hours.
//
// While a change is tried again, its shard of the stream waits with it: for five runs
// of the handler and about 20 seconds between them. An alarm tells of waiting changes, and one of messages in the failure
// queue. Nothing moves a change back into the stream: mend the cause, and change the
// item, or do what the handler would have.
//
// # Concurrency and time
//
// Lambda runs one invocation for each shard (TableHandlerProps.Parallel: several,
// divided by item). Within it, changes of different items are handled at the same
// time with On, at most ten, and in turn with OnTx. A handler's context ends before
// the function's time-out; one that does not return then is left behind, and the
// process ends.
//
// # Where it comes from
//
// Nothing in a stream says which request changed an item. What a handler commits has
// the change's [RecordID] as its correlation id and its cause, so that all that
// follows from one change is found together; [Tenant] says whose it is.
//
// A table handler that is added to a table that is in use begins with what the stream
// still has: up to 24 hours of changes.
package capture
