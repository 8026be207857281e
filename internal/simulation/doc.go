// Package simulation runs an application of the framework in a world where
// everything goes wrong that may, and checks that its promises hold: nothing is
// lost, nothing is counted twice, order is kept where it is promised.
//
//	r, err := simulation.Run(simulation.Options{Seed: 7, Commits: 10_000})
//	for _, v := range r.Violations { … }
//
// What is real: eventlog.Log, the relay, the timers function, and a bus.Consumer
// for each of five subscriptions: one that counts (OnTx), one that reads, writes
// and commits further events (OnTx), one that mails (On), and two ordered ones
// (OnTx and On). What is simulated: the clock, the store's failures, the change
// stream, EventBridge, the queues, Lambda and its time-outs, and the people who
// skip or redrive what blocks a stream.
//
// # One thing at a time
//
// There is one scheduler. Every run of a process (a client's command, an
// invocation of a function) is a coroutine, made with iter.Pull, that runs until
// its next call or wait and then lets others go on. The consumer starts a handler
// on a goroutine and waits for it, so that there, too, only one of the two runs.
// Batches of more than one message are given only to consumers that handle them
// in turn. So everything is decided by one source of random numbers: the same seed
// is the same run, to the byte of its trace, whose hash is in the report.
//
// # What goes wrong
//
//   - A call to the store, the bus or a queue fails before its effect, or after
//     it, or has its effect up to 20 seconds after its caller gave up; writes are
//     throttled or conflict; DynamoDB forgets a request token.
//   - A process stops for good before or after any call, or because its time is
//     up. The clocks of processes differ by up to four seconds.
//   - Stream records, events and messages come twice, in another order, up to an
//     hour late; batches are delivered again from anywhere; a message is handed
//     out to two at once; a deletion fails.
//   - Handlers fail now and then. Some events are poison, made so by their number:
//     the bus refuses them, or a handler never succeeds. Some messages are no
//     events.
//
// How much of it is a seed's weather, from 1 to 5.
//
// The framework gives an event up after five failed attempts, and a queue a
// message after ten receives (an ordered one's after a thousand). What happens by
// chance stays below that: an event that has had three attempts and a message
// that was received six times meet no more failures. So whatever lies in a
// dead-letter queue without being poison is a mistake.
//
// # What must hold
//
// See [Invariant]. Some are watched all the time (nothing in the log changes, no
// two run a leased handler at once, order), the others are checked when nothing is
// left to happen.
//
// # A failure
//
// Seed, number of commits and what the violation is about tell the story:
//
//	SEED=28 COMMITS=1000 ABOUT='order/2560|checkpoint/notify/order/2560' go test -run Story -v ./internal/simulation
//
// The tests also take the framework's safeguards out one at a time, in builds of
// their own (go test -overlay): without any of them the simulation fails.
package simulation
