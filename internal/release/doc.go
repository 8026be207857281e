// Package release deploys a cloud assembly, tries it, and deploys the last good one
// again when it does not do.
//
//	which alarms fire? ─▶ fetch the last good assembly ─▶ cdk deploy ─▶ smoke test ─▶ watch the alarms ─▶ keep it as the last good one
//	                                                         │             │               │
//	                                                         └─────────────┴───────────────┴─▶ cdk deploy the last good one ─▶ smoke test
//
// All that reaches AWS are two programs on the PATH, cdk and aws, and the smoke test's
// own command. Credentials are theirs to find.
//
// # The last good assembly
//
// The whole folder is kept, functions' code included, as one object of a bucket:
// <application>/<deployment>.tar.gz. The CDK CLI would not need the code as long as it
// is in the bucket of cdk bootstrap (it looks for the object and uploads only what is
// not there), but that is cleaned by `cdk gc`, and a way back must not depend on it.
// The archive keeps the files' modes: Lambda starts no function whose bootstrap is not
// executable, and the hash under which the CDK uploads code does not cover the mode.
//
// It is fetched before anything is deployed. What could not be fetched when it is
// needed is found out while there is nothing to mend.
//
// # The alarms
//
// All alarms of a deployment have names that begin with names.Deployment.AlarmPrefix, and nobody
// else's do. Those that fire before the deployment are said and do not count: what
// was wrong already is not the new version's doing, and the new version may well be
// what mends it. One that fires later and did not before is a reason to go back, also
// when it is one that the new version has brought. They are asked for by what their
// names begin with, so they need not be known beforehand, and a deployment that has
// none is watched without finding anything.
//
// There is no one alarm over all of them: CloudWatch does not delete an alarm that a
// composite alarm names, so CloudFormation could never take one away.
//
// They are asked for in the regions that the assembly's stacks name: an answer from
// another region would be that nothing fires.
//
// # What is not undone
//
// Going back deploys templates and code. Data that the new version has written, tables
// that were migrated, resources that were deleted and stacks that were added stay as
// they are. A table that was added stays too, outside of CloudFormation: its name is
// taken, and the next deployment of a version that has it fails. What becomes of data
// is said when it goes back.
//
// # Interruption
//
// When ctx ends, the program that runs gets a SIGINT and half a minute to end.
// Nothing is rolled back then: who stops a deployment wants it stopped, and a runner
// that is going away has no time for another one. CloudFormation goes on with the
// stack that it is changing. What to do is said, and running the same again is safe.
package release
