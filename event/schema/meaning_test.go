package schema_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"net/mail"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
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
	v := newValidator(t, b)
	answers := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		c := genClaim(t)
		data, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		accepted := def.Record(c).Err
		refused := v.check("", v.root, decode(t, data))
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
	v := newValidator(t, b)
	for _, data := range []string{
		`{"name":"","children":null,"by_name":null,"any":null,"ptr":null,"nested":null,"map":null,"num":0,"raw":null}`,
		`{"name":"a","children":[null,{"name":"b","children":[],"by_name":{}}],"by_name":{"x":null},"any":[1],"ptr":{"Quoted":1,"Ptr":2},"nested":[null,[null]],"map":{"1":"aGk="},"deep":{"k":null},"num":1.5,"raw":{}}`,
	} {
		if err := v.check("", v.root, decode(t, []byte(data))); err != nil {
			t.Errorf("%s: %v", data, err)
		}
	}
	for _, data := range []string{
		`{"name":"","children":null,"by_name":null,"any":null,"ptr":null,"nested":null,"map":null,"num":0}`,
		`{"name":"","children":[{}],"by_name":null,"any":null,"ptr":null,"nested":null,"map":null,"num":0,"raw":null}`,
		`{"name":null,"children":null,"by_name":null,"any":null,"ptr":null,"nested":null,"map":null,"num":0,"raw":null}`,
	} {
		if v.check("", v.root, decode(t, []byte(data))) == nil {
			t.Errorf("%s satisfies the schema", data)
		}
	}
}

func decode(t interface{ Fatal(...any) }, b []byte) any {
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// validator checks values against a schema, written from the JSON Schema
// specification and not from the package: it reads the schema as any JSON.
//
// https://json-schema.org/draft/2020-12/json-schema-validation
type validator struct {
	root map[string]any
}

func newValidator(t *testing.T, b []byte) *validator {
	return &validator{root: decode(t, b).(map[string]any)}
}

func (v *validator) check(path string, s map[string]any, value any) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
	for word, want := range s {
		switch word {
		case "$schema", "title", "description", "$defs", "contentEncoding", "contentMediaType", "contentSchema":
		case "$ref":
			name := strings.TrimPrefix(want.(string), "#/$defs/")
			if err := v.check(path, v.root["$defs"].(map[string]any)[name].(map[string]any), value); err != nil {
				return err
			}
		case "anyOf":
			if !slices.ContainsFunc(want.([]any), func(one any) bool { return v.check(path, one.(map[string]any), value) == nil }) {
				return bad("none of %v", want)
			}
		case "type":
			all, ok := want.([]any)
			if !ok {
				all = []any{want}
			}
			if !slices.ContainsFunc(all, func(one any) bool { return isType(one.(string), value) }) {
				return bad("%v is no %v", value, want)
			}
		case "enum":
			if !slices.ContainsFunc(want.([]any), func(one any) bool { return reflect.DeepEqual(one, value) }) {
				return bad("%v is none of %v", value, want)
			}
		case "format":
			if text, ok := value.(string); ok && want == "email" {
				if _, err := mail.ParseAddress(text); err != nil {
					return bad("%v", err)
				}
			}
		case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
			if n, ok := value.(json.Number); ok {
				c := rat(n).Cmp(rat(want.(json.Number)))
				if word == "minimum" && c < 0 || word == "maximum" && c > 0 || word == "exclusiveMinimum" && c <= 0 || word == "exclusiveMaximum" && c >= 0 {
					return bad("%s %s of %s", word, want, n)
				}
			}
		case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
			size := -1
			switch value := value.(type) {
			case string:
				if strings.HasSuffix(word, "Length") {
					size = len([]rune(value))
				}
			case []any:
				if strings.HasSuffix(word, "Items") {
					size = len(value)
				}
			case map[string]any:
				if strings.HasSuffix(word, "Properties") {
					size = len(value)
				}
			}
			n, err := want.(json.Number).Int64()
			if err != nil || size >= 0 && (strings.HasPrefix(word, "min") && size < int(n) || strings.HasPrefix(word, "max") && size > int(n)) {
				return bad("%s %s of %d, %v", word, want, size, err)
			}
		case "uniqueItems":
			list, _ := value.([]any)
			for i := range list {
				if slices.ContainsFunc(list[:i], func(other any) bool { return reflect.DeepEqual(other, list[i]) }) {
					return bad("element %d is there twice", i)
				}
			}
		case "items":
			list, _ := value.([]any)
			for i, e := range list {
				if err := v.check(fmt.Sprintf("%s[%d]", path, i), want.(map[string]any), e); err != nil {
					return err
				}
			}
		case "properties":
			object, _ := value.(map[string]any)
			for name, p := range want.(map[string]any) {
				if inner, ok := object[name]; ok {
					if err := v.check(path+"."+name, p.(map[string]any), inner); err != nil {
						return err
					}
				}
			}
		case "required":
			object, ok := value.(map[string]any)
			for _, name := range want.([]any) {
				if _, there := object[name.(string)]; ok && !there {
					return bad("%s is missing", name)
				}
			}
		case "additionalProperties":
			object, _ := value.(map[string]any)
			known, _ := s["properties"].(map[string]any)
			for name, inner := range object {
				if _, ok := known[name]; !ok {
					if err := v.check(path+"{"+name+"}", want.(map[string]any), inner); err != nil {
						return err
					}
				}
			}
		case "propertyNames":
			object, _ := value.(map[string]any)
			for name := range object {
				if err := v.check(path+"{"+name+"}", want.(map[string]any), name); err != nil {
					return err
				}
			}
		default:
			return bad("unknown keyword %s", word)
		}
	}
	return nil
}

func rat(n json.Number) *big.Rat {
	r, _ := new(big.Rat).SetString(string(n))
	return r
}

func isType(name string, value any) bool {
	switch v := value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case json.Number:
		return name == "number" || name == "integer" && rat(v).IsInt()
	case []any:
		return name == "array"
	default:
		return name == "object"
	}
}
