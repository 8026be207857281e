package sqsbatch_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/sqsbatch"
)

var errStopped = errors.New("the process has been stopped")

// world is a function, its queue and its table, in which anything may fail before
// or after its effect, and the process may be stopped at any call: from then on
// nothing it does has an effect, and its answer reaches nobody.
type world struct {
	*kit
	r       *rapid.T
	calm    bool // nothing fails any more
	stops   bool // whether the process may be stopped
	stopped bool
	faults  int // of store and queue, and stops
}

func (w *world) chance(label string, percent int) bool {
	return !w.calm && rapid.IntRange(0, 99).Draw(w.r, label) < percent
}

// point is a place where the process may be stopped.
func (w *world) point() error {
	if !w.stopped && w.stops && w.chance("stop", 3) {
		w.stopped = true
		w.faults++
	}
	if w.stopped {
		return errStopped
	}
	return nil
}

func newWorld(t *testing.T, r *rapid.T, arn string) *world {
	w := &world{kit: newKit(t, arn), r: r, stops: rapid.Bool().Draw(r, "stops")}
	faulty := rapid.Bool().Draw(r, "faulty store and queue")
	w.store.Before(func(c ormtest.Call) error {
		if err := w.point(); err != nil {
			return err
		}
		if faulty && w.chance("refused", 10) {
			w.faults++
			return &orm.Error{Kind: orm.KindThrottled, Op: c.Op}
		}
		return nil
	})
	w.store.After(func(c ormtest.Call) error {
		if err := w.point(); err != nil {
			return err
		}
		if faulty && w.chance("answer lost", 10) {
			w.faults++
			return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op}
		}
		return nil
	})
	w.queue.fail = func(op string) error {
		if err := w.point(); err != nil {
			return err
		}
		if faulty && w.chance("queue fails", 20) {
			w.faults++
			return errors.New("queue fails")
		}
		return nil
	}
	return w
}

// round hands out a batch, once there is something to hand out, and begins a new
// process where the last one was stopped. It returns false when the queue is
// empty.
func (w *world) round() bool {
	size := 10
	if !w.calm {
		size = rapid.IntRange(1, 10).Draw(w.r, "batch")
	}
	batch := w.queue.receive(size)
	for len(batch.Records) == 0 {
		at, ok := w.queue.next()
		if !ok {
			return false
		}
		w.clock.advance(at.Sub(w.clock.now()))
		batch = w.queue.receive(size)
	}
	response, err := w.handle(context.Background(), batch)
	if err != nil {
		w.r.Fatal(err)
	}
	if w.stopped {
		w.stopped = false
		return true
	}
	if w.chance("answer of the function lost", 5) {
		return true
	}
	w.queue.settle(batch, response)
	return true
}

// settleAll goes on, without faults, until the queue is empty.
func (w *world) settleAll() {
	w.calm = true
	for range 1000 {
		if !w.round() {
			return
		}
	}
	w.r.Fatal("the queue is never empty")
}

func (w *world) inDeadLetters(body string) bool {
	for _, l := range w.queue.letters() {
		if *l.MessageBody == body {
			return true
		}
	}
	return false
}

