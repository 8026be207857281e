package pattern_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event/pattern"
)

// The reference is the obvious matcher: it flattens the event into fields,
// multiplies out $or, and tries every choice of fields.

type refField struct {
	path  string
	value any            // string, json.Number, bool, nil
	in    map[string]int // array's position in the event -> element
}

func refFlatten(path, at string, v any, in map[string]int) []refField {
	switch v := v.(type) {
	case map[string]any:
		var all []refField
		for k, e := range v {
			p := k
			if path != "" {
				p = path + "." + k
			}
			all = append(all, refFlatten(p, at+"/"+k, e, in)...)
		}
		return all
	case []any:
		var all []refField
		for i, e := range v {
			inner := in
			switch e.(type) {
			case map[string]any, []any:
				inner = map[string]int{at: i}
				for k, x := range in {
					inner[k] = x
				}
			}
			all = append(all, refFlatten(path, fmt.Sprintf("%s/%d", at, i), e, inner)...)
		}
		return all
	}
	return []refField{{path, v, in}}
}

func refCondition(cond, v any) bool {
	m, ok := cond.(map[string]any)
	if !ok {
		if a, ok := cond.(json.Number); ok {
			b, ok := v.(json.Number)
			return ok && refNumber(a).Cmp(refNumber(b)) == 0
		}
		return cond == v
	}
	s, isText := v.(string)
	n, isNumber := v.(json.Number)
	for op, arg := range m {
		switch op {
		case "exists":
			return true
		case "prefix":
			if fold, ok := arg.(map[string]any); ok {
				return isText && strings.HasPrefix(strings.ToLower(s), strings.ToLower(fold["equals-ignore-case"].(string)))
			}
			return isText && strings.HasPrefix(s, arg.(string))
		case "suffix":
			if fold, ok := arg.(map[string]any); ok {
				return isText && strings.HasSuffix(strings.ToLower(s), strings.ToLower(fold["equals-ignore-case"].(string)))
			}
			return isText && strings.HasSuffix(s, arg.(string))
		case "equals-ignore-case":
			return isText && strings.EqualFold(s, arg.(string))
		case "wildcard":
			return isText && refWildcard(arg.(string), s)
		case "cidr":
			a, err := netip.ParseAddr(s)
			return isText && err == nil && netip.MustParsePrefix(arg.(string)).Contains(a)
		case "numeric":
			if !isNumber {
				return false
			}
			list := arg.([]any)
			for i := 0; i < len(list); i += 2 {
				c := refNumber(n).Cmp(refNumber(list[i+1].(json.Number)))
				if !map[any]bool{"=": c == 0, "<": c < 0, "<=": c <= 0, ">": c > 0, ">=": c >= 0}[list[i]] {
					return false
				}
			}
			return true
		case "anything-but":
			if inner, ok := arg.(map[string]any); ok {
				for k, x := range inner {
					list, ok := x.([]any)
					if !ok {
						list = []any{x}
					}
					for _, e := range list {
						if refCondition(map[string]any{k: e}, v) {
							return false
						}
					}
				}
				return true
			}
			list, ok := arg.([]any)
			if !ok {
				list = []any{arg}
			}
			for _, e := range list {
				if refCondition(e, v) {
					return false
				}
			}
			return true
		}
	}
	panic("unknown condition")
}

func refNumber(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(n.String())
	if !ok {
		panic("not a number: " + n.String())
	}
	return r
}

func refWildcard(w, s string) bool {
	switch {
	case w == "":
		return s == ""
	case w[0] == '*':
		return refWildcard(w[1:], s) || s != "" && refWildcard(w, s[1:])
	default:
		return s != "" && s[0] == w[0] && refWildcard(w[1:], s[1:])
	}
}

type refAlternative map[string][]any // path -> conditions

