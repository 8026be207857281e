package simulation_test

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/vinci-go/vinci/internal/simulation"
)

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

func TestSimulation(t *testing.T) {
	n := 1000
	seeds, _ := strconv.Atoi(os.Getenv("SEEDS"))
	if k, err := strconv.Atoi(os.Getenv("COMMITS")); err == nil {
		n = k
	}
	for seed := range uint64(max(seeds, 3)) {
		r := simulate(t, simulation.Options{Seed: seed, Commits: n})
		if len(r.Violations) > 0 {
			o := simulation.Options{Seed: seed, Commits: n, About: r.Violations[0].About}
			t.Fatalf("the story of %s:\n%s", r.Violations[0], simulate(t, o).Story)
		}
	}
}
