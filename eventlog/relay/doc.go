// Package relay carries events from the log to the bus. It is the handler of a
// Lambda function on the change stream of the log's table (cmd/vinci-relay):
//
//	DynamoDB stream ─▶ Relay.Handle ─▶ EventBridge PutEvents
//	                        └─ cannot go ─▶ failure queue (by id)
//
// # What it promises
//
// Every event of the log is published at least once, or its id is in the failure
// queue. It may be published twice: consumers know an event by its id. Events are
// sent in the order of the stream, but the bus promises no order.
//
// What stays unpublishable for longer than the event source mapping tries, Lambda
// itself puts into the same queue, in a form of its own that has no event ids: the
// range of sequence numbers (DDBStreamBatchInfo). The events are in the log.
//
// # What happens to a record
//
//   - INSERT: the event is published. Requests are filled up to [MaxEntries] and
//     [MaxBytes]; of a request only the entries that failed are sent again, with
//     growing random waits.
//     An event with a public shape is two entries: its own, with the application
//     as source, and the public one, with the source <application>.public, the
//     same id and the data that may leave. Each goes, or is given up, for itself.
//   - An event that can never be published (its item is no event, it is too
//     large, the bus refuses it for what it is) goes to the failure queue as a
//     [Failure], and the relay goes on: one bad event does not hold up the others.
//   - An event that cannot be published now (throttling, failures of the
//     service), or a failure that the failure queue does not take, is reported to
//     Lambda as a batch item failure with its sequence number. Lambda then
//     delivers the stream from that record on again, so the relay stops there.
//   - MODIFY and REMOVE must not happen, since roles cannot change the log. They
//     are logged with the message [MessageChanged] and counted in the metric
//     [MetricChanged], which has an alarm; nothing is published.
//
// The metric [MetricLag] says with each delivery how long the oldest event in it
// had waited.
//
// # Publishing again
//
// What the stream has forgotten (it keeps 24 hours), a [Republisher] reads in the
// log and publishes again, by types and a range of time.
//
// # The function's mapping
//
// The event source mapping must start at TRIM_HORIZON with new images and
// ReportBatchItemFailures, and should bisect. It must not filter: a filter for
// INSERT would hide the changes that have the alarm.
//
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
package relay
