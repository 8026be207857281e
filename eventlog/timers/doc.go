// Package timers fires the timers of the event log: it commits the events of
// those that are due. It is the handler of a Lambda function that a scheduled
// rule calls every minute (cmd/vinci-timers):
//
//	EventBridge rate(1 minute) ─▶ Timers.Handle ─▶ eventlog.Log.Fire, one transaction each
//
// # What it promises
//
// A timer fires once, or was cancelled or replaced: event and removal are one
// transaction, under the condition that the timer is still the one that was read.
// So two calls of the function may overlap, and a call that dies leaves nothing
// half done.
//
// Several timers are fired at once, [Options].Concurrency of them, but those whose
// events go to one stream one after the other, in the order of the times at which
// they are due, also when they had to wait for an outage to end. One that cannot be
// fired is logged, and the others go on; it is tried again by every call. So the
// order holds among those that nothing failed for.
//
// A call ends before the function's time is over. What it did not come to is left
// for the next: with some ten milliseconds a transaction that is after tens of
// thousands, or thousands of one stream.
//
// # What it says
//
// The log has a line for each timer that fired and for each that failed. The
// metrics are [MetricFired], [MetricFailed] and [MetricLag], the longest time that
// a timer of the call was late; a call with nothing to do says nothing. When a
// timer failed the call fails, so that the function's own error metric, which has
// an alarm, counts it.
package timers
