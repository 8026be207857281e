package sqs

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// QueueConfig describes a queue. Start from [DefaultQueue], whose values are
// AWS's defaults.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
type QueueConfig struct {
	Name              string        // 1 to 80 letters, digits, hyphens and underscores, with FIFO's .fifo
	ARN               string        // empty means the one that follows from the name
	VisibilityTimeout time.Duration // 0 to 12 hours; 0 means that received messages stay visible
	MessageRetention  time.Duration // 1 minute to 14 days; 0 means 4 days
	Delay             time.Duration // 0 to 15 minutes
	ReceiveWait       time.Duration // 0 to 20 seconds
	MaxMessageSize    int           // bytes, 1 KiB to 1 MiB; 0 means 1 MiB
	DeadLetterARN     string        // where messages go that were received MaxReceiveCount times; empty for nowhere
	MaxReceiveCount   int           // 1 to 1000; needs DeadLetterARN
	// RedriveAllow says which queues may have this one as dead-letter queue; nil
	// means all. It counts when such a queue is configured.
	RedriveAllow *RedriveAllow
	FIFO         bool // the name ends with .fifo
	// ContentBasedDeduplication makes the deduplication id of a message without one
	// the SHA-256 of its body. FIFO queues only, as the two below.
	ContentBasedDeduplication bool
	DeduplicationScope        string            // "queue" or "messageGroup"; empty means queue
	FifoThroughputLimit       string            // "perQueue" or "perMessageGroupId", which needs the scope messageGroup; empty means perQueue. Throughput is not limited here.
	Policy                    *iam.Document     // who else may use it; nil for nobody
	Tags                      map[string]string // shown by ListQueueTags
	// Encryption is shown to who asks for it, and nothing is encrypted here.
	Encryption Encryption
}

// RedriveAllow is the attribute RedriveAllowPolicy.
type RedriveAllow struct {
	Permission string   // "allowAll", "denyAll" or "byQueue"
	Sources    []string // ARNs, 1 to 10, with byQueue only
}

// Encryption are the attributes of server-side encryption.
type Encryption struct {
	Disabled    bool // SqsManagedSseEnabled is false
	KMSKeyID    string
	KMSDataKeys time.Duration // KmsDataKeyReusePeriodSeconds, 1 minute to 24 hours; 0 means 5 minutes
}

// The values of three attributes.
const (
	scopeQueue        = "queue"
	scopeGroup        = "messageGroup"
	throughputQueue   = "perQueue"
	throughputGroup   = "perMessageGroupId"
	redriveAllowAll   = "allowAll"
	redriveDenyAll    = "denyAll"
	redriveByQueue    = "byQueue"
	maxRedriveSources = 10
)

// DefaultQueue is a queue with AWS's default attributes. It is a FIFO queue when
// the name ends with .fifo.
func DefaultQueue(name string) QueueConfig {
	return QueueConfig{Name: name, FIFO: isFIFOName(name),
		VisibilityTimeout: 30 * time.Second, MessageRetention: 4 * 24 * time.Hour, MaxMessageSize: maxMessageSize}
}

// ErrConfig is the kind of every error of [Service.Apply] about a configuration.
var ErrConfig = errors.New("queue configuration is not valid")

const fifoSuffix = ".fifo"

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func isFIFOName(name string) bool { return strings.HasSuffix(name, fifoSuffix) }

// validName reports whether a queue of that kind can have the name. The suffix of
// FIFO queues counts for the length.
func validName(name string, fifo bool) bool {
	base, ok := strings.CutSuffix(name, fifoSuffix)
	return ok == fifo && queueName.MatchString(base) && len(name) <= 80
}

// complete fills in what is empty and reports all that is wrong.
func (c *QueueConfig) complete(arn func(name string) string) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	switch {
	case c.FIFO && !validName(c.Name, true):
		wrong("the name is not allowed for a FIFO queue: up to 75 letters, digits, hyphens and underscores are, and .fifo at the end")
	case !c.FIFO && isFIFOName(c.Name):
		wrong("the name ends with .fifo, so it must be a FIFO queue")
	case !c.FIFO && !validName(c.Name, false):
		wrong("the name is not allowed: 1 to 80 letters, digits, hyphens and underscores are")
	}
	if c.ARN == "" {
		c.ARN = arn(c.Name)
	}
	c.defaults()
	within := func(what string, v, low, high time.Duration) {
		if v < low || v > high {
			wrong("%s is %s: %s to %s is allowed", what, v, low, high)
		}
	}
	within("VisibilityTimeout", c.VisibilityTimeout, 0, maxVisibility)
	within("MessageRetention", c.MessageRetention, minRetention, maxRetention)
	within("Delay", c.Delay, 0, maxDelay)
	within("ReceiveWait", c.ReceiveWait, 0, maxWait)
	within("KMSDataKeys", c.Encryption.KMSDataKeys, minDataKeys, maxDataKeys)
	if c.MaxMessageSize < minMaxMessageSize || c.MaxMessageSize > maxMessageSize {
		wrong("MaxMessageSize is %d bytes: %d to %d is allowed", c.MaxMessageSize, minMaxMessageSize, maxMessageSize)
	}
	switch {
	case c.DeadLetterARN == "" && c.MaxReceiveCount != 0:
		wrong("MaxReceiveCount is %d but there is no dead-letter queue: name its ARN too", c.MaxReceiveCount)
	case c.DeadLetterARN != "" && (c.MaxReceiveCount < 1 || c.MaxReceiveCount > maxMaxReceiveCount):
		wrong("MaxReceiveCount is %d: 1 to %d is allowed", c.MaxReceiveCount, maxMaxReceiveCount)
	case c.DeadLetterARN != "" && c.DeadLetterARN == c.ARN:
		wrong("it is its own dead-letter queue")
	case c.DeadLetterARN != "" && isFIFOName(c.DeadLetterARN) != c.FIFO:
		wrong("the dead-letter queue of a FIFO queue must be a FIFO queue, and that of a standard queue a standard queue")
	}
	if r := c.RedriveAllow; r != nil {
		if err := r.check(); err != nil {
			wrong("RedriveAllow: %w", err)
		}
	}
	if err := c.checkFIFO(); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: queue %q: %w", ErrConfig, c.Name, err)
	}
	return nil
}

