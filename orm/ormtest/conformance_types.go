package ormtest

import (
	"bytes"
	"context"
	"encoding"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/orm"
)

// stage and priority are enums.
type (
	stage    string
	priority uint8
)

// release is a text type.
type release struct{ major, minor uint8 }

func (r release) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%d", r.major, r.minor), nil
}

func (r *release) UnmarshalText(text []byte) error {
	_, err := fmt.Sscanf(string(text), "%d.%d", &r.major, &r.minor)
	return err
}

var _ encoding.TextMarshaler = release{}

// document is stored as JSON.
type document struct {
	Title string         `json:"title,omitempty"`
	Parts []string       `json:"parts,omitempty"`
	Count map[string]int `json:"count,omitempty"`
}

// section is a struct inside an item, which may hold others of its type.
type section struct {
	Title string               `dynamo:"title,allowempty"`
	Marks map[string][]float64 `dynamo:"marks"`
	At    *time.Time           `dynamo:"at"`
	Price orm.Decimal          `dynamo:"price"`
	Next  *section             `dynamo:"next"`
}

// kinds has a field of every kind that an attribute may be.
type kinds struct {
	ID  string `dynamo:"id,hash"`
	Seq int64  `dynamo:"seq,range"`

	Text     string        `dynamo:"text,allowempty"`
	Stage    stage         `dynamo:"stage,omitempty" enum:"new,done"`
	Priority priority      `dynamo:"priority" enum:"0,1,255"`
	Int      int           `dynamo:"int"`
	Int8     int8          `dynamo:"int8"`
	Int16    int16         `dynamo:"int16"`
	Int32    int32         `dynamo:"int32"`
	Int64    int64         `dynamo:"int64"`
	Uint     uint          `dynamo:"uint"`
	Uint8    uint8         `dynamo:"uint8"`
	Uint16   uint16        `dynamo:"uint16"`
	Uint32   uint32        `dynamo:"uint32"`
	Uint64   uint64        `dynamo:"uint64"`
	Float32  float32       `dynamo:"float32"`
	Float64  float64       `dynamo:"float64"`
	Decimal  orm.Decimal   `dynamo:"decimal"`
	Bool     bool          `dynamo:"bool"`
	Bytes    []byte        `dynamo:"bytes,allowempty"`
	Fixed    [4]byte       `dynamo:"fixed"`
	Time     time.Time     `dynamo:"time"`
	Unix     time.Time     `dynamo:"unix,unixtime"`
	Wait     time.Duration `dynamo:"wait"`
	Release  release       `dynamo:"release"`
	Addr     netip.Addr    `dynamo:"addr"`

	List     []string      `dynamo:"list"`
	Numbers  []int64       `dynamo:"numbers"`
	Decimals []orm.Decimal `dynamo:"decimals"`
	Times    []time.Time   `dynamo:"times"`
	Lists    [][]int       `dynamo:"lists"`
	Blobs    [][]byte      `dynamo:"blobs"`
	Pointers []*string     `dynamo:"pointers"`
	Sections []section     `dynamo:"sections"`
	Array    [3]int16      `dynamo:"array"`

	Map      map[string]string         `dynamo:"map,allowemptyelem"`
	MapNum   map[stage]orm.Decimal     `dynamo:"map_num"`
	MapText  map[release]time.Time     `dynamo:"map_text"`
	MapMap   map[string]map[string]int `dynamo:"map_map,allowemptyelem"`
	MapStrip map[string]string         `dynamo:"map_strip,omitemptyelem"`

	SetText    []string             `dynamo:"set_text,set"`
	SetInt     []int64              `dynamo:"set_int,set"`
	SetFloat   []float64            `dynamo:"set_float,set"`
	SetDecimal []orm.Decimal        `dynamo:"set_decimal,set"`
	SetBytes   [][]byte             `dynamo:"set_bytes,set"`
	SetMap     map[string]struct{}  `dynamo:"set_map,set"`
	SetFlags   map[int32]bool       `dynamo:"set_flags,set"`
	SetRelease map[release]struct{} `dynamo:"set_release,set"`

	Section section            `dynamo:"section"`
	JSON    orm.JSON[document] `dynamo:"json"`

	PText    *string             `dynamo:"p_text,allowempty"`
	PInt     *int                `dynamo:"p_int"`
	PBool    *bool               `dynamo:"p_bool"`
	PFloat   *float64            `dynamo:"p_float"`
	PDecimal *orm.Decimal        `dynamo:"p_decimal"`
	PTime    *time.Time          `dynamo:"p_time"`
	PUnix    *time.Time          `dynamo:"p_unix,unixtime"`
	PSection *section            `dynamo:"p_section"`
	PRelease *release            `dynamo:"p_release"`
	PJSON    *orm.JSON[document] `dynamo:"p_json"`
	PList    *[]string           `dynamo:"p_list"`

	OText    string             `dynamo:"o_text,omitempty"`
	OInt     int64              `dynamo:"o_int,omitempty"`
	OFloat   float64            `dynamo:"o_float,omitempty"`
	OBool    bool               `dynamo:"o_bool,omitempty"`
	OTime    time.Time          `dynamo:"o_time,omitempty"`
	ODecimal orm.Decimal        `dynamo:"o_decimal,omitempty"`
	OJSON    orm.JSON[document] `dynamo:"o_json,omitempty"`
	OList    []int              `dynamo:"o_list,omitempty"`
	OSection section            `dynamo:"o_section,omitempty"`
	Null     string             `dynamo:"null,null"`
}

