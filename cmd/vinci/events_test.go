package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/moduletest"
)

type (
	ticketOpenedV1 struct {
		Title string `json:"title"`
	}
	ticketOpened struct {
		Title    string         `json:"title" validate:"required,max=80" description:"one line"`
		Priority int            `json:"priority,omitempty" validate:"oneof=1 2 3"`
		Steps    []ticketStep   `json:"steps"`
		Labels   map[string]int `json:"labels,omitempty"`
	}
	ticketStep struct {
		Text string      `json:"text"`
		Sub  *ticketStep `json:"sub,omitempty"`
	}
	ticketSeen struct {
		Title string `json:"title"`
	}
	ticketClosed  struct{}
	ticketRenamed struct {
		Name string `json:"name"`
	}
)

var (
	opened = event.Define[ticketOpened]("ticket.opened", event.Version(2), event.Description("Somebody needs <help>."),
		event.Upcast(1, func(o ticketOpenedV1) (ticketOpened, error) { return ticketOpened{Title: o.Title}, nil }),
		event.Public(func(o ticketOpened) ticketSeen { return ticketSeen{o.Title} }, 4))
	closed = event.Define[ticketClosed]("ticket.closed")
)

// withEvents changes the events of a fakeApp.
func withEvents(t *testing.T, dir string, types ...event.Type) {
	t.Helper()
	events, err := schema.Describe(types...)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		e.DefinedAt = "desk/events.go:7" // and not where this test is
	}
	if err := definitions.Write(filepath.Join(dir, "definitions.json"), &definitions.File{Application: "shop", Events: events}); err != nil {
		t.Fatal(err)
	}
}

func TestEvents(t *testing.T) {
	dir := fakeApp(t)
	if out, _ := try(t, "events", "--dir", dir); !strings.Contains(out, "has no events") {
		t.Errorf("no events: %s", out)
	}
	withEvents(t, dir, opened, closed)
	out, _ := try(t, "events", "--dir", dir)
	golden(t, "events.txt", out)
	if again, _ := try(t, "events", "list", "--dir", dir); again != out {
		t.Errorf("list prints something else:\n%s", again)
	}
	out, _ = try(t, "events", "show", "ticket.opened", "--dir", dir)
	golden(t, "events_show.txt", out)

	out, _ = try(t, "events", "--json", "--dir", dir)
	var all []schema.Event
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 2 || all[1].PublicVersion != 4 {
		t.Errorf("%v:\n%s", err, out)
	}
	out, _ = try(t, "events", "show", "ticket.closed", "--json", "--dir", dir)
	var one schema.Event
	if err := json.Unmarshal([]byte(out), &one); err != nil || one.Name != "ticket.closed" {
		t.Errorf("%v:\n%s", err, out)
	}
	for says, args := range map[string][]string{
		`did you mean "ticket.opened"? (there are: ticket.closed, ticket.opened)`: {"show", "ticket.open"},
		"the event's type is missing":      {"show"},
		"one event at a time, got a.b c":   {"show", "a.b", "c"},
		`there is no command vinci events`: {"shwo"},
	} {
		if _, _, err := vinci(t, "", append(append([]string{"events"}, args...), "--dir", dir)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", args, err, says)
		}
	}
}

