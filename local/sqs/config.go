package sqs

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// QueueConfig describes a queue. Start from [DefaultQueue], whose values are
// AWS's defaults.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
type QueueConfig struct {
	Name              string        // 1 to 80 letters, digits, hyphens and underscores
	ARN               string        // empty means the one that follows from the name
	VisibilityTimeout time.Duration // 0 to 12 hours; 0 means that received messages stay visible
	MessageRetention  time.Duration // 1 minute to 14 days; 0 means 4 days
	Delay             time.Duration // 0 to 15 minutes
	ReceiveWait       time.Duration // 0 to 20 seconds
	MaxMessageSize    int           // bytes, 1 KiB to 1 MiB; 0 means 1 MiB
	DeadLetterARN     string        // where messages go that were received MaxReceiveCount times; empty for nowhere
	MaxReceiveCount   int           // 1 to 1000; needs DeadLetterARN
	FIFO              bool          // refused: FIFO queues are not served yet
	Policy            *iam.Document // who else may use it; nil for nobody
	Tags              map[string]string
}

// DefaultQueue is a queue with AWS's default attributes.
func DefaultQueue(name string) QueueConfig {
	return QueueConfig{Name: name, VisibilityTimeout: 30 * time.Second, MessageRetention: 4 * 24 * time.Hour, MaxMessageSize: maxMessageSize}
}

// ErrConfig is the kind of every error of [Service.Apply] about a configuration.
var ErrConfig = errors.New("queue configuration is not valid")

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// complete fills in what is empty and reports all that is wrong.
func (c *QueueConfig) complete(arn func(name string) string) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if c.FIFO || strings.HasSuffix(c.Name, ".fifo") {
		wrong("it is a FIFO queue: the local runtime serves standard queues only")
	} else if !queueName.MatchString(c.Name) {
		wrong("the name is not allowed: 1 to 80 letters, digits, hyphens and underscores are")
	}
	if c.ARN == "" {
		c.ARN = arn(c.Name)
	}
	if c.MessageRetention == 0 {
		c.MessageRetention = 4 * 24 * time.Hour
	}
	if c.MaxMessageSize == 0 {
		c.MaxMessageSize = maxMessageSize
	}
	within := func(what string, v, low, high time.Duration) {
		if v < low || v > high {
			wrong("%s is %s: %s to %s is allowed", what, v, low, high)
		}
	}
	within("VisibilityTimeout", c.VisibilityTimeout, 0, maxVisibility)
	within("MessageRetention", c.MessageRetention, time.Minute, 14*24*time.Hour)
	within("Delay", c.Delay, 0, maxDelay)
	within("ReceiveWait", c.ReceiveWait, 0, maxWait)
	if c.MaxMessageSize < 1<<10 || c.MaxMessageSize > maxMessageSize {
		wrong("MaxMessageSize is %d bytes: 1024 to %d is allowed", c.MaxMessageSize, maxMessageSize)
	}
	switch {
	case c.DeadLetterARN == "" && c.MaxReceiveCount != 0:
		wrong("MaxReceiveCount is %d but there is no dead-letter queue: name its ARN too", c.MaxReceiveCount)
	case c.DeadLetterARN != "" && (c.MaxReceiveCount < 1 || c.MaxReceiveCount > 1000):
		wrong("MaxReceiveCount is %d: 1 to 1000 is allowed", c.MaxReceiveCount)
	case c.DeadLetterARN != "" && c.DeadLetterARN == c.ARN:
		wrong("it is its own dead-letter queue")
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: queue %q: %w", ErrConfig, c.Name, err)
	}
	return nil
}
