package bus

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/capturing"
	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/orm"
)

// delivered is an EventBridge event as a rule without a transformation puts it
// into a queue. events.EventBridgeEvent of aws-lambda-go lacks the name of the
// replay.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html
type delivered struct {
	Detail     *event.Envelope `json:"detail"`
	ReplayName string          `json:"replay-name"`
}

var errNoDetail = errors.New(`it is no event of EventBridge: it has no "detail"; the rule must pass the whole event on`)

// delivery is one event on its way through a consumer.
type delivery struct {
	inv        *invocation
	message    *events.SQSMessage // that brought it; nil when none did
	change     *capturing.Change  // of a table, in place of an event; mostly nil
	event      event.Envelope
	replay     string   // the name of the replay that sent it, mostly empty
	namespace  string   // of its record; see Rebuildable
	filtered   bool     // the subscription asks for other content
	unreadable error    // why there is no event
	handler    *Handler // nil: ignored
	runID      string
	trace      trace
	ran        bool // the handler was called
	receives   int  // how often SQS handed the message out, from 1

	// joins are writes of the consumer's own that are one transaction with the
	// outcome. Their conditions say that the run still holds a lease.
	joins []orm.Write
	// prepared is the transaction that was tried last.
	prepared *eventlog.Prepared

	// redriven: somebody moved the message back from the dead-letter queue, so
	// the event is to be tried once more although its record says dead. The
	// attributes that a dead letter gets stay on it wherever it is moved.
	redriven bool

	subscription string
	from         string // the application of the event, "" for the consumer's own
	logger       *slog.Logger

	arrival  *arrival // of the message; nil when none brought it
	place    int      // among the arrival's deliveries
	unplaced error    // why it is not known in which generations it is to be handled
	over     bool     // it is of a generation that is not live any more
}

// receive reads a message and finds its handler.
func (c *Consumer) receive(inv *invocation, m *events.SQSMessage) *delivery {
	var body delivered
	err := json.Unmarshal([]byte(m.Body), &body)
	if err == nil && body.Detail == nil {
		err = errNoDetail
	}
	var d *delivery
	if err != nil {
		d = &delivery{inv: inv, subscription: c.sub.Name, logger: c.logger, unreadable: &decodeError{err}}
	} else {
		d = c.accept(inv, *body.Detail)
		d.replay = body.ReplayName
	}
	d.message, d.receives = m, consume.Receives(m)
	d.redriven = attribute(m, AttrSubscription) == c.sub.Name
	if d.unreadable != nil {
		return d
	}
	if d.namespace = attribute(m, AttrNamespace); d.namespace != "" {
		if d.unreadable = c.checkNamespace(d); d.unreadable != nil {
			return d
		}
	}
	if c.ofAnother(&d.event) || c.notFor(d.event.ID) {
		d.filtered = true
		return d
	}
	filtered, err := c.filter.leavesOut(d.event.Type, func() ([]byte, error) { return []byte(m.Body), nil })
	if err != nil {
		d.unreadable = &decodeError{err}
	}
	d.filtered = filtered
	return d
}

// attribute is the text of a message attribute, "" when there is none.
func attribute(m *events.SQSMessage, name string) string {
	if a, ok := m.MessageAttributes[name]; ok && a.StringValue != nil {
		return *a.StringValue
	}
	return ""
}

// accept begins the way of an event, whatever brought it, and finds its handler.
func (c *Consumer) accept(inv *invocation, e event.Envelope) *delivery {
	d := &delivery{inv: inv, event: e, subscription: c.sub.Name, from: c.sub.From, logger: c.logger, runID: c.newID(), receives: 1}
	d.trace = traceOf(e.TraceParent, d.runID)
	if d.unreadable = d.checkKey(); d.unreadable != nil {
		return d
	}
	// A message that was sent before the subscription was narrowed down is
	// ignored like one that a wildcard let in.
	d.handler = c.handlers[e.Type]
	return d
}

// checkKey finds an id that cannot be a key and so cannot be recorded: it is no
// event of ours.
func (d *delivery) checkKey() error {
	if err := Deliveries.CheckKey(d.key()); err != nil {
		return &decodeError{fmt.Errorf("its event id cannot be one: %w", err)}
	}
	return nil
}

// retryDelay is how long a message is hidden before attempt+1: it doubles from
// base, with up to half of it more at random, so that what failed together does
// not come again together. SQS counts in whole seconds.
func (c *Consumer) retryDelay(base time.Duration, attempt int) time.Duration {
	const most, doublings = 15 * time.Minute, 20
	d := min(most, base<<min(max(attempt-1, 0), doublings))
	d += c.jitter(d / 2)
	return min(most, consume.Seconds(d))
}

// The first waits after a failure. A program that does not know an event's
// version yet is waiting to be deployed.
const (
	retryBase      = time.Second
	newerRetryBase = time.Minute
)
