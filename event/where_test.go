package event_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/pattern"
)

type place struct {
	City string `json:"city"`
	Zip  string `json:"zip,omitempty"`
	Far  *place `json:"far,omitempty"`
}

type base struct {
	Kind string `json:"kind"`
}

type measured struct {
	base
	Text     string     `json:"text"`
	TextOpt  string     `json:"text_opt,omitempty"`
	Num      int        `json:"num"`
	NumOpt   int64      `json:"num_opt,omitempty"`
	Float    float64    `json:"float"`
	FloatOpt float32    `json:"float_opt,omitzero"`
	Flag     bool       `json:"flag"`
	FlagOpt  bool       `json:"flag_opt,omitempty"`
	Ptr      *string    `json:"ptr"`
	PtrOpt   *string    `json:"ptr_opt,omitempty"`
	PtrNum   *int       `json:"ptr_num"`
	PtrFlag  *bool      `json:"ptr_flag,omitempty"`
	Quoted   int        `json:"quoted,string"`
	Time     time.Time  `json:"time,omitzero"`
	Tags     []string   `json:"tags"`
	Nums     []int      `json:"nums,omitempty"`
	Home     place      `json:"home"`
	Work     *place     `json:"work,omitempty"`
	Null     *place     `json:"null"`
	Dotted   string     `json:"a.b"`
	Or       string     `json:"$or"`
	Hidden   string     `json:"-"`
	None     struct{}   `json:"none"`
	Nothing  struct{}   `json:"nothing"`
	Any      any        `json:"any"`
	Grid     [][]string `json:"grid"`
}

var sample = event.Define[measured]("sample.measured")

var (
	text     = event.Path(sample, func(m *measured) *string { return &m.Text })
	textOpt  = event.Path(sample, func(m *measured) *string { return &m.TextOpt })
	num      = event.Path(sample, func(m *measured) *int { return &m.Num })
	numOpt   = event.Path(sample, func(m *measured) *int64 { return &m.NumOpt })
	float    = event.Path(sample, func(m *measured) *float64 { return &m.Float })
	floatOpt = event.Path(sample, func(m *measured) *float32 { return &m.FloatOpt })
	flagged  = event.Path(sample, func(m *measured) *bool { return &m.Flag })
	flagOpt  = event.Path(sample, func(m *measured) *bool { return &m.FlagOpt })
	ptr      = event.Path(sample, func(m *measured) **string { return &m.Ptr })
	ptrOpt   = event.Path(sample, func(m *measured) **string { return &m.PtrOpt })
	ptrNum   = event.Path(sample, func(m *measured) **int { return &m.PtrNum })
	ptrFlag  = event.Path(sample, func(m *measured) **bool { return &m.PtrFlag })
	quoted   = event.Path(sample, func(m *measured) *int { return &m.Quoted })
	tags     = event.Path(sample, func(m *measured) *[]string { return &m.Tags })
	nums     = event.Path(sample, func(m *measured) *[]int { return &m.Nums })
	homeCity = event.Path(sample, func(m *measured) *string { return &m.Home.City })
	workCity = event.Path(sample, func(m *measured) *string { return &m.Work.City })
	workZip  = event.Path(sample, func(m *measured) *string { return &m.Work.Far.Zip })
	nullCity = event.Path(sample, func(m *measured) *string { return &m.Null.City })
	kind     = event.Path(sample, func(m *measured) *string { return &m.Kind })
)

