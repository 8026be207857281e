package bus_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// conflict is how DynamoDB cancels a transaction that met another one.
func conflict(c ormtest.Call) error {
	if c.Op == "do" {
		return c.Actions[0].Wrap(orm.KindConflict, nil)
	}
	reasons := make([]*orm.Error, len(c.Actions))
	reasons[len(reasons)-1] = c.Actions[len(reasons)-1].Wrap(orm.KindConflict, nil)
	return &orm.TransactionError{Reasons: reasons}
}

func TestOnTxCostsOneTransaction(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, countUp))
	var ops []string
	k.Store.Before(func(c ormtest.Call) error { ops = append(ops, c.Op); return nil })
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; r.Again {
		t.Fatalf("receipt %+v", r)
	}
	if fmt.Sprint(ops) != "[transact]" {
		t.Errorf("calls %v, want one transaction", ops)
	}
	k.Store.Before(nil)
	d := k.Delivery(e.ID)
	wantDelivery(t, d, bus.Succeeded, 1, "")
	if d.EventType != e.Type || d.CorrelationID != e.CorrelationID || d.ExpiresAt == 0 || !d.FirstAt.Equal(bustest.Start) || d.Trouble != "" {
		t.Errorf("delivery %+v", d)
	}
	if r := k.Deliver(e)[0]; r.Again || counted(t, k) != 1 {
		t.Errorf("duplicate: %+v, counted %d", r, counted(t, k))
	}
}

// A handler that writes nothing needs no transaction.
func TestOnTxWithoutWrites(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, func(context.Context, event.Event[opened], *bus.Tx) error { return nil }))
	var ops []string
	k.Store.Before(func(c ormtest.Call) error { ops = append(ops, c.Op); return nil })
	e := opening(k, 1)
	if again := k.Deliver(e, e); again[0].Again || again[1].Again {
		t.Errorf("receipts %+v", again)
	}
	if fmt.Sprint(ops) != "[do do]" {
		t.Errorf("calls %v", ops)
	}
	k.Store.Before(nil)
	wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 1, "")
}

func TestParallelDuplicatesCountOnce(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, countUp))
	e := opening(k, 1)
	if again := k.DeliverParallel(50, e); again != 0 {
		t.Errorf("%d of the duplicates come again", again)
	}
	if n := counted(t, k); n != 1 {
		t.Errorf("counted %d times", n)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 1, "")
}

// Every second transaction meets another one.
func TestParallelEventsCountEach(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, countUp))
	var calls atomic.Int64
	k.Store.Before(func(c ormtest.Call) error {
		if c.Op == "transact" && calls.Add(1)%2 == 0 {
			return conflict(c)
		}
		return nil
	})
	const n = 50
	es := make([]event.Envelope, n)
	for i := range es {
		es[i] = opening(k, i)
	}
	k.DeliverEach(es...)
	for _, e := range es {
		wantDelivery(t, k.Settle(e), bus.Succeeded, 1, "")
	}
	if got := counted(t, k); got != n {
		t.Errorf("counted %d, want %d", got, n)
	}
	if len(k.Troubles()) != 0 {
		t.Errorf("troubles %+v", k.Troubles())
	}
}

// Contention is nobody's failure: it is recorded, and uses no attempt up.
func TestContention(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, countUp))
	e := opening(k, 1)
	var tries int
	k.Store.Before(func(c ormtest.Call) error {
		if c.Op == "transact" {
			tries++
			return conflict(c)
		}
		return nil
	})
	r := k.DeliverIn(t.Context(), 2, e)[0]
	if !r.Again || r.Hidden != 2*time.Second || tries != 5 {
		t.Errorf("receipt %+v after %d tries", r, tries)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Failed, 0, "contention")
	if len(k.Troubles()) != 1 {
		t.Errorf("troubles %+v", k.Troubles())
	}
	k.Store.Before(nil)
	wantDelivery(t, k.Settle(e), bus.Succeeded, 1, "")
	if counted(t, k) != 1 {
		t.Errorf("counted %d", counted(t, k))
	}
}

