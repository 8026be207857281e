// Package sqs is the local runtime's Amazon SQS: standard queues, spoken to over
// the AWS JSON protocol or in the process.
//
//	s, err := sqs.New(sqs.Options{Dir: ".vinci/data", Endpoint: gatewayURL})
//	...
//	err = s.Apply([]sqs.QueueConfig{dead, q}) // the queues there are
//	id, err := s.Send(ctx, q.ARN, sqs.Outgoing{Body: "hello"})
//	messages, err := s.Receive(ctx, q.ARN, sqs.ReceiveOptions{Max: 10, Wait: &wait})
//	err = s.Delete(ctx, q.ARN, messages[0].ReceiptHandle)
//
// A [Service] is a [gateway.Service]: the same queues are served to any AWS SDK
// and to the aws CLI.
//
// # What is kept
//
// A message is stored before Send returns, and a receive, a deletion or a change
// of visibility before its call returns. What was stored survives the death of
// the process at any moment (kill -9): after a restart every accepted message is
// there, and one that was in flight becomes visible when its visibility time-out
// ends and not before. It need not survive the death of the machine: writes reach
// the kernel and are not waited for on the disk.
//
// The contents are in one bbolt file, [Options.Dir]/queues.db; an index of them in
// memory says which message is visible next. Writes that come at the same time
// join into one transaction.
//
// # What it does as AWS does
//
// Visibility time-outs, receipt handles of each receive, receive counts, delays,
// long polling (which wakes at once), retention, redrive to a dead-letter queue
// with the time of the first sending kept, message attributes and their MD5s,
// batches with failures by entry, limits, purge, and the errors' codes.
//
// Where AWS may do one thing or another, it does the less comfortable: the handle
// of an earlier receive succeeds without deleting. Where AWS is approximate, it is
// exact: counts, and one delivery for each visibility time-out.
//
// # What it does not do
//
// FIFO queues are refused by [Service.Apply]. Queues come from Apply only: there
// is no CreateQueue, SetQueueAttributes or StartMessageMoveTask over the wire.
// The limit of 120,000 messages in flight and throttling are not modelled.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
package sqs
