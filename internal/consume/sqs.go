package consume

import (
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Exhausted is why a message is given up before a further attempt.
const Exhausted = "all attempts are used up, and the last one never ended: the process crashed or was stopped at the function's time-out"

// Receives is how often SQS has handed a message out, at least 1.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func Receives(m *events.SQSMessage) int {
	if n, err := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]); err == nil && n > 0 {
		return n
	}
	return 1
}

// Seconds rounds up to whole seconds, at least one: SQS counts in them.
func Seconds(d time.Duration) time.Duration {
	return max(time.Second, (d + time.Second - 1).Truncate(time.Second))
}

// LeaseUntil is the end of a lease taken now, rounded up: it is stored in whole
// seconds, because conditions compare it as a number.
func LeaseUntil(now time.Time, lease time.Duration) time.Time {
	return now.Add(lease + time.Second - 1).Truncate(time.Second)
}
