package schema_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
)

func of[T any](t *testing.T) []byte {
	t.Helper()
	b, err := schema.Of(event.Define[T]("some.thing"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type one[T any] struct {
	A T `json:"a"`
}

type opt[T any] struct {
	A T `json:"a,omitempty"`
}

type (
	addedTag struct {
		A int    `json:"a"`
		B string `json:"b"`
	}
	addedOpt struct {
		A int    `json:"a"`
		B string `json:"b,omitempty"`
	}
	addedRule struct {
		A int    `json:"a"`
		B string `json:"b,omitempty" validate:"oneof=x"`
	}
	renamed struct {
		B int `json:"b"`
	}
	described struct {
		A int `json:"a" description:"how many"`
	}
	asSent struct {
		A json.RawMessage `json:"a" description:"as somebody sent it"`
	}
	min1 struct {
		A int `json:"a" validate:"min=1"`
	}
	min5 struct {
		A int `json:"a" validate:"min=5"`
	}
	above struct {
		A int `json:"a" validate:"gt=1"`
	}
	enum2 struct {
		A string `json:"a" validate:"oneof=x y"`
	}
	enum1 struct {
		A string `json:"a" validate:"oneof=x"`
	}
	email struct {
		A string `json:"a" validate:"email"`
	}
	uri struct {
		A string `json:"a" validate:"uri"`
	}
	alpha struct {
		A string `json:"a" validate:"alpha"`
	}
	unique struct {
		A []string `json:"a" validate:"unique"`
	}
	keys struct {
		A map[string]int `json:"a" validate:"dive,keys,max=3,endkeys,min=1"`
	}
	list struct {
		Lines []one[int] `json:"lines"`
	}
	listOf struct {
		Lines []one[string] `json:"lines"`
	}
	quotedInt struct {
		A int `json:"a,string"`
	}
	mustOpt struct {
		A int `json:"a,omitempty" validate:"required"`
	}
	leaf struct { // the same shape as branch, but it cannot hold itself
		A    int `json:"a"`
		Next *struct {
			A int `json:"a"`
		} `json:"next,omitempty"`
	}
	branch struct {
		A    int     `json:"a"`
		Next *branch `json:"next,omitempty"`
	}
	branchText struct {
		A    string      `json:"a"`
		Next *branchText `json:"next,omitempty"`
	}
	structIn = one[one[int]]
)

// TestCompare is the table of what breaks, in both directions, with the messages
// in testdata/changes.txt.
func TestCompare(t *testing.T) {
	var b strings.Builder
	for _, tt := range []struct {
		name          string
		old, now      []byte
		there, andNow string // kinds in one direction and in the other
	}{
		{"the same", of[one[int]](t), of[one[int]](t), "", ""},
		{"a field that is always there", of[one[int]](t), of[addedTag](t), "new required", "removed"},
		{"a field that can be missing", of[one[int]](t), of[addedOpt](t), "added", "removed"},
		{"omitempty with a rule that \"\" breaks", of[one[int]](t), of[addedRule](t), "new required", "removed"},
		{"a field with another name", of[one[int]](t), of[renamed](t), "removed, new required", "new required, removed"},
		{"another type", of[one[int]](t), of[one[string]](t), "retyped", "retyped"},
		{"a whole number and any", of[one[int]](t), of[one[float64]](t), "retyped", "retyped"},
		{"a number as text", of[one[int]](t), of[quotedInt](t), "retyped", "retyped"},
		{"text and bytes", of[one[string]](t), of[one[json.Marshaler]](t), "retyped", "retyped"},
		{"text and a time", of[one[string]](t), of[one[time.Time]](t), "retyped", "retyped"},
		{"text and a type that encodes itself", of[one[string]](t), of[one[netip.Addr]](t), "retyped", "retyped"},
		{"a map by name and by number", of[one[map[string]int]](t), of[one[map[int]int]](t), "retyped", "retyped"},
		{"a map by name and by a type that encodes itself", of[one[map[string]int]](t), of[one[map[netip.Addr]int]](t), "retyped", "retyped"},
		{"a description that looks like a type", of[one[json.RawMessage]](t), of[asSent](t), "described", "described"},
		{"one and many", of[one[string]](t), of[one[[]string]](t), "retyped", "retyped"},
		{"an object and a scalar", of[one[int]](t), of[structIn](t), "retyped", "retyped"},
		{"a smaller number", of[one[int]](t), of[one[int8]](t), "tightened, tightened", "loosened, loosened"},
		{"no sign", of[one[int]](t), of[one[uint]](t), "retyped", "retyped"},
		{"a smaller fraction", of[one[float64]](t), of[one[float32]](t), "tightened, tightened", "loosened, loosened"},
		{"null", of[one[int]](t), of[one[*int]](t), "optional", "required"},
		{"omitempty", of[one[int]](t), of[opt[int]](t), "optional", "required"},
		{"omitempty that must be there", of[one[int]](t), of[mustOpt](t), "tightened", "loosened"},
		{"a pointer that is left out", of[opt[int]](t), of[opt[*int]](t), "", ""},
		{"a description", of[one[int]](t), of[described](t), "described", "described"},
		{"a bound", of[one[int]](t), of[min1](t), "tightened", "loosened"},
		{"a nearer bound", of[min1](t), of[min5](t), "tightened", "loosened"},
		{"another bound", of[min1](t), of[above](t), "loosened, tightened", "tightened, loosened"},
		{"an enum", of[one[string]](t), of[enum2](t), "tightened", "loosened"},
		{"a smaller enum", of[enum2](t), of[enum1](t), "tightened", "loosened"},
		{"a format", of[one[string]](t), of[email](t), "tightened", "loosened"},
		{"another format", of[email](t), of[uri](t), "tightened", "tightened"},
		{"a rule without a keyword", of[one[string]](t), of[alpha](t), "tightened", "loosened"},
		{"no element twice", of[one[[]string]](t), of[unique](t), "tightened", "loosened"},
		{"keys and values of a map", of[one[map[string]int]](t), of[keys](t), "tightened, tightened", "loosened, loosened"},
		{"inside a list", of[list](t), of[listOf](t), "retyped", "retyped"},
		{"inside itself", of[branch](t), of[branchText](t), "retyped", "retyped"},
		{"deeper inside", of[leaf](t), of[branch](t), "added", "removed"},
	} {
		for _, way := range []struct {
			name     string
			old, now []byte
			want     string
		}{{tt.name, tt.old, tt.now, tt.there}, {tt.name + ", back", tt.now, tt.old, tt.andNow}} {
			changes, err := schema.Compare(way.old, way.now)
			if err != nil {
				t.Fatalf("%s: %v", way.name, err)
			}
			var kinds []string
			for _, c := range changes {
				kinds = append(kinds, string(c.Kind))
				breaks := "is fine"
				if c.Kind.Breaking() {
					breaks = "BREAKS "
				}
				fmt.Fprintf(&b, "%-40s %s  %s: %s\n", way.name, breaks, c.Kind, c)
			}
			if got := strings.Join(kinds, ", "); got != way.want {
				t.Errorf("%s: got %q, want %q", way.name, got, way.want)
			}
		}
	}
	golden(t, "changes.txt", b.String())
}

func TestCompareRefusesWhatItCannotRead(t *testing.T) {
	fine := of[one[int]](t)
	for _, b := range []string{``, `[]`, `{"type":7}`, `{"if":{}}`, string(fine) + "{}"} {
		if _, err := schema.Compare([]byte(b), fine); err == nil || !strings.Contains(err.Error(), "the old schema") || !strings.Contains(err.Error(), "not by hand") {
			t.Errorf("%s: %v", b, err)
		}
		if _, err := schema.Compare(fine, []byte(b)); err == nil || !strings.Contains(err.Error(), "the new schema") {
			t.Errorf("%s: %v", b, err)
		}
	}
}

func FuzzCompare(f *testing.F) {
	b, err := schema.Of(event.Define[tree]("some.tree"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, []byte(`{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/a"}}}`))
	f.Add([]byte(`{"anyOf":[null],"properties":{"a":null},"items":{"type":["null","string"]}}`), []byte(`{"enum":[1,"a",{}],"minimum":1e999}`))
	f.Add([]byte(`{"$ref":"#/$defs/a","$defs":{"a":{"items":{"$ref":"#/$defs/a"}}}}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, old, now []byte) {
		there, err := schema.Compare(old, now)
		if err != nil {
			return
		}
		back, err := schema.Compare(now, old)
		if err != nil || (len(there) == 0) != (len(back) == 0) {
			t.Fatalf("there %v, back %v, %v", there, back, err)
		}
		for _, b := range [][]byte{old, now} {
			if same, err := schema.Compare(b, b); err != nil || len(same) != 0 {
				t.Fatalf("%s differs from itself: %v, %v", b, same, err)
			}
		}
	})
}
