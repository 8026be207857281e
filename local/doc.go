// Package local runs a synthesized cloud assembly on one machine: the same
// functions, rules, queues, tables, HTTP APIs and IAM policies that `cdk deploy`
// would ship, without an AWS account. It knows about the application only what
// the assembly says.
//
//	rt, err := local.Start(ctx, local.Config{Assembly: "cdk.out"})
//	if err != nil {
//		return err // all that is wrong with the assembly, in one error
//	}
//	defer rt.Stop(context.Background())
//	fmt.Println(rt.APIs()[0].URL, rt.Endpoint(), rt.Owner())
//	for line := range rt.Subscribe(ctx) { // what the functions write
//		fmt.Println(line.Function, line.Text)
//	}
//
// Without an assembly it is the bare services: whatever there is to serve is made by
// calls of the gateway, and kept in the data folder.
//
// # How it works
//
// Package local/assembly computes what every resource would be called. This
// package then reads each resource with a strict list of the properties it knows
// (the type_*.go files, one for each kind of thing), checks what refers to what,
// and hands the result to the services, each in a package of its own:
// local/dynamodb (an engine as child process), local/sqs, local/eventbridge,
// local/lambda (functions as child processes), local/httpapi. One port, the
// gateway, speaks AWS's protocols; each HTTP API has a port of its own. All of
// them are loopback addresses.
//
// # What is not served
//
// A property that is not in the lists is an error. One that is known and changes
// nothing on this machine is noted, with the reason. A resource of an unknown type
// is noted, too: nothing is skipped in silence ([Runtime.Notes]). What AWS refuses
// when it makes a resource is refused here, in AWS's words: a mapping whose role
// may not do what Lambda's poller does, a function whose role Lambda may not take,
// a queue that hides messages for less than its function may run. So is what AWS
// finds later only: a route that API Gateway may not invoke, a policy for a queue
// that has one already, a rule whose target is missing.
//
// # Names of functions
//
// Logs call a function as its developer does. The name comes from the construct
// path: see shortNames in labels.go.
//
// # Life
//
// [Start] returns when everything answers. [Runtime.Reload] puts another assembly
// in place and leaves the one that runs alone when the new one is wrong.
// [Runtime.Stop] ends everything in reverse order; when it returns no child is
// left. Children also die with this process, however it ends.
package local
