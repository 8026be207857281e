package orm

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type (
	grade  int8
	colour string
	point  struct{ X, Y int32 }
	inner  struct {
		Text  string               `dynamo:"text,allowempty"`
		Bytes []byte               `dynamo:"bytes,omitempty"`
		Deep  map[string][]float64 `dynamo:"deep"`
		When  *time.Time           `dynamo:"when"`
		Next  *inner               `dynamo:"next"`
	}
	Base struct {
		Made time.Time `dynamo:"made"`
	}
	Mid struct {
		Base
		Level uint16 `dynamo:"level"`
	}
	// version is a text type.
	version struct{ major, minor int }
)

func (v version) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%d.%d", v.major, v.minor), nil
}
func (v *version) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%d.%d", &v.major, &v.minor)
	return err
}

var _ encoding.TextMarshaler = version{}

// everything has a field of every supported kind.
type everything struct {
	ID      string                     `dynamo:"id,hash"`
	Seq     int64                      `dynamo:"seq,range"`
	Str     string                     `dynamo:"str"`
	StrE    string                     `dynamo:"str_e,allowempty"`
	Named   colour                     `dynamo:"name"` // a reserved word
	Bool    bool                       `dynamo:"bool"`
	I       int                        `dynamo:"i"`
	I8      int8                       `dynamo:"i8"`
	I16     int16                      `dynamo:"i16,omitempty"`
	I32     int32                      `dynamo:"i32"`
	I64     int64                      `dynamo:"i64"`
	U       uint                       `dynamo:"u"`
	U8      uint8                      `dynamo:"u8"`
	U16     uint16                     `dynamo:"u16"`
	U32     uint32                     `dynamo:"u32"`
	U64     uint64                     `dynamo:"u64"`
	F32     float32                    `dynamo:"f32"`
	F64     float64                    `dynamo:"f64"`
	Grade   grade                      `dynamo:"grade"`
	Bytes   []byte                     `dynamo:"bytes"`
	Fixed   [4]byte                    `dynamo:"fixed"`
	Time    time.Time                  `dynamo:"time"`
	Unix    time.Time                  `dynamo:"unix,unixtime"`
	Wait    time.Duration              `dynamo:"wait"`
	Ptr     *string                    `dynamo:"ptr,allowempty"`
	PtrInt  *int64                     `dynamo:"ptr_int"`
	PtrTime *time.Time                 `dynamo:"ptr_time"`
	List    []string                   `dynamo:"list"`
	Lists   [][]int                    `dynamo:"lists"`
	Blobs   [][]byte                   `dynamo:"blobs"`
	Structs []point                    `dynamo:"structs"`
	Array   [3]int16                   `dynamo:"array"`
	Map     map[string]string          `dynamo:"map,allowemptyelem"`
	MapN    map[colour]int             `dynamo:"map_n"`
	MapV    map[version]bool           `dynamo:"map_v"`
	MapMap  map[string]map[string]*int `dynamo:"map_map,allowemptyelem"`
	ListMap []map[string]string        `dynamo:"list_map,allowemptyelem"`
	SetS    []string                   `dynamo:"set_s,set"`
	SetN    map[int64]struct{}         `dynamo:"set_n,set"`
	SetB    [][]byte                   `dynamo:"set_b,set"`
	SetT    map[version]bool           `dynamo:"set_t,set"`
	Struct  inner                      `dynamo:"struct"`
	PtrS    *inner                     `dynamo:"ptr_s"`
	Text    version                    `dynamo:"text"`
	Hidden  string                     `dynamo:"-"`
	Plain   string
	Mid
}

var everythings = Define[everything, Pair[string, int64]]("everythings")

func drawTime(t *rapid.T, label string) time.Time {
	sec := rapid.Int64Range(-62135596800+86400*2, 253402300799-86400*2).Draw(t, label) // years 1 to 9999, in every zone
	at := time.Unix(sec, rapid.Int64Range(0, 999999999).Draw(t, "ns"))
	return at.In(time.FixedZone("", 60*rapid.IntRange(-23*60-59, 23*60+59).Draw(t, "zone")))
}

func drawFloat(t *rapid.T, label string) float64 {
	f := rapid.Float64Range(-1e125, 1e125).Draw(t, label)
	if f < 1e-129 && f > -1e-129 {
		return 0
	}
	return f
}

