// Package chaos makes the local runtime as harsh as AWS is on its bad days, or
// harsher: what passes under it does not lean on luck.
//
//	c, err := chaos.Parse("42,throttle=0.1,kill=0")
//	rt, err := local.Start(ctx, local.Config{Assembly: "cdk.out", Chaos: &c})
//
// A [Config] has a seed and a rate for each [Kind]. A [Plan] makes the decisions and
// gives the wrappers that carry them out: [Plan.Around] for the calls that reach the
// gateway, [Plan.Queues] and [Plan.Streams] for what event source mappings read,
// [Plan.Invoker] for the invocations by HTTP APIs. The services know nothing of it.
//
// # Only what AWS may do
//
// Each Kind names the pages of AWS that permit it. IAM judges a call before chaos sees
// it, and a body that is malformed is the service's to refuse. FIFO queues deliver in
// order and once, so there only calls are throttled, delayed and lost. The records
// of one item of a table keep their order; those of two items do not, not even of two
// items with one partition key. Messages keep their ids and their receive counts go up.
//
// A failure that the SDKs try again does not happen more than twice in a row, because
// the third and last attempt of their defaults must have a chance: counted for each
// call of a client that marks its attempts (all AWS SDKs do, with the header
// amz-sdk-invocation-id), for each caller and operation of one that does not. The
// same bound holds for an entry of a batch that is sent again, for a single write in
// conflict, for an item of a transaction, and for a function that an HTTP API invokes.
// An item that a transaction puts whole is the same item for this only while its
// content is the same. A function is not killed while it may have a message of a queue
// for the third time, so that deaths alone fill no dead-letter queue. At rate 1 there are
// no bounds: then nothing gets through.
//
// # The same seed, the same decisions
//
// Each decision is a function of the seed, the kind and a subject, and of nothing
// else: neither the clock nor the order of goroutines. The subject is
//
//   - for a call: the role and session of the caller, the operation, the number of
//     this caller's call of this operation, the attempt of that call;
//   - for an entry of a batch: the call and the entry's place;
//   - for a message: its id and its receive count;
//   - for a record: the table, the shard and the sequence number; for which shard an
//     item is in, the table and its key;
//   - for an invocation by an HTTP API: the function and its number.
//
// So the same calls, messages and records meet the same fate, and decisions about one
// caller do not depend on what others do. What is not the same in two runs: which of
// two calls that one caller makes at the same time has the lower number; whether a
// bound was reached, where that depends on such calls; ids that the application or a
// service draws at random, message ids among them; the moment of anything, and with
// it which process is the one that dies when a function has several. A sequential
// program with ids of its own gets the same list of decisions each time.
//
// Options.Log is told each decision: [Decision.String] is a line that names the subject.
//
// # What is not done
//
// A function's process dies only at a call that reaches the gateway: at its own, or,
// any process, at one of a caller that is no function. Pollers of mappings are not
// throttled and lose no answers: for the function that would be a delay. Calls of STS,
// which the gateway answers itself, are left alone.
package chaos
