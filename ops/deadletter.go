package ops

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Box is one of the two queues in which a subscription keeps what did not arrive.
type Box string

// The boxes; the zero Box is DeadLetters.
const (
	// DeadLetters has what the subscription gave up.
	DeadLetters Box = "dead letters"
	// Undelivered has what EventBridge could not put into the subscription's queue.
	Undelivered Box = "undelivered"
)

func (o *Ops) box(b Box, subscription string) string {
	if b == Undelivered {
		return o.names.UndeliveredQueue(subscription)
	}
	return o.names.DeadLetterQueue(subscription)
}

// DeadLetter is a message that waits for a person.
type DeadLetter struct {
	MessageID    string `json:"message_id"`         // SQS's own
	EventID      string `json:"event_id,omitempty"` // empty: it is no event
	EventType    string `json:"event_type,omitempty"`
	Namespace    string `json:"namespace,omitempty"` // of a replay
	Attempts     int    `json:"attempts,omitempty"`
	ErrorKind    string `json:"error_kind"`
	ErrorMessage string `json:"error_message"`
	// Sent is when this message was put into a queue for the first time: from then on
	// counts the time after which SQS throws it away. That is when a consumer gave it
	// up, and, for a message that SQS moved by itself, when it was first delivered.
	Sent       time.Time         `json:"sent"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Body       string            `json:"body"`
	Event      *event.Envelope   `json:"-"` // nil: it is no event
	Delivery   *Delivery         `json:"delivery,omitempty"`

	message Message
}

// ID is what the letter is called in a [Pick]: the id of its delivery record, or
// message:… with SQS's id when it is no event.
func (l *DeadLetter) ID() string {
	if l.EventID == "" {
		return "message:" + l.MessageID
	}
	return bus.RecordID(l.EventID, l.Namespace)
}

// The attributes of a message that EventBridge could not deliver.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
const (
	attrRuleErrorCode    = "ERROR_CODE"
	attrRuleErrorMessage = "ERROR_MESSAGE"
)

// letter reads a message of a subscription to the events of an application, "" for its
// own.
func letter(m Message, from string) DeadLetter {
	l := DeadLetter{MessageID: m.ID, Sent: m.Sent, Attributes: m.Attributes, Body: m.Body, message: m}
	if n := m.Attributes[bus.AttrNamespace]; bus.CheckNamespace(n) == nil {
		l.Namespace = n
	}
	var body struct {
		Detail *event.Envelope `json:"detail"`
	}
	if err := json.Unmarshal([]byte(m.Body), &body); err == nil && body.Detail != nil && nameable(body.Detail.ID) {
		l.Event, l.EventID, l.EventType = body.Detail, bus.ForeignID(from, body.Detail.ID), body.Detail.Type
	}
	if n, err := strconv.Atoi(m.Attributes[bus.AttrAttempts]); err == nil {
		l.Attempts = n
	}
	l.ErrorKind, l.ErrorMessage = m.Attributes[bus.AttrErrorKind], m.Attributes[bus.AttrErrorMessage]
	if code := m.Attributes[attrRuleErrorCode]; code != "" && l.ErrorKind == "" {
		l.ErrorKind, l.ErrorMessage = code, m.Attributes[attrRuleErrorMessage]
	}
	return l
}

// maxNamed is the longest event id by which a letter is named; those of the log are
// much shorter.
const maxNamed = 256

// nameable reports whether an event id may stand in a record of an act, of which 500
// must fit into one event: a queue holds what anybody has sent.
func nameable(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return id != "" && len(id) <= maxNamed
}

// explain adds what the delivery record says of a letter. SQS moves a message by
// itself that was received too often, and leaves no reason.
func (l *DeadLetter) explain(d *bus.Delivery, now time.Time) {
	if d != nil {
		v := view(d, now)
		l.Delivery = &v
		if l.Attempts == 0 {
			l.Attempts = d.Attempts
		}
	}
	if l.ErrorKind != "" {
		return
	}
	l.ErrorKind = "received too often"
	l.ErrorMessage = "SQS moved it after maxReceiveCount receipts, and no attempt was recorded"
	if d != nil && d.ErrorKind != "" {
		l.ErrorMessage = "SQS moved it after maxReceiveCount receipts; last attempt: " + d.ErrorKind + ": " + d.ErrorMessage
	}
}

// How messages are looked through.
const (
	// lookHide is for how long messages that are looked at are hidden. Those that come
	// again because it took longer are known by their id.
	lookHide = 2 * time.Minute
	// chunk is how many messages are worked on between two events of an act, which
	// name them all and must stay far below the size of an event.
	chunk = 500
)

// sweep receives messages until there are no more, or as many as are wanted; most 0
// is all. Those of which want says no come back without their bodies. A message that
// comes again is known by its id, and the newest receipt of each counts.
func (o *Ops) sweep(ctx context.Context, queue string, most int, want func(*Message) bool) (wanted, rest []Message, err error) {
	at := map[string]*Message{}
	var order, others []*Message
	for most == 0 || len(order) < most {
		some, err := o.queues.Receive(ctx, queue, lookHide)
		if err != nil {
			return values(order), values(others), err
		}
		fresh := false
		for i := range some {
			m := &some[i]
			if old := at[m.ID]; old != nil {
				old.Receipt = m.Receipt
				continue
			}
			at[m.ID], fresh = m, true
			if want(m) {
				order = append(order, m)
			} else {
				m.Body, m.Attributes = "", nil
				others = append(others, m)
			}
		}
		if !fresh {
			break
		}
	}
	return values(order), values(others), nil
}

func values(of []*Message) []Message {
	out := make([]Message, len(of))
	for i, m := range of {
		out[i] = *m
	}
	return out
}

// release gives messages back, also when ctx has ended.
func (o *Ops) release(ctx context.Context, queue string, messages []Message) error {
	if len(messages) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return o.queues.Release(ctx, queue, messages)
}

// DeadLetters lists what waits in a box, with the reason, the oldest first: at most
// limit letters, all when it is 0. It takes nothing out. While it looks, the messages
// are hidden from others, and SQS counts them as received, which does nothing to a
// message that is in a dead-letter queue already.
//
// More than 120,000 messages cannot be listed at once: SQS has no more in flight.
func (o *Ops) DeadLetters(ctx context.Context, subscription string, b Box, limit int) ([]DeadLetter, error) {
	s, err := o.withQueues("dlq", subscription)
	if err != nil {
		return nil, err
	}
	queue := o.box(b, s.Name)
	messages, _, err := o.sweep(ctx, queue, limit, func(*Message) bool { return true })
	if err = errors.Join(err, o.release(ctx, queue, messages)); err != nil {
		return nil, o.noBox(err, "dlq", s.Name, b)
	}
	letters, err := o.letters(ctx, s, messages)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(letters, func(a, b DeadLetter) int { return a.Sent.Compare(b.Sent) })
	if limit > 0 && len(letters) > limit {
		letters = letters[:limit]
	}
	return letters, nil
}

// noBox says what it means when the queue is not there.
func (o *Ops) noBox(err error, op, subscription string, b Box) error {
	if isAbsent(err) && b != Undelivered {
		return &Error{Kind: KindUnknown, Op: op, Subscription: subscription, Reason: "it has no dead-letter queue: give it one with EventHandlerProps.DeadLetterQueue, and deploy", Err: err}
	}
	return err
}

func isAbsent(err error) bool { return errors.Is(err, KindUnknown) }

// letters reads messages, with their delivery records.
// A message without a namespace is explained by the current generation's.
func (o *Ops) letters(ctx context.Context, s *subscription, messages []Message) ([]DeadLetter, error) {
	generation, err := o.generation(ctx, s)
	if err != nil {
		return nil, err
	}
	letters := make([]DeadLetter, len(messages))
	var keys []orm.Pair[string, string]
	var of []int
	for i, m := range messages {
		letters[i] = letter(m, s.From)
		id := letters[i].ID()
		if letters[i].EventID != "" && letters[i].Namespace == "" {
			id = bus.RecordID(id, generation)
		}
		key := orm.Key(id, s.Name)
		if letters[i].EventID != "" && bus.Deliveries.CheckKey(key) == nil {
			keys, of = append(keys, key), append(of, i)
		}
	}
	records, err := o.records(ctx, keys)
	if err != nil {
		return nil, err
	}
	byLetter := make([]*bus.Delivery, len(letters))
	for n, i := range of {
		byLetter[i] = records[n]
	}
	for i := range letters {
		letters[i].explain(byLetter[i], o.now())
	}
	return letters, nil
}

// records reads delivery records, nil where there is none. The same key may be asked
// for several times.
func (o *Ops) records(ctx context.Context, keys []orm.Pair[string, string]) ([]*bus.Delivery, error) {
	var distinct []orm.Pair[string, string]
	at := map[orm.Pair[string, string]]int{}
	for _, k := range keys {
		if _, seen := at[k]; !seen {
			at[k] = len(distinct)
			distinct = append(distinct, k)
		}
	}
	found, err := bus.Deliveries.GetBatch(ctx, o.store, distinct)
	if err != nil {
		return nil, err
	}
	out := make([]*bus.Delivery, len(keys))
	for i, k := range keys {
		out[i] = found[at[k]]
	}
	return out, nil
}