func refExpand(alts []refAlternative, path string, n map[string]any) []refAlternative {
	for k, v := range n {
		p := k
		if path != "" {
			p = path + "." + k
		}
		switch v := v.(type) {
		case map[string]any:
			alts = refExpand(alts, p, v)
		case []any:
			if k == "$or" {
				var all []refAlternative
				for _, branch := range v {
					var copies []refAlternative
					for _, a := range alts {
						c := refAlternative{}
						for k, v := range a {
							c[k] = v
						}
						copies = append(copies, c)
					}
					all = append(all, refExpand(copies, path, branch.(map[string]any))...)
				}
				alts = all
				continue
			}
			for _, a := range alts {
				a[p] = v
			}
		}
	}
	return alts
}

func refTogether(a, b map[string]int) bool {
	for k, i := range a {
		if j, ok := b[k]; ok && i != j {
			return false
		}
	}
	return true
}

func refSearch(a refAlternative, paths []string, fields []refField, in map[string]int) bool {
	if len(paths) == 0 {
		return true
	}
	for _, cond := range a[paths[0]] {
		if m, ok := cond.(map[string]any); ok && m["exists"] == false {
			absent := !slices.ContainsFunc(fields, func(f refField) bool { return f.path == paths[0] && refTogether(f.in, in) })
			if absent && refSearch(a, paths[1:], fields, in) {
				return true
			}
			continue
		}
		for _, f := range fields {
			if f.path != paths[0] || !refTogether(f.in, in) || !refCondition(cond, f.value) {
				continue
			}
			both := map[string]int{}
			for k, i := range in {
				both[k] = i
			}
			for k, i := range f.in {
				both[k] = i
			}
			if refSearch(a, paths[1:], fields, both) {
				return true
			}
		}
	}
	return false
}

func refDecode(b []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		panic(err)
	}
	return v
}

func refMatch(pattern, event []byte) bool {
	fields := refFlatten("", "", refDecode(event), nil)
	for _, a := range refExpand([]refAlternative{{}}, "", refDecode(pattern)) {
		paths := []string{}
		for p := range a {
			paths = append(paths, p)
		}
		slices.Sort(paths)
		if refSearch(a, paths, fields, map[string]int{}) {
			return true
		}
	}
	return false
}

// Generators take names and values from small sets, so that much matches.