func optional[T any](t *rapid.T, g *rapid.Generator[T]) *T {
	return rapid.Ptr(g, true).Draw(t, "optional")
}

func drawInner(t *rapid.T, depth int) inner {
	in := inner{
		Text: rapid.String().Draw(t, "text"), Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"),
		Deep: rapid.MapOfN(rapid.String(), rapid.SliceOfN(rapid.Custom(func(t *rapid.T) float64 { return drawFloat(t, "f") }), 0, 3), 0, 3).Draw(t, "deep"),
		When: optional(t, rapid.Custom(func(t *rapid.T) time.Time { return drawTime(t, "when") })),
	}
	if depth > 0 && rapid.Bool().Draw(t, "more") {
		next := drawInner(t, depth-1)
		in.Next = &next
	}
	return in
}

var (
	text     = rapid.String()
	versions = rapid.Custom(func(t *rapid.T) version {
		return version{rapid.IntRange(0, 99).Draw(t, "major"), rapid.IntRange(0, 99).Draw(t, "minor")}
	})
	everyThing = rapid.Custom(func(t *rapid.T) everything {
		e := everything{
			ID: "k" + text.Draw(t, "id"), Seq: rapid.Int64().Draw(t, "seq"), Str: text.Draw(t, "str"), StrE: text.Draw(t, "str_e"),
			Named: colour(text.Draw(t, "named")), Bool: rapid.Bool().Draw(t, "bool"),
			I: rapid.Int().Draw(t, "i"), I8: rapid.Int8().Draw(t, "i8"), I16: rapid.Int16().Draw(t, "i16"), I32: rapid.Int32().Draw(t, "i32"), I64: rapid.Int64().Draw(t, "i64"),
			U: rapid.Uint().Draw(t, "u"), U8: rapid.Uint8().Draw(t, "u8"), U16: rapid.Uint16().Draw(t, "u16"), U32: rapid.Uint32().Draw(t, "u32"), U64: rapid.Uint64().Draw(t, "u64"),
			F32: float32(rapid.Float32Range(-1e30, 1e30).Draw(t, "f32")), F64: drawFloat(t, "f64"), Grade: grade(rapid.Int8().Draw(t, "grade")),
			Bytes: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"), Time: drawTime(t, "time"), Unix: drawTime(t, "unix").Truncate(time.Second).UTC(),
			Wait: time.Duration(rapid.Int64().Draw(t, "wait")), Ptr: optional(t, text), PtrInt: optional(t, rapid.Int64()),
			PtrTime: optional(t, rapid.Custom(func(t *rapid.T) time.Time { return drawTime(t, "ptr_time") })),
			List:    rapid.SliceOf(text).Draw(t, "list"), Lists: rapid.SliceOf(rapid.SliceOf(rapid.Int())).Draw(t, "lists"),
			Blobs:   rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "blobs"),
			Structs: rapid.SliceOf(rapid.Custom(func(t *rapid.T) point { return point{rapid.Int32().Draw(t, "x"), rapid.Int32().Draw(t, "y")} })).Draw(t, "structs"),
			Array:   [3]int16{rapid.Int16().Draw(t, "a0"), 0, rapid.Int16().Draw(t, "a2")},
			Map:     rapid.MapOf(text, text).Draw(t, "map"), MapN: rapid.MapOf(rapid.Map(text, func(s string) colour { return colour(s) }), rapid.Int()).Draw(t, "map_n"),
			MapV:    rapid.MapOf(versions, rapid.Bool()).Draw(t, "map_v"),
			MapMap:  rapid.MapOfN(text, rapid.MapOfN(text, rapid.Ptr(rapid.Int(), true), 0, 3), 0, 3).Draw(t, "map_map"),
			ListMap: rapid.SliceOfN(rapid.MapOfN(text, text, 0, 3), 0, 3).Draw(t, "list_map"),
			SetS:    rapid.SliceOfDistinct(text, func(s string) string { return s }).Draw(t, "set_s"),
			SetB:    rapid.SliceOfDistinct(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }).Draw(t, "set_b"),
			SetN:    rapid.MapOf(rapid.Int64(), rapid.Just(struct{}{})).Draw(t, "set_n"), SetT: rapid.MapOf(versions, rapid.Just(true)).Draw(t, "set_t"),
			Struct: drawInner(t, 2), Text: versions.Draw(t, "version"), Plain: text.Draw(t, "plain"),
			Mid: Mid{Base: Base{Made: drawTime(t, "made")}, Level: rapid.Uint16().Draw(t, "level")},
		}
		copy(e.Fixed[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "fixed"))
		if rapid.Bool().Draw(t, "ptr_s") {
			in := drawInner(t, 1)
			e.PtrS = &in
		}
		return e
	})
)