func defineKinds() *orm.Table[kinds, orm.Pair[string, int64]] {
	return orm.Define[kinds, orm.Pair[string, int64]]("kinds")
}

func ptr[V any](v V) *V { return &v }

func decimal(text string) orm.Decimal {
	d, err := orm.ParseDecimal(text)
	if err != nil {
		panic(err)
	}
	return d
}

// testTypes is the round trip of every type, with the values at its edges.
func testTypes(t *testing.T, s *raw) {
	t.Run("Edges", func(t *testing.T) { typeEdges(t, s) })
	t.Run("Refused", func(t *testing.T) { typesRefused(t, s) })
	t.Run("Size", func(t *testing.T) { typesSize(t, s) })
}

// edge is a value at the edge of a type; back is how it is read again, nil for
// the same.
type edge struct {
	name string
	item kinds
	back func(*kinds)
}

func edges() []edge {
	zone := func(hours, minutes int) *time.Location {
		return time.FixedZone("", hours*3600+minutes*60)
	}
	at := func(zone *time.Location) time.Time { return time.Date(2026, 11, 20, 23, 59, 59, 999999999, zone) }
	largest, smallest := decimal("9.9999999999999999999999999999999999999e125"), decimal("1e-130")
	inner := section{Title: "3", Marks: map[string][]float64{"": {0, -1.5}, "x": {}}, At: ptr(at(zone(-9, -30)))}
	deep := section{Title: "1", Next: &section{Next: &inner, Price: largest}}
	return []edge{
		{"nothing", kinds{}, nil},
		{"text: NUL and control characters", kinds{Text: "\x00a\x00\x1f\x7f\r\n\t"}, nil},
		{"text: unicode", kinds{Text: "é e\u0301 日本 😀 \u202e \ufeff \ufffd \U0010ffff \ue000"}, nil}, // forms are not normalised
		{"text: blanks and quotes", kinds{Text: "  \" ' \\ / <>& \u2028 ", List: []string{" ", "\n"}}, nil},
		{"text: that looks like something else", kinds{Text: "null", List: []string{"None", "nil", "true", "1", "1e5", "NaN", "{}"}}, nil},
		{"enum", kinds{Stage: "done", Priority: 255}, nil},
		{"integers: largest", kinds{Int: math.MaxInt, Int8: math.MaxInt8, Int16: math.MaxInt16, Int32: math.MaxInt32, Int64: math.MaxInt64, Numbers: []int64{math.MaxInt64, math.MinInt64, 0},
			Uint: math.MaxUint, Uint8: math.MaxUint8, Uint16: math.MaxUint16, Uint32: math.MaxUint32, Uint64: math.MaxUint64}, nil},
		{"integers: smallest", kinds{Int: math.MinInt, Int8: math.MinInt8, Int16: math.MinInt16, Int32: math.MinInt32, Int64: math.MinInt64}, nil},
		{"integers: beyond float64", kinds{Int64: 1<<53 + 1, Uint64: 1<<63 + 1}, nil},
		{"floats: largest", kinds{Float32: math.MaxFloat32, Float64: 9.99999999999999e125}, nil},
		{"floats: smallest", kinds{Float32: math.SmallestNonzeroFloat32, Float64: 1e-130}, nil},
		{"floats: negative", kinds{Float32: -math.MaxFloat32, Float64: -9.99999999999999e125, PFloat: ptr(-1e-130)}, nil},
		{"floats: 17 digits", kinds{Float32: 0.1, Float64: 0.1 + 0.2, PFloat: ptr(math.Pi)}, nil},
		{"floats: minus zero", kinds{Float64: math.Copysign(0, -1)}, func(k *kinds) { k.Float64 = 0 }}, // one number to DynamoDB
		{"decimals: largest", kinds{Decimal: largest, PDecimal: &smallest, Decimals: []orm.Decimal{decimal("-" + largest.String()), decimal("-1e-130"), {}}}, nil},
		{"decimals: 38 digits", kinds{Decimal: decimal("12345678901234567890.123456789012345678"), PDecimal: ptr(decimal("0.1")), MapNum: map[stage]orm.Decimal{"a": decimal("-0.00000000000000000000000000000000000001")}}, nil},
		{"bytes", kinds{Bytes: []byte{0, 255, '\n'}, Fixed: [4]byte{0, 0, 0, 1}, Blobs: [][]byte{{0}, {1, 2}}}, nil},
		{"bytes: empty", kinds{Bytes: []byte{}, Blobs: [][]byte{nil, {}, {0}}}, nil},
		{"time: first and last", kinds{Time: time.Time{}, PTime: ptr(time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)), Times: []time.Time{time.Date(0, 1, 1, 0, 0, 0, 1, time.UTC)}}, nil},
		{"time: zones", kinds{Time: at(zone(5, 45)), PTime: ptr(at(zone(-9, -30))), Times: []time.Time{at(zone(14, 0)), at(zone(-12, 0)), at(zone(23, 59)), at(zone(-23, -59)), at(zone(0, 1)), at(time.UTC)}}, nil},
		{"time: +00:00 is UTC", kinds{Time: at(zone(0, 0))}, func(k *kinds) { k.Time = k.Time.UTC() }}, // the zone's name is not kept
		{"time: epoch", kinds{Unix: time.Unix(0, 0).UTC(), PUnix: ptr(time.Unix(-1, 0).UTC())}, nil},
		{"time: epoch, first and last", kinds{Unix: time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), PUnix: ptr(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC))}, nil},
		{"time: epoch keeps the second", kinds{Unix: at(zone(2, 0)), PUnix: ptr(time.Unix(-1, 1))}, func(k *kinds) {
			k.Unix, k.PUnix = k.Unix.Truncate(time.Second).UTC(), ptr(time.Unix(-1, 0).UTC())
		}},
		{"duration", kinds{Wait: math.MaxInt64}, nil},
		{"duration: negative", kinds{Wait: math.MinInt64}, nil},
		{"text types", kinds{Release: release{255, 1}, PRelease: &release{}, Addr: netip.MustParseAddr("fe80::1%eth0"), MapText: map[release]time.Time{{1, 2}: at(zone(1, 0)), {}: {}}}, nil},
		{"lists: nil is an empty one", kinds{Lists: [][]int{nil, {}, {0, -1}}, OList: []int{}, PList: ptr([]string(nil))}, func(k *kinds) {
			k.List, k.Lists[0], k.PList, k.OList = []string{}, []int{}, &[]string{}, nil
		}},
		{"lists: empty elements", kinds{List: []string{"", "a", ""}, Pointers: []*string{nil, ptr(""), ptr("x")}, Array: [3]int16{0, 1, 0}}, nil},
		{"maps: empty", kinds{Map: map[string]string{}, MapNum: map[stage]orm.Decimal{}, MapMap: map[string]map[string]int{}}, nil},
		{"maps: empty keys and values", kinds{Map: map[string]string{"": "", "a": "", "é.#%\x00": "b"}, MapMap: map[string]map[string]int{"": {}, "b": {"": 0}}}, nil},
		{"maps: nil in a map is an empty one", kinds{MapMap: map[string]map[string]int{"a": nil}}, func(k *kinds) { k.MapMap = map[string]map[string]int{"a": {}} }},
		{"maps: empty values dropped", kinds{MapStrip: map[string]string{"a": "", "b": "c"}}, func(k *kinds) { k.MapStrip = map[string]string{"b": "c"} }},
		{"sets: of one", kinds{SetText: []string{"a"}, SetInt: []int64{0}, SetFloat: []float64{-0.5}, SetDecimal: []orm.Decimal{largest}, SetBytes: [][]byte{{0}},
			SetMap: map[string]struct{}{"a": {}}, SetFlags: map[int32]bool{7: true}, SetRelease: map[release]struct{}{{}: {}}}, nil},
		{"sets: an empty member", kinds{SetText: []string{""}, SetBytes: [][]byte{{}}, SetMap: map[string]struct{}{"": {}}}, nil},
		{"sets: an empty one is none", kinds{SetText: []string{}, SetInt: []int64{}, SetBytes: [][]byte{}, SetMap: map[string]struct{}{}, SetFlags: map[int32]bool{1: false}}, func(k *kinds) {
			k.SetText, k.SetInt, k.SetBytes, k.SetMap, k.SetFlags = nil, nil, nil, nil, nil
		}},
		{"sets: many", kinds{SetText: []string{"a", "A", "á", "1"}, SetInt: []int64{10, 9, -1, math.MaxInt64}, SetFloat: []float64{0.1, 1e125}, SetDecimal: []orm.Decimal{{}, smallest, decimal("-1.5")}, SetBytes: [][]byte{{0}, {0, 0}, {255}}}, nil},
		{"structs", kinds{Section: deep, PSection: &section{}, Sections: []section{{}, {Title: "x", Marks: map[string][]float64{}}}}, nil},
		{"JSON", kinds{JSON: orm.JSON[document]{Value: document{Title: "a\x00\"é<>&", Parts: []string{"", "b"}, Count: map[string]int{"": math.MinInt}}}, PJSON: &orm.JSON[document]{}}, nil},
		{"pointers to zero values", kinds{PText: ptr(""), PInt: ptr(0), PBool: ptr(false), PFloat: ptr(0.0), PDecimal: &orm.Decimal{}, PTime: &time.Time{}, PSection: &section{}, PList: &[]string{}}, nil},
		{"omitempty: given", kinds{OText: "0", OInt: -1, OFloat: 0.5, OBool: true, OTime: at(zone(1, 0)), ODecimal: smallest, OJSON: orm.JSON[document]{Value: document{Title: "x"}}, OList: []int{0}, OSection: section{Price: smallest}}, nil},
		{"null: given", kinds{Null: "null"}, nil},
	}
}

