package schema_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/internal/schemacheck"
)

// claim has rules that JSON Schema can say, each with values near its edge.
type claim struct {
	Name   string            `json:"name" validate:"required,max=3"`
	Nick   string            `json:"nick,omitempty" validate:"omitempty,min=2"`
	State  string            `json:"state" validate:"oneof=open closed"`
	Count  int               `json:"count" validate:"min=0,max=3"`
	Above  float64           `json:"above" validate:"gt=0"`
	Rank   int               `json:"rank,omitempty" validate:"omitempty,oneof=1 2"`
	Tags   []string          `json:"tags" validate:"min=1,unique,dive,max=2"`
	Free   []int             `json:"free"`
	Labels map[string]int    `json:"labels,omitempty" validate:"max=2,dive,lte=2"`
	Must   *string           `json:"must" validate:"required,len=1"`
	May    *int              `json:"may" validate:"omitempty,min=1"`
	Inside *claimLine        `json:"inside,omitempty"`
	Lines  []claimLine       `json:"lines" validate:"dive"`
	Loop   *claimLoop        `json:"loop,omitempty"`
	When   time.Time         `json:"when"`
	Quoted int64             `json:"quoted,string"`
	Pair   [2]bool           `json:"pair"`
	Bytes  []byte            `json:"bytes"`
	Any    map[string]string `json:"any"`
}

type claimLine struct {
	SKU string `json:"sku" validate:"required"`
}

type claimLoop struct {
	N    int8       `json:"n" validate:"max=1"`
	Next *claimLoop `json:"next,omitempty"`
}

func genClaim(t *rapid.T) claim {
	word := rapid.StringMatching(`[aü]{0,4}`)
	var loop func(depth int) *claimLoop
	loop = func(depth int) *claimLoop {
		if depth == 0 || rapid.Bool().Draw(t, "end") {
			return nil
		}
		return &claimLoop{N: rapid.SampledFrom([]int8{0, 1, 1, 1, 1, 1, 2}).Draw(t, "n"), Next: loop(depth - 1)}
	}
	// Mostly right, so that one wrong field decides.
	wrong := rapid.IntRange(0, 20).Draw(t, "wrong field")
	field := 0
	is := func() bool { field++; return wrong == field }
	or := func(right string, g *rapid.Generator[string]) string {
		if is() {
			return g.Draw(t, "word")
		}
		return right
	}
	number := func(right, low, high int) int {
		if is() {
			return rapid.IntRange(low, high).Draw(t, "number")
		}
		return right
	}
	must := or("a", word)
	c := claim{
		Name: or("a", word), Nick: or("", word), State: or("open", rapid.SampledFrom([]string{"", "closed", "shut"})),
		Count: number(1, -1, 4), Above: float64(number(1, -1, 1)), Rank: number(2, 0, 3),
		Tags: []string{or("b", word), or("c", rapid.SampledFrom([]string{"b", "bbb"}))}, Free: rapid.SliceOfN(rapid.Int(), 0, 2).Draw(t, "free"),
		Labels: map[string]int{"a": number(1, 0, 4)}, Must: &must,
		Loop: loop(3), When: time.Unix(0, 0).UTC(), Quoted: rapid.Int64().Draw(t, "quoted"),
	}
	if n := number(1, 0, 1); rapid.Bool().Draw(t, "may") {
		c.May = &n
	}
	if is() {
		c.Must = nil
	}
	if is() {
		c.Tags = rapid.SampledFrom([][]string{nil, {}, {"a"}}).Draw(t, "tags")
	}
	if is() {
		c.Labels = rapid.MapOfN(word, rapid.IntRange(0, 2), 0, 4).Draw(t, "labels")
	}
	for range rapid.IntRange(0, 2).Draw(t, "lines") {
		c.Lines = append(c.Lines, claimLine{or("a", word)})
	}
	if rapid.Bool().Draw(t, "inside") {
		c.Inside = &claimLine{or("a", word)}
	}
	return c
}

// TestSchemaMeansTheRules: a value satisfies the schema exactly when the
// definition accepts it, and whatever it accepts has the schema's types.
func TestSchemaMeansTheRules(t *testing.T) {
	def := event.Define[claim]("some.claim")
	b, err := schema.Of(def)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "x-rules") {
		t.Fatalf("there is a rule that the schema does not say:\n%s", b)
	}
	v, err := schemacheck.New(b)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		c := genClaim(t)
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		accepted := def.Record(c).Err
		refused := v.Check(data)
		answers[accepted == nil]++
		if (accepted == nil) != (refused == nil) {
			t.Fatalf("%s: the definition says %v, the schema %v", data, accepted, refused)
		}
	})
	if answers[true] < 3 || answers[false] < 3 {
		t.Errorf("%v: one of the answers is hardly ever given, so that the test shows nothing", answers)
	}
}

// TestEncodedSatisfiesSchema: of a type with one of everything, empty or not, the
// types are what encoding/json writes.
func TestEncodedSatisfiesSchema(t *testing.T) {
	type filled struct {
		Quoted, Ptr int
	}
	b, err := schema.Of(event.Define[struct {
		tree
		Any    any              `json:"any"`
		Ptr    *filled          `json:"ptr"`
		Nested [][]*filled      `json:"nested"`
		Map    map[int][]byte   `json:"map"`
		Deep   map[string]*tree `json:"deep,omitempty"`
		Num    json.Number      `json:"num"`
		Raw    json.RawMessage  `json:"raw"`
	}]("some.thing"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := schemacheck.New(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range []string{
		`{"name":"","children":null,"by_name":null,"any":null,"ptr":null,"nested":null,"map":null,"num":0,"raw":null}`,
		`{"name":"a","children":[null,{"name":"b","children":[],"by_name":{}}],"by_name":{"x":null},"any":[1],"ptr":{"Quoted":1,"Ptr":2},"nested":[null,[null]],"map":{"1":"aGk="},"deep":{"k":null},"num":1.5,"raw":{}}`,
	} {
		if err := v.Check([]byte(data)); err != nil {
			t.Errorf("%s: %v", data, err)
		}
	}
	for _, data := range []string{
		`{"name":"","children":null,"by_name":null,"any":null,"ptr":null,"nested":null,"map":null,"num":0}`,
		`{"name":"","children":[{}],"by_name":null,"any":null,"ptr":null,"nested":null,"map":null,"num":0,"raw":null}`,
		`{"name":null,"children":null,"by_name":null,"any":null,"ptr":null,"nested":null,"map":null,"num":0,"raw":null}`,
	} {
		if v.Check([]byte(data)) == nil {
			t.Errorf("%s satisfies the schema", data)
		}
	}
}
