// Package sqsbatch is a Lambda function behind any SQS queue: partial batch
// responses, growing delays, dead letters with their reason, order in FIFO groups,
// and work that is done once per key. It needs nothing else of Vinci: no event
// log, no bus, no constructs.
//
//	func main() {
//		sqsbatch.Start(sqsbatch.JSON(ship))
//	}
//
//	func ship(ctx context.Context, o Order) error { … }
//
// That is a whole program. Each message is handled for itself; one that fails, also
// by a panic or because its time is up, comes again after 1, 2, 4, … seconds, and
// the others of its batch do not. [Handle] is the same for programs that call
// lambda.Start themselves, or that test.
//
// # What a queue needs
//
// The event source mapping has ReportBatchItemFailures in FunctionResponseTypes:
// without it Lambda deletes what failed. The queue's visibility time-out is at least
// six times the function's time-out, as AWS advises, plus the mapping's batching
// window. The function may do sqs:ChangeMessageVisibility on the queue.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
//
// # Giving up
//
//	sqsbatch.Start(sqsbatch.JSON(ship), sqsbatch.DeadLetterQueue(os.Getenv("DLQ_ARN")))
//
// A [Permanent] error, and a body that cannot be decoded, go to the dead-letter
// queue at once; everything else after five attempts. The message is sent there as
// it was, with the reason beside it ([AttrErrorKind], [AttrErrorMessage], …), and
// only then acknowledged. Keep the redrive policy of the queue too, with a
// maxReceiveCount of 10 or so and the same target: a message that stops the process
// leaves nobody to send it, and in a FIFO queue those behind it count receives.
//
// # Once
//
// SQS delivers at least once, and producers send twice. With a table of DynamoDB the
// work under one key is done once:
//
//	var Shipped = sqsbatch.DefineTable("shipped")
//
//	records := sqsbatch.NewRecords(store, Shipped, sqsbatch.RecordOptions{})
//	sqsbatch.Start(sqsbatch.JSON(ship),
//		sqsbatch.Idempotent(records, sqsbatch.JSONKey(func(o Order) string { return o.ID })))
//
// The table has the partition key "key" (a string), expires by "expires_at", and the
// function may do PutItem, UpdateItem and GetItem on it. [Store] makes the store of
// the table's name in AWS, orm.NewDynamoDB of any client.
//
// A first delivery costs two writes, a duplicate one that fails, and no reads. The
// record holds a lease that lasts as long as the function may still run: so there
// are never two runs of one key at a time, and a run that was stopped is taken over
// as soon as it is known to be dead. Its attempts are counted, also those that
// stopped the process. A record is kept for 35 days, which outlives queue and
// dead-letter queue. What another message under the same key says is compared with
// what was handled, see [Payload].
//
// [Once] does the same for a step of a handler, and gives its result again.
//
// # What is not promised
//
// A process can be stopped between an effect and its record: the effect is then had
// again. Pass the key on to a service that takes one. In a FIFO queue a message that
// was given up is out of the way of those behind it. There is no heartbeat: Lambda
// does not let a function run longer than the visibility time-out.
//
// A whole function with its template is in the folder example.
//
// # How it is run
//
// What this package does to a message is always in this order: recover, the
// record, the time-out, recover of the handler, the handler. Then the message is
// hidden or sent away, logged, and [Observe] is told. All functions and values are
// safe for concurrent use.
package sqsbatch