// typeEdges reads each edge back in every way.
func typeEdges(t *testing.T, s *raw) {
	ctx := context.Background()
	table := defineKinds()
	must(t, table.Err())
	st := s.newStore(t, table)
	all := edges()
	keys := make([]orm.Pair[string, int64], len(all))
	for i := range all {
		e := &all[i]
		e.item.ID, e.item.Seq = "edges", int64(i)
		keys[i] = orm.Key(e.item.ID, e.item.Seq)
		if err := orm.Exec(ctx, st, table.Insert(e.item)); err != nil {
			t.Fatalf("%s: %v", e.name, err)
		}
		if e.back != nil {
			e.back(&e.item)
		}
	}
	got := map[string][]kinds{}
	for _, key := range keys {
		k, err := table.Get(ctx, st, key)
		must(t, err)
		got["get"] = append(got["get"], k)
		var in kinds
		must(t, orm.TransactGet(ctx, st, table.Into(&in, key)))
		got["transact get"] = append(got["transact get"], in)
	}
	for k, err := range orm.QueryTable(table, "edges").All(ctx, st) {
		must(t, err)
		got["query"] = append(got["query"], k)
	}
	scanned := make([]kinds, len(all))
	for k, err := range table.Scan().All(ctx, st) {
		must(t, err)
		scanned[k.Seq] = k
	}
	got["scan"] = scanned
	batch, err := table.GetBatch(ctx, st, keys)
	must(t, err)
	for _, k := range batch {
		if k == nil {
			t.Fatal("batch get does not find all")
		}
		got["batch get"] = append(got["batch get"], *k)
	}
	for way, items := range got {
		if len(items) != len(all) {
			t.Fatalf("%s gives %d items, want %d", way, len(items), len(all))
		}
		for i, e := range all {
			if d := differs(reflect.ValueOf(e.item), reflect.ValueOf(items[i]), "item", true); d != "" {
				t.Errorf("%s, %s: %s", e.name, way, d)
			}
		}
	}
}

