package lambda

import (
	"context"
	"log/slog"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// Limits of Lambda (gettingstarted-limits in the developer guide).
const (
	// MaxPayload is the largest request of a synchronous invocation, in bytes.
	MaxPayload = 6 * 1024 * 1024
	// MaxResponse is the largest answer: AWS allows 100 bytes more than MaxPayload.
	MaxResponse = MaxPayload + 100
	// MaxTimeout is the longest a function may run.
	MaxTimeout = 900 * time.Second
	// initTimeout is what AWS gives the start of an environment.
	initTimeout = 10 * time.Second
	// maxEnvBytes is what the function's own variables may take together.
	maxEnvBytes = 4096
)

// FunctionConfig is a function as CloudFormation describes it (AWS::Lambda::Function).
type FunctionConfig struct {
	Name string // physical name, at most 64 characters
	ARN  string // that of its unpublished version
	Dir  string // the asset's folder; it holds the file "bootstrap"
	// Timeout of one invocation, more than 0, at most MaxTimeout. AWS takes whole seconds.
	Timeout  time.Duration
	MemoryMB int               // a process that takes more is killed
	Env      map[string]string // its own variables, beside those that Lambda sets
	RoleARN  string            // whose credentials the function gets
	LogGroup string            // default /aws/lambda/<Name>
	// Reserved is the reserved concurrency: nil for none, 0 refuses every invocation.
	Reserved *int
	Handler  string // given as _HANDLER; default "bootstrap"
	// Architecture is x86_64 or arm64 as on AWS, and must be this machine's; "" is not checked.
	Architecture string
	// Runtime is what GetFunction tells, provided.al2023 or provided.al2; default provided.al2023.
	Runtime     string
	Description string            // shown by GetFunction
	Tags        map[string]string // the same

	// Async says how asynchronous invocations are tried again and where their
	// results go; nil for AWS's defaults and no destination.
	Async *AsyncConfig
	// DeadLetterARN is an SQS queue that gets the events that were given up; "" for none.
	DeadLetterARN string
	// Policy is who may invoke it beside roles whose own policies let them.
	Policy []iam.Document `json:"-"`
}

// AsyncConfig is how a function is invoked asynchronously
// (AWS::Lambda::EventInvokeConfig, of the unpublished version).
type AsyncConfig struct {
	MaxRetries   *int          // 0 to 2; nil for 2
	MaxEventAge  time.Duration // 60 s to 6 h; 0 for 6 h
	OnSuccessARN string        // an SQS queue, a function or an event bus; "" for none
	OnFailureARN string        // the same
	Modified     time.Time     // when it was set by an SDK call
}

// StartingPosition says where a stream mapping begins that has no kept position.
type StartingPosition string

// The starting positions of a stream mapping.
const (
	TrimHorizon StartingPosition = "TRIM_HORIZON"
	Latest      StartingPosition = "LATEST"
)

// MappingConfig is an event source mapping (AWS::Lambda::EventSourceMapping)
// from an SQS queue or a DynamoDB stream, told apart by SourceARN.
type MappingConfig struct {
	ID           string        // stable: a stream's position is kept under it
	FunctionName string        // whom it invokes
	SourceARN    string        // the queue or the stream
	Enabled      bool          // false: nothing is read
	BatchSize    int           // default 10 for a queue, 100 for a stream; at most 10,000
	Window       time.Duration // how long to gather a batch, at most 300 s
	// ReportBatchItemFailures makes the function's answer name what failed.
	ReportBatchItemFailures bool
	// FilterPatterns: a record that matches none of them is dropped. No patterns: all are taken.
	FilterPatterns []string

	// MaxConcurrency of a queue's mapping, 2 to 1,000; 0 for none.
	MaxConcurrency int

	// For streams only.
	StartingPosition StartingPosition
	// ParallelizationFactor is how many batches may be at work at once, 1 to 10; 0 is
	// 1. Records of one item stay in order.
	ParallelizationFactor int
	BisectOnError         bool          // a failed batch is tried again in two halves
	MaxRetries            *int          // nil or -1: until the record is too old
	MaxRecordAge          time.Duration // 0: no limit of its own
	OnFailureARN          string        // SQS queue that gets a record of each discarded batch; "" for none
}

// Message is a received SQS message.
type Message struct {
	ID            string
	ReceiptHandle string
	Body          string
	MD5OfBody     string
	// Attributes are the system attributes by SQS's names (ApproximateReceiveCount, SentTimestamp, …).
	Attributes             map[string]string
	MessageAttributes      map[string]MessageAttribute
	MD5OfMessageAttributes string
}

// MessageAttribute is a message attribute of the sender's.
type MessageAttribute struct {
	DataType    string
	StringValue string
	BinaryValue []byte // used when DataType begins with Binary
}

// Queues is what mappings need of SQS. Its methods are called from many goroutines.
type Queues interface {
	// Receive returns up to max (1 to 10) messages, waiting up to wait for the
	// first. A cancelled ctx ends the wait; messages that were already taken are
	// returned with a nil error, never lost.
	Receive(ctx context.Context, queueARN string, max int, wait time.Duration) ([]Message, error)
	// Delete acknowledges messages. One that cannot be does not keep the others
	// from it.
	Delete(ctx context.Context, queueARN string, receiptHandles ...string) error
	// Send puts a message into a queue; it is durable when Send returns.
	Send(ctx context.Context, queueARN, body string) error
}

// Buses is what destinations need of EventBridge.
type Buses interface {
	// PutEvent puts an event on a bus; the answer is EventBridge's for the entry.
	PutEvent(ctx context.Context, busARN string, event BusEvent) error
}

// BusEvent is an event for a bus.
type BusEvent struct {
	Source, DetailType string
	Resources          []string
	Detail             []byte // a JSON object
}

// StreamRecord is a DynamoDB stream record in the shape of the Lambda event.
type StreamRecord struct {
	SequenceNumber string
	CreatedAt      time.Time
	JSON           []byte
}

// Streams is what mappings need of DynamoDB streams.
type Streams interface {
	// ReadStream returns, in order, up to max records of the table's stream after
	// the position from, waiting up to wait for the first, and the position after
	// them. A position is the sequence number of the last record read; "" is
	// TRIM_HORIZON. A cancelled ctx ends the wait.
	ReadStream(ctx context.Context, tableName, from string, max int, wait time.Duration) (records []StreamRecord, next string, err error)
}

// LatestStreams are Streams that know where LATEST is. Without it a mapping that
// starts at LATEST is refused.
type LatestStreams interface {
	Streams
	// LatestPosition is the position after the newest record of the table's stream.
	LatestPosition(ctx context.Context, tableName string) (string, error)
}

// LogLine is one line that a function, or Lambda for it, wrote.
type LogLine struct {
	Time      time.Time
	Function  string
	RequestID string // "" outside an invocation, as while an environment starts
	Stream    string // log stream: one for each environment
	Text      string // without the line break
}

// LogSink takes log lines. It is called from many goroutines and holds up the
// function that wrote the line, so it must be quick and must not call the Service.
type LogSink func(LogLine)

// Options are what a Service needs. The zero value of an option is its default.
type Options struct {
	Queues  Queues  // needed when a mapping has a queue, or a failure destination
	Streams Streams // needed when a mapping has a stream

	Buses Buses // needed for destinations that are event buses

	// DeadLetter sends an event that was given up to a dead-letter queue, with
	// attributes that say why. Default: Queues.Send, without them.
	DeadLetter func(ctx context.Context, queueARN, body string, attributes map[string]MessageAttribute) error
	// Visibility is a queue's visibility time-out, false when there is no such queue:
	// what AWS asks when a mapping is made. Default: every queue counts as fit.
	Visibility func(queueARN string) (time.Duration, bool)

	// StartLater leaves event source mappings and asynchronous invocations alone
	// until Start is called, when what functions call is there.
	StartLater bool

	// Allows judges what a function's role may do, as AWS does when a mapping or a
	// destination is made and when a record is sent: nil for allowed, also for a
	// role that nobody knows. Default: everything is allowed.
	Allows func(roleARN string, need iam.Need) *iam.Decision

	// Credentials returns the key pair and session token of a role. Default: no
	// credentials, so that the SDK of a function says that it has none.
	Credentials func(roleARN string) (id, secret, token string)
	Endpoint    string // AWS_ENDPOINT_URL for functions; "" leaves it out
	Account     string // default 000000000000
	Region      string // default us-east-1

	Logs   LogSink      // default: dropped
	Logger *slog.Logger // what the service itself has to say; default: dropped
	// StateDir keeps stream positions, asynchronous invocations that are not over, and
	// what SDK calls made; "": they are in memory only, and gone after Close.
	StateDir string

	// MaxEnvironments is how many environments a function without reserved
	// concurrency may have. Default: four for each processor, at least eight.
	MaxEnvironments int
	// IdleTimeout ends an environment that had no work for so long. Default 5 minutes.
	IdleTimeout time.Duration

	// RetryWaits are the waits before an asynchronous invocation whose function
	// failed is tried again. Default: 1 and 2 minutes, as on AWS.
	RetryWaits [2]time.Duration
	// AccountConcurrency is the account's limit, of which 100 cannot be reserved.
	// Default 1,000. It bounds what can be reserved, not what runs.
	AccountConcurrency int

	Now   func() time.Time // default time.Now
	NewID func() string    // request ids; default: random UUIDs
}

// Result is what became of an invocation.
type Result struct {
	// Payload is the function's answer, or AWS's description of the error.
	Payload []byte
	// FunctionError is "Unhandled" when the function failed, else "".
	FunctionError string
	RequestID     string
	// LogTail is the end, up to 4 KB, of what the invocation logged.
	LogTail []byte
}
