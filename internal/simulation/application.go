package simulation

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// The application that is simulated: what its users would write.

// source is its name.
const source = "simulation"

// fact is the data of every event. No two have the same number, so an event can
// be told from any other wherever it turns up.
type fact struct {
	Number   int    `json:"number"`
	Customer string `json:"customer,omitempty"`
	Cancels  bool   `json:"cancels,omitempty"` // it cancels the order's timer
	// Poison names the subscription that can never handle the event, or "bus".
	Poison string `json:"poison,omitempty"`
}

var (
	placed   = event.Define[fact]("order.placed")
	extended = event.Define[fact]("order.extended")
	shipped  = event.Define[fact]("order.shipped")
	noted    = event.Define[fact]("audit.noted")
	reminded = event.Define[fact]("order.reminded") // by a timer
	invoiced = event.Define[fact]("invoice.made")
)

type tally struct {
	Key string `dynamo:"key,hash"`
	N   int    `dynamo:"n"`
}

var (
	// orders has one item a stream of an order, changed by the very commits that
	// put events there: N is how many.
	orders    = orm.Define[tally, string]("orders")
	orderSize = orm.Number(orders, func(t *tally) *int { return &t.N })

	// effects has one item for each event and transactional subscription: N is how
	// often the event has had its effect.
	effects     = orm.Define[tally, string]("effects")
	effectTimes = orm.Number(effects, func(t *tally) *int { return &t.N })

	// balances has one item a customer, changed by reading it first.
	balances = orm.Define[tally, string]("balances")
	balance  = orm.Attr(balances, func(t *tally) *int { return &t.N })

	// projections has one item an order: N is the version of its stream that was
	// projected last. Its change stream shows the order in which that happened.
	projections = orm.Define[tally, string]("projections", orm.Stream())
	projectedTo = orm.Attr(projections, func(t *tally) *int { return &t.N })
)

// The subscriptions.
var (
	// count counts events, all on one item. Shipped orders and reminders it ignores.
	count = bus.Subscription("count", bus.To(event.Match("order.*")), bus.Writes(effects))

	// invoice reads, decides, writes and commits a further event.
	invoice = bus.Subscription("invoice", bus.To(placed), bus.Writes(effects, balances), bus.Commits(invoiced))

	// mail has an effect outside of DynamoDB.
	mail = bus.Subscription("mail", bus.To(placed, shipped, reminded, event.Match("audit.*"), event.Match("*.made")))

	// project handles the events of each order in their order, in transactions.
	project = bus.Subscription("project", bus.To(event.Match("order.*")), bus.Ordered(), bus.Writes(effects, projections))

	// notify does so with an effect outside of DynamoDB.
	notify = bus.Subscription("notify", bus.To(event.Match("order.*")), bus.Ordered())
)

func effectKey(sub *bus.Definition, eventID string) string { return sub.Name + " " + eventID }

var (
	errPoison = errors.New("simulation: this event is poison")
	errFlaky  = errors.New("simulation: the handler fails this time")
)

// function is a subscription with what it is started with.
type function struct {
	sub         *bus.Definition
	parts       []bus.Part
	batchSize   int
	concurrency int
}

// functions are the application's. The events of a batch with handlers made with
// On are handled at the same time, by goroutines, whose order nobody decides: so
// those get one message at a time.
func (w *world) functions() []function {
	return []function{
		{count, []bus.Part{bus.OnTx(placed, w.countOne), bus.OnTx(extended, w.countOne)}, 10, 3},
		{invoice, []bus.Part{bus.OnTx(placed, w.invoiceOne)}, 5, 3},
		{mail, []bus.Part{bus.On(placed, w.mailOne), bus.On(shipped, w.mailOne), bus.On(reminded, w.mailOne), bus.On(noted, w.mailOne), bus.On(invoiced, w.mailOne)}, 1, 10},
		{project, []bus.Part{bus.OnTx(placed, w.projectOne), bus.OnTx(extended, w.projectOne), bus.OnTx(shipped, w.projectOne)}, 10, 4},
		{notify, []bus.Part{bus.On(placed, w.notifyOne), bus.On(extended, w.notifyOne), bus.On(shipped, w.notifyOne)}, 1, 8},
	}
}

func (w *world) countOne(_ context.Context, e event.Event[fact], tx *bus.Tx) error {
	tx.Write(
		effects.Update(effectKey(count, e.ID), effectTimes.Add(1)),
		effects.Update("all", effectTimes.Add(1)),
	)
	return w.fail(count, e)
}