// differs compares two values: times with their offsets, and sets, which have no
// order, in any. A nil list is an empty one, as it is stored; strict tells nil and
// empty apart wherever the codec does.
func differs(a, b reflect.Value, where string, strict bool) string {
	wrong := func() string { return fmt.Sprintf("%s: %#v became %#v", where, a.Interface(), b.Interface()) }
	switch x := a.Interface().(type) {
	case time.Time:
		y := b.Interface().(time.Time)
		_, ox := x.Zone()
		_, oy := y.Zone()
		if !x.Equal(y) || ox != oy {
			return fmt.Sprintf("%s: %v became %v", where, x, y)
		}
		return ""
	case release, netip.Addr, orm.Decimal, orm.JSON[document]:
		if !reflect.DeepEqual(x, b.Interface()) {
			return wrong()
		}
		return ""
	}
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			f := a.Type().Field(i)
			x, y := a.Field(i), b.Field(i)
			if strings.Contains(f.Tag.Get("dynamo"), ",set") && x.Kind() == reflect.Slice {
				y = ordered(x, y)
			}
			if d := differs(x, y, where+"."+f.Name, strict); d != "" {
				return d
			}
		}
		return ""
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() {
			if a.IsNil() != b.IsNil() {
				return wrong()
			}
			return ""
		}
		return differs(a.Elem(), b.Elem(), where, strict)
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return wrong()
		}
		if strict && a.Kind() == reflect.Slice && a.IsNil() != b.IsNil() && (!a.IsNil() || a.Type().Elem().Kind() == reflect.Uint8) {
			return wrong()
		}
		for i := range a.Len() {
			if d := differs(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", where, i), strict); d != "" {
				return d
			}
		}
		return ""
	case reflect.Map:
		if a.Len() != b.Len() || strict && a.IsNil() != b.IsNil() {
			return wrong()
		}
		for _, k := range a.MapKeys() {
			v := b.MapIndex(k)
			if !v.IsValid() {
				return fmt.Sprintf("%s[%v] is lost", where, k)
			}
			if d := differs(a.MapIndex(k), v, fmt.Sprintf("%s[%v]", where, k), strict); d != "" {
				return d
			}
		}
		return ""
	}
	if a.Interface() != b.Interface() {
		return wrong()
	}
	return ""
}

