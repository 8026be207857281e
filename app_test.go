package main

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/vinci-go/vinci/constructs"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/tablelock"
)

var update = flag.Bool("update", false, "write "+tablelock.File+" again, as vinci tables lock does")

// TestLock: tables.lock.json says what the tables are. A change of a definition
// changes it in the same commit, where a review sees it.
func TestLock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "definitions.json")
	t.Setenv(definitions.Env, file)
	t.Setenv("CDK_CONTEXT_JSON", `{"deployment":"local"}`)
	t.Setenv("CONTEXT_OVERFLOW_LOCATION_ENV", "")
	if err := application().Synthesize(t.Context(), &constructs.SynthOptions{Dir: "."}); err != nil {
		t.Fatal(err)
	}
	defined, err := definitions.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	want := tablelock.Of(defined.Tables)
	if *update {
		if err := tablelock.Write(tablelock.File, want); err != nil {
			t.Fatal(err)
		}
	}
	locked, err := tablelock.Read(tablelock.File)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tablelock.Compare(locked, want) {
		t.Errorf("%s is not current (mend: vinci tables lock): table %q: %s", tablelock.File, f.Table, f.What)
	}
}
