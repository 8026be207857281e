package simulation_test

import (
	"os"
	"testing"
	"time"

	"github.com/vinci-go/vinci/internal/simulation"
)

// full is set by `make verify`.
var full = os.Getenv("VINCI_FULL") != ""

func simulate(t *testing.T, o simulation.Options) *simulation.Report {
	t.Helper()
	began := time.Now()
	r, err := simulation.Run(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s in %v", r, time.Since(began).Round(time.Millisecond))
	return r
}

// Whatever fails: nothing is lost, nothing counted twice, nothing out of order.
// The seeds have all kinds of weather, from the mildest to the worst.
func TestSimulation(t *testing.T) {
	commits := 500
	if full {
		commits = 10_000
	}
	weathers := map[int]bool{}
	for seed := uint64(1); len(weathers) < 5; seed++ {
		if w := simulation.Weather(seed); weathers[w] {
			continue
		} else {
			weathers[w] = true
		}
		o := simulation.Options{Seed: seed, Commits: commits}
		if r := simulate(t, o); len(r.Violations) > 0 {
			o.About = r.Violations[0].About
			t.Fatalf("seed %d: %s\n%s", seed, r.Violations[0], simulate(t, o).Story)
		}
	}
}

// A run can be had again: that is what makes a failure one that can be mended.
func TestSameSeedSameTrace(t *testing.T) {
	first := simulate(t, simulation.Options{Seed: 3, Commits: 200})
	if again := simulate(t, simulation.Options{Seed: 3, Commits: 200}); again.Trace != first.Trace {
		t.Error("two runs of one seed are not the same")
	}
	if other := simulate(t, simulation.Options{Seed: 4, Commits: 200}); other.Trace == first.Trace {
		t.Error("runs of two seeds are the same")
	}
}

// A simulation in which nothing goes wrong would show nothing.
func TestThereIsTrouble(t *testing.T) {
	r := simulate(t, simulation.Options{Seed: 3, Commits: 200})
	for what, n := range map[string]int{
		"commands": r.Commits, "events": r.Events, "refused calls": r.Refused, "unanswered calls": r.Unanswered, "late effects": r.Late,
		"killed processes": r.Killed, "duplicates": r.Duplicates, "conflicts": r.Conflicts, "redeliveries": r.Again, "timers": r.Timers, "dead letters": r.DeadLetters,
	} {
		if n == 0 {
			t.Errorf("there are no %s", what)
		}
	}
}
