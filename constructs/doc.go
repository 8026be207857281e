// Package constructs makes an application's infrastructure for AWS from its
// definitions. It is the only package of the framework that knows the CDK.
//
// An app.go records what the application consists of and ends with Synth:
//
//	app := constructs.NewApplication(&constructs.ApplicationProps{AppName: "shop", EventBus: true})
//	app.AddTable(tables.Users)
//	app.AddEvents(users.Created)
//	app.AddEventHandler(users.SendWelcome, &constructs.EventHandlerProps{
//		Function:        "lambdas/send_welcome",
//		DeadLetterQueue: true,
//	})
//	app.Synth()
//
// Which deployment it is comes from the CDK's context: cdk synth -c
// deployment=dev. Synth checks everything first and tells all mistakes together,
// compiles all functions with one go build, and then writes the cloud assembly.
// The assembly is the same, byte for byte, whatever the order of the calls, the
// folder and the machine, for the same Go release.
//
// # What is made
//
// Stacks, each named <application>-<deployment>-<name>, deployed in this order:
//
//   - alarms: the SNS topic that every alarm notifies
//   - table-<name>: one for each table, see [Table], with the handlers of its changes, see
//     [TableCapture]; it is then deployed after the log
//   - bus: the event bus, see [EventBus]
//   - log: the framework's own tables and the relay, see [EventLog]
//   - subscriptions, or as [Layout] says: see [Subscription]
//   - api: see [HTTPAPI]
//   - the stacks of the application's own, see [Application.AddStack]
//
// Stacks share no CloudFormation exports: a name or an ARN of another stack is
// computed, by [Deployment], so that any stack can be changed or deleted without
// another holding it back. Only buses, tables, queues and the alarm topic have
// names; everything else is named by CloudFormation and can be replaced.
//
// # Roles
//
// Each function has a role of its own. What it allows is derived from what the
// function declares (bus.Reads, bus.ReadsIndex, bus.Scans, bus.Writes,
// bus.Appends, bus.Commits) and from the queues it works with: exact actions on
// exact ARNs, no managed policy, no wildcard. The actions on a table are those
// that package orm's client uses:
//
//	Reads       GetItem, BatchGetItem, Query; Query on its indexes
//	ReadsIndex  Query on that index
//	Scans       those of Reads; Scan, on its indexes as well
//	Writes      those of Reads; PutItem, UpdateItem, DeleteItem, ConditionCheckItem, and
//	            BatchWriteItem where the table has no unique and no version attribute
//	Appends     PutItem
//
// # Rules
//
// What was synthesized is judged before anything can be deployed: by Vinci's own
// rules, by cdk-nag's AwsSolutions and by the CDK's validation. The last two take
// seconds; CDK_VALIDATION=false in the environment turns them off. A finding is
// justified with [Application.Allow]. docs/rules.md lists the rules.
//
// # Tables
//
// A table has what its definition says with orm.Deploy, and is safe where that
// says nothing: see [Table]. What CloudFormation cannot change in one deployment
// is refused, with the steps to take, by comparison with tables.lock.json in the
// module's root, which `vinci tables lock` writes and which is committed: another
// key, a changed index, two new or deleted global indexes, an expiry that ends or
// goes by another attribute, less warm throughput. What is not in the file is not compared, and a
// note says so until it is. The deployment "local", which `vinci dev` runs, is
// never refused: its tables are no CloudFormation's.
//
// # Building blocks
//
// [Table], [TableCapture], [EventBus], [EventLog], [Subscription], [Function], [HTTPAPI] and
// [AlarmTopic] can be used by themselves in a stack of the application's own.
// Like all of the CDK they panic when they are used wrongly; Synth turns that
// into an error message. The CDK is not safe for concurrent use: one synthesis
// at a time in a process.
package constructs