// Whatever fails, however often messages come and wherever the process is
// stopped: no key is lost, none is handled after its success is known or while
// another run may still go on, and without faults it is handled once.
func TestOnceProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, r, standardARN)
		type run struct {
			ended bool
			until time.Time
		}
		runs := map[string]*run{}
		succeeded := map[string]int{}
		w.run(func(_ context.Context, m events.SQSMessage) error {
			if err := w.point(); err != nil {
				return err
			}
			rec, err := get(w.kit, m.Body)
			if err != nil {
				r.Fatal(err)
			}
			if rec.Status != sqsbatch.Processing || !rec.LeaseUntil.After(w.clock.now()) {
				r.Fatalf("%s is handled without a lease: %+v", m.Body, rec)
			}
			if last := runs[m.Body]; last != nil && !last.ended && w.clock.now().Before(last.until) {
				r.Fatalf("%s is handled while the run before has its lease until %v", m.Body, last.until)
			}
			this := &run{until: rec.LeaseUntil}
			runs[m.Body] = this
			switch {
			case w.chance("permanent", 5):
				this.ended = true
				return sqsbatch.Permanent(errBoom)
			case w.chance("panic", 5):
				this.ended = true
				panic("oh")
			case w.chance("handler fails", 15):
				this.ended = true
				return sqsbatch.RetryAfter(errBoom, time.Duration(rapid.IntRange(0, 100).Draw(r, "after"))*time.Second)
			}
			succeeded[m.Body]++ // the effect
			if err := w.point(); err != nil {
				return err // stopped before it could say so: the lease goes on
			}
			this.ended = true
			return nil
		}, sqsbatch.Idempotent(w.records, byBody), sqsbatch.DeadLetterQueue(dlqARN), sqsbatch.Concurrency(1))

		keys := rapid.IntRange(1, 5).Draw(r, "keys")
		for i := range keys {
			for range rapid.IntRange(1, 4).Draw(r, "duplicates") {
				w.queue.send("", fmt.Sprint("k", i))
			}
		}
		for range rapid.IntRange(0, 25).Draw(r, "rounds") {
			if !w.round() {
				break
			}
		}
		w.settleAll()
		for i := range keys {
			key := fmt.Sprint("k", i)
			if succeeded[key] == 0 && !w.inDeadLetters(key) {
				r.Errorf("%s is lost: %+v", key, w.record(key))
			}
			if succeeded[key] > 0 && w.faults == 0 && succeeded[key] != 1 {
				r.Errorf("%s was handled %d times without a fault", key, succeeded[key])
			}
			if succeeded[key] > 1+w.faults {
				r.Errorf("%s was handled %d times with %d faults", key, succeeded[key], w.faults)
			}
		}
	})
}

// get reads a record beside the hooks.
func get(k *kit, key string) (sqsbatch.Record, error) {
	for _, item := range k.store.Items(handled) {
		if rec, err := handled.Decode(item); err != nil || rec.Key == key {
			return rec, err
		}
	}
	return sqsbatch.Record{}, fmt.Errorf("no record of %s", key)
}

// In a FIFO queue no message is handled before all those before it in its group
// have been handled or given up, wherever the process is stopped and whichever
// message could not be hidden; and all are handled or given up in the end.
func TestFIFOProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld(t, r, fifoARN)
		done := map[string]bool{}
		var groups [][]string
		w.run(func(_ context.Context, m events.SQSMessage) error {
			if err := w.point(); err != nil {
				return err
			}
			var g, n int
			if _, err := fmt.Sscanf(m.Body, "%d/%d", &g, &n); err != nil {
				r.Fatal(err)
			}
			for _, before := range groups[g][:n] {
				if !done[before] && !w.inDeadLetters(before) {
					r.Fatalf("%s is handled before %s", m.Body, before)
				}
			}
			switch {
			case w.chance("permanent", 5):
				return sqsbatch.Permanent(errBoom)
			case w.chance("panic", 5):
				panic("oh")
			case w.chance("handler fails", 20):
				return errBoom
			}
			done[m.Body] = true
			return w.point()
		}, w.fifoOptions()...)
		groups = make([][]string, rapid.IntRange(1, 3).Draw(r, "groups"))
		for range rapid.IntRange(1, 15).Draw(r, "messages") {
			g := rapid.IntRange(0, len(groups)-1).Draw(r, "group")
			body := fmt.Sprintf("%d/%d", g, len(groups[g]))
			groups[g] = append(groups[g], body)
			w.queue.send(fmt.Sprint("g", g), body)
		}
		for range rapid.IntRange(0, 25).Draw(r, "rounds") {
			if !w.round() {
				break
			}
		}
		w.settleAll()
		for _, bodies := range groups {
			for _, body := range bodies {
				if !done[body] && !w.inDeadLetters(body) {
					r.Errorf("%s is lost", body)
				}
			}
		}
	})
}

func (w *world) fifoOptions() []sqsbatch.Option {
	options := []sqsbatch.Option{sqsbatch.Concurrency(1)}
	if rapid.Bool().Draw(w.r, "idempotent") {
		options = append(options, sqsbatch.Idempotent(w.records, byBody))
	}
	if rapid.Bool().Draw(w.r, "dead-letter queue") {
		options = append(options, sqsbatch.DeadLetterQueue(fifoDLQARN))
	}
	return options
}
