// Package sqs is the local runtime's Amazon SQS: standard and FIFO queues, spoken
// to over the AWS JSON protocol or in the process.
//
//	s, err := sqs.New(sqs.Options{Dir: ".vinci/data", Endpoint: gatewayURL})
//	...
//	err = s.Apply([]sqs.QueueConfig{dead, q}) // the queues of an assembly
//	arn, err := s.CreateQueue(ctx, "q.fifo", map[string]string{"FifoQueue": "true"}, nil)
//	id, err := s.Send(ctx, q.ARN, sqs.Outgoing{Body: "hello"})
//	messages, err := s.Receive(ctx, q.ARN, sqs.ReceiveOptions{Max: 10, Wait: &wait})
//	err = s.Delete(ctx, q.ARN, messages[0].ReceiptHandle)
//
// A [Service] is a [gateway.Service]: the same queues are served to any AWS SDK
// and to the aws CLI, with every operation of the API.
//
// # Where queues come from
//
// [Service.Apply] brings the queues of an assembly, and removes those that are no
// longer in it. [Service.CreateQueue], as the SDK's call of that name, makes queues
// that Apply leaves alone and that a restart keeps with their attributes and tags.
// A name wanted by both is Apply's, with the messages that are there. Calls may
// change and delete Apply's queues, too: that holds until Apply comes with another
// configuration of the queue, or the process ends.
//
// # What is kept
//
// A message is stored before Send returns, and a receive, a deletion or a change
// of visibility before its call returns; so are queues, what a FIFO queue knows of
// earlier sends and receives, and message move tasks. What was stored survives the
// death of the process at any moment (kill -9): after a restart every accepted
// message is there, and one that was in flight becomes visible when its visibility
// time-out ends and not before; a task goes on when Apply has been called. It need
// not survive the death of the machine: writes reach the kernel and are not waited
// for on the disk. A restart forgets when a queue was purged.
//
// The contents are in one bbolt file, [Options.Dir]/queues.db; an index of them in
// memory says which message is visible next. Writes that come at the same time
// join into one transaction.
//
// # What it does as AWS does
//
// Visibility time-outs, receipt handles of each receive, receive counts, delays,
// long polling (which wakes at once), retention, redrive to a dead-letter queue
// and back, redrive policies and who they allow, message attributes and their
// MD5s, batches with failures by entry, limits (also 120,000 messages in flight),
// purge once a minute, a deleted name that is free after a minute, tags,
// permissions, and the errors' codes, texts and statuses. FIFO queues have groups,
// deduplication, sequence numbers and repeated receives.
//
// Where AWS may do one thing or another, it does the less comfortable: the handle
// of an earlier receive of a standard queue succeeds without deleting, and a
// message that is visible again is MessageNotInflight. Where AWS is approximate,
// it is exact: counts, one delivery for each visibility time-out, the order of
// groups (the one whose first message waits longest), and attributes that count
// at once.
//
// # What it does not do
//
// Messages are not encrypted; the attributes about it are kept and shown. Requests
// are not throttled. A message move task moves what is visible and was there when
// it began. Other accounts and regions have no queues. The older query protocol is
// not spoken.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html
package sqs
