package bus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// A journal keeps the versions of a stream in the order in which they were
// handled.
type journal struct {
	Stream   string  `dynamo:"stream,hash"`
	Versions []int64 `dynamo:"versions"`
}

var (
	journals        = orm.Define[journal, string]("journals")
	journalVersions = orm.List(journals, func(j *journal) *[]int64 { return &j.Versions })

	inOrderTx = bus.Subscription("in_order_tx", bus.To(event.Match("door.*")), bus.Ordered(), bus.Writes(journals))
	inOrder   = bus.Subscription("in_order", bus.To(doorOpened, doorClosed), bus.Ordered())
)

func note(e event.Metadata, tx *bus.Tx) error {
	_, version, err := event.ParseID(e.ID)
	if err != nil {
		return err
	}
	tx.Write(journals.Update(e.Subject, journalVersions.Append(version)))
	return nil
}

// orderedFixture is a kit whose handlers note what they handle and fail for the
// events that the test names.
type orderedFixture struct {
	*bustest.Kit
	fails map[string]error
	mu    sync.Mutex
	runs  []string // of the handlers, in order
}

func (f *orderedFixture) run(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.runs = append(f.runs, id)
	return f.fails[id]
}

func (f *orderedFixture) tx(_ context.Context, e event.Event[opened], tx *bus.Tx) error {
	return errors.Join(f.run(e.ID), note(e.Metadata, tx))
}

// newOrdered makes a transactional fixture, newOrderedOn a leased one.
func newOrdered(t *testing.T, change func(*bus.ConsumerOptions)) *orderedFixture {
	f := &orderedFixture{fails: map[string]error{}}
	f.Kit = bustest.With(t, bustest.Options{Change: change}, inOrderTx, bus.OnTx(doorOpened, f.tx))
	return f
}

func newOrderedOn(t *testing.T) *orderedFixture {
	f := &orderedFixture{fails: map[string]error{}}
	f.Kit = bustest.New(t, inOrder,
		bus.On(doorOpened, func(_ context.Context, e event.Event[opened]) error { return f.run(e.ID) }),
		bus.OnBatch(doorClosed, func(_ context.Context, es []event.Event[closed]) []error {
			if len(es) != 1 {
				t.Errorf("%d events in one call", len(es))
			}
			return []error{f.run(es[0].ID)}
		}))
	return f
}

// open commits n openings of a door, each alone.
func (f *orderedFixture) open(door string, n int) []event.Envelope {
	var es []event.Envelope
	for i := range n {
		es = append(es, f.Commit(doorOpened.At("door/"+door, event.Append).Record(opened{N: i}))...)
	}
	return es
}

func (f *orderedFixture) wantJournal(t *testing.T, stream string, want ...int64) {
	t.Helper()
	j, err := journals.Get(t.Context(), f.Store, stream)
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		t.Fatal(err)
	}
	if !slices.Equal(j.Versions, want) {
		t.Errorf("%s: handled %v, want %v", stream, j.Versions, want)
	}
}

func (f *orderedFixture) wantRuns(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(f.runs, want) {
		t.Errorf("runs %v, want %v", f.runs, want)
	}
}

func (f *orderedFixture) wantCheckpoint(t *testing.T, stream string, position int64, blockedBy string, waits time.Duration) {
	t.Helper()
	c := f.Checkpoint(stream)
	var left time.Duration
	if !c.LeaseUntil.IsZero() {
		left = c.LeaseUntil.Sub(f.Now())
	}
	if c.Position != position || c.BlockedBy != blockedBy || left != waits {
		t.Errorf("checkpoint of %s: %d, blocked by %q, waits %v; want %d, %q, %v", stream, c.Position, c.BlockedBy, left, position, blockedBy, waits)
	}
}

func wantReceipts(t *testing.T, got []bustest.Receipt, hidden ...time.Duration) {
	t.Helper()
	for i, r := range got {
		if r.Again != (hidden[i] > 0) || r.Hidden != hidden[i] {
			t.Errorf("message %d (%s): comes again: %v after %v, want after %v", i, r.EventID, r.Again, r.Hidden, hidden[i])
		}
	}
}

