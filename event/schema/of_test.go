package schema_test

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s(go test -update writes it anew)", file, got, want)
	}
}

type (
	base struct {
		TenantKey string `json:"tenant_key"`
	}
	Level string
	tree  struct {
		Name     string           `json:"name"`
		Children []*tree          `json:"children"`
		Parent   *tree            `json:"parent,omitempty"`
		ByName   map[string]*tree `json:"by_name"`
	}
	money struct{ cents int }

	// everything has one of every kind of field.
	everything struct {
		base
		*tree
		Text    string        `json:"text" description:"what it <says> & means" validate:"required,max=10"`
		Opt     string        `json:"opt,omitempty" validate:"omitempty,email"`
		Must    string        `json:"must,omitempty" validate:"required,url"`
		Level   Level         `json:"level" validate:"oneof=low high"`
		Code    string        `json:"code" validate:"len=2,alpha,uuid4"`
		Maybe   string        `json:"maybe" validate:"omitempty,min=3"`
		Bool    bool          `json:"bool" validate:"required"`
		Int     int           `json:"int" validate:"min=1,max=5"`
		Small   int8          `json:"small" validate:"max=1000"`
		Byte    uint8         `json:"byte"`
		Wide    uint64        `json:"wide,omitempty"`
		Rank    int           `json:"rank" validate:"oneof=1 2 3"`
		Float   float64       `json:"float" validate:"gt=0,lt=1.5"`
		Wait    time.Duration `json:"wait" validate:"min=1s"`
		Time    time.Time     `json:"time" validate:"required"`
		Addr    netip.Addr    `json:"addr"`
		Raw     json.RawMessage
		Any     any            `json:"any"`
		Num     json.Number    `json:"num"`
		Quoted  int            `json:"quoted,string"`
		Bytes   []byte         `json:"bytes"`
		Ptr     *int           `json:"ptr" validate:"omitempty,min=1"`
		PtrOpt  *string        `json:"ptr_opt,omitempty" validate:"omitempty,min=1"`
		PtrMust *string        `json:"ptr_must" validate:"required,min=2"`
		Tags    []string       `json:"tags" validate:"min=1,unique,dive,required,max=4"`
		List    []int          `json:"list"`
		ListOpt []int          `json:"list_opt,omitempty"`
		Pair    [2]float32     `json:"pair"`
		Labels  map[string]int `json:"labels" validate:"max=3,dive,keys,lowercase,endkeys,gte=0"`
		Money   money          `json:"money"`
		In      struct {
			At int `json:"at" validate:"gtefield=To"`
			To int `json:"to"`
		} `json:"in"`
		Tree    tree `json:"tree"`
		Skipped int  `json:"-"`
		hidden  int
	}
)

func (m money) MarshalJSON() ([]byte, error) { return json.Marshal(m.cents) }

func TestOf(t *testing.T) {
	type inner struct {
		Secret string `json:"secret"`
	}
	type outer struct {
		Shown *string `json:"shown"`
	}
	all := event.Define[everything]("some.thing", event.Version(3), event.Since(3), event.Description("One of every kind of field."))
	withPublic := event.Define[inner]("some.secret", event.Public(func(inner) outer { return outer{} }, 7))
	_ = everything{hidden: 1}.hidden
	for name, make := range map[string]func() ([]byte, error){
		"everything.json": func() ([]byte, error) { return schema.Of(all) },
		"tree.json":       func() ([]byte, error) { return schema.Of(event.Define[tree]("some.tree")) },
		"empty.json":      func() ([]byte, error) { return schema.Of(event.Define[struct{}]("some.nothing")) },
		"public.json":     func() ([]byte, error) { return schema.OfPublic(withPublic) },
	} {
		b, err := make()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		golden(t, name, string(b))
		again, err := make()
		if err != nil || string(again) != string(b) {
			t.Errorf("%s: a second time it is %s, %v", name, again, err)
		}
		if changes, err := schema.Compare(b, b); err != nil || len(changes) != 0 {
			t.Errorf("%s differs from itself: %v, %v", name, changes, err)
		}
	}
	if b, err := schema.OfPublic(all); b != nil || err != nil {
		t.Errorf("an internal event has a public schema: %s, %v", b, err)
	}
	wrong := event.Define[string]("Wrong")
	for _, of := range []func(event.Type) ([]byte, error){schema.Of, schema.OfPublic} {
		if _, err := of(wrong); err == nil || !strings.Contains(err.Error(), "data type string") {
			t.Errorf("a wrong definition: %v", err)
		}
	}
}

func TestDescribe(t *testing.T) {
	type old struct {
		A int `json:"a"`
	}
	type now struct {
		B int `json:"b"`
	}
	d := event.Define[now]("some.thing", event.Version(3), event.Description("Text."),
		event.Upcast(1, func(o old) (old, error) { return o, nil }), event.Upcast(2, func(o old) (now, error) { return now{o.A}, nil }))
	events, err := schema.Describe(d, event.Define[now]("other.thing"))
	if err != nil || len(events) != 2 {
		t.Fatal(events, err)
	}
	e := events[0]
	if e.Name != "some.thing" || e.Version != 3 || e.Description != "Text." || !strings.HasPrefix(e.DefinedAt, "event/schema/of_test.go:") || e.Public != nil || len(e.Older) != 2 ||
		e.Older[1].Version != 2 || !strings.Contains(string(e.Older[1].Schema), `"a"`) || !strings.Contains(string(e.Schema), `"b"`) {
		t.Errorf("%+v", e)
	}
	_, err = schema.Describe(event.Define[now]("Wrong"), event.Define[now]("Worse"))
	if err == nil || !strings.Contains(err.Error(), "Wrong") || !strings.Contains(err.Error(), "Worse") {
		t.Errorf("%v does not name all that is wrong", err)
	}
}

// Rules of a map's keys are about the number when the keys are numbers.
func TestRulesOfKeys(t *testing.T) {
	type data struct {
		Days  map[int]string    `json:"days" validate:"dive,keys,min=1,max=31,endkeys"`
		Names map[string]string `json:"names" validate:"dive,keys,min=1,endkeys"`
	}
	b, err := schema.Of(event.Define[data]("some.thing"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(b)), "")
	for _, want := range []string{
		`"days":{"type":["object","null"],"propertyNames":{"type":"string","contentMediaType":"application/json","contentSchema":{"type":"integer","minimum":1,"maximum":31}}`,
		`"names":{"type":["object","null"],"propertyNames":{"type":"string","minLength":1}`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not hold\n%s", text, want)
		}
	}
}
