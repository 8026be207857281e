package settings_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/settings"
)

func TestDefinitions(t *testing.T) {
	for _, d := range []settings.Definition{maxItems, enabled, share, greeting, window, way, bounds} {
		if d.Err() != nil {
			t.Errorf("%s: %v", d.Name(), d.Err())
		}
	}
	if maxItems.Kind() != settings.Int || maxItems.GoType() != "int" || maxItems.Description() == "" || !strings.Contains(maxItems.DefinedAt(), "settings/fixture_test.go:") {
		t.Errorf("max_items is %s %s %q at %s", maxItems.Kind(), maxItems.GoType(), maxItems.Description(), maxItems.DefinedAt())
	}
	for kind, d := range map[settings.Kind]settings.Definition{settings.Bool: enabled, settings.Float: share, settings.Text: way, settings.Duration: window, settings.Object: bounds} {
		if d.Kind() != kind {
			t.Errorf("%s is a %s, want %s", d.Name(), d.Kind(), kind)
		}
	}
	raw := maxItems.Default()
	raw[0] = '9'
	if string(maxItems.Default()) != "100" || string(window.Default()) != `"1h0m0s"` || string(bounds.Default()) != `{"most":3,"names":["a"]}` {
		t.Errorf("defaults are %s, %s, %s", maxItems.Default(), window.Default(), bounds.Default())
	}
}

type unkept struct {
	Kept   int `json:"kept"`
	hidden int
}

func TestWrongDefinitions(t *testing.T) {
	var none *settings.Setting[int]
	for want, d := range map[string]settings.Definition{
		"the setting is nil":               none,
		`name "Max"`:                       settings.Define("Max", "x", 1),
		"at most 60":                       settings.Define(strings.Repeat("m", 61), "x", 1),
		"it has no description":            settings.Define("a", "", 1),
		"allowed is 5 to 9":                settings.Define("a", "x", 1, settings.Between(5, 9)),
		"allowed are: p, q":                settings.Define("a", "x", "r", settings.OneOf("p", "q")),
		"option 0 is empty":                settings.Define("a", "x", 1, settings.Option[int]{}),
		"its type is []string":             settings.Define("a", "x", []string{"b"}),
		"its type is *int":                 settings.Define("a", "x", new(int)),
		"a field that JSON does not keep":  settings.Define("a", "x", unkept{Kept: 1, hidden: 2}),
		"slog.Level has a form of its own": settings.Define("a", "x", slog.LevelWarn),
		"time.Time":                        settings.Define("a", "x", noon),
		"unsupported value":                settings.Define("a", "x", math.NaN()),
		"allowed is 0 to 1":                settings.Define("a", "x", math.NaN(), settings.Between(0.0, 1.0)),
		"its check panicked: no":           settings.Define("a", "x", 1, settings.Check(func(int) error { panic("no") })),
		"at most 32768 are allowed":        settings.Define("a", "x", strings.Repeat("x", settings.MaxSize)),
	} {
		err := d.Err()
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, settings.KindDefinition) {
			t.Errorf("%q is missing in %v", want, err)
		}
		if _, err := d.Parse("1"); err == nil {
			t.Errorf("%q: it parses", want)
		}
	}
	bad := settings.Define("Bad", "", []int{1})
	if all, ok := bad.Err().(interface{ Unwrap() []error }); !ok || len(all.Unwrap()) != 3 {
		t.Errorf("not everything is told: %v", bad.Err())
	}
	if _, err := bad.Get(t.Context(), settings.NewReader(ormtest.New(), settings.Options{})); !errors.Is(err, settings.KindDefinition) {
		t.Errorf("it can be read: %v", err)
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		of         settings.Definition
		text, want string // want: what is stored, or with a blank in front what is refused
	}{
		{maxItems, "7", "7"}, {maxItems, "+7", "7"}, {maxItems, "007", "7"}, {maxItems, "-0", "0"},
		{maxItems, "-1", " allowed is 0 and more"}, {maxItems, "", " no whole number"}, {maxItems, "7.0", " no whole number"}, {maxItems, "1e3", " no whole number"}, {maxItems, "99999999999999999999", " no whole number"}, {maxItems, "18446744073709551615", " it is no int"},
		{enabled, "false", "false"}, {enabled, "no", " neither true nor false"}, {enabled, "1", " neither true nor false"},
		{share, "0.25", "0.25"}, {share, "1", "1"}, {share, "1e-2", "0.01"}, {share, "1.5", " allowed is 0 to 1"}, {share, "NaN", " no number"}, {share, "Inf", " no number"}, {share, "half", " no number"},
		{greeting, "", `""`}, {greeting, "good day", `"good day"`}, {greeting, `say "x"`, `"say \"x\""`}, {greeting, "null", `"null"`}, {greeting, "\xff", " no UTF-8"}, {greeting, strings.Repeat("x", settings.MaxSize), " at most 32768"},
		{window, "90s", `"1m30s"`}, {window, "1h30m", `"1h30m0s"`}, {window, "25h", " allowed is 1s to 24h0m0s"}, {window, "90", " is no duration"}, {window, "", " is no duration"},
		{way, "safe", `"safe"`}, {way, "slow", " allowed are: fast, safe"},
		{bounds, `{"most":5,"names":null}`, `{"most":5,"names":null}`}, {bounds, ` {"most": 5, "names": ["b"]} `, `{"most":5,"names":["b"]}`},
		{bounds, `{"most":5,"colour":"red"}`, ` unknown field "colour"`}, {bounds, `{"names":[]}`, " most is missing"}, {bounds, `[]`, " no JSON object"}, {bounds, `null`, " no JSON object"}, {bounds, ``, " no JSON object"}, {bounds, `{"most":5} {}`, " no JSON object"}, {bounds, `{"most":"5"}`, " it is no settings_test.limits"},
	} {
		raw, err := test.of.Parse(test.text)
		refused, is := strings.CutPrefix(test.want, " ")
		switch {
		case is && (err == nil || !strings.Contains(err.Error(), refused)):
			t.Errorf("%s %.40q: %s, %v, want an error with %q", test.of.Name(), test.text, raw, err, refused)
		case !is && (err != nil || string(raw) != test.want):
			t.Errorf("%s %.40q: %s, %v, want %s", test.of.Name(), test.text, raw, err, test.want)
		}
	}
}

