package schema_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/internal/schemacheck"
)

// parcel is what others see: it holds itself, so that its schema has definitions.
type parcel struct {
	Name   string            `json:"name" validate:"required,max=5"`
	Grams  int               `json:"grams" validate:"min=0,max=9000"`
	Inside []*parcel         `json:"inside,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
}

type parcelV1 struct {
	Name string `json:"name"`
}

type packed struct {
	Parcel parcel `json:"parcel"`
	Packer string `json:"packer_secret"`
}

type bell struct {
	Times uint8 `json:"times_secret"`
}

var (
	packedEvent = event.Define[packed]("parcel.packed", event.Version(4), event.Since(4), event.Description("A parcel <is> ready."),
		event.Public(func(p packed) parcel { return p.Parcel }, 2))
	packedBefore = event.Define[packed]("parcel.packed", event.Public(func(p packed) parcelV1 { return parcelV1{p.Parcel.Name} }, 1))
	bellRung     = event.Define[bell]("bell.rung")
	theirBell    = event.Define[parcelV1]("gate.opened", event.Version(3), event.Since(3))
)

// export is one with an earlier outward shape that was agreed, and a subscription of
// each kind.
func export(t *testing.T) *schema.Export {
	t.Helper()
	agreed := t.TempDir()
	if _, err := schema.Lock(agreed, describe(t, packedBefore)); err != nil {
		t.Fatal(err)
	}
	own := describe(t, packedEvent, bellRung)
	return &schema.Export{
		Application: "post", Bus: "post", Source: "post", PublicSource: "post.public", Events: own, Agreed: agreed,
		Receives: []schema.Receive{
			{Subscription: "ring", Application: "post", Source: "post", Bus: "post", Events: own[1:]},
			{Subscription: "let_in", Application: "yard", Source: "yard.public", Bus: "town", Public: true, Events: describe(t, theirBell)},
		},
	}
}

func compareExport(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", "export", name)
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what is exported (go test -update writes it):\n%s", file, got)
	}
}

func must(t *testing.T) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// TestExport compares both formats with their golden files, and looks for what may not
// leave.
func TestExport(t *testing.T) {
	x := export(t)
	async, one := must(t)(x.AsyncAPI()), must(t)(x.JSONSchema())
	compareExport(t, "asyncapi.json", async)
	compareExport(t, "jsonschema.json", one)
	for name, b := range map[string][]byte{"asyncapi": async, "jsonschema": one} {
		for _, word := range []string{"secret", "bell.rung", "internal", `"post"`, "receive.ring", x.Agreed} {
			// The channel and the bus have the application's name.
			if text := strings.NewReplacer(`"channels/post"`, "", `"post": {`, "").Replace(string(b)); strings.Contains(text, word) {
				t.Errorf("%s tells of %s", name, word)
			}
		}
	}
	if again := must(t)(export(t).AsyncAPI()); string(again) != string(async) {
		t.Error("the same definitions give another document")
	}
	x.Internal = true
	compareExport(t, "asyncapi_internal.json", must(t)(x.AsyncAPI()))
	inner := string(must(t)(x.JSONSchema()))
	for _, word := range []string{"packer_secret", "times_secret", "parcel.packed.v4.internal"} {
		if !strings.Contains(inner, word) {
			t.Errorf("with Internal there is no %s", word)
		}
	}
	files, err := x.JSONSchemas()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
		if _, err := schemacheck.New(f.Schema); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if got, want := strings.Join(names, " "), "bell.rung.v1.internal.json parcel.packed.v1.json parcel.packed.v2.json parcel.packed.v1.internal.json parcel.packed.v4.internal.json"; got != want {
		t.Errorf("files %s, want %s", got, want)
	}
}

// TestAsyncAPIStructure: every reference leads somewhere, and operations send and receive
// messages of their channel.
// https://www.asyncapi.com/docs/reference/specification/v3.0.0#operationObject
func TestAsyncAPIStructure(t *testing.T) {
	x := export(t)
	x.Internal = true
	var doc map[string]any
	if err := json.Unmarshal(must(t)(x.AsyncAPI()), &doc); err != nil {
		t.Fatal(err)
	}
	find := func(ref string) any {
		var here any = doc
		for token := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
			object, _ := here.(map[string]any)
			here = object[token]
		}
		return here
	}
	refs := 0
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if refs++; find(ref) == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(doc)
	operations := find("#/operations").(map[string]any)
	for name, o := range operations {
		o := o.(map[string]any)
		channel := o["channel"].(map[string]any)["$ref"].(string)
		action, _, _ := strings.Cut(name, ".")
		if o["action"] != action || len(o["messages"].([]any)) == 0 {
			t.Errorf("operation %s: %v", name, o)
		}
		for _, m := range o["messages"].([]any) {
			if ref := m.(map[string]any)["$ref"].(string); !strings.HasPrefix(ref, channel+"/messages/") {
				t.Errorf("operation %s of %s has the message %s", name, channel, ref)
			}
		}
	}
	if len(operations) != 5 || refs < 30 || doc["asyncapi"] != "3.0.0" {
		t.Errorf("%d operations, %d references, version %v", len(operations), refs, doc["asyncapi"])
	}
}

// TestEventsSatisfyExport: what is published satisfies the exported schemas of its
// version, in both formats, and what is not an event of it does not.
func TestEventsSatisfyExport(t *testing.T) {
	x := export(t)
	one, err := schemacheck.New(must(t)(x.JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	async, err := schemacheck.New(must(t)(x.AsyncAPI()))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := async.At("/components/messages/parcel.packed.v2/payload")
	if err != nil {
		t.Fatal(err)
	}
	both := func(b []byte) error { return errors.Join(one.Check(b), payload.Check(b)) }
	var gen func(depth int) *rapid.Generator[parcel]
	gen = func(depth int) *rapid.Generator[parcel] {
		return rapid.Custom(func(t *rapid.T) parcel {
			p := parcel{Name: rapid.StringMatching(`[a-zü<]{1,5}`).Draw(t, "name"), Grams: rapid.IntRange(0, 9000).Draw(t, "grams")}
			for range rapid.IntRange(0, depth).Draw(t, "inside") {
				inside := gen(depth-1).Draw(t, "parcel")
				p.Inside = append(p.Inside, &inside)
			}
			return p
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		r := packedEvent.Record(packed{Parcel: gen(2).Draw(t, "parcel"), Packer: "x"})
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		e := event.Envelope{Metadata: event.Metadata{
			ID: "parcel/1@1", Source: "post.public", Type: r.Type, Time: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 5), SchemaVersion: r.PublicVersion,
			Subject: rapid.SampledFrom([]string{"", "parcel/1"}).Draw(t, "subject"), CorrelationID: rapid.SampledFrom([]string{"", "c"}).Draw(t, "correlation"),
		}, Data: r.Public}
		b, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := both(b); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(b, &members); err != nil {
			t.Fatal(err)
		}
		spoil := rapid.SampledFrom([][2]string{
			{"source", `"post"`}, {"type", `"bell.rung"`}, {"schemaversion", `3`}, {"id", `""`}, {"time", `"yesterday"`},
			{"data", `{"name":"toolong","grams":1}`}, {"data", `{"name":"a","grams":1,"inside":[{"grams":1}]}`}, {"data", `null`}, {"dataschema", `"urn:x"`}, {"specversion", `"2.0"`},
		}).Draw(t, "spoil")
		members[spoil[0]] = json.RawMessage(spoil[1])
		bad, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		if one.Check(bad) == nil || payload.Check(bad) == nil {
			t.Fatalf("%s satisfies a schema", bad)
		}
	})
	// The shape that was agreed before has its own version.
	before := `{"specversion":"1.0","id":"parcel/1@1","source":"post.public","type":"parcel.packed","time":"2026-01-01T00:00:00Z","schemaversion":1,"data":{"name":"long enough"}}`
	if err := one.Check([]byte(before)); err != nil {
		t.Error(err)
	}
}

func TestExportOfNothing(t *testing.T) {
	x := &schema.Export{Application: "post", Events: describe(t, bellRung), PublicSource: "post.public"}
	_, err1 := x.AsyncAPI()
	_, err2 := x.JSONSchema()
	_, err3 := x.JSONSchemas()
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, schema.ErrNothing) {
			t.Errorf("got %v", err)
		}
	}
	x = export(t)
	if err := os.WriteFile(filepath.Join(x.Agreed, "parcel.packed", "1.public.json"), []byte("<<<"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := x.JSONSchema(); err == nil || !strings.Contains(err.Error(), "parcel.packed/1.public.json") {
		t.Errorf("a broken file: %v", err)
	}
}
