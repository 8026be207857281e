package sqsbatch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/internal/backoff"
	"github.com/vinci-go/vinci/internal/sqsqueue"
)

// Option changes how [Handle] and [Start] work.
type Option func(*processor)

func (p *processor) wrong(format string, args ...any) {
	p.problems = append(p.problems, &Error{Kind: KindDefinition, Op: "options", Reason: fmt.Sprintf(format, args...)})
}

// SQS is what is asked of SQS: *sqs.Client of the AWS SDK has these methods. It
// must be safe for concurrent use.
type SQS = sqsqueue.API

// Client says how SQS is reached, to hide what failed for a growing time and to
// fill the dead-letter queue. Without it neither happens: what failed comes again
// when the queue's visibility time-out ends. [Start] makes one by itself.
//
// The function's role needs sqs:ChangeMessageVisibility on its queue, which the
// managed policy AWSLambdaSQSQueueExecutionRole does not give, and sqs:SendMessage
// on the dead-letter queue. Without the first a warning is logged, and the message
// comes again when the time-out ends.
//
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaSQSQueueExecutionRole.html
func Client(client SQS) Option {
	return func(p *processor) {
		if client == nil {
			p.wrong("Client(nil): leave the option out, or give it sqs.NewFromConfig(…)")
			return
		}
		p.queue = sqsqueue.New(client)
	}
}

// DeadLetterQueue is where a message goes that cannot be handled: at once for a
// [Permanent] error, and after [MaxAttempts] else. It is sent there with the
// reason (see the ATTR constants), its own attributes, and the group of a FIFO
// queue, and only then taken off its own queue: a crash between can put it there
// twice. It must be of the same type, standard or FIFO, as the function's queue.
//
// Use it beside the redrive policy of the queue, with the same queue as target and
// a maxReceiveCount above [MaxAttempts]: that is what is left for messages that
// stop the process. Without this option nothing is given up: a permanent error,
// too, comes again until the redrive policy takes it.
func DeadLetterQueue(arn string) Option {
	return func(p *processor) {
		parsed, err := sqsqueue.ParseARN(arn)
		if err != nil {
			p.wrong("DeadLetterQueue: %v", err)
			return
		}
		p.dlq, p.hasDLQ = parsed, true
	}
}

// MaxAttempts is how often a message is tried before it goes to the
// [DeadLetterQueue]; default 5. With [Idempotent] the attempts are those that its
// record counts; otherwise they are how often SQS has handed the message out,
// which in a FIFO queue counts the times that it waited behind one that failed.
func MaxAttempts(n int) Option {
	return func(p *processor) {
		if n < 1 {
			p.wrong("MaxAttempts(%d): at least 1 is allowed", n)
		}
		p.maxAttempts = n
	}
}

// Concurrency is how many messages, or groups of a FIFO queue, are handled at the
// same time; default 10, which is the largest batch unless the event source has a
// window. 1 handles a batch in turn.
func Concurrency(n int) Option {
	return func(p *processor) {
		if n < 1 {
			p.wrong("Concurrency(%d): at least 1 is allowed", n)
		}
		p.concurrency = n
	}
}

// MaxDelay is the longest wait that [Delay] takes. SQS hides a message for 12
// hours in all, from when it was received.
const MaxDelay = sqsqueue.MaxVisibility - 15*time.Minute

// Delay is how long a message that failed is hidden: first after the first
// attempt, twice as long after each further one, with up to half of it more at
// random so that what failed together does not come again together, and never
// longer than most. Default: 1 second and 15 minutes. It needs a [Client].
func Delay(first, most time.Duration) Option {
	return func(p *processor) {
		if first < time.Second || most < first || most > MaxDelay {
			p.wrong("Delay(%v, %v): allowed are a first wait of at least 1s and a longest from that up to %v", first, most, MaxDelay)
		}
		p.firstDelay, p.mostDelay = first, most
	}
}

// Timeout is how long the handler may take for one message; default: what the
// function has left, but for what is kept for ending well (a tenth, at most two
// seconds). The handler's context ends then. A handler that does not return is
// left behind, its message comes again, and see [ErrOverrun].
func Timeout(d time.Duration) Option {
	return func(p *processor) {
		if d <= 0 {
			p.wrong("Timeout(%v): it must be positive", d)
		}
		p.timeout = d
	}
}

