package bus_test

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// One transactional counter under 50 parallel duplicates of each of 1,000 events
// ends at 1,000. A tenth of the transactions meets another one, and answers get
// lost; messages that are to come again do.
func TestManyDuplicates(t *testing.T) {
	events, together := 100, 20
	if os.Getenv("VINCI_FULL") != "" {
		events = 1000
	}
	const duplicates = 50
	var random sync.Mutex
	dice := rand.New(rand.NewPCG(1, 2))
	chance := func(percent int) bool {
		random.Lock()
		defer random.Unlock()
		return dice.IntN(100) < percent
	}
	store := ormtest.New()
	k := bustest.With(t, bustest.Options{Store: store, Change: quiet}, txDoor, bus.OnTx(doorOpened, countUp))
	var conflicts, done, lost atomic.Int64
	store.Before(func(c ormtest.Call) error {
		if c.Op == "transact" && chance(10) {
			conflicts.Add(1)
			return conflict(c)
		}
		return nil
	})
	store.After(func(c ormtest.Call) error {
		if c.Op == "transact" && done.Add(1)%25 == 0 { // counted: only as many come here as there are events
			lost.Add(1)
			return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op, Table: "all"}
		}
		return nil
	})
	again := 0
	for first := 0; first < events; first += together {
		var es []event.Envelope
		for i := range together {
			e := opening(k, first+i)
			for range duplicates {
				es = append(es, e)
			}
		}
		dice.Shuffle(len(es), func(i, j int) { es[i], es[j] = es[j], es[i] })
		for left := es; len(left) > 0; {
			left = parallel(t, k, left)
			again += len(left)
		}
	}
	if n := counted(t, k); n != events {
		t.Errorf("the counter is at %d, want %d", n, events)
	}
	if conflicts.Load() == 0 || lost.Load() == 0 {
		t.Errorf("%d conflicts, %d lost answers: the test shows nothing without them", conflicts.Load(), lost.Load())
	}
	t.Logf("%d deliveries, %d conflicts, %d lost answers, %d messages came again", events*duplicates, conflicts.Load(), lost.Load(), again)
}

// parallel delivers events all at once, each in a batch of its own, and returns
// those that come again.
func parallel(t *testing.T, k *bustest.Kit, es []event.Envelope) (again []event.Envelope) {
	t.Helper()
	receipts := make([]bool, len(es))
	errs := make([]error, len(es))
	var wg sync.WaitGroup
	for i, e := range es {
		m := k.Message(e, 1)
		wg.Go(func() {
			r, err := k.Handle(context.Background(), m)
			if errs[i] = err; err == nil {
				receipts[i] = r[0].Again
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
		if receipts[i] {
			again = append(again, es[i])
		}
	}
	return again
}
