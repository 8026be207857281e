// Package rebuild makes a read model anew from the log, beside the one that answers,
// while events keep coming, and compares one with the log.
//
//	// readmodels/dashboard/main.go, run by `vinci rebuild dashboard`
//	func main() {
//		rebuild.Main(orders.ProjectDashboard, []rebuild.Table{
//			rebuild.Items(tables.Dashboards, func(d tables.Dashboard) string { return tables.ModelGeneration(d.Model) }),
//		}, orders.DashboardHandlers()...)
//	}
//
// # What happens
//
// A generation is a namespace of package bus. The pointer, one item, names the current
// one and the one that is being made (see bus.Generations). Consumers read it, strongly
// consistent, at the begin of each batch, and handle each event that came over the bus
// in every generation that it names: each with a record, a transaction and a checkpoint
// of its own. A message is acknowledged when all of them are settled.
//
//  1. begin: the pointer names the new generation B beside the current one A.
//  2. send: the whole log goes to the subscription's queue in namespace B.
//  3. settle: when the log's index must show all that was committed before 1, the
//     last minutes are read and sent once more.
//  4. wait: until all that is older than 1 is settled in B.
//  5. verify: B is computed in memory, and compared: see [Tool.Verify].
//  6. flip: the pointer names B as the current one, and A as retired.
//  7. grace, drop: when no run and no query of before 6 can be left, A is deleted.
//
// # Why no event is missing from B
//
// Let an event be committed before the pointer was changed in step 1, or after it.
//
// After: the message about it came to a consumer after the commit, and the consumer
// reads the pointer after it has the message, strongly consistent. So it sees B, in
// every run, and does not acknowledge the message before the event is settled in B. No
// run that began earlier can have had the message. So a run that still holds an older
// pointer is no danger, and its time-out needs no waiting for here.
//
// Before: step 2 or 3 finds it in the log's index. The index is behind the table by at
// most Options.Settle, and step 3 reads it at least so long after step 1 was
// acknowledged. It reads what has a time from ten minutes before step 1 on: an event's
// time is from before its commit, which may be tried for a minute, and clocks differ by
// less than five. What is older than that had been in the index for long when step 2
// read it. The same ten minutes are added at the end of the range, for clocks that are
// ahead.
//
// What is sent is in the queue until it is settled in B or in the dead-letter queue.
// Step 4 sees to it that B is complete before it is flipped, sends again what gets no
// further, and gives up rather than to flip without it.
//
// An ordered subscription reads streams, not messages. A run with the older pointer may
// so handle, in A only, events that were committed after step 1; the messages about
// these come all the same, and are looked at in B like any other.
//
// # Why none is in B twice
//
// The record in namespace B is in the same transaction as what the handler writes: see
// bus.OnTx, with which all handlers of a model must be made. That holds for messages
// of the bus and of step 2 alike, for duplicates, and for runs of several tools.
// Records expire after 20 days or more, and after that a message would be handled
// again: so a generation that was begun ten days ago is not gone on with.
//
// # Flip, and what was pending
//
// After the flip events are handled in B only. What was pending for B is pending
// still: records are those of the generation, and it is live before and after. What was
// pending for A is acknowledged when it comes again, for it is settled in B; A lacks it,
// so there is no way back to A. Messages of steps 2 and 3 that are still under way name
// B, and are handled or are duplicates. Those of a generation that is neither current
// nor being made are acknowledged without a run.
//
// A run that read the pointer before the flip may still write A, and a query may still
// read it. Step 7 waits for both; Options.Grace must be longer than the time-outs of the
// functions. This is the one place where that matters. Nothing writes A after it, for
// no pointer names it again: names are never used twice.
//
// # Two at once, and crashes
//
// The pointer is changed under the condition that nobody has since it was read. So of
// two that begin one is refused, of a flip and an abort that meet one fails, and whoever
// has lost says so. Two tools on one generation do no harm: they send some messages
// twice.
//
// A tool may die between any two of its steps. Before 1 nothing has happened. From then
// on B follows the events by itself, and [Tool.Resume] goes on: where the sending was
// is an item beside the pointer, written in the transaction of step 1 and after each
// page. After 6 it has only to drop what is retired. [Tool.Abort] takes B out of the
// pointer, and drops it in the same way.
//
// # What people decided
//
// An event in whose place another was sent (ops.Edit) is not handled in B: that it was
// replaced is in the log, and is recorded in B before it is sent. One that was skipped
// is tried anew: handlers have changed. What is given up in B stops the flip, unless
// Options.WithDead.
//
// # What is asked of handlers
//
// They are transactional, put the namespace into the keys of what they write, and make
// the same of the same events in any order (in the stream's, when the subscription is
// ordered). They read no clock. A table that they only read is read as it is at the
// time. A function must be deployed with a program of the same handlers: a run of the
// older program that is still at work when a rebuild begins writes B in its way; the
// verification finds that.
//
// Of the log all events of the handlers' types are read, from Options.From on, by
// eight queries a type and day; each is one message, one run, and one more read for
// each of steps 4 and 5. Step 5 keeps the model in memory, and an entry for each event.
package rebuild
