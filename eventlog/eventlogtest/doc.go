// Package eventlogtest is what tests of an event log need: a log in memory, and
// the suite that says what a log promises.
//
// [New] makes a log that needs nothing running, with a clock that the test moves
// and ids that are the same in each run:
//
//	log := eventlogtest.New("shop")
//	_, err := log.Commit(ctx, eventlog.Changes{Events: …})
//	log.Advance(time.Hour)
//
// [Conformance] runs on any store that a log can be on: on the memory store and on
// a local engine in this repository, on a table in AWS if need be.
package eventlogtest
