// Package localtest starts an application inside a Go test: its functions, rules,
// queues, tables, HTTP APIs and IAM policies, as they would be deployed, on this
// machine.
//
//	func TestRegistrationIsCounted(t *testing.T) {
//		t.Parallel()
//		app := localtest.Start(t, localtest.Options{})
//		id := register(t, app.URL(t)+"/users", "ada@example.com") // an HTTP request
//		app.Handled(t.Context(), t, event.EventID("user/"+id, 1), users.CountTotal)
//		stats, err := tables.UserStats.Get(t.Context(), app.Store(t), tables.GlobalStats)
//		if err != nil || stats.TotalUsers != 1 {
//			t.Errorf("counted %d users, %v; want 1", stats.TotalUsers, err)
//		}
//	}
//
// # What a test gets
//
// Each [Start] is a system of its own: own ports, own data in t.TempDir, own
// credentials. So tests may run in parallel, and nothing has to be cleaned up:
// when the test ends everything is stopped, processes included. When it has
// failed, the functions' logs and the runtime's own complaints are in its output.
//
// # What it costs
//
// The application is synthesized once. The assembly is kept in .vinci/localtest
// beside cdk.json, under a hash of all that it is made from, and every later Start
// finds it there: in this test, in other packages, in other processes at the same
// time, tomorrow. What it is made from is taken to be every file of the module
// (and of modules and workspaces it refers to by folder), but for tests, hidden
// folders, node_modules and cdk.out; go.sum stands for the rest. An application
// whose synthesis reads something else (an environment variable, a file outside)
// does not get a new assembly when that changes: delete the folder.
//
// With an assembly at hand Start takes well under 300 ms (docs/performance.md).
// At most [KeptAssemblies] are kept.
//
// # Waiting
//
// Nothing here sleeps and hopes. [App.Handled], [App.Outcome], [App.Logged] and
// [App.Until] look whenever a function has called something or logged something,
// and return as soon as what they wait for is so. They end the test when ctx ends,
// or after [Patience] when it has no deadline of its own, and say what happened
// instead.
package localtest
