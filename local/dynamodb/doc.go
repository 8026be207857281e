// Package dynamodb is DynamoDB for the local runtime: a service behind the gateway,
// the tables of an assembly, and their streams.
//
// The items are kept by an engine, dynoxide, that runs as a child process with a
// database file ([Options.File]), or by any other endpoint that speaks DynamoDB
// ([Options.Endpoint]). [Start] starts it, [Service.Apply] makes the tables,
// [Service.Close] ends it. As a [gateway.Service] it passes calls on and answers
// back unchanged, and says what IAM must allow for each. [Service.ReadStream] reads a
// table's stream for event source mappings.
//
// # Children
//
// The engine never outlives its owner: the kernel kills it when this process dies,
// however that comes about. Should one survive all the same, the next start on the
// file ends it. A lock file beside the database file says whether its owner lives,
// so that a second runtime on the same data folder is refused and does not shoot
// the first one's engine. An engine that ends by itself closes [Service.Done];
// [Service.Err] then holds its last output.
//
// # What a crash costs
//
// Nothing that was answered, when a process dies, the engine or its owner, by
// kill -9 too. The engine does not wait for the disk, though: on Linux its flushes
// are left out, so the death of the machine may cost the newest writes or the
// file. The queues make the same bargain.
//
// # What is not passed on as it is
//
//   - Request tokens of TransactWriteItems are kept here (in memory, for DynamoDB's
//     10 minutes) and taken out: the engine's own way of keeping them is slow. A
//     restart forgets them.
//   - The engine's table of stream records gets two indexes that it lacks, without
//     which writes slow down with every record.
//   - Stream records read with ReadStream carry our region and stream ARN. Through
//     the gateway (DescribeTable, DescribeStream, GetRecords) ARNs are the engine's,
//     in a region "dynoxide"; policies are judged on ours all the same.
//
// # What the engine hides
//
// It has one shard for each table, answers no TransactionConflict, does not throttle,
// and its indexes are never behind. Code that works here has not been tried against
// those.
package dynamodb