func TestWherePattern(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	one := 1
	for _, tt := range []struct {
		sel  event.Selector
		want string
		text string // "" where it is not looked at
	}{
		{sample, `{"detail-type":["sample.measured"]}`, "sample.measured"},
		{event.Match("sample.*"), `{"detail-type":[{"prefix":"sample."}]}`, "sample.*"},
		{event.Match("*.measured"), `{"detail-type":[{"suffix":".measured"}]}`, "*.measured"},
		{event.Where(sample, num.Gt(5)), `{"detail-type":["sample.measured"],"detail":{"data":{"num":[{"numeric":[">",5]}]}}}`, "sample.measured where data.num > 5"},
		{event.Where(sample, num.Between(-1, 5), event.Tenant.Eq("acme"), homeCity.In("Ulm", "<Bern>"), text.NotEq("x")),
			`{"detail-type":["sample.measured"],"detail":{"data":{"home":{"city":["Ulm","<Bern>"]},"num":[{"numeric":[">=",-1,"<=",5]}],"text":[{"anything-but":"x"},{"exists":false}]},"tenantid":["acme"]}}`,
			`sample.measured where data.home.city in ("Ulm", "<Bern>") and data.num between -1 and 5 and data.text != "x" and tenantid = "acme"`},
		{event.Where(event.Match("sample.*"), event.Actor.Prefix("user/")), `{"detail-type":[{"prefix":"sample."}],"detail":{"actor":[{"prefix":"user/"}]}}`, `sample.* where actor prefix "user/"`},
		{event.Where(event.Where(sample, kind.Eq("b")), event.Subject.Suffix("1")), `{"detail-type":["sample.measured"],"detail":{"data":{"kind":["b"]},"subject":[{"suffix":"1"}]}}`, ""},
		{event.Where(sample, workZip.Eq("")), `{"detail-type":["sample.measured"],"detail":{"data":{"work":{"far":{"zip":["",{"exists":false}]}}}}}`, ""},
		{event.Where(sample, text.EqualFold("A"), workCity.Exists(), tags.NotExists()), "", "error"},
		{event.Where(sample, event.Elem(tags).Eq("a"), event.Elem(nums).Le(3)), `{"detail-type":["sample.measured"],"detail":{"data":{"nums":[{"numeric":["<=",3]}],"tags":["a"]}}}`, ""},
		{event.Where(sample, num.Between(2, 2)), `{"detail-type":["sample.measured"],"detail":{"data":{"num":[{"numeric":["=",2]}]}}}`, ""},
		{event.Where(sample, quoted.Eq(7)), `{"detail-type":["sample.measured"],"detail":{"data":{"quoted":["7"]}}}`, ""},
		{event.Where(sample, ptrNum.NotEq(&one)), `{"detail-type":["sample.measured"],"detail":{"data":{"ptr_num":[{"anything-but":1},null,{"exists":false}]}}}`, ""},
		{event.Where(sample, event.Path(sample, func(m *measured) *time.Time { return &m.Time }).Eq(at)), `{"detail-type":["sample.measured"],"detail":{"data":{"time":["2026-01-02T03:04:05Z"]}}}`, ""},
	} {
		if tt.text == "error" {
			if tt.sel.Err() == nil || tt.sel.Pattern() != nil {
				t.Errorf("%s: %v, %s", tt.sel, tt.sel.Err(), tt.sel.Pattern())
			}
			continue
		}
		if err := tt.sel.Err(); err != nil {
			t.Error(err)
			continue
		}
		if got := string(tt.sel.Pattern()); got != tt.want {
			t.Errorf("%s: got\n%s, want\n%s", tt.sel, got, tt.want)
		}
		if _, err := pattern.Compile(tt.sel.Pattern()); err != nil {
			t.Errorf("%s: %v", tt.sel, err)
		}
		if tt.text != "" && tt.sel.String() != tt.text {
			t.Errorf("got %s, want %s", tt.sel, tt.text)
		}
		if !tt.sel.Matches("sample.measured") || tt.sel.Matches("order.placed") {
			t.Errorf("%s: the type decides what Matches says", tt.sel)
		}
	}
	if got := event.Where(sample, num.Gt(5)).Rule(); got != (event.Rule{Exact: "sample.measured"}) {
		t.Errorf("rule %+v", got)
	}
}

