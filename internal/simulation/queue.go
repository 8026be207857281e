package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
)

// Times and limits of every function and queue.
const (
	functionTimeout = 30 * time.Second
	visibility      = 6 * functionTimeout

	// As package constructs sets them.
	maxReceives        = 10
	orderedMaxReceives = 1000
)

// queue is a subscription's queue with its event source mapping. It hands
// messages out in no order, some to two at once.
type queue struct {
	*world
	sub         *bus.Definition
	consumer    *bus.Consumer
	batchSize   int
	concurrency int
	maxReceives int

	visible []*message // to be handed out
	active  int        // invocations under way
	made    int        // messages so far
	junk    int        // of them that are no events
	dead    []bus.DeadLetter
	polling bool
	handles map[string]*message // by receipt handle
}

type message struct {
	id         string
	eventID    string // "" when it is no event
	body       string
	attributes map[string]events.SQSMessageAttribute
	receives   int
	hidden     int // counts what has changed its visibility: an older end of it is void
	deleted    bool
}

// add puts a message into the queue.
func (q *queue) add(body string) { q.put(&message{body: body}) }

func (q *queue) put(m *message) {
	q.made++
	m.id = fmt.Sprintf("%s-%d", q.sub.Name, q.made)
	var read struct{ Detail event.Envelope }
	if json.Unmarshal([]byte(m.body), &read) == nil {
		m.eventID = read.Detail.ID
	}
	if m.eventID == "" {
		q.junk++
	}
	q.trace.note(q.scheduler, m.id, "is ", m.eventID)
	q.show(m)
}

// show makes a message visible.
func (q *queue) show(m *message) {
	if m.deleted {
		return
	}
	m.hidden++
	q.visible = append(q.visible, m)
	q.poll()
}

// hide keeps a message from others for d.
func (q *queue) hide(m *message, d time.Duration) {
	m.hidden++
	n := m.hidden
	q.at(d, func() {
		if m.hidden == n {
			q.show(m)
		}
	})
}

// poll begins an invocation when there is something to do and somebody for it.
func (q *queue) poll() {
	if q.polling || q.active >= q.concurrency || len(q.visible) == 0 {
		return
	}
	q.polling = true
	q.at(q.between(0, 20*time.Millisecond), func() {
		q.polling = false
		q.invoke()
		q.poll()
	})
}

func (q *queue) invoke() {
	var batch []*message
	var records []events.SQSMessage
	for n := 1 + q.random.IntN(q.batchSize); len(batch) < n && len(q.visible) > 0; {
		i := q.random.IntN(len(q.visible))
		m := q.visible[i]
		if !q.trouble(20) || m.deleted { // else it is handed out to somebody else as well
			last := len(q.visible) - 1
			q.visible[i] = q.visible[last]
			q.visible = q.visible[:last]
		}
		if m.deleted {
			continue
		}
		if m.receives++; m.receives > 1 {
			q.again++
		}
		if m.receives > q.maxReceives {
			m.deleted = true
			q.violated(OnlyPoison, m.eventID, "%s was received %d times and goes to the dead-letter queue of %s", m.id, m.receives, q.sub.Name)
			continue
		}
		q.hide(m, visibility)
		batch = append(batch, m)
		records = append(records, q.record(m))
	}
	if len(batch) == 0 {
		return
	}
	q.active++
	var response events.SQSEventResponse
	t := &task{
		name: fmt.Sprintf("%s #%d", q.sub.Name, q.started), deadline: functionTimeout, skew: q.skew(),
		faults: func() bool { return q.mayFail(batch) },
		done: func(died bool) {
			q.active--
			if !died {
				q.answered(batch, response)
			}
			q.poll()
		},
	}
	q.start(t, func() {
		var err error
		if response, err = q.consumer.Handle(context.Background(), events.SQSEvent{Records: records}); err != nil {
			q.violated(Delivered, batch[0].eventID, "the consumer of %s fails: %v", q.sub.Name, err)
		}
	})
}

