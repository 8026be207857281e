package jsonfields

import (
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// Field is a member of the JSON object that encoding/json makes of a struct.
type Field struct {
	Name      string // of the member
	GoName    string // of the Go field, without those it is embedded in
	Index     []int  // for reflect.Value.FieldByIndex, through embedded structs
	Type      reflect.Type
	Tag       reflect.StructTag
	OmitEmpty bool // left out when it is false, 0, "", nil or has no elements
	OmitZero  bool // left out when it is its type's zero value, or says so by IsZero
	Quoted    bool // a number or boolean that is written as text, `json:",string"`
	Behind    bool // behind a pointer to an embedded struct: left out when that is nil
}

// Optional reports whether an object may come without the member.
func (f *Field) Optional() bool {
	return f.OmitZero || f.Behind || f.OmitEmpty && omits(f.Type)
}

// omits reports whether omitempty does anything for a type. A struct is never
// empty, and an array only when it can hold nothing.
func omits(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct:
		return false
	case reflect.Array:
		return t.Len() == 0
	default:
		return true
	}
}

// Of are the members of struct type t in the order in which encoding/json writes
// them, without those that it leaves out because two have one name.
//
// The rules are Go's for embedded fields, amended for tags: the least nested one
// wins; of several there, one with a name in its tag; of several still, none.
func Of(t reflect.Type) []Field {
	var all []found
	w := walker{onPath: map[reflect.Type]bool{}}
	w.walk(t, nil, false, &all)
	var out []Field
	for i, f := range all {
		if dominant(all, i) {
			out = append(out, f.Field)
		}
	}
	slices.SortStableFunc(out, func(a, b Field) int { return slices.Compare(a.Index, b.Index) })
	return out
}

// found is a field before the names are compared.
type found struct {
	Field
	tagged bool
}

func dominant(all []found, i int) bool {
	f := all[i]
	for j, other := range all {
		if j == i || other.Name != f.Name {
			continue
		}
		switch deeper := len(other.Index) - len(f.Index); {
		case deeper < 0:
			return false
		case deeper == 0 && other.tagged == f.tagged, deeper == 0 && other.tagged:
			return false
		}
	}
	return true
}

type walker struct{ onPath map[reflect.Type]bool }

func (w *walker) walk(t reflect.Type, index []int, behind bool, all *[]found) {
	if w.onPath[t] {
		return // a struct that embeds a pointer to itself adds nothing
	}
	w.onPath[t] = true
	defer delete(w.onPath, t)
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("json")
		if tag == "-" {
			continue
		}
		name, opts, _ := strings.Cut(tag, ",")
		if !valid(name) {
			name = ""
		}
		at := append(slices.Clone(index), i)
		inner, pointer := sf.Type, false
		if inner.Name() == "" && inner.Kind() == reflect.Pointer {
			inner, pointer = inner.Elem(), true
		}
		if sf.Anonymous {
			if !sf.IsExported() && inner.Kind() != reflect.Struct {
				continue
			}
			if name == "" && inner.Kind() == reflect.Struct {
				w.walk(inner, at, behind || pointer, all)
				continue
			}
		} else if !sf.IsExported() {
			continue
		}
		f := found{Field: Field{
			Name: name, GoName: sf.Name, Index: at, Type: sf.Type, Tag: sf.Tag,
			OmitEmpty: has(opts, "omitempty"), OmitZero: has(opts, "omitzero"), Behind: behind,
			Quoted: has(opts, "string") && quotable(sf.Type),
		}, tagged: name != ""}
		if !f.tagged {
			f.Name = sf.Name
		}
		*all = append(*all, f)
	}
}

func has(opts, want string) bool {
	for o := range strings.SplitSeq(opts, ",") {
		if o == want {
			return true
		}
	}
	return false
}

// valid reports whether encoding/json takes a tag's name; it ignores others.
func valid(name string) bool {
	for _, c := range name {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return name != ""
}

func quotable(t reflect.Type) bool {
	if t.Name() == "" && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch k := t.Kind(); {
	case k >= reflect.Bool && k <= reflect.Float64, k == reflect.String:
		return true
	default:
		return false
	}
}

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// EncodesItself reports whether encoding/json calls MarshalJSON of a value of
// type t instead of looking into it.
func EncodesItself(t reflect.Type) bool { return implements(t, jsonMarshaler) }

// EncodesAsText reports whether encoding/json writes what MarshalText of a value
// of type t says.
func EncodesAsText(t reflect.Type) bool {
	return !EncodesItself(t) && implements(t, textMarshaler)
}

func implements(t, m reflect.Type) bool {
	return t.Implements(m) || t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(m)
}
