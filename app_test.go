package main

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/vinci-go/vinci/constructs"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/tablelock"
)

var update = flag.Bool("update", false, "write "+tablelock.File+" and "+schema.Dir+"/ again, as vinci tables lock and vinci schemas lock do")

// defined is what the application says that it consists of.
func defined(t *testing.T) *definitions.File {
	t.Helper()
	file := filepath.Join(t.TempDir(), "definitions.json")
	t.Setenv(definitions.Env, file)
	t.Setenv("CDK_CONTEXT_JSON", `{"deployment":"local"}`)
	t.Setenv("CONTEXT_OVERFLOW_LOCATION_ENV", "")
	if err := application().Synthesize(t.Context(), &constructs.SynthOptions{Dir: "."}); err != nil {
		t.Fatal(err)
	}
	f, err := definitions.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestLock: tables.lock.json says what the tables are. A change of a definition
// changes it in the same commit, where a review sees it.
func TestLock(t *testing.T) {
	want := tablelock.Of(defined(t).Tables)
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

// TestSchemas: schemas/ says what the events look like. A change that breaks
// readers under the same version is refused.
func TestSchemas(t *testing.T) {
	events := defined(t).Events
	if len(events) == 0 {
		t.Fatal("the application defines no events")
	}
	if *update {
		if _, err := schema.Lock(schema.Dir, events); err != nil {
			t.Fatal(err)
		}
	}
	found, err := schema.Check(schema.Dir, events)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range found {
		t.Error(f)
	}
}