func TestOrderedReadsToTheHead(t *testing.T) {
	f := newOrdered(t, nil)
	es := f.open("1", 3)
	wantReceipts(t, f.Deliver(es[1]), 0)
	f.wantJournal(t, "door/1", 1, 2, 3)
	f.wantCheckpoint(t, "door/1", 3, "", 0)
	for _, e := range es {
		wantDelivery(t, f.Delivery(e.ID), bus.Succeeded, 1, "")
	}
}

func TestOrderedBatchOutOfOrder(t *testing.T) {
	f := newOrdered(t, nil)
	a, b := f.open("a", 3), f.open("b", 2)
	wantReceipts(t, f.Deliver(a[2], b[1], a[0], a[1], b[0], a[0]), 0, 0, 0, 0, 0, 0)
	f.wantRuns(t, a[0].ID, a[1].ID, a[2].ID, b[0].ID, b[1].ID)
	f.wantJournal(t, "door/a", 1, 2, 3)
	f.wantJournal(t, "door/b", 1, 2)
}

// Redelivered messages cost one refused write and run nothing.
func TestOrderedDuplicates(t *testing.T) {
	f := newOrdered(t, nil)
	es := f.open("1", 2)
	f.Deliver(es...)
	var calls []string
	f.Store.Before(func(c ormtest.Call) error { calls = append(calls, c.Op); return nil })
	wantReceipts(t, f.Deliver(es[1], es[0]), 0, 0)
	wantReceipts(t, f.Deliver(es[0]), 0)
	if !slices.Equal(calls, []string{"do", "do"}) {
		t.Errorf("store calls %v", calls)
	}
	f.wantJournal(t, "door/1", 1, 2)
}

// What is passed over has no record, and the checkpoint goes over it.
func TestOrderedPassesOver(t *testing.T) {
	f := newOrdered(t, nil)
	door := func(def *event.Definition[closed]) event.Record {
		return def.At("door/1", event.Append).Record(closed{})
	}
	before := f.Commit(door(doorClosed), door(doorClosed))
	opening := f.open("1", 1)
	after := f.Commit(door(doorClosed))
	wantReceipts(t, f.Deliver(before[0]), 0)
	f.wantJournal(t, "door/1", 3)
	f.wantCheckpoint(t, "door/1", 4, "", 0)
	wantReceipts(t, f.Deliver(append(after, append(before, opening...)...)...), 0, 0, 0, 0)
	for _, e := range append(before, after...) {
		if f.Delivered(e.ID) {
			t.Errorf("%s has a record", e.ID)
		}
	}
	more := f.Commit(door(doorClosed))
	wantReceipts(t, f.Deliver(more...), 0)
	f.wantCheckpoint(t, "door/1", 5, "", 0)
}

func TestOrderedFailureBlocksItsStreamOnly(t *testing.T) {
	for name, newFixture := range map[string]func(*testing.T) *orderedFixture{
		"OnTx": func(t *testing.T) *orderedFixture { return newOrdered(t, nil) },
		"On":   newOrderedOn,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			a, b := f.open("a", 3), f.open("b", 2)
			f.fails[a[1].ID] = errBoom
			wantReceipts(t, f.Deliver(a[0], a[1], a[2], b[0], b[1]), 0, time.Second, time.Second, 0, 0)
			f.wantCheckpoint(t, "door/a", 1, a[1].ID, time.Second)
			f.wantCheckpoint(t, "door/b", 2, "", 0)
			wantDelivery(t, f.Delivery(a[1].ID), bus.Failed, 1, "failed")

			// Messages that come earlier neither run anything nor count as attempts.
			wantReceipts(t, f.Deliver(a[2], a[1]), time.Second, time.Second)
			wantDelivery(t, f.Delivery(a[1].ID), bus.Failed, 1, "failed")

			f.Advance(time.Second)
			wantReceipts(t, f.Deliver(a[2]), 2*time.Second) // the message behind it tries it as well
			wantDelivery(t, f.Delivery(a[1].ID), bus.Failed, 2, "failed")

			f.Advance(2 * time.Second)
			delete(f.fails, a[1].ID)
			wantReceipts(t, f.Deliver(a[2], a[1]), 0, 0)
			f.wantCheckpoint(t, "door/a", 3, "", 0)
			slices.SortStableFunc(f.runs, func(x, y string) int { return strings.Compare(x[:6], y[:6]) }) // streams run at the same time
			f.wantRuns(t, a[0].ID, a[1].ID, a[1].ID, a[1].ID, a[2].ID, b[0].ID, b[1].ID)
			if got := f.Troubles(); len(got) != 0 {
				t.Errorf("troubles %+v", got)
			}
		})
	}
}

