// Package functionlog makes the logger of a Lambda function: JSON lines on standard
// error, of the deployment's level, with the ids of what is being done.
//
//	func main() {
//		logger := functionlog.Start()
//		…
//		logger.InfoContext(ctx, "endpoint changed", "endpoint", e.Name)
//	}
//
// A line that is logged with a context gets the ids that the context has: request_id
// (of the Lambda invocation), and of the [event.Flow] correlation_id, event_id (of the
// event that is being handled) and trace_id (32 hexadecimal digits, as X-Ray shows it
// without its "1-" and hyphen). An id that the line has already is left as it is.
//
// bus.Start, capture.Start and the framework's own functions log this way. A function
// with a main of its own, such as an API's, calls [Start].
package functionlog