// TestSchemasExport: what others may know goes to a folder or to standard output, and
// nothing else does.
func TestSchemasExport(t *testing.T) {
	dir := fakeApp(t)
	withEvents(t, dir, opened, closed)
	run := func(fails string, args ...string) string {
		t.Helper()
		out, _, err := vinci(t, "", append(append([]string{"schemas", "export"}, args...), "--dir", dir)...)
		if fails == "" && err != nil || fails != "" && (err == nil || !strings.Contains(err.Error(), fails)) {
			t.Fatalf("%v: %v, want %q\n%s", args, err, fails, out)
		}
		return out
	}
	var async struct {
		AsyncAPI   string
		Info       struct{ Version string }
		Channels   map[string]any
		Operations map[string]any
		Components struct{ Messages map[string]any }
	}
	out := run("", "--format", "asyncapi", "--version", "7.0.0")
	if err := json.Unmarshal([]byte(out), &async); err != nil || async.AsyncAPI != "3.0.0" || async.Info.Version != "7.0.0" || len(async.Channels) != 1 {
		t.Errorf("%v:\n%s", err, out)
	}
	if got := slices.Sorted(maps.Keys(async.Components.Messages)); len(got) != 1 || got[0] != "ticket.opened.v4" {
		t.Errorf("messages %v", got)
	}
	folder := filepath.Join(t.TempDir(), "a", "b")
	if out := run("", "--format", "jsonschema", "--out", folder); !strings.Contains(out, "1 file written to "+folder) {
		t.Errorf("it says %s", out)
	}
	if out := run("", "--format", "jsonschema", "--internal", "--out", folder); !strings.Contains(out, "4 files written") {
		t.Errorf("it says %s", out)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 4 {
		t.Errorf("files %v, %v", files, err)
	}
	run("", "--format", "asyncapi", "--out", folder)
	if _, err := os.Stat(filepath.Join(folder, "asyncapi.json")); err != nil {
		t.Error(err)
	}
	run(`--format "yaml": allowed are jsonschema and asyncapi`, "--format", "yaml")
	run("allowed are jsonschema and asyncapi")
	run("--out: ", "--format", "asyncapi", "--out", filepath.Join(folder, "asyncapi.json"))
	withEvents(t, dir, closed)
	run("makes none public", "--format", "jsonschema")
}

func TestSchemas(t *testing.T) {
	dir := fakeApp(t)
	withEvents(t, dir, opened, closed)
	run := func(fails string, args ...string) string {
		t.Helper()
		out, _, err := vinci(t, "", append(append([]string{"schemas"}, args...), "--dir", dir)...)
		if fails == "" && err != nil || fails != "" && (err == nil || !strings.Contains(err.Error(), fails)) {
			t.Fatalf("%v: %v, want %q\n%s", args, err, fails, out)
		}
		return out
	}
	contains(t, "vinci schemas", run("4 files of schemas/ do not say"), `^missing ticket\.closed/1\.json: it is not there$`, `^\tmend: vinci schemas lock`)
	contains(t, "vinci schemas lock", run("", "lock"), `^missing ticket\.opened/2\.public\.json`[:len(`^missing ticket\.opened/`)], `^4 files of schemas/ are written: commit them$`)
	contains(t, "vinci schemas lock", run("", "lock"), `^the schemas in schemas/ are as they were$`)
	contains(t, "vinci schemas", run(""), `^the schemas in schemas/ are those of the events$`)
	if out := strings.TrimSpace(run("", "--json")); out != "[]" {
		t.Errorf("nothing found is %s in JSON", out)
	}

	withEvents(t, dir, opened, event.Define[ticketRenamed]("ticket.closed"))
	refused := run("1 file of schemas/ does not say")
	golden(t, "schemas_refused.txt", refused)
	contains(t, "vinci schemas lock", run("1 change is refused", "lock"), `^refused ticket\.closed/1\.json`)
	out := run("1 file", "--json")
	var found []schema.Finding
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) != 1 || found[0].State != schema.Refused || found[0].Changes[0].Kind != schema.NewRequired {
		t.Errorf("%v:\n%s", err, out)
	}
	b, err := os.ReadFile(filepath.Join(dir, "schemas", "ticket.closed", "1.json"))
	if err != nil || strings.Contains(string(b), "name") {
		t.Errorf("what is refused is written: %s, %v", b, err)
	}
	moduletest.Write(t, filepath.Join(dir, "schemas", "ticket.closed", "1.json"), "<<<<<<< HEAD\n")
	run("schemas/ticket.closed/1.json: ", "lock")
}