func TestRoundTrip(t *testing.T) {
	if err := everythings.Err(); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		e := everyThing.Draw(t, "item")
		item, err := everythings.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := everythings.Decode(item)
		if err != nil {
			t.Fatal(err)
		}
		if d := differs(reflect.ValueOf(e), reflect.ValueOf(got), "item"); d != "" {
			t.Fatalf("%s", d)
		}
	})
}

// differs compares two values as a user would: times with their zone's offset,
// and an empty slice, map or set like none, which DynamoDB cannot tell apart.
func differs(a, b reflect.Value, where string) string {
	if a.Type() == timeType {
		x, y := a.Interface().(time.Time), b.Interface().(time.Time)
		_, ox := x.Zone()
		_, oy := y.Zone()
		if !x.Equal(y) || ox != oy {
			return fmt.Sprintf("%s: %v became %v", where, x, y)
		}
		return ""
	}
	switch a.Kind() {
	case reflect.Struct:
		if a.Type().Implements(textMarshaler) {
			break
		}
		for i := range a.NumField() {
			if d := differs(a.Field(i), b.Field(i), where+"."+a.Type().Field(i).Name); d != "" {
				return d
			}
		}
		return ""
	case reflect.Pointer:
		if a.IsNil() != b.IsNil() {
			return fmt.Sprintf("%s: nil is %v, became %v", where, a.IsNil(), b.IsNil())
		}
		if a.IsNil() {
			return ""
		}
		return differs(a.Elem(), b.Elem(), where)
	case reflect.Slice:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %v became %v", where, a, b)
		}
		for i := range a.Len() {
			if d := differs(a.Index(i), b.Index(i), fmt.Sprintf("%s[%d]", where, i)); d != "" {
				return d
			}
		}
		return ""
	case reflect.Map:
		if a.Len() != b.Len() {
			return fmt.Sprintf("%s: %v became %v", where, a, b)
		}
		for _, k := range a.MapKeys() {
			v := b.MapIndex(k)
			if !v.IsValid() {
				return fmt.Sprintf("%s[%v] is lost", where, k)
			}
			if d := differs(a.MapIndex(k), v, fmt.Sprintf("%s[%v]", where, k)); d != "" {
				return d
			}
		}
		return ""
	}
	if !reflect.DeepEqual(a.Interface(), b.Interface()) {
		return fmt.Sprintf("%s: %#v became %#v", where, a.Interface(), b.Interface())
	}
	return ""
}

// An attribute by itself is encoded as in a whole item.
func TestAttributeEncodesLikeItem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := everyThing.Draw(t, "item")
		item, err := everythings.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		rv := reflect.ValueOf(e)
		for i := range everythings.plan.fields {
			f := &everythings.plan.fields[i]
			av, err := f.value(rv.FieldByIndex(f.index))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(f.kind, "M") || f.typ.Kind() == reflect.Map { // maps have no order
				continue
			}
			if want := item[f.name]; !reflect.DeepEqual(av, want) {
				t.Fatalf("%s is %v by itself, %v in the item", f.name, av, want)
			}
		}
	})
}

func TestOffsets(t *testing.T) {
	e := everything{}
	a := Attr(everythings, func(e *everything) *time.Time { return &e.Made })
	b := Attr(everythings, func(e *everything) *uint16 { return &e.Level })
	if a.Name() != "made" || b.Name() != "level" {
		t.Errorf("fields of embedded structs are found as %q and %q", a.Name(), b.Name())
	}
	for i := range everythings.plan.fields {
		f := &everythings.plan.fields[i]
		if got := reflect.ValueOf(&e).Elem().FieldByIndex(f.index).Addr().Pointer() - reflect.ValueOf(&e).Pointer(); got != f.offset {
			t.Errorf("%s is at %d, taken for %d", f.goName, got, f.offset)
		}
	}
}