func (w *world) invoiceOne(ctx context.Context, e event.Event[fact], tx *bus.Tx) error {
	b, err := balances.Get(ctx, tx, e.Data.Customer)
	seen := balance.Eq(b.N)
	if errors.Is(err, orm.KindNotFound) {
		seen = balance.NotExists()
	} else if err != nil {
		return err
	}
	tx.Write(
		effects.Update(effectKey(invoice, e.ID), effectTimes.Add(1)),
		balances.Update(e.Data.Customer, balance.Set(b.N+1)).If(seen),
	)
	tx.Record(invoiced.At("invoice/"+e.Data.Customer, event.Append).Record(fact{Number: -e.Data.Number}))
	return w.fail(invoice, e)
}

func (w *world) mailOne(ctx context.Context, e event.Event[fact]) error {
	return w.outside.run(ctx, mail, e)
}

func (w *world) projectOne(_ context.Context, e event.Event[fact], tx *bus.Tx) error {
	order, version := w.place(e.Metadata)
	tx.Write(
		effects.Update(effectKey(project, e.ID), effectTimes.Add(1)),
		projections.Update(order, projectedTo.Set(version)),
	)
	return w.fail(project, e)
}

func (w *world) notifyOne(ctx context.Context, e event.Event[fact]) error {
	w.inOrder(notify, e.Metadata)
	return w.outside.run(ctx, notify, e)
}

// place is the order that an event is about, and its version there.
func (w *world) place(m event.Metadata) (order string, version int) {
	stream, v, err := event.ParseID(m.ID)
	if err != nil {
		w.violated(Committed, m.ID, "%v", err)
	}
	return strings.TrimPrefix(stream, "order/"), int(v)
}

// inOrder checks that everything before an event in its stream that the
// subscription handles is settled.
func (w *world) inOrder(sub *bus.Definition, m event.Metadata) {
	order, version := w.place(m)
	for v := 1; v < version; v++ {
		id := event.EventID("order/"+order, int64(v))
		if w.typeOf(id) != reminded.Name() && !passed(w.delivery(id, sub)) {
			w.violated(InOrder, m.ID, "%s handles it before %s is settled", sub.Name, id)
		}
	}
}

// passed reports whether an ordered subscription may go on behind an event.
func passed(d bus.Delivery) bool { return d.Status == bus.Succeeded || d.Status == bus.Ignored }

// fail decides whether a run of a handler fails: a poisoned event always does,
// others now and then.
func (w *world) fail(sub *bus.Definition, e event.Event[fact]) error {
	if e.Data.Poison == sub.Name {
		return errPoison
	}
	if w.trouble(15) && w.current.faults() {
		return errFlaky
	}
	return nil
}

// outside is the world outside of DynamoDB, where mails go.
type outside struct {
	*world
	runs    map[string]int   // that took place, by subscription and event id
	running map[string]*task // who is at it now
}

// run has the effect, which takes a while. It checks what a lease promises: no
// two at the same time, and none after success was recorded.
func (o *outside) run(ctx context.Context, sub *bus.Definition, e event.Event[fact]) error {
	t := o.current
	if t.dead {
		return errStopped // a dead process has no effect
	}
	key := sub.Name + "/" + e.ID
	if by := o.running[key]; by != nil && !by.dead && o.now <= by.deadline {
		o.violated(Leased, e.ID, "%s and %s handle it at the same time", by.name, t.name)
	}
	if d := o.delivery(e.ID, sub); d.Status == bus.Succeeded {
		o.violated(Leased, e.ID, "%s handles it although success is recorded", t.name)
	}
	if bus.IdempotencyKey(ctx) != key {
		o.violated(Leased, e.ID, "%s is given the idempotency key %q", t.name, bus.IdempotencyKey(ctx))
	}
	o.runs[key]++
	o.running[key] = t
	o.trace.note(o.scheduler, t.name, "has its effect for ", e.ID)
	most := 100 * time.Millisecond
	if o.trouble(20) && t.faults() {
		most = functionTimeout
	}
	stopped := o.pause(o.between(time.Millisecond, most))
	if o.running[key] == t {
		delete(o.running, key)
	}
	if stopped != nil {
		return stopped
	}
	return o.fail(sub, e)
}
