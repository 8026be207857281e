package orm

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/guregu/dynamo/v2"
	"pgregory.net/rapid"
)

// The codec is held to github.com/guregu/dynamo: the same stored form, and the
// same values back.

type (
	blob        []byte
	yes         bool
	emptyStruct struct{}
	// level is a text type whose empty text means something.
	level int
	// ratio says itself what omitempty leaves out.
	ratio   struct{ A, B int }
	renamed struct1
	// struct2 embeds one. Guregu panics on types that do so and hold themselves.
	struct2 struct {
		Base `dynamo:"ignored"`
		N    int
	}
	// struct1 has a field of its own type behind each kind of reference.
	struct1 struct {
		Name string             `dynamo:"name"`
		Kept string             `dynamo:"kept,allowempty"`
		N    int                `dynamo:"n,omitempty"`
		Next *struct1           `dynamo:"next"`
		List []struct1          `dynamo:"list,omitempty"`
		Map  map[string]struct1 `dynamo:"map"`
	}
)

func (l level) MarshalText() ([]byte, error) { return bytes.Repeat([]byte("+"), int(l)), nil }
func (l *level) UnmarshalText(b []byte) error {
	*l = level(len(b))
	return nil
}
func (r ratio) IsZero() bool { return r.A == 0 }

// plainCodec compiles a type by itself.
func plainCodec(rt reflect.Type) *structCodec {
	return (&compiler{structs: map[reflect.Type]*structCodec{}}).structOf(rt)
}

// oracle is what guregu makes of a value; ok is false when it panics.
func oracle[T any](f func() (T, error)) (out T, err error, ok bool) {
	defer func() { ok = recover() == nil }()
	out, err = f()
	return out, err, true
}

// sorted brings sets, whose order means nothing, into one, and takes minus zero
// for zero, as DynamoDB does.
func sorted(av types.AttributeValue) types.AttributeValue {
	switch v := av.(type) {
	case *types.AttributeValueMemberN:
		if v.Value == "-0" {
			return &types.AttributeValueMemberN{Value: "0"}
		}
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: slices.Sorted(slices.Values(v.Value))}
	case *types.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: slices.Sorted(slices.Values(v.Value))}
	case *types.AttributeValueMemberBS:
		return &types.AttributeValueMemberBS{Value: slices.SortedFunc(slices.Values(v.Value), bytes.Compare)}
	case *types.AttributeValueMemberL:
		out := make([]types.AttributeValue, len(v.Value))
		for i, e := range v.Value {
			out[i] = sorted(e)
		}
		return &types.AttributeValueMemberL{Value: out}
	case *types.AttributeValueMemberM:
		return &types.AttributeValueMemberM{Value: sortedItem(v.Value)}
	}
	return av
}

func sortedItem(item Item) Item {
	out := Item{}
	for name, av := range item {
		out[name] = sorted(av)
	}
	return out
}

// sameAsGuregu encodes and decodes what p points at with both codecs.
func sameAsGuregu(t interface{ Fatalf(string, ...any) }, codec *structCodec, p reflect.Value) {
	want, err, ok := oracle(func() (Item, error) { return dynamo.MarshalItem(p.Interface()) })
	if err != nil || !ok {
		t.Fatalf("guregu does not encode %#v: %v", p.Elem().Interface(), err)
	}
	got, err := codec.encode(&arena{}, p.UnsafePointer())
	if err != nil {
		t.Fatalf("%#v is refused: %v", p.Elem().Interface(), err)
	}
	if !reflect.DeepEqual(sortedItem(got), sortedItem(want)) {
		t.Fatalf("%s\n%#v\nis stored as  %s\nguregu stores %s", p.Type(), p.Elem().Interface(), showItem(got), showItem(want))
	}
	sameDecoded(t, codec, p.Type().Elem(), got)
}

