// Package build compiles an application's functions for AWS Lambda.
//
// One go build makes all of them, so that packages are loaded and compiled once.
// Each program then lies alone as "bootstrap" in a folder of its own, which is
// what Lambda's provided.al2023 runtime starts:
// https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
//
// Two machines, two checkouts and two runs give the same bytes, for the same Go
// release. Nothing is written again that did not change, so that a development
// loop stays short and asset hashes stay the same.
package build
