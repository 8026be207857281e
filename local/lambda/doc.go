// Package lambda runs AWS Lambda functions on one machine: real bootstrap
// binaries (runtime provided.al2023) as child processes, spoken to over the
// Lambda Runtime API, with event source mappings for SQS queues and DynamoDB
// streams, asynchronous invocations, and Lambda's own REST API.
//
//	s, err := lambda.New(lambda.Options{Queues: queues, Streams: streams, Credentials: keys, Endpoint: url})
//	err = s.Apply(ctx, functions, mappings) // again and again: starts, replaces, drains, removes
//	result, err := s.Invoke(ctx, "user-system-local-api", payload)
//	id, err := s.InvokeAsync(ctx, arn, payload) // durable when it returns
//	http.Handler = gateway.New(gateway.Options{REST: []gateway.RESTService{s}, …})
//	err = s.Close(ctx)
//
// # Two origins
//
// Functions and mappings come from the assembly (Apply) or from SDK calls. What SDK
// calls made is kept in Options.StateDir, the unpacked code too, and is there again
// after New. SDK calls may change what the assembly made: that lasts until the
// assembly says something else about it, or until the service ends. A name that
// both want is the assembly's.
//
// # Functions
//
// An execution environment is one process with its own Runtime API address. It
// runs one invocation at a time, is used again while it lives, and is ended
// after Options.IdleTimeout without work. A function gets as many environments
// as its concurrency asks for, up to its reserved concurrency (more is refused
// with ErrThrottled, as AWS does) or, without one, up to
// Options.MaxEnvironments (more waits: AWS would start more, a laptop should
// not; so a function that calls itself and waits can wait for ever).
//
// An invocation is over when the runtime asks for the next one, when its
// process exits, or when the function's time-out passes; the process of a
// time-out is killed. What the function did wrong is a Result with
// FunctionError set and AWS's payload: an error the function returned, a panic,
// Runtime.ExitError, Sandbox.Timedout, Function.ResponseSizeTooLarge. An error
// value from Invoke means that the function did not run, or that the caller
// gave up waiting; as on AWS the function itself then runs on.
//
// A failed start is tried a second time before the invocation fails, as on AWS.
//
// After 1 ms without work the process group is stopped (SIGSTOP): what a function left
// running makes no progress, its clock jumps, its idle connections may be gone. A
// process that takes more memory than its function has is killed, and the invocation
// fails with Runtime.OutOfMemory: see overMemory for how fine that is.
//
// # Asynchronous invocations
//
// An event is in StateDir when InvokeAsync returns, and stays there until the
// function has succeeded or was given up, and the destination has the record. A
// failed one is tried again after Options.RetryWaits; one for which there is no
// concurrency after 1 s, doubling up to 5 minutes, which is no attempt; all within
// the event's age. After SIGKILL an attempt that ran may run once more. Events of a
// function that the assembly no longer has wait for it.
//
// # What a process sees
//
// The environment variables that Lambda documents, the function's own, and
// AWS_ENDPOINT_URL of the local gateway. Nothing of the developer's own
// environment: PATH, LANG and TZ have Lambda's values, HOME is absent as in
// Lambda's reserved list. The working folder and LAMBDA_TASK_ROOT are the
// asset's folder. TMPDIR, which AWS does not set either, is a folder that the
// environment has for itself and that goes with it, as /tmp is in AWS; its size has no
// limit. A path that begins with /tmp is the machine's.
//
// Every process dies with this one, even by SIGKILL: see spawner. Children that
// a function itself starts are killed with its process group, but not when this
// process is killed so that it cannot act. Linux only.
//
// # Mappings
//
// An SQS mapping starts with five pollers and adds up to five a second while
// all of them find full batches (AWS: starts at five, adds 300 a minute), up to
// MaxConcurrency and never beyond what the function may run at once. A stream
// mapping reads one shard in order, or with a ParallelizationFactor each item's
// records in order; its position is kept in Options.StateDir, never ahead of what is
// done, and survives SIGKILL. Both deliver at least once. Several mappings may read
// one stream.
//
// # The REST API
//
// Served are the operations of operations in rest.go. Functions have one version,
// $LATEST. Settings that would change what a function does and that are not served
// (layers, a VPC, container images, code in S3, versions, tumbling windows, …) are
// refused with InvalidParameterValueException.
//
// Rules come from the Lambda developer guide: runtimes-api, lambda-runtime-environment,
// services-sqs-errorhandling, services-ddb-batchfailurereporting,
// services-dynamodb-errors, invocation-eventfiltering, invocation-async,
// invocation-async-retain-records, gettingstarted-limits; and from the API reference.
package lambda
