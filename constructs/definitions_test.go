package constructs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/tablelock"
	"github.com/vinci-go/vinci/orm"
)

// TestDefinitions: with VINCI_DEFINITIONS tables and events are written and nothing is
// compiled or synthesized, though Node is missing.
func TestDefinitions(t *testing.T) {
	dir, file := module(t), filepath.Join(t.TempDir(), "definitions.json")
	env := map[string]string{definitions.Env: file, "CDK_CONTEXT_JSON": `{"deployment":"dev"}`, "JSII_NODE": "/no/such/node"}
	app := testApp(false, nil)
	app.build = nil
	app.getenv = func(key string) string { return env[key] }
	if err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "cdk.out")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an assembly was written: %v", err)
	}
	f, err := definitions.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range f.Tables {
		names = append(names, s.Name)
	}
	const want = "deliveries events sessions state user_stats users"
	if got := strings.Join(names, " "); got != want || f.Application != "shop" {
		t.Errorf("application %q has tables %s, want shop with %s", f.Application, got, want)
	}
	if len(f.Subscriptions) == 0 || len(f.Subscriptions[0].Patterns) == 0 || f.Subscriptions[0].DefinedAt == "" || f.Subscriptions[0].Timeout == 0 {
		t.Errorf("the subscriptions are %+v", f.Subscriptions)
	}
	if len(f.Events) != 3 || f.Events[0].Version != 1 || len(f.Events[0].Schema) == 0 || f.Events[0].DefinedAt == "" {
		t.Errorf("the events are %+v", f.Events)
	}

	// What is wrong is told as by a synth, and nothing is written.
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	env["CDK_CONTEXT_JSON"] = `{"deployment":"Dev"}`
	if err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir}); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), `deployment id "Dev"`) {
		t.Errorf("error is %v, want %v", err, ErrInvalid)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of a wrong application: %v", err)
	}
}

// TestParsedSetting: the application says what its settings are, and whether one takes a
// value that a tool asks for.
func TestParsedSetting(t *testing.T) {
	dir, file := module(t), filepath.Join(t.TempDir(), "definitions.json")
	for question, want := range map[string]string{
		"": "nothing", `{"setting":"max_users","text":"12"}`: "12 ", `{"setting":"max_users","text":"0"}`: " allowed is 1 to 1000",
		`{"setting":"welcome_text","text":"12"}`: `"12" `, `{"setting":"absent","text":"12"}`: " ",
	} {
		env := map[string]string{definitions.Env: file, definitions.EnvParse: question, "CDK_CONTEXT_JSON": `{"deployment":"dev"}`}
		app := testApp(false, nil)
		app.getenv = func(key string) string { return env[key] }
		if err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir}); err != nil {
			t.Fatal(err)
		}
		f, err := definitions.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		got := "nothing"
		if f.Parsed != nil {
			got = string(f.Parsed.Value) + " " + f.Parsed.Problem
		}
		if got != want {
			t.Errorf("%s: answered %q, want %q", question, got, want)
		}
		if len(f.Settings) != 2 || f.Settings[0].Name != "max_users" || string(f.Settings[0].Default) != "100" || f.Settings[1].Kind != "text" || f.Settings[1].Description == "" || f.Settings[1].DefinedAt == "" {
			t.Errorf("settings are %+v", f.Settings)
		}
	}
	env := map[string]string{definitions.Env: file, definitions.EnvParse: "{", "CDK_CONTEXT_JSON": `{"deployment":"dev"}`}
	app := testApp(false, nil)
	app.getenv = func(key string) string { return env[key] }
	if err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir}); err == nil || !strings.Contains(err.Error(), definitions.EnvParse) {
		t.Errorf("a question that is none: %v", err)
	}
}

// TestLock: what a deployment cannot do to the tables of tables.lock.json is
// refused before anything is synthesized. The tool that writes the lock is told
// the definitions even so.
func TestLock(t *testing.T) {
	dir, file := module(t), filepath.Join(t.TempDir(), "definitions.json")
	env := map[string]string{"CDK_CONTEXT_JSON": `{"deployment":"dev"}`, "JSII_NODE": "/no/such/node"}
	app := testApp(false, nil)
	app.getenv = func(key string) string { return env[key] }
	lock := tablelock.Of([]*orm.Schema{{Name: "users", Hash: "email", Attributes: []orm.AttributeSchema{{Name: "email", Type: "S"}}}})
	if err := tablelock.Write(filepath.Join(dir, tablelock.File), lock); err != nil {
		t.Fatal(err)
	}
	err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir})
	if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), `table "users": its key changes from email (S) to user_id (S)`) {
		t.Errorf("error is %v, want %v", err, ErrInvalid)
	}
	env["CDK_CONTEXT_JSON"] = `{"deployment":"local"}`
	if err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir}); err == nil || errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "Node.js") {
		t.Errorf("on the laptop: %v, want it to come as far as Node", err)
	}
	env[definitions.Env], env["CDK_CONTEXT_JSON"] = file, `{"deployment":"dev"}`
	if err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir}); err != nil {
		t.Errorf("the definitions: %v", err)
	}
}

// TestDefinitionsOfBuses: a tool learns of other applications' buses and events, without
// what else it takes to synthesize.
func TestDefinitionsOfBuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "definitions.json")
	for name, want := range map[string]string{
		"another's bus":          "till till-prod-bus; mill on till, till on till",
		"consumes only":          "; till on till",
		"archive and publishers": ";",
		"a partner on its bus":   "; mill on shop",
	} {
		app := busApps()[name]
		app.getenv = func(key string) string { return map[string]string{definitions.Env: file}[key] }
		if err := app.Synthesize(t.Context(), &SynthOptions{Dir: module(t)}); err != nil {
			t.Fatal(err)
		}
		f, err := definitions.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if f.Bus != nil {
			got = f.Bus.Application + " " + f.Bus.Name
		}
		got += ";"
		for i, foreign := range f.Foreign {
			if len(foreign.Events) != 1 || len(foreign.Events[0].Schema) == 0 {
				t.Errorf("%s: events %+v", name, foreign.Events)
			}
			if i > 0 {
				got += ","
			}
			got += " " + foreign.Application + " on " + foreign.Bus
		}
		if got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		for _, s := range f.Subscriptions {
			if (s.From != "") != (s.Name != "own_users") {
				t.Errorf("%s: subscription %s is from %q", name, s.Name, s.From)
			}
		}
	}
}