func (q *queue) record(m *message) events.SQSMessage {
	handle := fmt.Sprintf("%s/%d", m.id, m.receives)
	q.handles[handle] = m
	return events.SQSMessage{
		MessageId: m.id, ReceiptHandle: handle, Body: m.body,
		Attributes:        map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.receives)},
		MessageAttributes: m.attributes,
		EventSource:       "aws:sqs", EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:" + q.sub.Name, AWSRegion: "us-east-1",
	}
}

// mayFail keeps faults below what the framework promises to survive: an event
// that fails five times is given up, and a message that is received ten times.
func (q *queue) mayFail(batch []*message) bool {
	for _, m := range batch {
		if m.receives > maxReceives/2 || m.eventID != "" && q.attempts(m.eventID) > 2 {
			return false
		}
	}
	return true
}

// attempts are those at an event; in an ordered subscription the most at an event
// of its stream, because a message stands for all of it.
func (q *queue) attempts(eventID string) int {
	n := q.delivery(eventID, q.sub).Attempts
	if !q.sub.Ordered {
		return n
	}
	stream, _, err := event.ParseID(eventID)
	for v := int64(1); err == nil; v++ {
		id := event.EventID(stream, v)
		if q.typeOf(id) == "" {
			break
		}
		if d := q.delivery(id, q.sub); !passed(d) {
			n = max(n, d.Attempts)
		}
	}
	return n
}

// answered deletes what is done with. A message that is not deleted comes again
// when its time is up.
func (q *queue) answered(batch []*message, response events.SQSEventResponse) {
	again := map[string]bool{}
	for _, f := range response.BatchItemFailures {
		again[f.ItemIdentifier] = true
	}
	for _, m := range batch {
		if !again[m.id] && !(q.trouble(20) && m.receives < maxReceives/2) {
			m.deleted = true
		}
	}
}

var _ bus.Queue = (*queue)(nil)

// ChangeVisibility implements [bus.Queue].
func (q *queue) ChangeVisibility(_ context.Context, _, receiptHandle string, d time.Duration) error {
	m := q.handles[receiptHandle]
	return q.send(fmt.Sprintf("hide %s (%s) for %v", m.id, m.eventID, d), func() {
		if !m.deleted {
			q.hide(m, d)
		}
	})
}

// SendToDeadLetter implements [bus.Queue].
func (q *queue) SendToDeadLetter(_ context.Context, d bus.DeadLetter) error {
	return q.send("dead letter "+d.Attributes[bus.AttrEventID], func() {
		q.dead = append(q.dead, d)
		if id := d.Attributes[bus.AttrEventID]; q.sub.Ordered && id != "" {
			q.at(q.between(time.Second, 10*time.Minute), func() { q.mend(id, d) })
		}
	})
}

// mend is what a person does about an event that blocks its stream: mostly skips
// it, first tries it once more in some cases.
func (q *queue) mend(eventID string, d bus.DeadLetter) {
	if q.delivery(eventID, q.sub).Status == bus.Ignored {
		q.add(d.Body) // the stream goes on with the next message about it
		return
	}
	if q.chance(300) {
		q.redrive(d)
		q.at(5*time.Minute, func() { q.mend(eventID, d) })
		return
	}
	q.start(&task{
		name: fmt.Sprintf("person #%d", q.started), deadline: time.Hour, skew: q.skew(),
		faults: func() bool { return true },
		done:   func(bool) { q.at(q.between(time.Second, time.Minute), func() { q.mend(eventID, d) }) },
	}, func() {
		err := bus.Skip(context.Background(), q.store, q.sub.Name, eventID, "it is poison")
		q.trace.note(q.scheduler, q.current.name, fmt.Sprintf(" skips %s: %v", eventID, err))
	})
}

// redrive moves a dead letter back to the queue, with its attributes.
func (q *queue) redrive(d bus.DeadLetter) {
	attributes := map[string]events.SQSMessageAttribute{}
	for name, value := range d.Attributes {
		attributes[name] = events.SQSMessageAttribute{DataType: "String", StringValue: &value}
	}
	q.put(&message{body: d.Body, attributes: attributes})
}
