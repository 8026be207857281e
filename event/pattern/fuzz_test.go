package pattern_test

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/vinci-go/vinci/event/pattern"
)

func seeds(f *testing.F) {
	for _, p := range []string{
		`{"a": ["x", 1, 3.0e1, true, null, {"prefix": "a"}, {"suffix": {"equals-ignore-case": "b"}}]}`,
		`{"a": {"b": [{"anything-but": ["x"]}, {"exists": false}]}, "$or": [{"c": [{"numeric": [">", 0, "<=", 5]}]}, {"d": [{"cidr": "10.0.0.0/8"}]}]}`,
		`{"a": [{"wildcard": "a*\\*b*"}, {"equals-ignore-case": "É"}, {"anything-but": {"wildcard": ["x*"]}}]}`,
		`{"a.b": ["::1"]}`,
	} {
		f.Add([]byte(p), []byte(`{"a": [{"b": "x\n\ud83d"}, [1.50, -0, {"b": [[]]}], "É"], "c": 5, "a.b": "0:0::1"}`))
	}
}

// FuzzCompile: whatever it is given, Compile answers with a pattern or with an
// error of its kind, and what it accepts is JSON.
func FuzzCompile(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, source, event []byte) {
		p, err := pattern.Compile(source)
		if err != nil {
			if !errors.Is(err, pattern.ErrInvalid) || p != nil {
				t.Fatalf("Compile: %v, %v", p, err)
			}
			return
		}
		if !json.Valid(source) || p.String() != string(source) {
			t.Fatalf("accepted %q, kept %q", source, p)
		}
		_, _ = p.Match(event) // must not crash, checked by FuzzMatch
	})
}

// FuzzMatch: a match refuses exactly what is no JSON object in UTF-8, and gives
// the same answer for the same event written otherwise.
func FuzzMatch(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, source, event []byte) {
		p, err := pattern.Compile(source)
		if err != nil {
			return
		}
		got, err := p.Match(event)
		var object map[string]json.RawMessage
		isEvent := utf8.Valid(event) && json.Unmarshal(event, &object) == nil && object != nil
		if isEvent != (err == nil) || err != nil && !errors.Is(err, pattern.ErrEvent) {
			t.Fatalf("event %q: error %v", event, err)
		}
		if err != nil {
			return
		}
		var compact json.RawMessage // without space
		if compact, err = json.Marshal(json.RawMessage(event)); err != nil {
			t.Fatal(err)
		}
		if again, err := p.Match(compact); err != nil || again != got {
			t.Fatalf("pattern %s\nevent %s: %v\ncompacted %s: %v, %v", source, event, got, compact, again, err)
		}
	})
}