// sameDecoded reads an item with both codecs.
func sameDecoded(t interface{ Fatalf(string, ...any) }, codec *structCodec, rt reflect.Type, item Item) {
	wantP, gotP := reflect.New(rt), reflect.New(rt)
	_, werr, ok := oracle(func() (any, error) { return nil, dynamo.UnmarshalItem(item, wantP.Interface()) })
	gerr := codec.decode(gotP.UnsafePointer(), item)
	switch {
	case !ok: // guregu panics: an array of zeros that allowempty stores as no bytes is the one case
		return
	case werr != nil || gerr != nil:
		if (werr != nil) != (gerr != nil) {
			t.Fatalf("%s from %s: error is %v, guregu's is %v", rt, showItem(item), gerr, werr)
		}
	case !reflect.DeepEqual(gotP.Interface(), wantP.Interface()):
		t.Fatalf("%s\nis read from %s\nas         %#v\nguregu has %#v", rt, showItem(item), gotP.Elem().Interface(), wantP.Elem().Interface())
	}
}

func showItem(item Item) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(item)) {
		fmt.Fprintf(&b, "%q: %s  ", name, showValue(item[name]))
	}
	return b.String()
}

func showValue(av types.AttributeValue) string {
	switch v := av.(type) {
	case *types.AttributeValueMemberM:
		return "M{" + showItem(v.Value) + "}"
	case *types.AttributeValueMemberL:
		parts := make([]string, len(v.Value))
		for i, e := range v.Value {
			parts[i] = showValue(e)
		}
		return "L[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprintf("%s%+v", typeOf(av), reflect.ValueOf(av).Elem().Field(0))
}

// optionSets are all combinations of options that may come together.
func optionSets() []string {
	var out []string
	names := []string{"omitempty", "omitemptyelem", "allowempty", "allowemptyelem", "null"}
	for bits := range 1 << len(names) {
		text := ""
		for i, name := range names {
			if bits&(1<<i) != 0 {
				text += "," + name
			}
		}
		out = append(out, text)
	}
	return out
}

// Every type with every combination of options, with its edge values.
func TestCodecOptions(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 7, time.FixedZone("", -(9*60+30)*60))
	s, e, n, f, lv := "x", "", 7, 1.5, level(2)
	b, z := []byte{1, 2}, []byte{}
	addr := netip.MustParseAddr("10.0.0.1")
	st := struct1{Name: "a", List: []struct1{{}, {N: 1}}, Map: map[string]struct1{"k": {Kept: "v"}}, Next: &struct1{Name: "b"}}
	none := struct1{}
	values := []any{
		"", "x", "ünï\x00", colour(""), colour("red"), 0, -1, math.MaxInt64, math.MinInt64, int8(-128), int16(5), int32(-5), uint(0), uint64(math.MaxUint64), uint8(255), uint16(1), uint32(1),
		0.0, math.Copysign(0, -1), 1e125, 1e-130, math.Pi, float32(0.1), float32(math.MaxFloat32), true, false, yes(true),
		[]byte(nil), []byte{}, []byte{0}, blob{1}, blob(nil), [4]byte{}, [4]byte{0, 1}, [0]byte{},
		time.Time{}, at, at.UTC(), time.Second, time.Duration(0),
		(*string)(nil), &s, &e, (*int)(nil), &n, &f, (*time.Time)(nil), &at, (*[]byte)(nil), &b, &z, (*level)(nil), &lv, (*struct1)(nil), &st, &none,
		level(0), level(3), version{}, version{1, 2}, addr, netip.Addr{}, ratio{}, ratio{0, 1}, ratio{1, 0},
		[]string(nil), []string{}, []string{"", "a"}, []int(nil), []int{0, 1}, []float64{0.5}, [][]byte{nil, {}, {1}}, []bool{false}, []*string{nil, &e, &s}, []*int{nil, &n},
		[]time.Time{{}, at}, []*time.Time{nil, &at}, []level{0, 1}, []*level{nil, &lv}, [][]string{nil, {}, {"", "a"}}, [][]*string{{nil, &e}}, [3]int16{1}, [2]string{}, [2]*string{}, [0]int{},
		[]map[string]string{nil, {}, {"a": "", "b": "c"}}, []map[string][]string{{"a": nil}}, []struct1{}, []struct1{none, st}, []*struct1{nil, &none, &st}, [][4]byte{{}, {1}}, []blob{nil, {1}},
		map[string]string(nil), map[string]string{}, map[string]string{"": "", "a": "b"}, map[colour]int{"a": 0}, map[version]bool{{1, 2}: false}, map[level]string{0: "x", 1: ""},
		map[string]*int{"a": nil, "b": &n}, map[string]*string{"a": nil, "b": &e, "c": &s}, map[string][]string{"a": nil, "b": {}, "c": {""}}, map[string][]byte{"a": nil, "b": {}, "c": {1}},
		map[string]map[string]string{"a": nil, "b": {}, "c": {"d": ""}}, map[string]struct1{"a": none, "b": st}, map[string]*struct1{"a": nil, "b": &st}, map[string]time.Time{"a": {}, "b": at},
		map[string]level{"a": 0, "b": 1}, map[string][][]string{"a": {nil, {""}}}, map[string]bool{"a": false}, map[string]emptyStruct{"a": {}}, map[netip.Addr]int{addr: 1},
		none, st, renamed{Name: "x"}, struct2{Base{at}, 1}, []struct2{{}}, struct{ A, B string }{}, [2]point{}, [2]point{{X: 1}},
	}
	for _, v := range values {
		for _, opts := range optionSets() {
			if strings.Contains(opts, "omitempty") && holdsEmbedded(reflect.TypeOf(v)) {
				continue // guregu panics
			}
			checkOption(t, v, opts)
		}
	}
	sets := []any{
		[]string(nil), []string{}, []string{""}, []string{"a"}, []string{"", "b"}, []colour{"a"}, []int{1}, []int8{0, -1}, []uint16{0}, []uint64{math.MaxUint64}, []float64{0, 0.5}, []float32{0.1},
		[][]byte{}, [][]byte{{}}, [][]byte{{1}, nil}, []blob{{1}}, []version{{1, 2}}, []level{0, 1}, []time.Time{at, {}}, (*[]string)(nil), &[]string{"a"},
		map[string]bool(nil), map[string]bool{"a": true, "b": false}, map[string]yes{"": true}, map[string]struct{}{"": {}, "a": {}}, map[colour]emptyStruct{"x": {}}, map[int64]struct{}{0: {}, 5: {}},
		map[uint8]bool{0: true, 1: false}, map[float64]bool{0: true, 1.5: true}, map[version]bool{{1, 2}: true, {0, 0}: false}, map[level]struct{}{0: {}, 1: {}}, map[int]bool{1: false},
	}
	for _, v := range sets {
		for _, opts := range optionSets() {
			checkOption(t, v, ",set"+opts)
		}
	}
	for _, v := range []any{time.Time{}, at, (*time.Time)(nil), &at, &time.Time{}} {
		for _, opts := range optionSets() {
			checkOption(t, v, ",unixtime"+opts)
		}
	}
}

