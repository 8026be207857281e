package simulation_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/vinci-go/vinci/internal/simulation"
)

// TestStory tells of one run whatever ABOUT names.
func TestStory(t *testing.T) {
	about := os.Getenv("ABOUT")
	if about == "" {
		t.Skip("ABOUT, SEED and COMMITS say what to tell")
	}
	seed, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(os.Getenv("COMMITS"))
	if err != nil {
		t.Fatal(err)
	}
	t.Log(simulate(t, simulation.Options{Seed: seed, Commits: n, About: about}).Story)
}
