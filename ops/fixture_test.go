package ops_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type order struct {
	Number int    `json:"number"`
	City   string `json:"city,omitempty"`
}

var (
	placed  = event.Define[order]("order.placed")
	shipped = event.Define[order]("order.shipped")
)

// queued is a message in a queue of the fake.
type queued struct {
	ops.Message
	visible time.Time
}

// queues is queues in memory, with visibility time-outs by the test's clock.
type queues struct {
	mu     sync.Mutex
	now    func() time.Time
	held   map[string][]*queued
	absent map[string]bool
	n      int
	sent   func(queue string, m ops.Outgoing) // after each message
	fail   func(op, queue string) error
	sends  []int // messages of each Send
}

var _ ops.Queues = (*queues)(nil)

func (q *queues) failing(op, queue string) error {
	if q.absent[queue] {
		return &ops.Error{Kind: ops.KindUnknown, Op: "queue", Reason: "there is no " + queue}
	}
	if q.fail != nil {
		return q.fail(op, queue)
	}
	return nil
}

func (q *queues) Receive(ctx context.Context, queue string, hide time.Duration) ([]ops.Message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := errors.Join(ctx.Err(), q.failing("receive", queue)); err != nil {
		return nil, err
	}
	var out []ops.Message
	for _, m := range q.held[queue] {
		if len(out) < 10 && !m.visible.After(q.now()) {
			m.visible = q.now().Add(hide)
			m.Receives++
			m.Receipt = fmt.Sprint(m.ID, "/", m.Receives)
			out = append(out, m.Message)
		}
	}
	return out, nil
}

func (q *queues) Send(ctx context.Context, queue string, messages []ops.Outgoing) error {
	if err := errors.Join(ctx.Err(), q.failing("send", queue)); err != nil {
		return err
	}
	q.sends = append(q.sends, len(messages))
	for _, m := range messages {
		q.put(queue, ops.Message{Body: m.Body, Attributes: m.Attributes})
		if q.sent != nil {
			q.sent(queue, m)
		}
	}
	return nil
}

// put puts a message as it is, but for its id.
func (q *queues) put(queue string, m ops.Message) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.n++
	m.ID = "m" + strconv.Itoa(q.n)
	if m.Sent.IsZero() {
		m.Sent = q.now()
	}
	q.held[queue] = append(q.held[queue], &queued{Message: m})
	return m.ID
}

func (q *queues) Delete(ctx context.Context, queue string, messages []ops.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := errors.Join(ctx.Err(), q.failing("delete", queue)); err != nil {
		return err
	}
	q.held[queue] = slices.DeleteFunc(q.held[queue], func(m *queued) bool {
		return slices.ContainsFunc(messages, func(d ops.Message) bool { return d.Receipt == m.Receipt })
	})
	return nil
}

func (q *queues) Release(_ context.Context, queue string, messages []ops.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range q.held[queue] {
		if slices.ContainsFunc(messages, func(d ops.Message) bool { return d.Receipt == m.Receipt }) {
			m.visible = time.Time{}
		}
	}
	return nil
}

func (q *queues) Depth(_ context.Context, queue string) (ops.Depth, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var d ops.Depth
	if err := q.failing("depth", queue); err != nil {
		return d, err
	}
	for _, m := range q.held[queue] {
		if m.visible.After(q.now()) {
			d.InFlight++
		} else {
			d.Waiting++
		}
	}
	return d, nil
}

// visible are the messages that anybody could receive now.
func (q *queues) visible(queue string) int {
	d, _ := q.Depth(context.Background(), queue)
	return d.Waiting
}

// fixture is a deployment of one store, one log and some subscriptions, each with a
// consumer.
type fixture struct {
	t      *testing.T
	ops    *ops.Ops
	kits   map[string]*bustest.Kit
	names  []string
	first  *bustest.Kit
	queues *queues
	letter map[string]int // dead letters that were moved into the queue
	waits  []time.Duration
	ids    int
	ctx    context.Context // alice's
}

type part struct {
	sub   *bus.Definition
	parts []bus.Part
}

func newFixture(t *testing.T, parts ...part) *fixture {
	t.Helper()
	f := &fixture{t: t, kits: map[string]*bustest.Kit{}, letter: map[string]int{}, ctx: event.WithFlow(t.Context(), event.Flow{Actor: "alice"})}
	var store *ormtest.Memory
	var subs []ops.Subscription
	for _, p := range parts {
		kit := bustest.With(t, bustest.Options{Store: store}, p.sub, p.parts...)
		if store == nil {
			store, f.first = kit.Store, kit
		}
		f.kits[p.sub.Name] = kit
		f.names = append(f.names, p.sub.Name)
		subs = append(subs, ops.Of(p.sub))
	}
	f.queues = &queues{now: f.now, held: map[string][]*queued{}, absent: map[string]bool{}}
	o, err := ops.New(ops.Options{
		Application: bustest.Source, Deployment: "test", Store: store, Log: f.first.Log, Queues: f.queues, Subscriptions: subs,
		Now: f.now, NewID: func() string { f.ids++; return fmt.Sprint("id", f.ids) },
		Sleep: func(ctx context.Context, d time.Duration) error {
			f.waits = append(f.waits, d)
			f.advance(d)
			return ctx.Err()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	f.ops = o
	return f
}

func (f *fixture) now() time.Time { return f.first.Now() }

// advance moves all clocks.
func (f *fixture) advance(d time.Duration) {
	for _, k := range f.kits {
		k.Advance(d)
	}
}

func queue(subscription string) string { return "bustest-test-" + subscription }

func dlq(subscription string) string { return queue(subscription) + "_dlq" }

// publish puts an event into the queues of all subscriptions that ask for its type.
func (f *fixture) publish(es ...event.Envelope) {
	f.t.Helper()
	for _, name := range f.names {
		for _, e := range es {
			if wants, err := f.ops.Wants(name, []string{e.Type}); err != nil {
				f.t.Fatal(err)
			} else if len(wants) == 0 {
				continue
			}
			body, err := bus.MessageBody(e)
			if err != nil {
				f.t.Fatal(err)
			}
			f.queues.put(queue(name), ops.Message{Body: string(body)})
		}
	}
}

// work lets all consumers handle what is in their queues, until nothing is left that
// is visible.
func (f *fixture) work() {
	f.t.Helper()
	for _, name := range f.names {
		for {
			got, err := f.queues.Receive(context.Background(), queue(name), time.Minute)
			if err != nil {
				f.t.Fatal(err)
			}
			if len(got) == 0 {
				break
			}
			for _, m := range got {
				f.handle(name, m)
			}
		}
	}
}

func (f *fixture) handle(name string, m ops.Message) {
	kit := f.kits[name]
	msg := kit.Raw(m.Body, m.Receives)
	msg.MessageAttributes = map[string]events.SQSMessageAttribute{}
	for k, v := range m.Attributes {
		msg.MessageAttributes[k] = events.SQSMessageAttribute{DataType: "String", StringValue: &v}
	}
	receipts, err := kit.Handle(context.Background(), msg)
	if err != nil {
		f.t.Fatal(err)
	}
	if !receipts[0].Again {
		if err := f.queues.Delete(context.Background(), queue(name), []ops.Message{m}); err != nil {
			f.t.Fatal(err)
		}
	}
	letters := kit.DeadLetters()
	for _, l := range letters[f.letter[name]:] {
		f.queues.put(dlq(name), ops.Message{Body: l.Body, Attributes: l.Attributes})
	}
	f.letter[name] = len(letters)
}

func (f *fixture) commit(rs ...event.Record) []event.Envelope {
	f.t.Helper()
	es := f.first.Commit(rs...)
	f.advance(time.Second)
	return es
}

// acts are the events of a subscription's acts.
func (f *fixture) acts(subscription string) []event.Envelope {
	f.t.Helper()
	var out []event.Envelope
	for e, err := range f.first.Log.Stream(f.t.Context(), ops.Stream(subscription), 1) {
		if err != nil {
			f.t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

func (f *fixture) trouble(subscription string) []ops.Trouble {
	f.t.Helper()
	var out []ops.Trouble
	for x, err := range f.ops.Trouble(f.t.Context(), subscription) {
		if err != nil {
			f.t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}

// flaky is a handler that fails as long as broken is set, or for the orders of a
// city called nowhere.
type flaky struct {
	mu      sync.Mutex
	broken  bool
	handled []string
}

func (h *flaky) handle(_ context.Context, e event.Event[order]) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.broken || e.Data.City == "nowhere" {
		return bus.Permanent(errors.New("no such city: " + e.Data.City))
	}
	h.handled = append(h.handled, e.ID)
	return nil
}

func at(n int) string { return fmt.Sprint("order/", n) }
