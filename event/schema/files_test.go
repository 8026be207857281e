package schema_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
)

type (
	orderV1 struct {
		ID    string `json:"id"`
		Total int    `json:"total"`
	}
	orderNew struct {
		ID    string `json:"id"`
		Total int    `json:"total"`
		Note  string `json:"note,omitempty"`
	}
	orderBroken struct {
		ID    string `json:"id"`
		Total string `json:"total"`
	}
	orderTypo struct {
		ID   string `json:"id"`
		Totl int    `json:"totl"`
	}
	orderID struct {
		ID string `json:"id"`
	}
)

func up[A, B any](A) (b B, err error) { return }

func show[A, B any](A) (b B) { return }

func describe(t *testing.T, types ...event.Type) []*schema.Event {
	t.Helper()
	events, err := schema.Describe(types...)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// states are the findings in short.
func states(found []schema.Finding) string {
	var all []string
	for _, f := range found {
		all = append(all, string(f.State)+" "+f.File)
	}
	return strings.Join(all, ", ")
}

func TestLockAndCheck(t *testing.T) {
	const name = "order.placed"
	dir := filepath.Join(t.TempDir(), "schemas")
	lock := func(want string, types ...event.Type) []schema.Finding {
		t.Helper()
		events := describe(t, types...)
		found, err := schema.Check(dir, events)
		if err != nil {
			t.Fatal(err)
		}
		locked, err := schema.Lock(dir, events)
		if err != nil {
			t.Fatal(err)
		}
		if got := states(found); got != want || states(locked) != want {
			t.Fatalf("got %s\nlock %s\nwant %s", got, states(locked), want)
		}
		// What could be written is written.
		again, err := schema.Check(dir, events)
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(again, func(f schema.Finding) bool { return f.State != schema.Refused }) {
			t.Fatalf("after Lock: %s", states(again))
		}
		return found
	}
	read := func(file string) string {
		t.Helper()
		b, err := os.ReadFile(filepath.Join(dir, name, file))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	v1 := event.Define[orderV1](name)
	lock("missing order.placed/1.json", v1)
	lock("", v1)
	first := read("1.json")

	found := lock("stale order.placed/1.json", event.Define[orderNew](name))
	if text := found[0].String(); !strings.Contains(text, `added: field "note" is new and can be missing`) || !strings.Contains(text, "vinci schemas lock") {
		t.Error(text)
	}
	if read("1.json") == first {
		t.Error("what breaks nothing is not written")
	}

	// What breaks is refused, and the file stays.
	agreed := read("1.json")
	found = lock("refused order.placed/1.json", event.Define[orderBroken](name))
	if text := found[0].String(); !strings.Contains(text, `retyped: field "total" was integer and is string`) || !strings.Contains(text, `removed: field "note"`) ||
		!strings.Contains(text, "event.Version(2) with event.Upcast(1, …)") || !strings.Contains(text, "files_test.go:") || !strings.Contains(text, "remove schemas/order.placed/1.json") {
		t.Error(text)
	}
	if read("1.json") != agreed {
		t.Error("a refused change is written")
	}

	// With a version of its own it is fine, if what reads the old one fits it.
	v2 := event.Define[orderBroken](name, event.Version(2), event.Upcast(1, up[orderV1, orderBroken]))
	lock("missing order.placed/2.json", v2)
	lock("", v2)
	lock("", event.Define[orderBroken](name, event.Version(2), event.Upcast(1, up[orderID, orderBroken]))) // needs less
	lock("", event.Define[orderBroken](name, event.Version(2), event.Since(2)))
	found = lock("refused order.placed/1.json", event.Define[orderBroken](name, event.Version(2), event.Upcast(1, up[orderTypo, orderBroken])))
	if text := found[0].String(); !strings.Contains(text, `field "totl" is new`) || strings.Contains(text, "removed") || !strings.Contains(text, "event.Upcast(1, …)") {
		t.Error(text)
	}
	lock("refused order.placed/1.json", event.Define[orderBroken](name, event.Version(2), event.Upcast(1, up[orderBroken, orderBroken])))
	found = lock("refused order.placed/2.json", event.Define[orderNew](name))
	if text := found[0].String(); !strings.Contains(text, "the definition is back at 1") || !strings.Contains(text, "event.Version(3)") {
		t.Error(text)
	}

	// What others see is agreed, too.
	public := event.Define[orderBroken](name, event.Version(2), event.Since(2), event.Public(show[orderBroken, orderID], 1))
	lock("missing order.placed/1.public.json", public)
	if strings.Contains(read("1.public.json"), "total") {
		t.Error("an inner field is public")
	}
	found = lock("refused order.placed/1.public.json", event.Define[orderBroken](name, event.Version(2), event.Since(2), event.Public(show[orderBroken, orderV1], 1)))
	if text := found[0].String(); !strings.Contains(text, "new required") || !strings.Contains(text, "event.Public(…, 2)") {
		t.Error(text)
	}
	lock("missing order.placed/2.public.json", event.Define[orderBroken](name, event.Version(2), event.Since(2), event.Public(show[orderBroken, orderV1], 2)))
	lock("refused order.placed/2.public.json", public)
	lock("refused order.placed/1.public.json, refused order.placed/2.public.json", event.Define[orderBroken](name, event.Version(2), event.Since(2)))

	// Two events, in order; and one that is gone.
	lock("missing a.b/1.json, refused order.placed", event.Define[orderV1]("a.b"))
	lock("missing c.d/1.json, missing c.d/2.json", public2(name), event.Define[orderV1]("a.b"), event.Define[orderNew]("c.d", event.Version(2), event.Upcast(1, up[orderV1, orderNew])))
}

// public2 is the event as it was last agreed.
func public2(name string) event.Type {
	return event.Define[orderBroken](name, event.Version(2), event.Since(2), event.Public(show[orderBroken, orderV1], 2))
}

// What a type wrote as text may be read as text, and the numbers that name the
// values of a map as well: that needs none of the types of then.
func TestUpcastReadsText(t *testing.T) {
	type loop struct {
		Next *loop `json:"next,omitempty"`
	}
	type wrote struct {
		From netip.Addr     `json:"from"`
		Days map[int]string `json:"days"`
		Loop loop           `json:"loop"`
	}
	type reads struct {
		From string            `json:"from"`
		Days map[string]string `json:"days"`
		Loop loop              `json:"loop"`
	}
	type misreads struct {
		From netip.Prefix `json:"from"`
	}
	dir := t.TempDir()
	if _, err := schema.Lock(dir, describe(t, event.Define[wrote]("a.b"))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		now  event.Type
		want string
	}{
		{event.Define[orderID]("a.b", event.Version(2), event.Upcast(1, up[reads, orderID])), "missing a.b/2.json"},
		{event.Define[orderID]("a.b", event.Version(2), event.Upcast(1, up[misreads, orderID])), "refused a.b/1.json, missing a.b/2.json"},
		{event.Define[reads]("a.b"), "refused a.b/1.json"},
	} {
		found, err := schema.Check(dir, describe(t, c.now))
		if err != nil || states(found) != c.want {
			t.Errorf("got %s, %v; want %s", states(found), err, c.want)
		}
	}
}

func TestCheckReadsFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(file, text string) {
		t.Helper()
		file = filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	events := describe(t, event.Define[orderV1]("order.placed"))
	// What is named otherwise belongs to somebody else.
	write("README.md", "x")
	write("order.placed/notes.json", "x")
	write("order.placed/01.json", "x")
	write("other/1.json", "x")
	if found, err := schema.Lock(dir, events); err != nil || states(found) != "missing order.placed/1.json" {
		t.Fatalf("%s, %v", states(found), err)
	}
	// The events come through a file of definitions, which indents them anew.
	b, err := json.MarshalIndent(events, " ", "   ")
	if err != nil {
		t.Fatal(err)
	}
	var again []*schema.Event
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if found, err := schema.Check(dir, again); err != nil || len(found) != 0 {
		t.Errorf("%s, %v", states(found), err)
	}
	good, err := os.ReadFile(filepath.Join(dir, "order.placed/1.json"))
	if err != nil {
		t.Fatal(err)
	}
	write("order.placed/1.json", strings.ReplaceAll(string(good), "\n", "\r\n"))
	if found, err := schema.Lock(dir, events); err != nil || states(found) != "stale order.placed/1.json" {
		t.Errorf("%s, %v", states(found), err)
	}
	write("order.placed/1.json", "<<<<<<< HEAD")
	if _, err := schema.Check(dir, events); err == nil || !strings.Contains(err.Error(), "schemas/order.placed/1.json: ") {
		t.Errorf("a file of a merge: %v", err)
	}
	if _, err := schema.Lock(dir, events); err == nil {
		t.Error("a file that cannot be read is written over")
	}
	write("file", "")
	if _, err := schema.Check(filepath.Join(dir, "file"), events); err == nil {
		t.Error("a file is taken for the folder")
	}
}
