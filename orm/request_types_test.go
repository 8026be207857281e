package orm

import (
	"encoding/json"
	"math"
	"net/netip"
	"reflect"
	"testing"
	"time"
)

// everyKind has one attribute of each kind, with a value that is not zero.
type everyKind struct {
	ID         string                 `dynamo:"id,hash"`
	Seq        uint64                 `dynamo:"seq,range"`
	Text       string                 `dynamo:"text"`
	Enum       colour                 `dynamo:"enum" enum:"red,blue"`
	Int        int64                  `dynamo:"int"`
	Float32    float32                `dynamo:"float32"`
	Float64    float64                `dynamo:"float64"`
	Decimal    Decimal                `dynamo:"decimal"`
	Bool       bool                   `dynamo:"bool"`
	Bytes      []byte                 `dynamo:"bytes"`
	Empty      []byte                 `dynamo:"empty,allowempty"`
	Fixed      [2]byte                `dynamo:"fixed"`
	Time       time.Time              `dynamo:"time"`
	Unix       time.Time              `dynamo:"unix,unixtime"`
	Wait       time.Duration          `dynamo:"wait"`
	TextType   netip.Addr             `dynamo:"text_type"`
	JSON       JSON[map[string][]int] `dynamo:"json"`
	List       []*string              `dynamo:"list"`
	Numbers    []float64              `dynamo:"numbers"`
	Lists      [][]byte               `dynamo:"lists"`
	Map        map[string]*int        `dynamo:"map,allowemptyelem"`
	MapText    map[version]Decimal    `dynamo:"map_text"`
	SetText    []string               `dynamo:"set_text,set"`
	SetOne     map[int]struct{}       `dynamo:"set_one,set"`
	SetDecimal []Decimal              `dynamo:"set_decimal,set"`
	SetBytes   [][]byte               `dynamo:"set_bytes,set"`
	Struct     inner                  `dynamo:"struct"`
	Pointer    *int                   `dynamo:"pointer"`
	Nil        *int                   `dynamo:"nil"`
	Omitted    int                    `dynamo:"omitted,omitempty"`
	Null       *time.Time             `dynamo:"null,null"`
	Default    string                 `dynamo:"default" default:"None"`
}

// TestEveryTypeOnTheWire holds what DynamoDB is sent for an item with every type
// against a golden file, and reads it back from the same text.
func TestEveryTypeOnTheWire(t *testing.T) {
	table := Define[everyKind, Pair[string, uint64]]("kinds")
	largest, err := ParseDecimal("-9.9999999999999999999999999999999999999e125")
	if err != nil {
		t.Fatal(err)
	}
	small, err := ParseDecimal("1.50")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 20, 10, 0, 0, 1000, time.FixedZone("", 345*60))
	text, n, zero := "", 7, 0
	item := everyKind{
		ID: "é\x00\"<&>", Seq: math.MaxUint64, Text: "😀\u2028", Enum: "blue", Int: math.MinInt64, Float32: 0.1, Float64: 1e-7, Decimal: largest, Bool: true,
		Bytes: []byte{0, 255}, Empty: []byte{}, Fixed: [2]byte{0, 1}, Time: at, Unix: at, Wait: -time.Nanosecond, TextType: netip.MustParseAddr("::1"),
		JSON: JSON[map[string][]int]{map[string][]int{"<a>": {1, 2}}}, List: []*string{nil, &text}, Numbers: []float64{1, 1e21, -0.5}, Lists: [][]byte{nil, {}, {1}},
		Map: map[string]*int{"": nil, "b": &n}, MapText: map[version]Decimal{{1, 2}: small}, SetText: []string{"b", "a", ""}, SetOne: map[int]struct{}{-1: {}},
		SetDecimal: []Decimal{small, {}}, SetBytes: [][]byte{{1}, {}}, Struct: inner{Deep: map[string][]float64{"x": {0.25}}, When: &at, Next: &inner{Text: "next"}}, Pointer: &zero,
	}
	w := wire{}
	s, _ := w.store()
	if err := Exec(t.Context(), s, table.Insert(item)); err != nil {
		t.Fatal(err)
	}
	golden(t, "request_put_every_type.json", w.requests)

	body, err := json.Marshal(w.requests[0].Body.(map[string]any)["Item"])
	if err != nil {
		t.Fatal(err)
	}
	w.answer = `{"Item":` + string(body) + `}`
	got, err := table.Get(t.Context(), s, Key(item.ID, item.Seq))
	if err != nil {
		t.Fatal(err)
	}
	item.Unix, item.Default = time.Unix(at.Unix(), 0).UTC(), "None"
	if d := differs(reflect.ValueOf(item), reflect.ValueOf(got), "item"); d != "" {
		t.Error(d)
	}
}
