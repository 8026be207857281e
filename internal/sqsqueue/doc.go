// Package sqsqueue is what a consumer asks of SQS: to hide a message that it
// has received, and to send one to a dead-letter queue. Packages bus and sqsbatch
// share it.
package sqsqueue