// Idempotent does the work for each key once, however often its message comes:
// records keep what was done. key says what makes two messages the same, mostly an
// id in the body (see [JSONKey]); an error or an empty key is permanent. Keys that
// are longer than DynamoDB's 2,048 bytes are refused: hash them.
//
// A message whose key was handled is acknowledged. While another run holds the
// key's lease, which lasts as long as that run may, the message is hidden until it
// ends and no attempt is counted.
//
// "Once" holds for runs that end. A process that is stopped between the effect and
// its record leaves the effect done and the record not; the message is then
// handled again. So the handler passes the key on where the other side takes one.
func Idempotent(records *Records, key func(events.SQSMessage) (string, error)) Option {
	return func(p *processor) {
		if err := records.Err(); err != nil {
			p.problems = append(p.problems, err)
		}
		if key == nil {
			p.wrong("Idempotent: the key function is nil; JSONKey makes one of a field of the body")
		}
		p.records, p.key = records, key
	}
}

// Payload says what of a message must be the same when its key comes again, for
// [Idempotent]; default: [WholeBody]. A message with another payload than the one
// that was handled is not the same message: its error, of KindPayload, is
// permanent, so that a key that is not unique loses nothing silently. A nil
// payload is not compared.
func Payload(payload func(events.SQSMessage) ([]byte, error)) Option {
	return func(p *processor) {
		if payload == nil {
			p.wrong("Payload(nil): AnyPayload compares nothing")
		}
		p.payload, p.hasPayload = payload, true
	}
}

// WholeBody is a [Payload]: the body, byte for byte.
func WholeBody(m events.SQSMessage) ([]byte, error) { return []byte(m.Body), nil }

// AnyPayload is a [Payload] that compares nothing: the key says it all.
func AnyPayload(events.SQSMessage) ([]byte, error) { return nil, nil }

// Observe is told of every message that a batch brought, once its end is known:
// for metrics and traces. It is called by several goroutines at once.
func Observe(f func(context.Context, Result)) Option {
	return func(p *processor) {
		if f == nil {
			p.wrong("Observe(nil): leave the option out")
		}
		p.observe = f
	}
}

// Logger gets a line for each message: succeeded and duplicate at level debug,
// failed and in progress at warn, dead and what should not be at error. Bodies are
// not logged. Default: slog.Default().
func Logger(l *slog.Logger) Option {
	return func(p *processor) {
		if l == nil {
			p.wrong("Logger(nil): leave the option out, or give it slog.New(slog.DiscardHandler)")
		}
		p.logger = l
	}
}

// FunctionTimeout is how long a batch may take when the context that the function
// gets has no deadline, which Lambda's always has; default 15 minutes, Lambda's
// most.
func FunctionTimeout(d time.Duration) Option {
	return func(p *processor) {
		if d <= 0 {
			p.wrong("FunctionTimeout(%v): it must be positive", d)
		}
		p.functionTimeout = d
	}
}

// Jitter replaces what makes waits random: a random part of d, from 0 to all of
// it. It is for tests.
func Jitter(f func(d time.Duration) time.Duration) Option {
	return func(p *processor) { p.jitter = f }
}

const defaultTimeout = 15 * time.Minute

func newProcessor(h Handler, options []Option) (*processor, error) {
	p := &processor{
		handler: h, maxAttempts: 5, concurrency: 10, firstDelay: time.Second, mostDelay: 15 * time.Minute,
		functionTimeout: defaultTimeout, payload: WholeBody, logger: slog.Default(), jitter: backoff.Jitter,
	}
	for i, o := range options {
		if o == nil {
			p.wrong("option %d is nil", i)
			continue
		}
		o(p)
	}
	if h == nil {
		p.wrong("the handler is nil")
	}
	if p.jitter == nil {
		p.wrong("Jitter(nil): leave the option out")
	}
	if p.hasDLQ && p.queue == nil {
		p.wrong("DeadLetterQueue without Client: there is no way to send to it")
	}
	if p.hasPayload && p.key == nil {
		p.wrong("Payload without Idempotent: there is nothing to compare with")
	}
	return p, errors.Join(p.problems...)
}

// queueName is what a log line calls a queue.
func queueName(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }
