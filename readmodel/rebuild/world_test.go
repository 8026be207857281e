package rebuild_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/readmodel"
	"github.com/vinci-go/vinci/readmodel/rebuild"
)

// A small application with two read models: one counts each event, the other one
// keeps each stream's events in their order.

type happened struct {
	N int `json:"n"`
}

var thingHappened = event.Define[happened]("thing.happened")

type mark struct {
	Key  string `dynamo:"key,hash"` // generation#what
	N    int    `dynamo:"n"`
	Text string `dynamo:"text,omitempty"`
}

var (
	counts = orm.Define[mark, string]("counts")
	countN = orm.Number(counts, func(m *mark) *int { return &m.N })
	orders = orm.Define[mark, string]("orders")

	counted = bus.Subscription("counted", bus.To(thingHappened), bus.Writes(counts), bus.Rebuildable())
	ordered = bus.Subscription("ordered", bus.To(thingHappened), bus.Writes(orders), bus.Rebuildable(), bus.Ordered())
)

func generationOf(m mark) string {
	g, _, _ := strings.Cut(m.Key, "#")
	return g
}

func count(ctx context.Context, e event.Event[happened], tx *bus.Tx) error {
	g := bus.Namespace(ctx)
	tx.Write(counts.Update(g+"#"+e.ID, countN.Add(1)), counts.Update(g+"#all", countN.Add(e.Data.N)))
	return nil
}

func order(ctx context.Context, e event.Event[happened], tx *bus.Tx) error {
	key := bus.Namespace(ctx) + "#" + e.Subject
	m, err := orders.Get(ctx, tx, key)
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		return err
	}
	tx.Write(orders.Put(mark{Key: key, N: m.N + 1, Text: m.Text + " " + strconv.Itoa(e.Data.N)}))
	return nil
}

// world is one deployment in which everything goes wrong that may: one thing at a time
// happens, decided by one source of random numbers.
type world struct {
	random *rand.Rand
	now    time.Time
	memory *ormtest.Memory
	log    *eventlog.Log // without failures
	sub    *bus.Definition
	model  *rebuild.Model
	o      rebuild.Options
	parts  []bus.Part
	tasks  []*task
	queue  []*message
	dead   []bus.DeadLetter
	ids    int
	calm   bool // nothing goes wrong any more

	indexed map[string]time.Time // when the index shows an event, by id
	all     []event.Metadata
	stale   time.Duration // how old a pointer the consumer may read: a mutation
	pointer []pointerAt
	runs    int // of the tool, that ended by themselves
	flips   int
	errs    []error
}

type pointerAt struct {
	at   time.Time
	item orm.Item
}

type message struct {
	events.SQSMessage
	visible  time.Time
	receives int
}

// task is a process that runs until its next call.
type task struct {
	name   string
	resume chan struct{}
	paused chan struct{}
	ended  chan struct{}
	over   bool
	wake   time.Time
	killed bool
	tool   bool
}

type taskKey struct{}

var errKilled = errors.New("the process was killed")

const (
	maxLag     = 20 * time.Second // of the index
	visibility = 30 * time.Second
)

func newWorld(seed uint64, sub *bus.Definition) *world {
	w := &world{random: rand.New(rand.NewPCG(seed, 6)), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), sub: sub, indexed: map[string]time.Time{}}
	w.memory = ormtest.New(ormtest.Clock(w.clock))
	w.memory.Subscribe(w.committed)
	w.log = eventlog.New(w.memory, eventlog.Options{Source: "sim", Now: w.clock, NewID: w.newID})
	table, part := rebuild.Items(counts, generationOf), bus.OnTx(thingHappened, count)
	if sub == ordered {
		table, part = rebuild.Items(orders, generationOf), bus.OnTx(thingHappened, order)
	}
	w.parts = []bus.Part{part}
	var err error
	if w.model, err = rebuild.NewModel(sub, []rebuild.Table{table}, w.parts...); err != nil {
		panic(err)
	}
	w.o = rebuild.Options{
		Application: "sim", Deployment: "test", From: w.now.Add(-time.Hour), Rate: 20,
		Settle: maxLag + time.Second, Patience: 5 * time.Minute, Grace: 2 * time.Minute, Concurrency: 1,
	}
	return w
}

func (w *world) clock() time.Time { return w.now }

func (w *world) newID() string {
	w.ids++
	return fmt.Sprintf("id-%d", w.ids)
}

func (w *world) within(d time.Duration) time.Duration {
	return time.Duration(w.random.Int64N(int64(d) + 1))
}

func (w *world) chance(percent int) bool { return w.random.IntN(100) < percent }

// committed is the relay: every event comes to the queue, late, sometimes twice.
func (w *world) committed(r ormtest.Record) {
	if r.New == nil || r.Table.Name != eventlog.Events.Schema().Name {
		return
	}
	stored, err := eventlog.StoredOf(r.New)
	if err != nil {
		panic(err)
	}
	e, err := stored.Envelope("sim")
	if err != nil {
		panic(err)
	}
	lag := w.within(maxLag)
	if w.calm {
		lag = 0
	}
	w.indexed[e.ID] = w.now.Add(lag)
	if e.Type != thingHappened.Name() {
		return
	}
	w.all = append(w.all, e.Metadata)
	w.put(e, nil, w.within(5*time.Second))
	if w.chance(20) {
		w.put(e, nil, w.within(5*time.Minute))
	}
}

func (w *world) put(e event.Envelope, attributes map[string]string, after time.Duration) {
	body, err := bus.MessageBody(e)
	if err != nil {
		panic(err)
	}
	w.enqueue(string(body), attributes, after)
}

func (w *world) enqueue(body string, attributes map[string]string, after time.Duration) {
	m := &message{visible: w.now.Add(after)}
	m.MessageId, m.Body, m.EventSourceARN = w.newID(), body, "arn:aws:sqs:us-east-1:000000000000:q"
	m.MessageAttributes = map[string]events.SQSMessageAttribute{}
	for name, value := range attributes {
		m.MessageAttributes[name] = events.SQSMessageAttribute{DataType: "String", StringValue: &value}
	}
	w.queue = append(w.queue, m)
}

// yield lets others go on, for a while.
func (w *world) yield(ctx context.Context, d time.Duration) error {
	t, _ := ctx.Value(taskKey{}).(*task)
	if t == nil {
		return nil
	}
	if t.killed {
		return errKilled
	}
	t.wake = w.now.Add(d)
	t.paused <- struct{}{}
	<-t.resume
	if t.killed {
		return errKilled
	}
	return nil
}

func (w *world) sleep(ctx context.Context, d time.Duration) error { return w.yield(ctx, d) }

func (w *world) start(name string, body func(ctx context.Context)) *task {
	t := &task{name: name, resume: make(chan struct{}), paused: make(chan struct{}), ended: make(chan struct{}), wake: w.now}
	w.tasks = append(w.tasks, t)
	go func() {
		<-t.resume
		body(context.WithValue(event.WithFlow(context.Background(), event.Flow{Actor: "ada"}), taskKey{}, t))
		close(t.ended)
	}()
	return t
}

// step lets a task go on to its next call.
func (w *world) step(t *task) {
	t.resume <- struct{}{}
	select {
	case <-t.paused:
	case <-t.ended:
		t.over = true
		w.tasks = slices.DeleteFunc(w.tasks, func(o *task) bool { return o == t })
	}
}

// store is the table store of a process: each call may be refused, and its process may
// die before or after it.
type store struct {
	*ormtest.Memory
	w        *world
	consumer bool
}

func (s *store) call(ctx context.Context, effect func() error) error {
	if err := s.w.yield(ctx, s.w.within(50*time.Millisecond)); err != nil {
		return err
	}
	if !s.w.calm && s.w.chance(1) {
		return &orm.Error{Kind: orm.KindThrottled, Op: "call"}
	}
	err := effect()
	if !s.w.calm && s.w.chance(1) {
		return &orm.Error{Kind: orm.KindUnavailable, Op: "call"} // it happened
	}
	return err
}

func (s *store) Get(ctx context.Context, r *orm.GetRequest) (item orm.Item, err error) {
	err = s.call(ctx, func() (err error) {
		item, err = s.Memory.Get(ctx, r)
		if s.consumer && s.w.stale > 0 && r.Table == eventlog.State.Schema() {
			if k, err := eventlog.State.Decode(item); item == nil || err == nil && k.Kind == eventlog.StateModel {
				item = s.w.pointerBefore(s.w.now.Add(-s.w.stale))
			}
		}
		return err
	})
	return item, err
}

func (w *world) pointerBefore(at time.Time) (item orm.Item) {
	for _, p := range w.pointer {
		if !p.at.After(at) {
			item = p.item
		}
	}
	return item
}

func (s *store) Query(ctx context.Context, r *orm.QueryRequest) (page *orm.Page, err error) {
	err = s.call(ctx, func() (err error) {
		if page, err = s.Memory.Query(ctx, r); err != nil || r.Index == "" || r.Table != eventlog.Events.Schema() {
			return err
		}
		page.Items = slices.DeleteFunc(page.Items, func(item orm.Item) bool {
			e, err := eventlog.Events.Decode(item)
			return err == nil && s.w.indexed[event.EventID(e.Stream, e.Version)].After(s.w.now)
		})
		return nil
	})
	return page, err
}

func (s *store) Scan(ctx context.Context, r *orm.ScanRequest) (page *orm.Page, err error) {
	err = s.call(ctx, func() (err error) { page, err = s.Memory.Scan(ctx, r); return err })
	return page, err
}

func (s *store) BatchGet(ctx context.Context, r *orm.BatchGetRequest) (out *orm.BatchGetResult, err error) {
	err = s.call(ctx, func() (err error) { out, err = s.Memory.BatchGet(ctx, r); return err })
	return out, err
}

func (s *store) Do(ctx context.Context, a orm.Action) (item orm.Item, err error) {
	err = s.call(ctx, func() (err error) { item, err = s.Memory.Do(ctx, a); return err })
	return item, err
}

func (s *store) Transact(ctx context.Context, token string, actions []orm.Action) error {
	return s.call(ctx, func() error {
		err := s.Memory.Transact(ctx, token, actions)
		s.w.notePointer()
		return err
	})
}

func (s *store) BatchWrite(ctx context.Context, r *orm.BatchWriteRequest) (out *orm.BatchWriteResult, err error) {
	err = s.call(ctx, func() (err error) { out, err = s.Memory.BatchWrite(ctx, r); return err })
	return out, err
}

func (w *world) notePointer() {
	key := orm.Item{"key": &types.AttributeValueMemberS{Value: eventlog.ModelKey(w.sub.Name)}}
	item, err := w.memory.Get(context.Background(), &orm.GetRequest{Table: eventlog.State.Schema(), Key: key})
	if err == nil && item != nil {
		w.pointer = append(w.pointer, pointerAt{w.now, item})
	}
}

// sim is the queue, as consumers and the tool use it.
type sim struct{ w *world }

func (q sim) ChangeVisibility(_ context.Context, _, receipt string, d time.Duration) error {
	for _, m := range q.w.queue {
		if m.ReceiptHandle == receipt {
			m.visible = q.w.now.Add(d)
		}
	}
	return nil
}

func (q sim) SendToDeadLetter(_ context.Context, l bus.DeadLetter) error {
	q.w.dead = append(q.w.dead, l)
	return nil
}

func (q sim) Send(ctx context.Context, _ string, ms []ops.Outgoing) error {
	if err := q.w.yield(ctx, q.w.within(50*time.Millisecond)); err != nil {
		return err
	}
	for _, m := range ms {
		q.w.enqueue(m.Body, m.Attributes, q.w.within(10*time.Second))
	}
	return nil
}

func (sim) Receive(context.Context, string, time.Duration) ([]ops.Message, error) { return nil, nil }
func (sim) Delete(context.Context, string, []ops.Message) error                   { return nil }
func (sim) Release(context.Context, string, []ops.Message) error                  { return nil }
func (sim) Depth(context.Context, string) (ops.Depth, error)                      { return ops.Depth{}, nil }

// consume starts an invocation on some messages that are visible.
func (w *world) consume() bool {
	var batch []*message
	for _, i := range w.random.Perm(len(w.queue)) {
		if m := w.queue[i]; len(batch) < 4 && !m.visible.After(w.now) {
			m.visible = w.now.Add(visibility)
			m.receives++
			m.ReceiptHandle = fmt.Sprintf("%s/%d", m.MessageId, m.receives)
			m.Attributes = map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.receives)}
			batch = append(batch, m)
		}
	}
	if len(batch) == 0 {
		return false
	}
	s := &store{w.memory, w, true}
	c, err := bus.NewConsumer(bus.ConsumerOptions{
		Subscription: w.sub, Parts: w.parts, Store: s, Queue: sim{w}, DeadLetterQueue: "dlq",
		Log:         eventlog.New(s, eventlog.Options{Source: "sim", Now: w.clock, NewID: w.newID, Sleep: w.sleep, Jitter: w.within}),
		MaxAttempts: 1000, Now: w.clock, NewID: w.newID, Jitter: w.within, Sleep: w.sleep, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		panic(err)
	}
	var in events.SQSEvent
	for _, m := range batch {
		in.Records = append(in.Records, m.SQSMessage)
	}
	var t *task
	t = w.start("consumer", func(ctx context.Context) {
		out, err := c.Handle(ctx, in)
		if err != nil || t.killed {
			return
		}
		again := map[string]bool{}
		for _, f := range out.BatchItemFailures {
			again[f.ItemIdentifier] = true
		}
		w.queue = slices.DeleteFunc(w.queue, func(m *message) bool {
			return !again[m.MessageId] && slices.ContainsFunc(batch, func(b *message) bool { return b == m })
		})
	})
	return true
}

// operate starts the tool.
func (w *world) operate(do func(*rebuild.Tool, context.Context) (rebuild.Result, error)) {
	s := &store{w.memory, w, false}
	o := w.o
	o.Store, o.Queues, o.Now, o.NewID, o.Sleep = s, sim{w}, w.clock, w.newID, w.sleep
	o.Log = eventlog.New(s, eventlog.Options{Source: "sim", Now: w.clock, NewID: w.newID, Sleep: w.sleep, Jitter: w.within})
	tool, err := rebuild.New(w.model, o)
	if err != nil {
		panic(err)
	}
	var t *task
	t = w.start("tool", func(ctx context.Context) {
		r, err := do(tool, ctx)
		if t.killed {
			return
		}
		w.runs++
		if r.Flipped {
			w.flips++
		}
		w.errs = append(w.errs, err)
	})
	t.tool = true
}

func (w *world) commit() {
	w.ids++
	stream := fmt.Sprintf("thing/%d", w.random.IntN(6))
	if _, err := w.log.Commit(context.Background(), eventlog.Changes{Events: []event.Record{thingHappened.At(stream, event.Append).Record(happened{w.ids})}}); err != nil {
		panic(err)
	}
}

// tooling reports whether a tool runs.
func (w *world) tooling() int {
	n := 0
	for _, t := range w.tasks {
		if t.tool {
			n++
		}
	}
	return n
}

// run lets things happen: commits, deliveries, and tools that start, die, go on, give
// up and flip.
func (w *world) run(commits int) error {
	for steps := 0; ; steps++ {
		if steps > 500_000 {
			return fmt.Errorf("it does not end: %d tasks, %d messages, errors %v", len(w.tasks), len(w.queue), w.errs[max(0, len(w.errs)-3):])
		}
		w.calm = len(w.all) >= commits
		switch n := w.random.IntN(1000); {
		case n < 10 && !w.calm:
			w.commit()
			continue
		case n < 60 && len(w.tasks) < 6 && w.consume():
			continue
		case n < 63 && !w.calm && w.tooling() < 2:
			w.operate([]func(*rebuild.Tool, context.Context) (rebuild.Result, error){
				(*rebuild.Tool).Start, (*rebuild.Tool).Start, (*rebuild.Tool).Resume, (*rebuild.Tool).Resume, (*rebuild.Tool).Resume, (*rebuild.Tool).Abort,
			}[w.random.IntN(6)])
			continue
		}
		var ready []*task
		for _, t := range w.tasks {
			if !t.wake.After(w.now) {
				ready = append(ready, t)
			}
		}
		if len(ready) > 0 {
			t := ready[w.random.IntN(len(ready))]
			if !w.calm && w.random.IntN(1000) < 4 {
				t.killed = true
			}
			w.step(t)
			continue
		}
		w.now = w.now.Add(w.within(200 * time.Millisecond))
		if !w.calm || len(w.tasks) > 0 {
			continue
		}
		if w.consume() {
			continue
		}
		if len(w.queue) > 0 {
			w.now = w.now.Add(time.Second)
			continue
		}
		g, err := w.generations()
		if err != nil {
			return err
		}
		if g.Building == "" && len(g.Retired) == 0 {
			return nil
		}
		w.operate((*rebuild.Tool).Resume)
	}
}

func (w *world) generations() (readmodel.Pointer, error) {
	return readmodel.Read(context.Background(), w.memory, w.sub)
}

// check compares the current generation with the log, and finds what is left of others.
func (w *world) check() error {
	g, err := w.generations()
	if err != nil {
		return err
	}
	want := map[string]string{}
	table := counts
	if w.sub == ordered {
		table = orders
		for _, e := range w.all {
			stored, err := w.log.Get(context.Background(), e.ID)
			if err != nil {
				return err
			}
			data, err := thingHappened.Decode(stored)
			if err != nil {
				return err
			}
			want[g.Current+"#"+e.Subject] += " " + strconv.Itoa(data.Data.N)
		}
	} else {
		for _, e := range w.all {
			want[g.Current+"#"+e.ID] = "1"
		}
	}
	var errs []error
	for _, raw := range w.memory.Items(table) {
		m, err := table.Decode(raw)
		if err != nil {
			return err
		}
		is := m.Text
		if w.sub == counted {
			is = strconv.Itoa(m.N)
		}
		switch {
		case generationOf(m) != g.Current:
			errs = append(errs, fmt.Errorf("left over: %s", m.Key))
		case strings.HasSuffix(m.Key, "#all"):
		case is != want[m.Key]:
			errs = append(errs, fmt.Errorf("%s: %q, want %q", m.Key, is, want[m.Key]))
		}
		delete(want, m.Key)
	}
	for key := range want {
		errs = append(errs, fmt.Errorf("missing: %s", key))
	}
	if len(w.dead) > 0 {
		errs = append(errs, fmt.Errorf("dead letters: %v", w.dead))
	}
	return errors.Join(errs...)
}