func TestWhereFindsMistakes(t *testing.T) {
	other := event.Define[place]("place.found")
	broken := event.Define[measured]("Broken")
	brokenNum := event.Path(broken, func(m *measured) *int { return &m.Num })
	big := event.Path(sample, func(m *measured) *int64 { return &m.NumOpt })
	var kept string
	for want, sel := range map[string]event.Selector{
		"there is no condition":                            event.Where(sample),
		"the selector is nil":                              event.Where(nil, num.Eq(1)),
		`event type "Broken"`:                              event.Where(broken, brokenNum.Eq(1)),
		"is about the data of sample.measured":             event.Where(other, num.Eq(1)),
		"pattern \"us*.x\"":                                event.Where(event.Match("us*.x"), event.Tenant.Eq("a")),
		"are about one field":                              event.Where(sample, num.Gt(1), num.Lt(5)),
		"data.num > 1 and data.num < 5 are":                event.Where(event.Where(sample, num.Gt(1)), num.Lt(5)),
		"In() without values":                              event.Where(sample, num.In()),
		"prefix is for texts, this is int":                 event.Where(sample, num.Prefix("1")),
		"EqualFold is for texts, this is bool":             event.Where(sample, flagged.EqualFold("true")),
		"an empty suffix would hold for every text":        event.Where(sample, text.Suffix("")),
		"only numbers have an order for EventBridge":       event.Where(sample, text.Gt("a")),
		"ask for one of its elements with event.Elem":      event.Where(sample, tags.Eq([]string{"a"})),
		"name a field inside it":                           event.Where(sample, event.Path(sample, func(m *measured) *place { return &m.Home }).Exists()),
		"the lower bound is above":                         event.Where(sample, num.Between(5, 1)),
		"compares whole numbers to 2^53 only":              event.Where(sample, big.Lt(1<<53+1)),
		"NotEq(9007199254740994)":                          event.Where(sample, big.NotEq(1<<53+2)),
		"NotEq(nil)":                                       event.Where(sample, ptrNum.NotEq(nil)),
		"null is no number":                                event.Where(sample, ptrNum.Gt(nil)),
		"does not point at an encoded field":               event.Where(sample, event.Path(sample, func(m *measured) *string { return &m.Hidden }).Eq("a")),
		"point at an encoded field of event_test.measured": event.Where(sample, event.Path(sample, func(*measured) *string { return &kept }).Eq("a")),
		"does not point at an encoded field of":            event.Where(sample, event.Path(sample, func(*measured) *string { return nil }).Eq("a")),
		"dots are nesting":                                 event.Where(sample, event.Path(sample, func(m *measured) *string { return &m.Dotted }).Eq("a")),
		"$or is an operator":                               event.Where(sample, event.Path(sample, func(m *measured) *string { return &m.Or }).Eq("a")),
		"cannot be told apart":                             event.Where(sample, event.Path(sample, func(m *measured) *struct{} { return &m.Nothing }).Exists()),
		"panics on an empty event_test.measured":           event.Where(sample, event.Path(sample, func(m *measured) *string { return &m.Tags[3] }).Eq("a")),
		"the definition is nil":                            event.Where(sample, event.Path[measured](nil, func(m *measured) *int { return &m.Num }).Eq(1)),
		"the function is nil":                              event.Where(sample, event.Path[measured, int](sample, nil).Eq(1)),
		"must be made by event.Path":                       event.Where(sample, event.Field[measured, int]{}.Eq(1)),
		"condition 0 is empty":                             event.Where(sample, event.Condition{}),
		"which a pattern does not compare":                 event.Where(sample, event.Path(sample, func(m *measured) *any { return &m.Any }).Eq([]int{1})),
		"the elements of data.grid are of type []string":   event.Where(sample, event.Elem(event.Path(sample, func(m *measured) *[][]string { return &m.Grid })).Exists()),
		"unsupported value: NaN":                           event.Where(sample, float.Eq(nan())),
		"allowed are event.Tenant":                         event.Where(sample, event.Meta("id").Eq("a")),
	} {
		err := sel.Err()
		if !errors.Is(err, event.KindDefinition) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if sel.Pattern() != nil {
			t.Errorf("%q has pattern %s", want, sel.Pattern())
		}
	}
	err := event.Where(sample, num.In(), text.Suffix(""), event.Condition{}).Err()
	for _, want := range []string{"condition 0: ", "condition 1: ", "condition 2 is empty", "event/where_test.go:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func nan() float64 { zero := 0.0; return zero / zero }

// want is a condition with what it means in Go.
type want struct {
	cond  event.Condition
	holds func(*measured) bool
}

// found is the field of m, nil when what it is in is not there; a field that
// omitempty leaves out is then as empty.
type found[V any] func(m *measured) *V

// value and whether there is one to compare.
func (f found[V]) value(m *measured, omits bool) (v V, ok bool) {
	if p := f(m); p != nil {
		return *p, true
	}
	return v, omits
}

// compared draws a condition that any field takes.
func compared[V comparable](t *rapid.T, f event.Field[measured, V], get found[V], omits bool, gen *rapid.Generator[V]) want {
	a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
	eq := func(m *measured, x V) bool { v, ok := get.value(m, omits); return ok && v == x }
	return rapid.SampledFrom([]want{
		{f.Eq(a), func(m *measured) bool { return eq(m, a) }},
		{f.NotEq(a), func(m *measured) bool { return !eq(m, a) }},
		{f.In(a, b), func(m *measured) bool { return eq(m, a) || eq(m, b) }},
	}).Draw(t, "condition")
}

func texts(t *rapid.T, f event.Field[measured, string], get found[string], omits bool) want {
	s := genWord.Draw(t, "s")
	is := func(holds func(v string) bool) func(m *measured) bool {
		return func(m *measured) bool { v, ok := get.value(m, omits); return ok && holds(v) }
	}
	all := []want{
		compared(t, f, get, omits, genWord),
		{f.EqualFold(s), is(func(v string) bool { return strings.EqualFold(v, s) })},
		{f.Exists(), func(m *measured) bool { p := get(m); return p != nil && !(omits && *p == "") }},
		{f.NotExists(), func(m *measured) bool { p := get(m); return p == nil || omits && *p == "" }},
	}
	if s != "" {
		all = append(all,
			want{f.Prefix(s), is(func(v string) bool { return strings.HasPrefix(v, s) })},
			want{f.Suffix(s), is(func(v string) bool { return strings.HasSuffix(v, s) })})
	}
	return rapid.SampledFrom(all).Draw(t, "condition")
}

func numbers[V int | int64 | float32 | float64](t *rapid.T, f event.Field[measured, V], get found[V], omits bool, gen *rapid.Generator[V]) want {
	a, b := gen.Draw(t, "a"), gen.Draw(t, "b")
	if a > b {
		a, b = b, a
	}
	is := func(holds func(v V) bool) func(m *measured) bool {
		return func(m *measured) bool { v, ok := get.value(m, omits); return ok && holds(v) }
	}
	return rapid.SampledFrom([]want{
		compared(t, f, get, omits, gen),
		{f.Gt(a), is(func(v V) bool { return v > a })},
		{f.Ge(a), is(func(v V) bool { return v >= a })},
		{f.Lt(a), is(func(v V) bool { return v < a })},
		{f.Le(a), is(func(v V) bool { return v <= a })},
		{f.Between(a, b), is(func(v V) bool { return a <= v && v <= b })},
	}).Draw(t, "condition")
}

// pointers compares what they point at.
func pointers[V comparable](t *rapid.T, f event.Field[measured, *V], get func(*measured) *V, gen *rapid.Generator[V], nilToo bool) want {
	draw := func(name string) *V {
		if rapid.Bool().Draw(t, "nil "+name) {
			return nil
		}
		v := gen.Draw(t, name)
		return &v
	}
	a, b := draw("a"), draw("b")
	same := func(p, q *V) bool { return p == q || p != nil && q != nil && *p == *q }
	all := []want{
		{f.Eq(a), func(m *measured) bool { return same(get(m), a) }},
		{f.In(a, b), func(m *measured) bool { return same(get(m), a) || same(get(m), b) }},
	}
	if a != nil || nilToo {
		all = append(all, want{f.NotEq(a), func(m *measured) bool { return !same(get(m), a) }})
	}
	return rapid.SampledFrom(all).Draw(t, "condition")
}

// genWord has few letters, so that words often meet, and some that JSON escapes.
var genWord = rapid.StringMatching(`[aAbB"<ſsß\\]{0,3}`)

var (
	genInt     = rapid.OneOf(rapid.IntRange(-3, 3), rapid.IntRange(-1<<53, 1<<53))
	genInt64   = rapid.Map(genInt, func(i int) int64 { return int64(i) })
	genFloat   = rapid.OneOf(rapid.Map(rapid.IntRange(-4, 4), func(i int) float64 { return float64(i) / 2 }), rapid.Float64Range(-1e9, 1e9))
	genFloat32 = rapid.OneOf(rapid.Map(rapid.IntRange(-4, 4), func(i int) float32 { return float32(i) / 2 }), rapid.Float32Range(-1e9, 1e9))
)

func genPlace(t *rapid.T, depth int) *place {
	if rapid.Bool().Draw(t, "no place") {
		return nil
	}
	p := &place{City: genWord.Draw(t, "city"), Zip: genWord.Draw(t, "zip")}
	if depth > 0 {
		p.Far = genPlace(t, depth-1)
	}
	return p
}

func genMeasured(t *rapid.T) *measured {
	m := &measured{
		Text: genWord.Draw(t, "text"), TextOpt: genWord.Draw(t, "text_opt"),
		Num: genInt.Draw(t, "num"), NumOpt: genInt64.Draw(t, "num_opt"),
		Float: genFloat.Draw(t, "float"), FloatOpt: genFloat32.Draw(t, "float_opt"),
		Flag: rapid.Bool().Draw(t, "flag"), FlagOpt: rapid.Bool().Draw(t, "flag_opt"),
		Ptr: rapid.Ptr(genWord, true).Draw(t, "ptr"), PtrOpt: rapid.Ptr(genWord, true).Draw(t, "ptr_opt"),
		PtrNum: rapid.Ptr(genInt, true).Draw(t, "ptr_num"), PtrFlag: rapid.Ptr(rapid.Bool(), true).Draw(t, "ptr_flag"),
		Quoted: genInt.Draw(t, "quoted"),
		Tags:   rapid.SliceOfN(genWord, 0, 3).Draw(t, "tags"), Nums: rapid.SliceOfN(genInt, 0, 3).Draw(t, "nums"),
		Work: genPlace(t, 1), Null: genPlace(t, 0),
	}
	m.Home.City, m.Kind = genWord.Draw(t, "home"), genWord.Draw(t, "kind")
	return m
}

func genWant(t *rapid.T) want {
	within := func(p *place) *string {
		if p == nil {
			return nil
		}
		return &p.City
	}
	element := func(s string, holds func(v string) bool) func(*measured) bool {
		return func(m *measured) bool { return slices.ContainsFunc(m.Tags, holds) }
	}
	word, n := genWord.Draw(t, "word"), genInt.Draw(t, "n")
	return rapid.SampledFrom([]func() want{
		func() want { return texts(t, text, func(m *measured) *string { return &m.Text }, false) },
		func() want { return texts(t, textOpt, func(m *measured) *string { return &m.TextOpt }, true) },
		func() want { return texts(t, kind, func(m *measured) *string { return &m.Kind }, false) },
		func() want { return texts(t, homeCity, func(m *measured) *string { return &m.Home.City }, false) },
		func() want { return texts(t, workCity, func(m *measured) *string { return within(m.Work) }, false) },
		func() want { return texts(t, nullCity, func(m *measured) *string { return within(m.Null) }, false) },
		func() want {
			return texts(t, workZip, func(m *measured) *string {
				if m.Work == nil || m.Work.Far == nil {
					return nil
				}
				return &m.Work.Far.Zip
			}, true)
		},
		func() want { return numbers(t, num, func(m *measured) *int { return &m.Num }, false, genInt) },
		func() want { return numbers(t, numOpt, func(m *measured) *int64 { return &m.NumOpt }, true, genInt64) },
		func() want { return numbers(t, float, func(m *measured) *float64 { return &m.Float }, false, genFloat) },
		func() want {
			return numbers(t, floatOpt, func(m *measured) *float32 { return &m.FloatOpt }, true, genFloat32)
		},
		func() want {
			return compared(t, flagged, func(m *measured) *bool { return &m.Flag }, false, rapid.Bool())
		},
		func() want {
			return compared(t, flagOpt, func(m *measured) *bool { return &m.FlagOpt }, true, rapid.Bool())
		},
		func() want { return compared(t, quoted, func(m *measured) *int { return &m.Quoted }, false, genInt) },
		func() want { return pointers(t, ptr, func(m *measured) *string { return m.Ptr }, genWord, true) },
		func() want { return pointers(t, ptrOpt, func(m *measured) *string { return m.PtrOpt }, genWord, true) },
		func() want { return pointers(t, ptrNum, func(m *measured) *int { return m.PtrNum }, genInt, false) },
		func() want {
			return pointers(t, ptrFlag, func(m *measured) *bool { return m.PtrFlag }, rapid.Bool(), true)
		},
		func() want {
			return want{event.Elem(tags).Eq(word), element(word, func(v string) bool { return v == word })}
		},
		func() want {
			return want{event.Elem(tags).NotEq(word), element(word, func(v string) bool { return v != word })}
		},
		func() want {
			return want{event.Elem(tags).EqualFold(word), element(word, func(v string) bool { return strings.EqualFold(v, word) })}
		},
		func() want {
			return want{event.Elem(nums).Gt(n), func(m *measured) bool { return slices.ContainsFunc(m.Nums, func(v int) bool { return v > n }) }}
		},
		func() want {
			return want{event.Elem(nums).Exists(), func(m *measured) bool { return len(m.Nums) > 0 }}
		},
	}).Draw(t, "field")()
}

// TestWhereMeansTheSame: what the pattern picks of encoded events is what the
// condition says of the Go values.
func TestWhereMeansTheSame(t *testing.T) {
	picked := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := genMeasured(t)
		r := sample.Record(*m)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		e := onBus(t, r, event.Metadata{})
		for range 40 { // one condition alone is too seldom the one that is wrong
			w := genWant(t)
			sel := event.Where(sample, w.cond)
			if err := sel.Err(); err != nil {
				t.Fatal(err)
			}
			p, err := pattern.Compile(sel.Pattern())
			if err != nil {
				t.Fatalf("%s: %v", sel.Pattern(), err)
			}
			got, err := p.Match(e)
			if err != nil {
				t.Fatal(err)
			}
			holds := w.holds(m)
			picked[holds]++
			if got != holds {
				t.Fatalf("%s of %s: the pattern %s says %v, the Go value %v", sel, r.Data, sel.Pattern(), got, holds)
			}
		}
	})
	if picked[true] < 10 || picked[false] < 10 {
		t.Errorf("%v: one of the answers is hardly ever given, so that the test shows nothing", picked)
	}
}

