package ormtest

import (
	"fmt"
	"math"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/orm"
)

// The random part of the types' round trip is no part of the exported suite, which
// would link the generators into every user's tests.

func TestTypesProperty(t *testing.T) {
	table := defineKinds()
	for name, st := range map[string]orm.Store{"Memory": New(), "Engine": StartEngine(t).Store(t, table)} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { everyWayBack(t, st, table, drawKinds(t)) })
		})
	}
}

// FuzzTypes is the round trip of any item through the memory store.
func FuzzTypes(f *testing.F) {
	table := defineKinds()
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		everyWayBack(t, New(), table, drawKinds(t))
	}))
}

// drawKinds makes an item with any values that can be stored.
func drawKinds(t *rapid.T) kinds {
	text := rapid.String()
	times := rapid.Custom(func(t *rapid.T) time.Time {
		sec := rapid.Int64Range(-62135596800+86400*2, 253402300799-86400*2).Draw(t, "seconds") // years 1 to 9999 in every zone
		zone := time.FixedZone("", 60*rapid.IntRange(-23*60-59, 23*60+59).Draw(t, "zone"))
		return time.Unix(sec, rapid.Int64Range(0, 999999999).Draw(t, "nanoseconds")).In(zone)
	})
	seconds := rapid.Map(times, func(t time.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() })
	floats := rapid.Map(rapid.Float64Range(-9e125, 9e125), func(f float64) float64 {
		if math.Abs(f) < 1e-130 {
			return 0
		}
		return f
	})
	decimals := rapid.Custom(func(t *rapid.T) orm.Decimal {
		digits := rapid.StringMatching(`-?[1-9][0-9]{0,36}[1-9]`).Draw(t, "digits")
		return decimal(fmt.Sprintf("%se%d", digits, rapid.IntRange(-130, 87).Draw(t, "exponent")))
	})
	releases := rapid.Custom(func(t *rapid.T) release {
		return release{rapid.Uint8().Draw(t, "major"), rapid.Uint8().Draw(t, "minor")}
	})
	documents := rapid.Custom(func(t *rapid.T) orm.JSON[document] {
		return orm.JSON[document]{Value: document{Title: text.Draw(t, "title"), Count: rapid.MapOfN(text, rapid.Int(), 1, 3).Draw(t, "count")}}
	})
	sections := rapid.Custom(func(t *rapid.T) section {
		s := section{Title: text.Draw(t, "title"), Marks: rapid.MapOfN(text, rapid.SliceOfN(floats, 0, 3), 0, 3).Draw(t, "marks"),
			At: rapid.Ptr(times, true).Draw(t, "at"), Price: decimals.Draw(t, "price")}
		if rapid.Bool().Draw(t, "next") {
			s.Next = &section{Title: text.Draw(t, "next title")}
		}
		return s
	})
	bytes := rapid.SliceOf(rapid.Byte())
	same := func(s string) string { return s }
	k := kinds{
		ID: "k" + text.Draw(t, "id"), Seq: rapid.Int64().Draw(t, "seq"), Text: text.Draw(t, "text"),
		Stage: rapid.SampledFrom([]stage{"", "new", "done"}).Draw(t, "stage"), Priority: rapid.SampledFrom([]priority{0, 1, 255}).Draw(t, "priority"),
		Int: rapid.Int().Draw(t, "int"), Int8: rapid.Int8().Draw(t, "int8"), Int16: rapid.Int16().Draw(t, "int16"), Int32: rapid.Int32().Draw(t, "int32"), Int64: rapid.Int64().Draw(t, "int64"),
		Uint: rapid.Uint().Draw(t, "uint"), Uint8: rapid.Uint8().Draw(t, "uint8"), Uint16: rapid.Uint16().Draw(t, "uint16"), Uint32: rapid.Uint32().Draw(t, "uint32"), Uint64: rapid.Uint64().Draw(t, "uint64"),
		Float32: rapid.Float32().Draw(t, "float32"), Float64: floats.Draw(t, "float64"), Decimal: decimals.Draw(t, "decimal"), Bool: rapid.Bool().Draw(t, "bool"),
		Bytes: bytes.Draw(t, "bytes"), Time: times.Draw(t, "time"), Unix: seconds.Draw(t, "unix"), Wait: time.Duration(rapid.Int64().Draw(t, "wait")), Release: releases.Draw(t, "release"),
		Addr: netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "addr"))),
		List: rapid.SliceOf(text).Draw(t, "list"), Numbers: rapid.SliceOf(rapid.Int64()).Draw(t, "numbers"), Decimals: rapid.SliceOfN(decimals, 0, 3).Draw(t, "decimals"),
		Times: rapid.SliceOfN(times, 0, 3).Draw(t, "times"), Lists: rapid.SliceOfN(rapid.SliceOfN(rapid.Int(), 0, 3), 0, 3).Draw(t, "lists"), Blobs: rapid.SliceOfN(bytes, 0, 3).Draw(t, "blobs"),
		Pointers: rapid.SliceOfN(rapid.Ptr(text, true), 0, 3).Draw(t, "pointers"), Sections: rapid.SliceOfN(sections, 0, 2).Draw(t, "sections"), Array: [3]int16{rapid.Int16().Draw(t, "array"), 0, 1},
		Map: rapid.MapOf(text, text).Draw(t, "map"), MapNum: rapid.MapOfN(rapid.Map(text, func(s string) stage { return stage(s) }), decimals, 0, 3).Draw(t, "map_num"),
		MapText: rapid.MapOfN(releases, times, 0, 3).Draw(t, "map_text"), MapMap: rapid.MapOfN(text, rapid.MapOfN(text, rapid.Int(), 0, 2), 0, 2).Draw(t, "map_map"),
		SetText: rapid.SliceOfDistinct(text, same).Draw(t, "set_text"), SetInt: rapid.SliceOfDistinct(rapid.Int64(), func(n int64) int64 { return n }).Draw(t, "set_int"),
		SetFloat:   rapid.SliceOfNDistinct(floats, 0, 3, func(f float64) float64 { return f }).Draw(t, "set_float"),
		SetDecimal: rapid.SliceOfNDistinct(decimals, 0, 3, func(d orm.Decimal) orm.Decimal { return d }).Draw(t, "set_decimal"),
		SetBytes:   rapid.SliceOfNDistinct(bytes, 0, 3, func(b []byte) string { return string(b) }).Draw(t, "set_bytes"),
		SetMap:     rapid.MapOfN(text, rapid.Just(struct{}{}), 0, 3).Draw(t, "set_map"), SetFlags: rapid.MapOfN(rapid.Int32(), rapid.Just(true), 0, 3).Draw(t, "set_flags"),
		SetRelease: rapid.MapOfN(releases, rapid.Just(struct{}{}), 0, 3).Draw(t, "set_release"),
		Section:    sections.Draw(t, "section"), JSON: documents.Draw(t, "json"),
		PText: rapid.Ptr(text, true).Draw(t, "p_text"), PInt: rapid.Ptr(rapid.Int(), true).Draw(t, "p_int"), PBool: rapid.Ptr(rapid.Bool(), true).Draw(t, "p_bool"),
		PFloat: rapid.Ptr(floats, true).Draw(t, "p_float"), PDecimal: rapid.Ptr(decimals, true).Draw(t, "p_decimal"), PTime: rapid.Ptr(times, true).Draw(t, "p_time"),
		PUnix: rapid.Ptr(seconds, true).Draw(t, "p_unix"), PSection: rapid.Ptr(sections, true).Draw(t, "p_section"), PRelease: rapid.Ptr(releases, true).Draw(t, "p_release"),
		PJSON: rapid.Ptr(documents, true).Draw(t, "p_json"), PList: rapid.Ptr(rapid.SliceOfN(text, 0, 3), true).Draw(t, "p_list"),
		OText: text.Draw(t, "o_text"), OInt: rapid.Int64().Draw(t, "o_int"), OFloat: floats.Draw(t, "o_float"), OBool: rapid.Bool().Draw(t, "o_bool"), ODecimal: decimals.Draw(t, "o_decimal"),
		OSection: rapid.SampledFrom([]section{{}, {Title: "x"}}).Draw(t, "o_section"), Null: text.Draw(t, "null"),
	}
	copy(k.Fixed[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "fixed"))
	return k
}
