// Package scenario drives the reference application on this machine.
//
// [Run] does what `make run` shows: it synthesizes the app, starts the local
// runtime, uses the application through its HTTP API, prints what really
// happened and stops everything. [Stage] is the running application for tests
// and measurements that go their own way.
package scenario