// ordered brings the members of a set that was read into the order in which it
// was written; b as it is when it has others.
func ordered(a, b reflect.Value) reflect.Value {
	if a.Len() != b.Len() {
		return b
	}
	out := reflect.MakeSlice(b.Type(), 0, b.Len())
	for i := range a.Len() {
		for j := range b.Len() {
			if reflect.DeepEqual(a.Index(i).Interface(), b.Index(j).Interface()) {
				out = reflect.Append(out, b.Index(j))
				break
			}
		}
	}
	if out.Len() != b.Len() {
		return b
	}
	return out
}

// typesRefused are the values that DynamoDB cannot hold: none may become another.
func typesRefused(t *testing.T, s *raw) {
	ctx := context.Background()
	table := defineKinds()
	st := s.newStore(t, table)
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		name, attribute string
		item            kinds
	}{
		{"NaN", "float64", kinds{Float64: math.NaN()}},
		{"NaN in 32 bits", "float32", kinds{Float32: float32(math.NaN())}},
		{"infinite", "float64", kinds{Float64: math.Inf(1)}},
		{"infinite in 32 bits", "float32", kinds{Float32: float32(math.Inf(-1))}},
		{"the largest float64", "float64", kinds{Float64: math.MaxFloat64}},
		{"1e126", "p_float", kinds{PFloat: ptr(1e126)}},
		{"the smallest float64", "float64", kinds{Float64: math.SmallestNonzeroFloat64}},
		{"below 1e-130", "float64", kinds{Float64: 9.9e-131}},
		{"NaN in a map", "section", kinds{Section: section{Marks: map[string][]float64{"x": {1, math.NaN()}}}}},
		{"NaN in a set", "set_float", kinds{SetFloat: []float64{math.NaN()}}},
		{"a member twice", "set_text", kinds{SetText: []string{"a", "a"}}},
		{"a number twice", "set_float", kinds{SetFloat: []float64{0, math.Copysign(0, -1)}}},
		{"bytes twice", "set_bytes", kinds{SetBytes: [][]byte{{1}, {1}}}},
		{"text that is no UTF-8", "text", kinds{Text: "a\xff"}},
		{"half a surrogate", "list", kinds{List: []string{"\xed\xa0\x80"}}},
		{"a key of a map that is no UTF-8", "map", kinds{Map: map[string]string{"\xff": "a"}}},
		{"year 10000", "time", kinds{Time: year(10000)}},
		{"year -1", "times", kinds{Times: []time.Time{year(-1)}}},
		{"a zone with seconds", "p_time", kinds{PTime: ptr(year(1900).In(time.FixedZone("LMT", 53*60+28)))}},
		{"a zone of 24 hours", "time", kinds{Time: year(2026).In(time.FixedZone("", 24*3600))}},
		{"no value of the enum", "stage", kinds{Stage: "None"}},
		{"no number of the enum", "priority", kinds{Priority: 2}},
	} {
		c.item.ID = "x"
		err := orm.Exec(ctx, st, table.Put(c.item))
		if e := orm.Errors(err); !errors.Is(err, orm.KindValidation) || len(e) != 1 || e[0].Attribute != c.attribute {
			t.Errorf("%s: error is %v, want one of kind %q at %s", c.name, err, orm.KindValidation, c.attribute)
		}
	}
	if n, err := table.Scan().Count(ctx, st); err != nil || n != 0 {
		t.Errorf("%d items are stored, %v: want none", n, err)
	}
	for _, text := range []string{"1e126", "9.9e-131", strings.Repeat("1", 39), "NaN", "Inf", "", "1,5"} {
		if d, err := orm.ParseDecimal(text); !errors.Is(err, orm.KindValidation) {
			t.Errorf("decimal %q is %v, %v: want kind %q", text, d, err, orm.KindValidation)
		}
	}
}

