// Package synth runs a CDK app and leaves its cloud assembly in a folder.
//
// It does what the CDK CLI does around an app, and no more: it reads cdk.json,
// runs its "app" command with the context and the output folder in the
// environment, and reports what the app printed when it failed. There is no
// bundling, no credentials look-up and no CloudFormation validation, so a loop
// that edits and runs stays quick. `cdk synth` remains the way to what is
// deployed; both run the same command, so both ship the same resources.
package synth