func TestThrottledTransactionIsNoAttempt(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, countUp))
	e := opening(k, 1)
	k.Store.Before(func(c ormtest.Call) error { return &orm.Error{Kind: orm.KindThrottled, Op: c.Op, Table: "all"} })
	if r := k.Deliver(e)[0]; !r.Again || r.Hidden != time.Second {
		t.Errorf("receipt %+v", r)
	}
	k.Store.Before(nil)
	if k.Delivered(e.ID) {
		t.Errorf("delivery %+v", k.Delivery(e.ID))
	}
	wantDelivery(t, k.Settle(e), bus.Succeeded, 1, "")
}

func TestTransactionAnswerLost(t *testing.T) {
	tests := []struct {
		name      string
		lost      int // answers
		forgotten bool
	}{
		{"once", 1, false},
		{"each time", 99, false},
		// The store has forgotten the token, so only the outcome itself can tell.
		{"once, and the token is forgotten", 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Logger = slog.New(slog.NewTextHandler(&out, nil)) }},
				txDoor, bus.OnTx(doorOpened, countUp))
			lost := 0
			k.Store.After(func(c ormtest.Call) error {
				if c.Op != "transact" || lost == tt.lost {
					return nil
				}
				lost++
				if tt.forgotten {
					k.Advance(11 * time.Minute)
				}
				return &orm.Error{Kind: orm.KindUnavailable, Op: "transact", Table: "all"}
			})
			e := opening(k, 1)
			if r := k.Deliver(e)[0]; r.Again {
				t.Errorf("receipt %+v", r)
			}
			k.Store.After(nil)
			wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 1, "")
			if counted(t, k) != 1 {
				t.Errorf("counted %d", counted(t, k))
			}
			if !strings.Contains(out.String(), "outcome=succeeded") {
				t.Errorf("its own success is taken for another's: %s", &out)
			}
		})
	}
}

func TestOnTxRetriesAndDies(t *testing.T) {
	fail := errBoom
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, func(ctx context.Context, e event.Event[opened], tx *bus.Tx) error {
		if err := countUp(ctx, e, tx); err != nil {
			return err
		}
		return fail
	}))
	mended := opening(k, 1)
	k.Deliver(mended)
	k.Deliver(mended)
	wantDelivery(t, k.Delivery(mended.ID), bus.Failed, 2, "failed")
	if len(k.Troubles()) != 1 {
		t.Errorf("troubles %+v", k.Troubles())
	}
	fail = nil
	k.Deliver(mended)
	wantDelivery(t, k.Delivery(mended.ID), bus.Succeeded, 3, "")
	if counted(t, k) != 1 || len(k.Troubles()) != 0 {
		t.Errorf("counted %d, troubles %+v", counted(t, k), k.Troubles())
	}
	fail = errBoom
	wantDelivery(t, k.Settle(opening(k, 2)), bus.Dead, 5, "failed")
	fail = bus.Permanent(errBoom)
	wantDelivery(t, k.Settle(opening(k, 3)), bus.Dead, 1, "permanent")
	if letters := k.DeadLetters(); len(letters) != 2 || letters[0].Attributes[bus.AttrAttempts] != "5" || letters[1].Attributes[bus.AttrAttempts] != "1" {
		t.Errorf("dead letters %+v", letters)
	}
	if counted(t, k) != 1 {
		t.Errorf("a failed attempt has counted: %d", counted(t, k))
	}
}

// A condition of the handler's own that fails makes it run again, and read
// again; one that always fails is the handler's failure.
func TestOwnConditionFails(t *testing.T) {
	var runs int
	increment := func(ctx context.Context, _ event.Event[opened], tx *bus.Tx) error {
		runs++
		c, err := counters.Get(ctx, tx, "doors")
		if err != nil {
			return err
		}
		tx.Write(counters.Update("doors", count.Set(c.Count+1)).If(count.Eq(c.Count)))
		return nil
	}
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, increment))
	if err := orm.Exec(t.Context(), k.Store, counters.Insert(counter{Name: "doors"})); err != nil {
		t.Fatal(err)
	}
	others := 2 // who write between reading and committing
	k.Store.Before(func(c ormtest.Call) error {
		if c.Op == "transact" && others > 0 {
			others--
			return orm.Exec(context.Background(), k.Store, counters.Update("doors", count.Add(10)))
		}
		return nil
	})
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; r.Again || runs != 3 {
		t.Errorf("receipt %+v after %d runs", r, runs)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 1, "")
	if counted(t, k) != 21 {
		t.Errorf("counted %d", counted(t, k))
	}
	runs, others = 0, 1000
	r := k.Deliver(opening(k, 2))[0]
	if !r.Again || runs != 5 {
		t.Errorf("receipt %+v after %d runs", r, runs)
	}
	wantDelivery(t, k.Delivery(r.EventID), bus.Failed, 1, "condition failed")
}