// typesSize fills items of several types up to DynamoDB's limit, to the byte.
func typesSize(t *testing.T, s *raw) {
	ctx := context.Background()
	table := defineKinds()
	st := s.newStore(t, table)
	for _, c := range []struct {
		name string
		item kinds
	}{
		{"text", kinds{}},
		{"unicode", kinds{Text: strings.Repeat("é😀", 1000), List: []string{"日本", ""}}},
		{"bytes", kinds{Bytes: bytes.Repeat([]byte{255}, 1000), Blobs: [][]byte{{}, {1, 2, 3}}}},
		{"maps", kinds{Map: map[string]string{"key": "value", "": ""}, MapMap: map[string]map[string]int{"a": nil, "b": {}}}},
		{"sets", kinds{SetText: []string{"one", "two"}, SetBytes: [][]byte{{1, 2}, {3}}, SetMap: map[string]struct{}{"x": {}}}},
		{"structs", kinds{Section: section{Title: "a", Next: &section{Title: "b"}}, Sections: []section{{}, {Title: "c"}}, PBool: ptr(true)}},
	} {
		c.item.ID = "size"
		c.item.PText = ptr("")
		stored, err := table.Encode(c.item)
		must(t, err)
		text := strings.Repeat("x", orm.MaxItemSize-orm.ItemSize(stored)+1)
		c.item.PText = &text
		err = orm.Exec(ctx, st, table.Put(c.item))
		s.check(t, "type size/"+c.name+" one byte too large", ofKind(err, orm.KindTooLarge))
		c.item.PText = ptr(text[1:])
		err = orm.Exec(ctx, st, table.Put(c.item))
		if err == nil {
			got, gerr := table.Get(ctx, st, orm.Key("size", int64(0)))
			if err = gerr; err == nil && (got.PText == nil || *got.PText != text[1:]) {
				err = errors.New("the text became another one")
			}
		}
		s.check(t, "type size/"+c.name+" as large as may be", err)
		do(t, st, table.Delete(orm.Key("size", int64(0))))
	}
}

