package event

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unsafe"

	"github.com/vinci-go/vinci/internal/jsonfields"
	"github.com/vinci-go/vinci/internal/probe"
)

// Field is a place in the data of an event, for conditions of [Where]: V is its Go
// type. It is a value, safe for concurrent use. Make it with [Path] or [Elem].
type Field[T, V any] struct {
	eventType string
	path      []string // below detail
	kind      fieldKind
	nullable  bool // V is a pointer, whose nil is null
	quoted    bool // a number or boolean written as text
	omitEmpty bool
	omitZero  bool
	element   bool // one of a list's elements is meant
	err       error
}

// fieldKind is what a field is in JSON, as far as its Go type says.
type fieldKind int

const (
	kindAny fieldKind = iota // only a value shows
	kindText
	kindNumber
	kindBool
	kindList
	kindObject
)

// Path finds the field that f points at, by its place in memory: a field of the
// data, or of a struct inside it, also behind pointers to structs. Its name in
// the pattern is that of the JSON.
//
//	var city = event.Path(Placed, func(o *OrderPlaced) *string { return &o.Address.City })
//
// It does not fail: what is wrong comes with the conditions that are made of the
// field to the Err of [Where].
func Path[T, V any](def *Definition[T], f func(*T) *V) Field[T, V] {
	wrong := func(format string, args ...any) Field[T, V] {
		return Field[T, V]{err: fmt.Errorf("event.Path: "+format, args...)}
	}
	switch {
	case def == nil:
		return wrong("the definition is nil")
	case def.err != nil:
		return Field[T, V]{err: def.err}
	case f == nil:
		return wrong("the function is nil")
	}
	data, ptr, err := probe.Call(f, func(t reflect.Type) bool { return !encodesItself(t) })
	if err != nil {
		return wrong("%v", err)
	}
	s := fieldSearch{at: unsafe.Pointer(ptr), typ: reflect.TypeFor[V]()}
	s.look(reflect.ValueOf(data).Elem(), []string{"data"}, 0)
	switch {
	case ptr == nil || len(s.found) == 0:
		return wrong("the function does not point at an encoded field of %T: return the address of one, such as &o.Total", *data)
	case len(s.found) > 1:
		return wrong("%s and %s are at one place in memory, as their type %s takes no room, so they cannot be told apart",
			strings.Join(s.found[0].path, "."), strings.Join(s.found[1].path, "."), s.typ)
	}
	found := s.found[0]
	for _, name := range found.path {
		if strings.Contains(name, ".") || strings.HasPrefix(name, "$or") {
			return wrong("%s: EventBridge reads the JSON name %q of it as something else: dots are nesting and $or is an operator", strings.Join(found.path, "."), name)
		}
	}
	out := fieldOf[T, V](found.path)
	out.eventType = def.name
	out.omitEmpty, out.omitZero = found.field.OmitEmpty, found.field.OmitZero
	if out.quoted = found.field.Quoted; out.quoted && out.kind != kindList {
		out.kind = kindText
	}
	return out
}

// Elem is any one element of a list: the condition holds when it holds for one.
// That is how EventBridge compares lists.
func Elem[T any, S ~[]E, E any](list Field[T, S]) Field[T, E] {
	out := fieldOf[T, E](list.path)
	out.eventType, out.err, out.element = list.eventType, list.err, true
	switch out.kind {
	case kindObject, kindList:
		if out.err == nil {
			out.err = fmt.Errorf("event.Elem: the elements of %s are of type %s, which a pattern does not compare", list.text(), reflect.TypeFor[E]())
		}
	}
	return out
}

func fieldOf[T, V any](path []string) Field[T, V] {
	t := reflect.TypeFor[V]()
	f := Field[T, V]{path: path, nullable: t.Kind() == reflect.Pointer}
	for t.Kind() == reflect.Pointer && !encodesItself(t) {
		t = t.Elem()
	}
	f.kind = kindOfField(t)
	return f
}

func kindOfField(t reflect.Type) fieldKind {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[time.Time]() || jsonfields.EncodesAsText(t):
		return kindText
	case t == reflect.TypeFor[json.Number]():
		return kindNumber
	case jsonfields.EncodesItself(t):
		return kindAny
	}
	switch k := t.Kind(); {
	case k == reflect.String, k == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !encodesItself(t.Elem()):
		return kindText
	case k == reflect.Bool:
		return kindBool
	case k >= reflect.Int && k <= reflect.Float64:
		return kindNumber
	case k == reflect.Slice || k == reflect.Array:
		return kindList
	case k == reflect.Struct || k == reflect.Map:
		return kindObject
	default:
		return kindAny
	}
}

// fieldSearch looks for the field at a place in memory. A struct and its first
// field are at one place, so the type decides.
type fieldSearch struct {
	at    unsafe.Pointer
	typ   reflect.Type
	found []foundField
}

type foundField struct {
	path  []string
	field jsonfields.Field
}

// look goes through the fields of a struct that the probe made. depth bounds what
// a type that holds itself can make of it.
func (s *fieldSearch) look(rv reflect.Value, path []string, depth int) {
	for rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			return
		}
		rv = rv.Elem()
	}
	if rv.Kind() != reflect.Struct || encodesItself(rv.Type()) || depth > probe.MaxDepth {
		return
	}
	for _, f := range jsonfields.Of(rv.Type()) {
		fv, err := rv.FieldByIndexErr(f.Index)
		if err != nil { // behind an embedded pointer that nobody followed
			continue
		}
		here := append(path[:len(path):len(path)], f.Name)
		if fv.Addr().UnsafePointer() == s.at && f.Type == s.typ {
			s.found = append(s.found, foundField{here, f})
		}
		s.look(fv, here, depth+1)
	}
}