func TestRecord(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, func(_ context.Context, e event.Event[opened], tx *bus.Tx) error {
		tx.Record(doorNoted.At("log/doors", event.Append).Record(noted{Text: fmt.Sprint(e.Data.N)}))
		return nil
	}))
	// Somebody else appends between looking for the head and committing.
	raced := false
	k.Store.Before(func(c ormtest.Call) error {
		if c.Op == "transact" && !raced {
			raced = true
			k.Store.Before(nil)
			stream := doorNoted.At("log/doors", event.New).Record(noted{Text: "other"})
			other := bus.Subscription("other", bus.To(doorClosed), bus.Commits(doorNoted))
			o := bustest.With(t, bustest.Options{Store: k.Store}, other, bus.OnTx(doorClosed, func(_ context.Context, _ event.Event[closed], tx *bus.Tx) error {
				tx.Record(stream)
				return nil
			}))
			o.Deliver(o.Event(doorClosed.Record(closed{})))
		}
		return nil
	})
	e := opening(k, 7)
	if r := k.Deliver(e, e); r[0].Again || r[1].Again {
		t.Errorf("receipts %+v", r)
	}
	var got []event.Envelope
	for env, err := range k.Log.Stream(t.Context(), "log/doors", 1) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, env)
	}
	if len(got) != 2 || string(got[0].Data) != `{"Text":"other"}` || string(got[1].Data) != `{"Text":"7"}` {
		t.Fatalf("events %+v", got)
	}
	if got[1].CausationID != e.ID || got[1].CorrelationID != e.CorrelationID {
		t.Errorf("event %+v, want what it belongs to", got[1])
	}
}

// An expectation that does not hold is the handler's failure.
func TestRecordConflict(t *testing.T) {
	runs := 0
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
		runs++
		tx.Record(doorNoted.At("log/doors", event.Expect(5)).Record(noted{}))
		return nil
	}))
	r := k.Deliver(opening(k, 1))[0]
	if !r.Again || runs != 5 {
		t.Errorf("receipt %+v, %d runs", r, runs)
	}
	wantDelivery(t, k.Delivery(r.EventID), bus.Failed, 1, "conflict")
}

func TestTxNeedsGrants(t *testing.T) {
	read := bus.Subscription("reader", bus.To(doorOpened), bus.Reads(counters))
	journal := bus.Subscription("journal", bus.To(doorOpened), bus.Appends(counters))
	tests := []struct {
		name string
		sub  *bus.Definition
		fn   func(context.Context, event.Event[opened], *bus.Tx) error
		want string // kind of the error
	}{
		{"write", txDoor, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
			tx.Write(others.Update("doors", count2.Add(1)))
			return nil
		}, "access not granted"},
		{"write what may be read", read, countUp, "access not granted"},
		{"record", read, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
			tx.Record(doorNoted.Record(noted{}))
			return nil
		}, "access not granted"},
		{"read, and the error is swallowed", txDoor, func(ctx context.Context, _ event.Event[opened], tx *bus.Tx) error {
			if _, err := others.Get(ctx, tx, "doors"); !errors.Is(err, bus.KindAccess) {
				return errBoom
			}
			return nil
		}, "access not granted"},
		{"query", txDoor, func(ctx context.Context, _ event.Event[opened], tx *bus.Tx) error {
			for _, err := range orm.QueryTable(bus.Deliveries, "x").All(ctx, tx) {
				return err
			}
			return nil
		}, "access not granted"},
		{"change what is append-only", journal, countUp, "access not granted"},
		{"read what is append-only", journal, func(ctx context.Context, _ event.Event[opened], tx *bus.Tx) error {
			_, err := counters.Get(ctx, tx, "doors")
			return err
		}, "access not granted"},
		{"insert into what is append-only", journal, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
			tx.Write(counters.Insert(counter{Name: "windows"}))
			return nil
		}, ""},
		{"nil write", txDoor, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
			var u *orm.Update[counter]
			tx.Write(nil, u)
			return nil
		}, "access not granted"},
		{"read what is granted", read, func(ctx context.Context, _ event.Event[opened], tx *bus.Tx) error {
			if _, err := counters.Get(ctx, tx, "doors"); !errors.Is(err, orm.KindNotFound) {
				return err
			}
			return nil
		}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := bustest.New(t, tt.sub, bus.OnTx(doorOpened, tt.fn))
			e := opening(k, 1)
			if r := k.Deliver(e)[0]; r.Again {
				t.Errorf("it comes again: %+v", r)
			}
			status := bus.Dead
			if tt.want == "" {
				status = bus.Succeeded
			}
			wantDelivery(t, k.Delivery(e.ID), status, 1, tt.want)
			if n := counted(t, k); n != 0 {
				t.Errorf("counted %d", n)
			}
		})
	}
}