// block makes the second of three events dead.
func (f *orderedFixture) block(t *testing.T) []event.Envelope {
	t.Helper()
	es := f.open("1", 3)
	f.fails[es[1].ID] = bus.Permanent(errBoom)
	wantReceipts(t, f.Deliver(es[0], es[1], es[2]), 0, 0, 0)
	f.wantCheckpoint(t, "door/1", 1, es[1].ID, 0)
	if c := f.Checkpoint("door/1"); !c.GivenUp() {
		t.Errorf("checkpoint %+v", c)
	}
	if l := f.DeadLetters(); len(l) != 1 || l[0].Attributes[bus.AttrEventID] != es[1].ID {
		t.Fatalf("dead letters %v", l)
	}
	wantDelivery(t, f.Delivery(es[1].ID), bus.Dead, 1, "permanent")
	return es
}

func TestOrderedDeadThenRedriven(t *testing.T) {
	for name, newFixture := range map[string]func(*testing.T) *orderedFixture{
		"OnTx": func(t *testing.T) *orderedFixture { return newOrdered(t, nil) },
		"On":   newOrderedOn,
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			es := f.block(t)
			runs := len(f.runs)
			es = append(es, f.open("1", 1)...)
			wantReceipts(t, f.Deliver(es[3], es[2], es[1]), 0, 0, 0) // acknowledged: the log has them
			if len(f.runs) != runs {
				t.Errorf("it ran %v", f.runs[runs:])
			}

			redriven := f.Redriven(f.DeadLetters()[0])
			if r, err := f.Handle(t.Context(), redriven); err != nil || r[0].Again {
				t.Fatalf("%+v, %v", r, err)
			}
			f.wantCheckpoint(t, "door/1", 1, es[1].ID, 0)
			if l := f.DeadLetters(); len(l) != 2 {
				t.Errorf("%d dead letters, want one more", len(l))
			}

			delete(f.fails, es[1].ID)
			if r, err := f.Handle(t.Context(), redriven); err != nil || r[0].Again {
				t.Fatalf("%+v, %v", r, err)
			}
			f.wantCheckpoint(t, "door/1", 4, "", 0)
			f.wantRuns(t, es[0].ID, es[1].ID, es[1].ID, es[1].ID, es[2].ID, es[3].ID)
			wantDelivery(t, f.Delivery(es[1].ID), bus.Succeeded, 3, "")
		})
	}
}