func TestEncode(t *testing.T) {
	if raw, err := window.Encode(90 * time.Second); err != nil || string(raw) != `"1m30s"` {
		t.Errorf("%s, %v", raw, err)
	}
	if _, err := maxItems.Encode(-1); !errors.Is(err, errNegative) {
		t.Errorf("error is %v", err)
	}
}

// What is shown to a person can be typed again.
func TestShow(t *testing.T) {
	for _, d := range []settings.Definition{maxItems, enabled, share, greeting, window, way, bounds} {
		text := settings.Show(d.Kind(), d.Default())
		if raw, err := d.Parse(text); err != nil || string(raw) != string(d.Default()) {
			t.Errorf("%s: %s is shown as %s, which is %s, %v", d.Name(), d.Default(), text, raw, err)
		}
	}
	if got := settings.Show(settings.Text, json.RawMessage(`7`)); got != "7" {
		t.Errorf("a text that is none is shown as %s", got)
	}
}

// FuzzStored: whatever stands in the table, a reader answers with a value that the
// setting allows, and a function goes on.
func FuzzStored(f *testing.F) {
	for _, seed := range []string{`{"value":7}`, `{"value":-1}`, `{"value":null}`, `{"value":"1h"}`, `{"value":{"most":1,"names":[]}}`, `{`, ``, `null`, `[]`, `{"value":[[[[]]]]}`, `{"value":7,"at":"yesterday"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		if !utf8.ValidString(data) {
			t.Skip("no attribute of a table holds it")
		}
		store := ormtest.New()
		for _, d := range []settings.Definition{maxItems, window, bounds, share} {
			spoil(t, store, d.Name(), data)
		}
		r := settings.NewReader(store, settings.Options{Logger: slog.New(slog.DiscardHandler)})
		n, err := maxItems.Get(t.Context(), r)
		d, err2 := window.Get(t.Context(), r)
		b, err3 := bounds.Get(t.Context(), r)
		p, err4 := share.Get(t.Context(), r)
		if err := errors.Join(err, err2, err3, err4); err != nil {
			t.Fatal(err)
		}
		if n < 0 || d < time.Second || d > 24*time.Hour || b.Most == 0 || !(p >= 0 && p <= 1) {
			t.Errorf("%q reads as %d, %s, %+v, %v", data, n, d, b, p)
		}
	})
}

// FuzzParse: what is taken from a person reads back as the same value, and is stored
// in one form.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"7", "-0", "1e5", "90s", "1h", `{"most":1,"names":["x"],"rates":{"a":"b"}}`, `{"MOST":2}`, "", "null", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, d := range []settings.Definition{maxItems, share, greeting, window, way, bounds} {
			raw, err := d.Parse(text)
			if err != nil {
				continue
			}
			if !json.Valid(raw) {
				t.Fatalf("%s: %q is stored as %s", d.Name(), text, raw)
			}
			again, err := d.Parse(settings.Show(d.Kind(), raw))
			if err != nil || !reflect.DeepEqual(again, raw) {
				t.Errorf("%s: %q is stored as %s, and then as %s, %v", d.Name(), text, raw, again, err)
			}
		}
	})
}

func ExampleSetting_Get() {
	limit := settings.Define("limit", "How many are allowed at once.", 100, settings.Between(1, 1000))
	store := ormtest.New() // in a function: the one of orm.FromEnv
	values := settings.NewReader(store, settings.Options{})
	n, err := limit.Get(context.Background(), values)
	fmt.Println(n, err)
	// Output: 100 <nil>
}