// A duplicate succeeds while its twin is being given up: that is what the record
// must say in the end.
func TestSucceedsWhileGivenUp(t *testing.T) {
	fail := errBoom
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, func(ctx context.Context, e event.Event[opened], tx *bus.Tx) error {
		return errors.Join(countUp(ctx, e, tx), fail)
	}))
	e := opening(k, 1)
	twin := k.Message(e, 2)
	fail = bus.Permanent(errBoom)
	k.FailQueue(func(op string) error {
		fail = nil
		_, err := k.Handle(t.Context(), twin)
		return err
	})
	if r := k.Deliver(e)[0]; r.Again {
		t.Errorf("receipt %+v", r)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 2, "")
	if counted(t, k) != 1 || len(k.Troubles()) != 0 {
		t.Errorf("counted %d, troubles %v", counted(t, k), k.Troubles())
	}
}

// A crash before the transaction leaves nothing, one after it everything.
func TestOnTxCrash(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, countUp))
	e := opening(k, 1)
	crash(k, func(c ormtest.Call) bool { return c.Op == "transact" })
	if r := k.Deliver(e)[0]; !r.Again {
		t.Fatal("the event is lost")
	}
	revive(k)
	if k.Delivered(e.ID) || counted(t, k) != 0 {
		t.Errorf("counted %d", counted(t, k))
	}
	wantDelivery(t, k.Settle(e), bus.Succeeded, 1, "")
	if counted(t, k) != 1 {
		t.Errorf("counted %d", counted(t, k))
	}
}

// A handler that was made with On and is made with OnTx now, and the other way
// round, takes over what it finds.
func TestChangeOfGuarantee(t *testing.T) {
	k, f := leasedKit(t, bustest.Options{})
	f.failWith(errBoom)
	e := opening(k, 1)
	k.Deliver(e)
	sub := bus.Subscription("on_door", bus.To(doorOpened), bus.Writes(counters))
	k2 := bustest.With(t, bustest.Options{Store: k.Store}, sub, bus.OnTx(doorOpened, countUp))
	wantDelivery(t, k2.Settle(e), bus.Succeeded, 2, "")
	if r := k.Deliver(e)[0]; r.Again || f.count() != 1 || counted(t, k) != 1 {
		t.Errorf("receipt %+v, %d runs, counted %d", r, f.count(), counted(t, k))
	}
}

// A failed attempt whose record was written, though its answer was lost, counts
// once.
func TestOnTxFailureAnswerLost(t *testing.T) {
	k := bustest.New(t, txDoor, bus.OnTx(doorOpened, func(context.Context, event.Event[opened], *bus.Tx) error { return errBoom }))
	lost := false
	k.Store.After(func(c ormtest.Call) error {
		if c.Op == "do" && !lost {
			lost = true
			return &orm.Error{Kind: orm.KindUnavailable, Op: "do", Table: "deliveries"}
		}
		return nil
	})
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; !r.Again || !lost {
		t.Errorf("receipt %+v", r)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Failed, 1, "failed")
}
