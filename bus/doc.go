// Package bus defines subscriptions and runs their handlers.
//
// A subscription is a value. It says which events are wanted and what their
// handlers may touch; rule, queue, role and dispatch all come from it:
//
//	var CountTotal = bus.Subscription("count_total",
//		bus.To(event.Match("user.*")),
//		bus.Writes(tables.UserStats))
//
// A function is a folder whose main starts it:
//
//	func main() { bus.Start(users.CountTotal, bus.OnTx(users.Created, users.AddToTotal)) }
//
// Whatever a handler needs besides the event, it gets as a closure that main
// makes. For the store and the log that is eventlog.FromEnv:
//
//	func main() {
//		log, store, err := eventlog.FromEnv(os.Getenv)
//		…
//		bus.Start(billing.Charge, bus.On(orders.Placed, billing.NewCharger(store, log).Charge))
//	}
//
// Package bustest runs handlers in a test with nothing else running.
//
// # What is wanted
//
// [To] takes event definitions, families of types (event.Match) and conditions on
// the content (event.Where):
//
//	bus.To(users.Created, event.Match("*.deleted"), event.Where(orders.Placed, total.Gt(100)))
//
// All of them are one EventBridge rule, and the consumer asks the same again of
// each message: a queue may hold what an older rule let in. What the conditions
// leave out is acknowledged and logged as filtered, without a record.
//
// They are events of one's own application. [From] makes it those that another one makes
// public.
//
// # What runs
//
// What [Start] and [NewConsumer] get besides the subscription are [Part]s: handlers
// for single event types, made with [On], [OnTx] and [OnBatch], and [Middleware]
// around all of them, added with [Use]. The way of an event is the same whatever
// brought it. From the outside: recover for the consumer itself, log line and
// metrics, the delivery's record, time-out, recover for the handler, trace and flow
// in the context, the middleware in the order given, the handler. Another order
// would be a bug: metrics that miss a time-out, middleware whose panic takes a
// whole batch with it.
//
// # What is promised
//
// EventBridge and SQS deliver at least once: an event may come twice, late, at
// the same time in two places, and in any order. What that means for a handler
// depends on how it is made.
//
// [OnTx] is exactly once, for what the handler writes to DynamoDB through its
// [Tx]. The outcome of the delivery is in the same transaction, under the
// condition that there is none yet. A run may be repeated, so it must have no
// effect outside. The first success costs one transaction and no read.
//
// [On] is at least once, for effects outside DynamoDB. A lease on the delivery
// record keeps all others away while the handler runs. When the process dies
// after the effect and before the outcome is recorded, or when the outcome
// cannot be recorded, the event comes again once the lease has run out, and the
// effect happens again. Nothing can prevent that but the service where it
// happens: pass [IdempotencyKey] on to it.
//
// [OnBatch] is as On, for many events in one call: each has its own lease, its own
// record and its own result.
//
// # What becomes of a message
//
// Each event has one record for each subscription, in the table [Deliveries].
//
//   - Success: recorded as succeeded, acknowledged. When it comes again it is
//     acknowledged without a run.
//   - An error or a panic: recorded as failed with its kind and message. The
//     message comes again after 1s, 2s, 4s, 8s and up to half as much more, never
//     over 15 minutes.
//   - The fifth failed attempt, an error marked [Permanent], data that the
//     event's definition cannot read or whose rules it breaks, access that is not
//     granted: the message is
//     sent to the dead-letter queue with the reason in its attributes, recorded
//     as dead, and acknowledged, in this order. So it may be in the dead-letter
//     queue twice, and is never lost. A message that somebody moves from there
//     back to the subscription's queue is tried once more: the attributes say
//     where it comes from. Without a dead-letter queue it is only recorded, and
//     logged as an error.
//   - A message that is no event, or of a namespace that may not be: sent to the
//     dead-letter queue and acknowledged, without a record.
//   - An event of a newer schema version than this program knows: failed, and
//     comes again after 1, 2, 4, 8 minutes, so that a deployment can happen.
//   - An event without a handler, which a family such as user.* let in: recorded
//     as ignored, acknowledged.
//   - An event whose content the subscription does not ask for: acknowledged,
//     without a record. (If it has been received before, it may have failed before
//     the filter was narrowed down: it is then recorded as ignored.)
//   - An event that was sent anew for another subscription only (see [OnlyFor]): as
//     one whose content is not asked for.
//   - A message in a generation of a read model that is neither current nor being
//     made: acknowledged, without a record.
//   - The generations of a read model could not be read: no attempt.
//   - Someone else holds the lease: no attempt; the message is hidden until the
//     lease ends.
//   - The consumer's own requests throttled or unanswered, or five transactions
//     lost against others: no attempt; the message comes again after 1s, 2s, 4s…
//     (The same in a handler's own requests is an error like any other, and so is a
//     version that is another one still after five runs: limit the concurrency of
//     handlers that put one versioned item.)
//   - The function's time was up before its turn: no attempt.
//
// A message that ends the process each time dies, with On, after five attempts
// like any other, as each run has been claimed first. With OnTx nothing is
// written before the end of a run: there the queue's maxReceiveCount puts an end
// to it, without a reason in the attributes.
//
// # Batches, concurrency, time
//
// One bad message never fails its batch: see [Consumer.Handle]. Events with a
// handler made with On are handled at the same time, at most ten of a batch: they
// wait for others, and should not wait for one another. Those with OnBatch are
// handled in one call for each type, beside them. Those with OnTx are
// handled in turn: they mostly write the same items, and conflicts between
// transactions cost more than waiting. So, as in net/http, functions given to On
// must be safe for concurrent use.
//
// A handler's context ends a tenth of the remaining time before the function's
// time-out, at most two seconds. A handler that has not returned half of that
// later is left behind: its delivery keeps the lease, its messages come again,
// and the process ends at the next invocation, before it does anything else,
// because nothing but that stops the handler.
//
// A run that may last longer than the queue hides its message would have a silent
// second run beside it. It is refused instead, with [ErrVisibility]; a program that
// polls a queue itself can have a heartbeat: see [ConsumerOptions].
//
// # Order
//
// Events arrive in any order, and so are handled in any, unless the subscription is
// [Ordered]: then those of one stream are handled one at a time, in the order that
// the log has them in, and one that fails holds up its own stream and no other. It
// costs one write more for each look at a stream, and one more for each event
// (with [OnTx] it joins the transaction), and the records above are joined by one
// checkpoint for each stream, which stays for good.
//
// In the list above, the events behind one that fails wait with it: no attempt, and
// their messages come again when it is tried again. Behind one that is dead they
// are acknowledged and stay in the log, until the dead letter is redriven with
// success or [Skip] takes it out of the way. With OnTx, too, a run that ended with
// its process was an attempt, so that what ends the process each time dies.
//
// # In one process
//
// [InProcess] runs subscriptions without a queue: the same values, handlers and
// middleware, in the program that publishes. Publish returns the error of each
// handler; a log can be followed, so that what is committed is handled.
//
// # Once more
//
// A subscription that makes a read model may be declared [Rebuildable]. Messages of
// a replay in a namespace are then handled once more, with records, idempotency
// keys and checkpoints of their own.
//
// A generation of the read model is a namespace, too. [Generations] says which is the
// current one, and which is being made by package readmodel/rebuild. It is read at the
// begin of each batch, and an event that comes over the bus is handled in both: as if
// two messages had come, each with its own record, log line and metrics. The message
// comes again when one of them needs it, at the time that the current one says. That
// costs a rebuildable subscription one strongly consistent read a batch, and others
// nothing.
//
// # Logs, metrics, traces
//
// One JSON line for each message, with event_id, event_type, subscription,
// correlation_id, request_id, outcome, attempt (where it is known), receive (how
// often SQS has handed the message out), duration_ms and the error. [Logger] is a
// logger with the same ids for the handler's own lines.
//
// One line for each batch in CloudWatch's embedded metric format, with what was
// handled, failed, dead and duplicate, how long it took and how late it was: see
// [MetricHandled].
//
// The W3C trace context of an event goes on to what its handler commits, by a span
// of each run; the log lines have it as trace_id and span_id.
package bus
