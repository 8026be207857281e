package simulation_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/simulation"
)

// edit takes something out of a source file.
type edit struct{ file, old, new string }

// safeguards are what the promises rest on. Each is taken out of the sources by
// itself, in a build made for the test.
var safeguards = []struct {
	name  string
	edits []edit
	must  simulation.Invariant // that the simulation finds broken
}{
	{
		name:  "the condition on append",
		edits: []edit{{"eventlog/prepare.go", `Item: item, If: absent()}`, `Item: item}`}},
		must:  simulation.Immutable,
	},
	{
		name:  "the lease",
		edits: []edit{{"bus/lease.go", `case d.settled(was.Status), was.Status == Processing && !was.Stuck(c.now()):`, `case d.settled(was.Status):`}},
		must:  simulation.Leased,
	},
	{
		name: "the outcome in the transaction",
		edits: []edit{
			{"bus/transaction.go", `slices.Concat([]orm.Write{outcome}, d.joins, tx.writes)`, `slices.Concat(d.joins, tx.writes)`},
			{"bus/transaction.go", "	p.Announce(ctx)\n	return nil\n", "	p.Announce(ctx)\n	_, err = c.write(ctx, d, Succeeded, outcome)\n	return err\n"},
		},
		must: simulation.Once,
	},
	{
		name: "the checkpoint",
		edits: []edit{
			// Reading begins where the message says.
			{"bus/ordered.go", `l.c.log.Stream(ctx, r.stream, r.done+1)`, `l.c.log.Stream(ctx, r.stream, l.newest)`},
			{"bus/ordered.go", `l.passed = r.done`, `l.passed = l.newest - 1`},
		},
		must: simulation.InOrder,
	},
}

// Without any one of its safeguards the framework breaks its promises, and the
// simulation finds that.
func TestSafeguards(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the framework once for each safeguard")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range safeguards {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-count=1", "-overlay", overlay(t, root, s.edits), "-run", "^TestSimulation$", ".")
			out, err := test.CombinedOutput()
			switch text := string(out); {
			case err == nil:
				t.Errorf("the simulation is green without it:\n%s", text)
			case !strings.Contains(text, "--- FAIL: TestSimulation"):
				t.Fatalf("%v\n%s", err, text) // it does not build
			case !strings.Contains(text, string(s.must)):
				t.Errorf("the simulation does not find that this is broken: %s\n%s", s.must, text)
			}
		})
	}
}

// overlay writes edited copies of source files, and the file that has the go
// command use them in place of the originals.
func overlay(t *testing.T, root string, edits []edit) string {
	t.Helper()
	dir := t.TempDir()
	texts := map[string]string{}
	for _, e := range edits {
		file := filepath.Join(root, e.file)
		if texts[file] == "" {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(b)
		}
		if n := strings.Count(texts[file], e.old); n != 1 {
			t.Fatalf("%s holds %q %d times, want once: say anew how to take the safeguard out", e.file, e.old, n)
		}
		texts[file] = strings.Replace(texts[file], e.old, e.new, 1)
	}
	replace := map[string]string{}
	for file, text := range texts {
		replace[file] = filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(replace[file], []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}
