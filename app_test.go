package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/privilege"
	"github.com/vinci-go/vinci/internal/tablelock"
)

var update = flag.Bool("update", false, "write "+tablelock.File+" and "+schema.Dir+"/ again, as vinci tables lock and vinci schemas lock do, and "+rolesFile)

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

// rolesFile lists what the functions' roles allow.
const rolesFile = "testdata/roles.txt"

// TestRoles lists every statement of every role of the application as it is deployed,
// and compares the list with a file: a permission that is new shows in a review as a
// line of its own. No role has a wildcard, but for the actions of the written list
// (package privilege).
func TestRoles(t *testing.T) {
	out := t.TempDir()
	t.Setenv("CDK_VALIDATION", "false")
	// The code of the functions is not copied: nobody runs it from here.
	t.Setenv("CDK_CONTEXT_JSON", `{"deployment":"dev","aws:cdk:disable-asset-staging":true}`)
	t.Setenv("CONTEXT_OVERFLOW_LOCATION_ENV", "")
	jsii.Close() // the CDK takes its environment when it is used again
	defer jsii.Close()
	if err := application().Synthesize(t.Context(), &constructs.SynthOptions{Dir: ".", OutDir: out}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(out, "*.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	functions, roles := 0, 0
	for _, file := range files {
		template, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		functions += bytes.Count(template, []byte(`"AWS::Lambda::Function"`))
		found, err := privilege.Roles(template)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		for _, role := range found {
			roles++
			if role.Managed {
				t.Errorf("role %s has managed policies", role.ID)
			}
			for _, w := range role.Wildcards() {
				t.Errorf("role %s has a wildcard: %s", role.ID, w)
			}
			fmt.Fprintf(&text, "%s %s\n%s", strings.TrimSuffix(filepath.Base(file), ".template.json"), role.ID, role)
		}
	}
	if functions == 0 || roles != functions {
		t.Errorf("%d roles of %d functions", roles, functions)
	}
	if *update {
		if err := os.WriteFile(rolesFile, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(rolesFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text.Bytes(), want) {
		t.Errorf("%s is not current (go test . -update writes it again); the roles are\n%s", rolesFile, &text)
	}
}