// A replay wants each of its events once more, and not the one that blocks them as
// often as there are others behind it: that would fill the dead-letter queue with it.
func TestOrderedReplayBehindABlock(t *testing.T) {
	f := newOrdered(t, nil)
	es := append(f.block(t), f.open("1", 3)...)
	runs := len(f.runs)
	again := func(e event.Envelope) events.SQSMessage {
		return f.Redriven(bus.DeadLetter{Body: f.Message(e, 1).Body, Attributes: map[string]string{bus.AttrSubscription: "in_order_tx"}})
	}
	for _, e := range es[2:] {
		if r, err := f.Handle(t.Context(), again(e)); err != nil || r[0].Again {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if l := f.DeadLetters(); len(l) != 1 || len(f.runs) != runs {
		t.Errorf("%d dead letters after %v", len(l), f.runs[runs:])
	}
	// The whole stream: the one that blocks is tried once, with whatever comes first.
	var messages []events.SQSMessage
	for _, e := range es {
		messages = append(messages, f.Message(e, 1), again(e))
	}
	if _, err := f.Handle(t.Context(), messages...); err != nil {
		t.Fatal(err)
	}
	if l := f.DeadLetters(); len(l) != 2 || len(f.runs) != runs+1 {
		t.Errorf("%d dead letters after %v", len(l), f.runs[runs:])
	}
	f.wantCheckpoint(t, "door/1", 1, es[1].ID, 0)
}

func TestOrderedDeadAfterFiveAttempts(t *testing.T) {
	f := newOrdered(t, nil)
	es := f.open("1", 2)
	f.fails[es[0].ID] = errBoom
	// Only the message behind it is there: the dead letter is made for the event.
	if r := f.Deliver(es[1])[0]; !r.Again {
		t.Fatalf("%+v", r)
	}
	for range 4 {
		f.Advance(f.Checkpoint("door/1").LeaseUntil.Sub(f.Now()))
		f.Deliver(es[1])
	}
	wantDelivery(t, f.Delivery(es[0].ID), bus.Dead, 5, "failed")
	l := f.DeadLetters()
	if len(l) != 1 || l[0].Attributes[bus.AttrEventID] != es[0].ID || !strings.Contains(l[0].Body, `"id":"door/1@1"`) {
		t.Fatalf("dead letters %+v", l)
	}
	delete(f.fails, es[0].ID)
	if r, err := f.Handle(t.Context(), f.Redriven(l[0])); err != nil || r[0].Again {
		t.Fatalf("%+v, %v", r, err)
	}
	f.wantJournal(t, "door/1", 1, 2)
}

func TestSkip(t *testing.T) {
	f := newOrdered(t, nil)
	es := f.block(t)
	for _, id := range []string{es[0].ID, es[2].ID, "door/2@1"} {
		if err := bus.Skip(t.Context(), f.Store, "in_order_tx", id, ""); !errors.Is(err, bus.KindNotBlocked) {
			t.Errorf("skip %s: %v", id, err)
		}
	}
	if err := bus.Skip(t.Context(), f.Store, "in_order_tx", "nonsense", ""); !errors.Is(err, event.KindInvalid) {
		t.Errorf("skip nonsense: %v", err)
	}
	if err := bus.Skip(t.Context(), f.Store, "in_order_tx", es[1].ID, "a door that never was"); err != nil {
		t.Fatal(err)
	}
	wantDelivery(t, f.Delivery(es[1].ID), bus.Ignored, 1, bus.Skipped)
	if got := f.Troubles(); len(got) != 0 {
		t.Errorf("troubles %+v", got)
	}
	if r, err := f.Handle(t.Context(), f.Redriven(f.DeadLetters()[0])); err != nil || r[0].Again {
		t.Fatalf("%+v, %v", r, err)
	}
	f.wantJournal(t, "door/1", 1, 3)
	f.wantCheckpoint(t, "door/1", 3, "", 0)
	if err := bus.Skip(t.Context(), f.Store, "in_order_tx", es[1].ID, ""); !errors.Is(err, bus.KindNotBlocked) {
		t.Errorf("skip again: %v", err)
	}
}

// Records expire, and a block does not: what was forgotten about can be skipped, too.
func TestSkipAfterTheRecordExpired(t *testing.T) {
	f := newOrdered(t, nil)
	es := f.block(t)
	if err := orm.Exec(t.Context(), f.Store, bus.Deliveries.Delete(orm.Key(es[1].ID, "in_order_tx"))); err != nil {
		t.Fatal(err)
	}
	if err := bus.Skip(t.Context(), f.Store, "in_order_tx", es[1].ID, "long ago"); err != nil {
		t.Fatal(err)
	}
	d := f.Delivery(es[1].ID)
	wantDelivery(t, d, bus.Ignored, 0, bus.Skipped)
	if !d.FirstAt.Equal(f.Now()) || d.ExpiresAt != f.Now().Add(bus.DefaultRetention).Unix() {
		t.Errorf("the record is %+v, and must expire like any other", d)
	}
	f.Deliver(es[1])
	f.wantJournal(t, "door/1", 1, 3)
	f.wantCheckpoint(t, "door/1", 3, "", 0)
}

// A stream's name may look like an id or a namespace.
func TestSkipOddStream(t *testing.T) {
	f := newOrdered(t, nil)
	es := f.open("a!b@c", 2)
	f.fails[es[0].ID] = bus.Permanent(errBoom)
	f.Deliver(es...)
	if err := bus.Skip(t.Context(), f.Store, "in_order_tx", es[0].ID, ""); err != nil {
		t.Fatal(err)
	}
	f.Deliver(es...)
	f.wantJournal(t, "door/a!b@c", 2)
}

// kill makes the store refuse everything from the n-th call on, which is what a
// process that died looks like from outside. It returns the way back.
func (f *orderedFixture) kill(n int) (revive func()) {
	calls := 0
	f.Store.Before(func(ormtest.Call) error {
		if calls++; calls > n {
			return errors.New("the process is dead")
		}
		return nil
	})
	return func() { f.Store.Before(nil) }
}

// runTimeout is short, so that a lease is.
func runTimeout(o *bus.ConsumerOptions) { o.Timeout = time.Minute }

func TestOrderedTakeOver(t *testing.T) {
	f := newOrdered(t, runTimeout)
	es := f.open("1", 2)
	revive := f.kill(2) // after the claim and the reading, before the first transaction
	if r := f.Deliver(es...); !r[0].Again || !r[1].Again {
		t.Fatalf("%+v", r)
	}
	revive()
	const lease = time.Minute + 5*time.Second
	f.wantCheckpoint(t, "door/1", 0, "", lease)
	wantReceipts(t, f.DeliverIn(t.Context(), 3, es[0]), 4*time.Second) // looks again soon
	wantReceipts(t, f.DeliverIn(t.Context(), 9, es[0]), lease)
	f.Advance(lease)
	wantReceipts(t, f.Deliver(es...), 0, 0)
	f.wantJournal(t, "door/1", 1, 2)
	wantDelivery(t, f.Delivery(es[0].ID), bus.Succeeded, 2, "") // the crash was an attempt
	wantDelivery(t, f.Delivery(es[1].ID), bus.Succeeded, 1, "")
}

// An event that ends the process each time dies like any other.
func TestOrderedCrashes(t *testing.T) {
	f := newOrdered(t, runTimeout)
	es := f.open("1", 2)
	for range 5 {
		revive := f.kill(0)
		dead := false
		f.Store.Before(func(c ormtest.Call) error {
			if dead = dead || c.Op == "transact"; dead {
				return errors.New("the process is dead")
			}
			return nil
		})
		if r := f.Deliver(es[0])[0]; !r.Again {
			t.Fatalf("%+v", r)
		}
		revive()
		f.Advance(time.Hour)
	}
	wantReceipts(t, f.Deliver(es...), 0, 0)
	wantDelivery(t, f.Delivery(es[0].ID), bus.Dead, 5, "unfinished")
	f.wantCheckpoint(t, "door/1", 0, es[0].ID, 0)
	f.wantJournal(t, "door/1")
}

// Whatever became of the lease meanwhile, only its holder's transaction happens.
func TestOrderedLeaseLost(t *testing.T) {
	f := newOrdered(t, runTimeout)
	es := f.open("1", 2)
	var other *bustest.Kit
	nested := false
	other = bustest.With(t, bustest.Options{Store: f.Store, Change: runTimeout}, inOrderTx, bus.OnTx(doorOpened, func(_ context.Context, e event.Event[opened], tx *bus.Tx) error {
		return note(e.Metadata, tx)
	}))
	slow := bustest.With(t, bustest.Options{Store: f.Store, Change: runTimeout}, inOrderTx, bus.OnTx(doorOpened, func(_ context.Context, e event.Event[opened], tx *bus.Tx) error {
		if !nested {
			nested = true
			other.Advance(2 * time.Minute)
			wantReceipts(t, other.Deliver(es[1]), 0)
		}
		return note(e.Metadata, tx)
	}))
	// Its outcome finds that the event is done, and its next write that the lease is
	// gone.
	wantReceipts(t, slow.Deliver(es...), time.Second, time.Second)
	wantReceipts(t, slow.Deliver(es...), 0, 0)
	f.wantJournal(t, "door/1", 1, 2)
	f.wantCheckpoint(t, "door/1", 2, "", 0)
}

func TestOrderedNeedsTheLog(t *testing.T) {
	f := newOrdered(t, nil)
	// Published without the log, or its id is nobody's.
	for i, e := range []event.Envelope{opening(f.Kit, 7), {Metadata: event.Metadata{ID: "7", Type: "door.opened", Source: "x", Subject: "x", Time: bustest.Start, SchemaVersion: 1, CorrelationID: "c"}, Data: []byte("{}")}} {
		wantReceipts(t, f.Deliver(e), 0)
		if l := f.DeadLetters(); len(l) != i+1 || l[i].Attributes[bus.AttrErrorKind] != string(bus.KindUndecodable) {
			t.Errorf("dead letters %+v", l)
		}
	}
	_, err := bus.NewConsumer(bus.ConsumerOptions{Subscription: inOrder, Store: f.Store, Parts: []bus.Part{
		bus.On(doorOpened, func(context.Context, event.Event[opened]) error { return nil }), bus.On(doorClosed, closing)}})
	if !errors.Is(err, bus.KindDefinition) || !strings.Contains(fmt.Sprint(err), "ordered") {
		t.Errorf("without a log: %v", err)
	}
}

// A stream that cannot be read is no event's fault.
func TestOrderedUnreadableStream(t *testing.T) {
	f := newOrdered(t, nil)
	es := f.open("1", 2)
	f.Store.Before(func(c ormtest.Call) error {
		if c.Op == "query" {
			return errors.New("no answer")
		}
		return nil
	})
	wantReceipts(t, f.DeliverIn(t.Context(), 2, es...), 2*time.Second, 2*time.Second)
	f.Store.Before(nil)
	f.wantCheckpoint(t, "door/1", 0, "", 0)
	if f.Delivered(es[0].ID) {
		t.Error("it has a record")
	}
	wantReceipts(t, f.Deliver(es...), 0, 0)
	f.wantJournal(t, "door/1", 1, 2)
}

// The function's time is up before it looks at the stream.
func TestOrderedTimeIsUp(t *testing.T) {
	f := newOrdered(t, nil)
	es := f.open("1", 1)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if r := f.DeliverIn(ctx, 1, es...); !r[0].Again {
		t.Errorf("receipts %+v", r)
	}
	f.wantRuns(t)
	f.wantCheckpoint(t, "door/1", 0, "", 0)
}

// The lease runs out in the middle of a stream: what comes then is left to the
// next look, which may be somebody else's.
func TestOrderedLeaseIsUp(t *testing.T) {
	f := &orderedFixture{fails: map[string]error{}}
	f.Kit = bustest.With(t, bustest.Options{Change: runTimeout}, inOrder, bus.On(doorClosed, closing),
		bus.On(doorOpened, func(_ context.Context, e event.Event[opened]) error {
			if e.ID == "door/1@2" {
				f.Advance(time.Hour)
			}
			return f.run(e.ID)
		}))
	es := f.open("1", 3)
	wantReceipts(t, f.Deliver(es...), 0, 0, time.Second)
	f.wantRuns(t, es[0].ID, es[1].ID)
	f.wantCheckpoint(t, "door/1", 2, "", 0)
	wantReceipts(t, f.Deliver(es[2]), 0)
	f.wantRuns(t, es[0].ID, es[1].ID, es[2].ID)
}

// The checkpoint is one transaction with what the handler writes.
func TestOrderedTransaction(t *testing.T) {
	f := newOrdered(t, nil)
	es := f.open("1", 2)
	var tables [][]string
	f.Store.Before(func(c ormtest.Call) error {
		if c.Op == "transact" {
			var names []string
			for _, a := range c.Actions {
				names = append(names, a.Table.Name)
			}
			tables = append(tables, names)
		}
		return nil
	})
	f.Deliver(es...)
	want := []string{bus.Deliveries.Schema().Name, eventlog.State.Schema().Name, "journals"}
	if len(tables) != 2 || !slices.Equal(tables[0], want) || !slices.Equal(tables[1], want) {
		t.Errorf("transactions of %v", tables)
	}
}

// A replay into a namespace has checkpoints of its own: the stream is read from its
// start again, in order, and an event that blocks there can be skipped there.
func TestOrderedNamespace(t *testing.T) {
	f := &orderedFixture{fails: map[string]error{}}
	sub := bus.Subscription("again", bus.To(doorOpened), bus.Ordered(), bus.Rebuildable(), bus.Writes(journals))
	f.Kit = bustest.New(t, sub, bus.OnTx(doorOpened, f.tx))
	es := f.open("1", 3)
	f.Deliver(es...)
	again := f.Message(es[2], 1)
	name := "spring"
	again.MessageAttributes = map[string]events.SQSMessageAttribute{bus.AttrNamespace: {DataType: "String", StringValue: &name}}
	f.fails[es[1].ID] = bus.Permanent(errBoom)
	for range 2 {
		if r, err := f.Handle(t.Context(), again); err != nil || r[0].Again {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	f.wantJournal(t, "door/1", 1, 2, 3, 1)
	c, err := bus.ReadCheckpoint(t.Context(), f.Store, bus.RecordID("again", name), "door/1")
	if err != nil || c.BlockedBy != es[1].ID || !c.GivenUp() {
		t.Errorf("checkpoint %+v, %v", c, err)
	}
	if err := bus.Skip(t.Context(), f.Store, "again", bus.RecordID(es[1].ID, name), "not again"); err != nil {
		t.Fatal(err)
	}
	if r, err := f.Handle(t.Context(), again); err != nil || r[0].Again {
		t.Fatalf("%+v, %v", r, err)
	}
	f.wantJournal(t, "door/1", 1, 2, 3, 1, 3)
	f.wantCheckpoint(t, "door/1", 3, "", 0)
}

// Seats are a read model that must see the events of a show in their order.
func ExampleOrdered() {
	type seats struct{ N int }
	sold := event.Define[seats]("show.sold")
	returned := event.Define[seats]("show.returned")
	subscription := bus.Subscription("free_seats", bus.To(sold, returned), bus.Ordered())

	kit := bustest.With(inExample{}, bustest.Options{Change: quiet}, subscription,
		bus.On(sold, func(_ context.Context, e event.Event[seats]) error {
			fmt.Println(e.ID, "sold", e.Data.N)
			return nil
		}),
		bus.On(returned, func(_ context.Context, e event.Event[seats]) error {
			fmt.Println(e.ID, "returned", e.Data.N)
			return nil
		}))
	var es []event.Envelope
	for _, r := range []event.Record{
		sold.At("show/7", event.Append).Record(seats{3}),
		returned.At("show/7", event.Append).Record(seats{2}),
		sold.At("show/7", event.Append).Record(seats{1}),
	} {
		es = append(es, kit.Commit(r)...)
	}
	kit.Deliver(es[2]) // the message of the last one comes first
	kit.Deliver(es[0], es[1])
	// Output:
	// show/7@1 sold 3
	// show/7@2 returned 2
	// show/7@3 sold 1
}

// inExample is the test that an example stands in.
type inExample struct{ testing.TB }

func (inExample) Helper()                           {}
func (inExample) Context() context.Context          { return context.Background() }
func (inExample) Output() io.Writer                 { return io.Discard }
func (inExample) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