// testingT is what *testing.T and the T of a property test are.
type testingT interface {
	Helper()
	Fatalf(format string, args ...any)
}

// everyWayBack writes an item, reads it in every way and deletes it again.
func everyWayBack(t testingT, st orm.Store, table *orm.Table[kinds, orm.Pair[string, int64]], want kinds) {
	t.Helper()
	ctx := context.Background()
	key := orm.Key(want.ID, want.Seq)
	if err := orm.Exec(ctx, st, table.Insert(want)); err != nil {
		t.Fatalf("insert: %v", err)
	}
	check := func(way string, got *kinds, err error) {
		t.Helper()
		if err != nil || got == nil {
			t.Fatalf("%s: %v", way, err)
		}
		if d := differs(reflect.ValueOf(want), reflect.ValueOf(*got), "item", false); d != "" {
			t.Fatalf("%s: %s", way, d)
		}
	}
	got, err := table.Get(ctx, st, key)
	check("get", &got, err)
	var in kinds
	err = orm.TransactGet(ctx, st, table.Into(&in, key))
	check("transact get", &in, err)
	batch, err := table.GetBatch(ctx, st, []orm.Pair[string, int64]{key})
	if err != nil {
		t.Fatalf("batch get: %v", err)
	}
	check("batch get", batch[0], nil)
	first, err := orm.QueryTable(table, want.ID).From(want.Seq).To(want.Seq).First(ctx, st)
	check("query", &first, err)
	n := 0
	for k, err := range table.Scan().All(ctx, st) {
		check("scan", &k, err)
		n++
	}
	if n != 1 {
		t.Fatalf("the scan gives %d items, want 1", n)
	}
	if err := orm.Exec(ctx, st, table.Put(got)); err != nil { // what was read can be written again
		t.Fatalf("put: %v", err)
	}
	got, err = table.Get(ctx, st, key)
	check("put and get", &got, err)
	if err := orm.Exec(ctx, st, table.Delete(key)); err != nil {
		t.Fatalf("delete: %v", err)
	}
}
