// Package awsenv makes the configuration of AWS clients inside a Lambda
// function from its environment alone.
//
// The SDK's own config package knows many more sources (profiles, SSO, instance
// metadata) that a function never uses, and costs megabytes of binary and
// milliseconds of cold start. A Lambda function finds region and credentials in
// its environment, fixed for the life of the process, so nothing is ever
// re-read.
//
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
package awsenv
