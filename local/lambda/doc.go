// Package lambda runs AWS Lambda functions on one machine: real bootstrap
// binaries (runtime provided.al2023) as child processes, spoken to over the
// Lambda Runtime API, with event source mappings for SQS queues and DynamoDB
// streams.
//
//	s, err := lambda.New(lambda.Options{Queues: queues, Streams: streams, Credentials: keys, Endpoint: url})
//	err = s.Apply(ctx, functions, mappings) // again and again: starts, replaces, drains, removes
//	result, err := s.Invoke(ctx, "user-system-local-api", payload)
//	err = s.Close(ctx)
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
// # What a process sees
//
// The environment variables that Lambda documents, the function's own, and
// AWS_ENDPOINT_URL of the local gateway. Nothing of the developer's own
// environment: PATH, LANG and TZ have Lambda's values, HOME is absent as in
// Lambda's reserved list. The working folder and LAMBDA_TASK_ROOT are the
// asset's folder. There is no memory limit and no private /tmp.
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
// mapping reads one shard in order; its position is kept in Options.StateDir
// and survives SIGKILL. Both deliver at least once.
//
// Rules come from the Lambda developer guide: runtimes-api, lambda-runtime-environment,
// services-sqs-errorhandling, services-ddb-batchfailurereporting,
// services-dynamodb-errors, invocation-eventfiltering, gettingstarted-limits.
package lambda
