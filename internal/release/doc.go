// Package release deploys a cloud assembly, tries it, and deploys the last good one
// again when it does not do.
//
//	look at the health alarm ─▶ fetch the last good assembly ─▶ cdk deploy ─▶ smoke test ─▶ watch the alarm ─▶ keep it as the last good one
//	                                                               │             │               │
//	                                                               └─────────────┴───────────────┴─▶ cdk deploy the last good one ─▶ smoke test
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
// # The alarm
//
// It is the deployment's composite alarm "health". An assembly that has none is
// refused, unless Options.NoAlarm says that nobody watches. One that fires already
// before the deployment is a reason to stop: nobody could tell whether the new version
// is any better. With Options.Force the new version is deployed all the same; the
// alarm then decides only whether it is kept as the last good one.
//
// # What is not undone
//
// Going back deploys templates and code. Data that the new version has written, tables
// that were migrated, resources that were deleted and stacks that were added stay as
// they are.
//
// # Interruption
//
// When ctx ends, the program that runs gets a SIGINT and half a minute to end.
// Nothing is rolled back then: who stops a deployment wants it stopped, and a runner
// that is going away has no time for another one. CloudFormation goes on with the
// stack that it is changing. What to do is said, and running the same again is safe.
package release
