package rebuild_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/readmodel/rebuild"
)

// simulate is one run of a world.
func simulate(seed uint64, sub *bus.Definition, change func(*world)) (*world, error) {
	w := newWorld(seed, sub)
	if change != nil {
		change(w)
	}
	if err := w.run(60); err != nil {
		return w, err
	}
	return w, w.check()
}

// seeds are those of a test, as many as SEEDS says, or the one that SEED names.
func seeds(t *testing.T, n uint64) (from, to uint64) {
	if text := os.Getenv("SEEDS"); text != "" {
		many, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return 1, many + 1
	}
	if text := os.Getenv("SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return seed, seed + 1
	}
	if testing.Short() {
		n /= 4
	}
	return 1, n + 1
}

// Whatever is delivered late, twice or in any order, and however often tools start,
// die, go on and give up: at the end the current generation is the fold of the log,
// and nothing is left of the others.
func TestSimulation(t *testing.T) {
	for _, sub := range []*bus.Definition{counted, ordered} {
		for _, verify := range []bool{true, false} {
			t.Run(sub.Name+map[bool]string{true: " verified", false: ""}[verify], func(t *testing.T) {
				t.Parallel()
				flips, killed := 0, 0
				from, to := seeds(t, 20)
				for seed := from; seed < to; seed++ {
					w, err := simulate(seed, sub, func(w *world) { w.o.NoVerify = !verify })
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					flips += w.flips
					if w.flips < 1 {
						killed++
					}
					tool, err := rebuild.New(w.model, w.options())
					if err != nil {
						t.Fatal(err)
					}
					g, err := w.generations()
					if err != nil {
						t.Fatal(err)
					}
					if r, err := tool.Verify(context.Background(), g.Current); err != nil || !r.OK() {
						t.Fatalf("seed %d: verify: %+v, %v", seed, r, err)
					}
				}
				t.Logf("%d flips in %d runs", flips, to-from)
				if to-from > 1 && flips < int(to-from)/2 {
					t.Errorf("only %d flips in %d runs, of which %d had none", flips, to-from, killed)
				}
			})
		}
	}
}

// options are those of a tool that nothing goes wrong for.
func (w *world) options() rebuild.Options {
	o := w.o
	o.Store, o.Log, o.Queues, o.Now, o.NewID = w.memory, w.log, sim{w}, w.clock, w.newID
	o.Sleep = func(_ context.Context, d time.Duration) error { w.now = w.now.Add(d); return nil }
	return o
}

// Without any one of its waits, or with a pointer that may be old, the protocol breaks,
// and the simulation finds that.
func TestMutations(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs worlds until one breaks")
	}
	for name, change := range map[string]func(*world){
		"the index is not waited for":      func(w *world) { w.o.Settle, w.o.NoVerify = 1, true },
		"the pointer is read from a cache": func(w *world) { w.stale, w.o.NoVerify = 20*time.Second, true },
		"old runs are not waited for":      func(w *world) { w.o.Grace = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= 1000; seed++ {
				if _, err := simulate(seed, counted, change); err != nil {
					t.Logf("seed %d: %v", seed, err)
					return
				}
			}
			t.Error("the simulation is green")
		})
	}
}
