package capture_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/capture/capturetest"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// TestOrder: whatever fails, is lost or comes twice, the changes of one item take
// effect in their order, each once with OnTx, and all that is not given up does.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		seed := rapid.Uint64().Draw(r, "seed")
		tx := rapid.Bool().Draw(r, "tx")
		short := rapid.IntRange(0, 3).Draw(r, "time") == 0
		property(t, r, seed, tx, short)
	})
}

func property(t *testing.T, r *rapid.T, seed uint64, tx, short bool) {
	random := rand.New(rand.NewPCG(seed, 1))
	var mu sync.Mutex
	percent := func(n int) bool {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(100) < n
	}
	type key struct{ n, count int }
	done := map[int][]int{}  // by item: the counts after, of runs that returned nil
	failing := map[key]int{} // runs that are still to fail
	var handled = map[key]int{}
	handle := func(c capture.Change[box]) error {
		mu.Lock()
		defer mu.Unlock()
		at := key{c.After.N, c.After.Count}
		if failing[at] > 0 {
			failing[at]--
			return errors.New("not now")
		}
		handled[at]++
		done[at.n] = append(done[at.n], at.count)
		return nil
	}
	part := capture.Part(capture.On(boxes, func(_ context.Context, c capture.Change[box]) error { return handle(c) }))
	if tx {
		part = capture.OnTx(boxes, func(ctx context.Context, c capture.Change[box], tx *bus.Tx) error {
			if err := handle(c); err != nil {
				return err
			}
			return add(ctx, c, tx)
		})
	}
	k := capturetest.With(t, capturetest.Options{Change: func(o *capture.ConsumerOptions) { o.Logger = quiet }}, follow, part)
	dead := 0
	for i := 1; i <= 30; i++ {
		n := random.IntN(4)
		k.Write(put("a", n, i))
		if percent(15) {
			failing[key{n, i}] = random.IntN(8)
			if failing[key{n, i}] >= 5 {
				failing[key{n, i}] = 1 << 20
				dead++
			}
		}
	}
	k.Store.After(func(c ormtest.Call) error { // it happened, and nobody hears of it
		if (c.Op == "transact" || c.Op == "do") && percent(5) {
			return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op, Err: errors.New("connection reset")}
		}
		return nil
	})
	todo := k.Records()
	for tries := 0; len(todo) > 0; tries++ {
		if tries > 3000 {
			r.Fatalf("%d records are not done", len(todo))
		}
		n := min(len(todo), 1+random.IntN(12))
		ctx, stop := t.Context(), func() {}
		if short {
			ctx, stop = context.WithTimeout(ctx, 300*time.Millisecond)
		}
		failed, err := k.Handle(ctx, todo[:n]...)
		stop()
		if err != nil {
			r.Fatal(err)
		}
		if percent(10) {
			continue // its answer is lost: all again
		}
		if failed >= 0 {
			n = failed
		}
		todo = todo[n:]
	}
	k.Store.After(nil)

	for n, counts := range done {
		newest, seen := 0, map[int]bool{}
		for _, c := range counts {
			if !seen[c] && c < newest {
				r.Errorf("item %d: change %d for the first time after %d", n, c, newest)
			}
			seen[c], newest = true, max(newest, c)
		}
	}
	if len(k.Failures()) < dead {
		r.Errorf("%d messages about changes that were given up, want %d", len(k.Failures()), dead)
	}
	if tx {
		if got := len(k.Committed()); got != 30-dead {
			r.Errorf("%d events of %d changes that took effect", got, 30-dead)
		}
	}
	for at := range handled {
		if failing[at] > 1<<19 {
			r.Errorf("%v was handled and was to fail", at)
		}
	}
}
