package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/vinci-go/vinci/event"
)

// DeadLetter is a message that a consumer gives up.
type DeadLetter struct {
	SourceARN  string            // of the queue it came from
	Queue      string            // the dead-letter queue's physical name
	Body       string            // as it was received
	Attributes map[string]string // message attributes: why it is there; no value is empty
}

// The message attributes of a dead letter. An event that could not be read has
// neither id, type nor attempts.
const (
	AttrSubscription = "SUBSCRIPTION"
	AttrEventID      = "EVENT_ID"
	AttrEventType    = "EVENT_TYPE"
	AttrAttempts     = "ATTEMPTS"
	AttrErrorKind    = "ERROR_KIND"
	AttrErrorMessage = "ERROR_MESSAGE"
)

// afterFailure decides whether a failed attempt was the last. rec is the record
// that says failed.
func (c *Consumer) afterFailure(ctx context.Context, d *delivery, rec Delivery, cause error, took time.Duration) result {
	if isPermanent(cause) || rec.Attempts >= c.maxAttempts {
		r := c.bury(ctx, d, rec, cause)
		r.took = took
		return r
	}
	base := retryBase
	if errors.Is(cause, event.KindNewerVersion) {
		base = newerRetryBase
	}
	return result{outcome: outcomeFailed, again: true, hide: c.retryDelay(base, rec.Attempts), attempt: rec.Attempts, took: took, err: cause}
}

// bury gives an event up: it goes to the dead-letter queue, then it is recorded,
// then it is acknowledged. In this order nothing is lost by a crash in between;
// the dead-letter queue may then get it twice.
func (c *Consumer) bury(ctx context.Context, d *delivery, seen Delivery, cause error) result {
	if seen.ErrorKind == "" || seen.Status == Processing {
		seen.ErrorKind, seen.ErrorMessage = kindOf(cause), messageOf(cause)
	}
	r := result{outcome: outcomeDead, attempt: seen.Attempts, err: cause}
	if err := c.deadLetter(ctx, d, map[string]string{
		AttrEventID:      clean(d.eventID()),
		AttrEventType:    clean(d.event.Type),
		AttrAttempts:     strconv.Itoa(seen.Attempts),
		AttrErrorKind:    seen.ErrorKind,
		AttrErrorMessage: seen.ErrorMessage,
	}); err != nil {
		return result{outcome: outcomeFailed, again: true, hide: c.retryDelay(retryBase, d.receives), attempt: seen.Attempts, err: errors.Join(cause, err)}
	}
	if _, err := c.write(ctx, d, Dead, d.dead(c, seen)); err != nil {
		r = c.unrecorded(d, err)
		r.err = errors.Join(cause, err)
	}
	return r
}

// discard gives up a message that is no event. There is no id to record it by.
func (c *Consumer) discard(ctx context.Context, d *delivery, cause error) result {
	if d.place > 0 {
		return result{outcome: outcomeUndecodable, err: cause} // the delivery before it sends the message
	}
	if err := c.deadLetter(ctx, d, map[string]string{
		AttrErrorKind:    kindOf(cause),
		AttrErrorMessage: messageOf(cause),
	}); err != nil {
		return result{outcome: outcomeFailed, again: true, hide: c.retryDelay(retryBase, d.receives), err: errors.Join(cause, err)}
	}
	return result{outcome: outcomeUndecodable, err: cause}
}

// deadLetter sends a message to the dead-letter queue, if there is one.
func (c *Consumer) deadLetter(ctx context.Context, d *delivery, attributes map[string]string) error {
	if c.dlq == "" {
		return nil
	}
	attributes[AttrSubscription], attributes[AttrNamespace] = d.subscription, clean(d.namespace)
	for name, value := range attributes {
		if value == "" {
			delete(attributes, name) // SQS takes no empty value
		}
	}
	letter := DeadLetter{Queue: c.dlq, Attributes: attributes}
	if d.change != nil {
		letter.SourceARN, letter.Body = d.change.Source, d.change.Letter()
	} else {
		letter.SourceARN, letter.Body = d.message.EventSourceARN, d.message.Body
	}
	err := c.queue.SendToDeadLetter(ctx, letter)
	if err != nil {
		return fmt.Errorf("send to the dead-letter queue %s: %w", c.dlq, err)
	}
	return nil
}