// onBus is the event as EventBridge has it.
func onBus(t interface{ Fatal(...any) }, r event.Record, meta event.Metadata) []byte {
	meta.ID, meta.Source, meta.Type, meta.SchemaVersion, meta.Time = "a/b@1", "app", r.Type, r.SchemaVersion, time.Unix(1e9, 0)
	b, err := json.Marshal(struct {
		Source string         `json:"source"`
		Type   string         `json:"detail-type"`
		Detail event.Envelope `json:"detail"`
	}{"app", r.Type, event.Envelope{Metadata: meta, Data: r.Data}})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWhereMeta(t *testing.T) {
	r := sample.Record(measured{})
	for _, tt := range []struct {
		cond    event.Condition
		yes, no event.Metadata
	}{
		{event.Tenant.Eq("a"), event.Metadata{TenantID: "a"}, event.Metadata{TenantID: "b"}},
		{event.Tenant.Eq(""), event.Metadata{}, event.Metadata{TenantID: "b"}},
		{event.Tenant.NotEq("a"), event.Metadata{}, event.Metadata{TenantID: "a"}},
		{event.Tenant.In("a", "b"), event.Metadata{TenantID: "b"}, event.Metadata{}},
		{event.Actor.Exists(), event.Metadata{Actor: "x"}, event.Metadata{}},
		{event.Actor.NotExists(), event.Metadata{}, event.Metadata{Actor: "x"}},
		{event.Subject.Prefix("user/"), event.Metadata{Subject: "user/1"}, event.Metadata{Subject: "order/1"}},
		{event.Subject.Suffix("/1"), event.Metadata{Subject: "user/1"}, event.Metadata{Subject: "user/2"}},
	} {
		sel := event.Where(event.Match("sample.*"), tt.cond)
		p, err := pattern.Compile(sel.Pattern())
		if err != nil {
			t.Errorf("%s: %v", sel, err)
			continue
		}
		yes, err := p.Match(onBus(t, r, tt.yes))
		no, err2 := p.Match(onBus(t, r, tt.no))
		if err = errors.Join(err, err2); err != nil || !yes || no {
			t.Errorf("%s: picks %v and %v, %v", sel, yes, no, err)
		}
	}
}

func ExampleWhere() {
	type OrderPlaced struct {
		OrderID string `json:"order_id"`
		Total   int    `json:"total"`
	}
	placed := event.Define[OrderPlaced]("order.placed")
	total := event.Path(placed, func(o *OrderPlaced) *int { return &o.Total })
	big := event.Where(placed, total.Ge(1000), event.Tenant.Eq("acme"))
	fmt.Println(big)
	fmt.Println(string(big.Pattern()))
	// Output:
	// order.placed where data.total >= 1000 and tenantid = "acme"
	// {"detail-type":["order.placed"],"detail":{"data":{"total":[{"numeric":[">=",1000]}]},"tenantid":["acme"]}}
}
