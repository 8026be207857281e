// Package consume is what the consumers of SQS messages have in common, whichever
// package they are of: how a failure is marked as permanent, how a record of attempts
// is written, and how SQS counts.
package consume
