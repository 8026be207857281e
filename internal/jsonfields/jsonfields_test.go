package jsonfields_test

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/vinci-go/vinci/internal/jsonfields"
)

type (
	deep struct {
		Shared string
		Deep   int `json:"deep"`
		Twice  int
		Tagged int
	}
	left struct {
		deep
		Shared string `json:"Shared"`
		Twice  int
		Both   int
	}
	Right struct {
		Twice  int
		Both   int
		Tagged int `json:"Tagged"`
		Last   string
	}
	Self struct {
		*Self
		Own int
	}
	Number int
	number int
)

// TestOf holds the list of members to what encoding/json writes of a value with
// nothing to leave out.
func TestOf(t *testing.T) {
	filled := struct {
		left
		*Right
		Named  deep `json:"named"`
		Number `json:"number"`
		number
		hidden  int
		Skipped int    `json:"-"`
		Dollar  int    `json:"$or"`
		Empty   string `json:",omitempty"`
		Zero    int    `json:"zero,omitzero"`
		Quoted  int    `json:",string"`
	}{Right: &Right{Last: "x"}, Empty: "x", Zero: 1, hidden: 1, number: 1}
	odd := reflect.New(reflect.StructOf([]reflect.StructField{ // tags that a linter would not let pass
		{Name: "Dash", Type: reflect.TypeFor[int](), Tag: `json:"-,"`},
		{Name: "Quote", Type: reflect.TypeFor[int](), Tag: `json:"a\"b"`},
	})).Elem().Interface()
	for _, v := range []any{filled, left{}, deep{}, Self{}, odd, struct{}{}, struct{ A, B, a int }{}} {
		want := members(t, v)
		var got []string
		for _, f := range jsonfields.Of(reflect.TypeOf(v)) {
			got = append(got, f.Name)
			if f.GoName != reflect.TypeOf(v).FieldByIndex(f.Index).Name {
				t.Errorf("%s: index %v leads to another field", f.GoName, f.Index)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%T: got %q, encoding/json has %q", v, got, want)
		}
	}
}

// TestOptional holds what is optional to what encoding/json leaves out of a value
// in which everything is zero.
func TestOptional(t *testing.T) {
	var zero struct {
		A string         `json:",omitempty"`
		B time.Time      `json:",omitempty"` // a struct is never empty
		C time.Time      `json:",omitzero"`
		D [2]int         `json:",omitempty"`
		E [0]int         `json:",omitempty"`
		F *int           `json:",omitempty"`
		G map[string]int `json:",omitempty"`
		H []int
		I int
		*Right
	}
	want := members(t, zero)
	var got []string
	for _, f := range jsonfields.Of(reflect.TypeOf(zero)) {
		if !f.Optional() {
			got = append(got, f.Name)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("always there are %q, encoding/json writes %q", got, want)
	}
}

func TestEncoding(t *testing.T) {
	for _, tt := range []struct {
		t            reflect.Type
		itself, text bool
	}{
		{reflect.TypeFor[time.Time](), true, false}, // it can do both
		{reflect.TypeFor[netip.Addr](), false, true},
		{reflect.TypeFor[*netip.Addr](), false, true},
		{reflect.TypeFor[json.RawMessage](), true, false},
		{reflect.TypeFor[string](), false, false},
		{reflect.TypeFor[time.Duration](), false, false},
	} {
		if jsonfields.EncodesItself(tt.t) != tt.itself || jsonfields.EncodesAsText(tt.t) != tt.text {
			t.Errorf("%s: encodes itself %v, as text %v", tt.t, jsonfields.EncodesItself(tt.t), jsonfields.EncodesAsText(tt.t))
		}
	}
}

// members are the names that encoding/json writes, in its order.
func members(t *testing.T, v any) []string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	var names []string
	depth, name := 0, true
	for d.More() || depth > 0 {
		tok, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch tok := tok.(type) {
		case json.Delim:
			if tok == '{' || tok == '[' {
				depth++
			} else {
				depth--
			}
			name = depth == 1
			continue
		case string:
			if depth == 1 && name {
				names = append(names, tok)
				name = false
				continue
			}
		}
		name = name || depth == 1
	}
	return names
}
