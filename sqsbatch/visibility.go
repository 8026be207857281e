package sqsbatch

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/internal/backoff"
	"github.com/vinci-go/vinci/internal/consume"
)

// isFIFO reports whether a message came from a FIFO queue.
func isFIFO(m *events.SQSMessage) bool { return strings.HasSuffix(m.EventSourceARN, ".fifo") }

// delay is how long a message is hidden after its n-th attempt.
func (p *processor) delay(n int) time.Duration {
	d := backoff.Exponential(p.firstDelay, p.mostDelay, n)
	return min(p.mostDelay, consume.Seconds(d+p.jitter(d/2)))
}

// hide hides a message, if SQS can be asked to. If not, the message comes again
// when the queue's own time-out ends.
func (p *processor) hide(ctx context.Context, m *events.SQSMessage, d time.Duration) bool {
	if p.queue == nil {
		return false
	}
	err := p.changeVisibility(ctx, m, d)
	if err != nil {
		p.logger.WarnContext(ctx, "message not hidden: it comes again when the queue's visibility time-out ends", "queue", queueName(m.EventSourceARN), "message_id", m.MessageId, slog.String("for", d.String()), "error", err.Error())
	}
	return err == nil
}

// changeVisibility makes an error of a panic of the client: it is not the
// handler's, and may cost no other message.
func (p *processor) changeVisibility(ctx context.Context, m *events.SQSMessage, d time.Duration) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = &Error{Kind: KindPanic, Op: "hide", Reason: fmt.Sprint("the client panicked: ", panicked)}
		}
	}()
	return p.queue.Hide(ctx, m.EventSourceARN, m.ReceiptHandle, d)
}