// defaults fills in what is empty.
func (c *QueueConfig) defaults() {
	if c.MessageRetention == 0 {
		c.MessageRetention = 4 * 24 * time.Hour
	}
	if c.MaxMessageSize == 0 {
		c.MaxMessageSize = maxMessageSize
	}
	if c.Encryption.KMSDataKeys == 0 {
		c.Encryption.KMSDataKeys = defaultDataKeys
	}
	if c.FIFO && c.DeduplicationScope == "" {
		c.DeduplicationScope = scopeQueue
	}
	if c.FIFO && c.FifoThroughputLimit == "" {
		c.FifoThroughputLimit = throughputQueue
	}
}

func (c *QueueConfig) checkFIFO() error {
	switch {
	case !c.FIFO && (c.ContentBasedDeduplication || c.DeduplicationScope != "" || c.FifoThroughputLimit != ""):
		return errors.New("ContentBasedDeduplication, DeduplicationScope and FifoThroughputLimit are for FIFO queues only")
	case !c.FIFO:
		return nil
	case c.DeduplicationScope != scopeQueue && c.DeduplicationScope != scopeGroup:
		return fmt.Errorf("DeduplicationScope is %q: %s and %s are allowed", c.DeduplicationScope, scopeQueue, scopeGroup)
	case c.FifoThroughputLimit != throughputQueue && c.FifoThroughputLimit != throughputGroup:
		return fmt.Errorf("FifoThroughputLimit is %q: %s and %s are allowed", c.FifoThroughputLimit, throughputQueue, throughputGroup)
	case c.FifoThroughputLimit == throughputGroup && c.DeduplicationScope != scopeGroup:
		return fmt.Errorf("the FifoThroughputLimit %s is allowed only with the DeduplicationScope %s", throughputGroup, scopeGroup)
	}
	return nil
}

func (r *RedriveAllow) check() error {
	switch {
	case r.Permission != redriveAllowAll && r.Permission != redriveDenyAll && r.Permission != redriveByQueue:
		return fmt.Errorf("the redrivePermission is %q: allowAll, denyAll and byQueue are allowed", r.Permission)
	case r.Permission != redriveByQueue && len(r.Sources) > 0:
		return errors.New("source queues are named with the redrivePermission byQueue only")
	case r.Permission == redriveByQueue && (len(r.Sources) == 0 || len(r.Sources) > maxRedriveSources):
		return fmt.Errorf("%d source queues are named: with the redrivePermission byQueue 1 to %d are", len(r.Sources), maxRedriveSources)
	}
	return nil
}

// Validate reports all that is wrong with a configuration by itself, in an error of
// kind [ErrConfig]. [Service.Apply] checks also what depends on other queues.
func (c QueueConfig) Validate() error {
	return c.complete(func(name string) string { return name })
}

// AllowsSource reports whether the queue with that ARN may have this one as
// dead-letter queue.
func (c *QueueConfig) AllowsSource(sourceARN string) bool {
	if c.RedriveAllow == nil {
		return true
	}
	switch c.RedriveAllow.Permission {
	case redriveDenyAll:
		return false
	case redriveByQueue:
		return slices.Contains(c.RedriveAllow.Sources, sourceARN)
	}
	return true
}

// same reports whether two configurations say the same. Policies are compared by
// what they say, for each Apply parses them anew.
func (c *QueueConfig) same(o *QueueConfig) bool {
	if c == nil || o == nil {
		return c == o
	}
	a, b := c, o
	if policyJSON(a.Policy) != policyJSON(b.Policy) || !maps.Equal(a.Tags, b.Tags) || (a.RedriveAllow == nil) != (b.RedriveAllow == nil) {
		return false
	}
	if a.RedriveAllow != nil && (a.RedriveAllow.Permission != b.RedriveAllow.Permission || !slices.Equal(a.RedriveAllow.Sources, b.RedriveAllow.Sources)) {
		return false
	}
	return a.Name == b.Name && a.VisibilityTimeout == b.VisibilityTimeout && a.MessageRetention == b.MessageRetention &&
		a.Delay == b.Delay && a.ReceiveWait == b.ReceiveWait && a.MaxMessageSize == b.MaxMessageSize &&
		a.DeadLetterARN == b.DeadLetterARN && a.MaxReceiveCount == b.MaxReceiveCount && a.FIFO == b.FIFO &&
		a.ContentBasedDeduplication == b.ContentBasedDeduplication && a.DeduplicationScope == b.DeduplicationScope &&
		a.FifoThroughputLimit == b.FifoThroughputLimit && a.Encryption == b.Encryption
}

// clone is a copy that may be changed.
func (c *QueueConfig) clone() *QueueConfig {
	n := *c
	n.Tags = maps.Clone(c.Tags)
	return &n
}