// checkOption compares the codecs on a struct with one field.
func checkOption(t *testing.T, v any, opts string) {
	t.Helper()
	rt := reflect.StructOf([]reflect.StructField{{Name: "V", Type: reflect.TypeOf(v), Tag: reflect.StructTag(`dynamo:"v` + opts + `"`)}})
	p := reflect.New(rt)
	p.Elem().Field(0).Set(reflect.ValueOf(v))
	sameAsGuregu(t, plainCodec(rt), p)
}

// holdsEmbedded reports whether the type is a struct, or an array of structs,
// with an embedded one.
func holdsEmbedded(rt reflect.Type) bool {
	switch rt.Kind() {
	case reflect.Array:
		return holdsEmbedded(rt.Elem())
	case reflect.Struct:
		for i := range rt.NumField() {
			if rt.Field(i).Anonymous || holdsEmbedded(rt.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

func TestCodecDifferential(t *testing.T) {
	codec := plainCodec(reflect.TypeFor[everything]())
	rapid.Check(t, func(t *rapid.T) {
		e := everyThing.Draw(t, "item")
		sameAsGuregu(t, codec, reflect.ValueOf(&e))
	})
}

func FuzzCodecDifferential(f *testing.F) {
	codec := plainCodec(reflect.TypeFor[everything]())
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		e := everyThing.Draw(t, "item")
		sameAsGuregu(t, codec, reflect.ValueOf(&e))
	}))
}