var (
	names  = rapid.SampledFrom([]string{"a", "b", "c", "d"})
	texts  = rapid.SampledFrom([]string{"", "a", "A", "ab", "aB", "ba", "abab", "é", "10.0.0.1", "10.0.1.7", "30", `a"\`})
	number = rapid.SampledFrom([]json.Number{"0", "1", "1.0", "30", "3.0e1", "-2.5", "100e-2", "0.1"})
)

func genScalar() *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 5).Draw(t, "kind") {
		case 0, 1, 2:
			return texts.Draw(t, "text")
		case 3:
			return number.Draw(t, "number")
		case 4:
			return rapid.Bool().Draw(t, "bool")
		default:
			return nil
		}
	})
}

func genValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		kind := rapid.IntRange(0, 4).Draw(t, "shape")
		if depth == 0 || kind < 2 {
			return genScalar().Draw(t, "scalar")
		}
		if kind == 2 {
			return genObject(depth-1).Draw(t, "object")
		}
		return rapid.SliceOfN(genValue(depth-1), 0, 3).Draw(t, "array")
	})
}

func genObject(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		m := map[string]any{}
		for k, v := range rapid.MapOfN(names, genValue(depth), 0, 4).Draw(t, "members") {
			m[k] = v
		}
		return m
	})
}

func genCondition() *rapid.Generator[any] {
	op := func(name string, arg any) any { return map[string]any{name: arg} }
	return rapid.Custom(func(t *rapid.T) any {
		text := texts.Draw(t, "operand")
		some := func() any {
			if rapid.Bool().Draw(t, "list") {
				return []any{"a" + text, texts.Filter(func(s string) bool { return s != "" }).Draw(t, "second")}
			}
			return "a" + text
		}
		wild := rapid.SampledFrom([]string{"*", "a*", "*b", "a*b", "*a*", "*b*a*", "ab", ""}).Draw(t, "wildcard")
		switch rapid.IntRange(0, 16).Draw(t, "op") {
		case 0, 1, 2:
			return genScalar().Draw(t, "exact")
		case 3:
			return op("prefix", text)
		case 4:
			return op("suffix", text)
		case 5:
			return op("equals-ignore-case", text)
		case 6:
			return op("prefix", op("equals-ignore-case", text))
		case 7:
			return op("suffix", op("equals-ignore-case", text))
		case 8:
			return op("wildcard", wild)
		case 9:
			return op("numeric", []any{rapid.SampledFrom([]string{"=", "<", "<=", ">", ">="}).Draw(t, "cmp"), number.Draw(t, "n")})
		case 10:
			return op("numeric", []any{">", json.Number("0"), "<=", json.Number("30")})
		case 11:
			return op("cidr", rapid.SampledFrom([]string{"10.0.0.0/24", "10.0.0.0/8"}).Draw(t, "net"))
		case 12, 13:
			return op("exists", rapid.Bool().Draw(t, "exists"))
		case 14:
			return op("anything-but", some())
		case 15:
			return op("anything-but", number.Draw(t, "n"))
		default:
			return op("anything-but", op(rapid.SampledFrom([]string{"prefix", "suffix", "equals-ignore-case"}).Draw(t, "inner"), some()))
		}
	})
}

func genPattern(depth int, or bool) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		m := map[string]any{}
		taken := rapid.SliceOfNDistinct(names, 1, 2, rapid.ID).Draw(t, "fields")
		for _, name := range taken {
			if depth > 0 && rapid.Bool().Draw(t, "nested") {
				m[name] = genPattern(depth-1, or).Draw(t, "inner")
				continue
			}
			m[name] = rapid.SliceOfN(genCondition(), 1, 3).Draw(t, "conditions")
		}
		if or && rapid.IntRange(0, 3).Draw(t, "or") == 0 {
			var branches []any
			for range rapid.IntRange(2, 3).Draw(t, "branches") {
				branches = append(branches, map[string]any{"o": genPattern(depth, false).Draw(t, "branch")})
			}
			m["$or"] = branches
		}
		return m
	})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// The compiled matcher, alone and in a set, agrees with the reference.
func TestMatchAgreesWithReference(t *testing.T) {
	matched, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var compiled []*pattern.Pattern
		var sources [][]byte
		for range rapid.IntRange(1, 5).Draw(t, "patterns") {
			source := encode(genPattern(1, true).Draw(t, "pattern"))
			p, err := pattern.Compile(source)
			if err != nil {
				t.Fatalf("%s: %v", source, err)
			}
			compiled, sources = append(compiled, p), append(sources, source)
		}
		set := pattern.NewSet(compiled...)
		for range 5 {
			event := map[string]any{}
			for k, v := range genObject(3).Draw(t, "event").(map[string]any) {
				event[k] = v
			}
			event["o"] = genValue(2).Draw(t, "o")
			b := encode(event)
			var want []int
			for i, p := range compiled {
				expect := refMatch(sources[i], b)
				if got, err := p.Match(b); err != nil || got != expect {
					t.Fatalf("pattern %s\nevent %s\ngot %v, %v; want %v", sources[i], b, got, err, expect)
				}
				all++
				if expect {
					want = append(want, i)
					matched++
				}
			}
			if got, err := set.Match(b, nil); err != nil || !slices.Equal(got, want) {
				t.Fatalf("patterns %s\nevent %s\nthe set got %v, %v; want %v", sources, b, got, err, want)
			}
		}
	})
	if share := float64(matched) / float64(all); share < 0.02 || share > 0.98 {
		t.Errorf("%.0f%% of %d matched: the generators prove too little", share*100, all)
	}
}
