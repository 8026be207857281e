package event

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/vinci-go/vinci/internal/jsonfields"
)

// problem is one thing wrong with a data type: where in it, and what.
type problem struct{ field, reason string }

// checkData finds what encoding/json would refuse, or silently lose, at the
// first event: a definition should fail when the program starts instead.
func checkData(t reflect.Type) []problem {
	if t.Kind() != reflect.Struct {
		return []problem{{"", fmt.Sprintf("data type %s: allowed is a struct, because data is a JSON object", t)}}
	}
	if encodesItself(t) {
		// What it makes of itself only a value can show.
		b, err := json.Marshal(reflect.New(t).Interface())
		if err != nil || len(b) == 0 || b[0] != '{' {
			return []problem{{"", fmt.Sprintf("data type %s encodes itself, and not as a JSON object", t)}}
		}
		return nil
	}
	c := dataChecker{seen: map[reflect.Type]bool{}}
	c.check("", t)
	return c.problems
}

type dataChecker struct {
	seen     map[reflect.Type]bool // types may contain themselves
	problems []problem
}

func (c *dataChecker) add(path, format string, args ...any) {
	c.problems = append(c.problems, problem{path, fmt.Sprintf(format, args...)})
}

func (c *dataChecker) check(path string, t reflect.Type) {
	if c.seen[t] || encodesItself(t) {
		return
	}
	switch t.Kind() {
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		c.add(path, "type %s cannot be encoded as JSON: use a type that can, or leave the field out with `json:\"-\"`", t)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			c.add(path, "type %s is an interface, so it cannot be decoded from JSON: use a concrete type", t)
		}
	case reflect.Pointer, reflect.Slice, reflect.Array:
		c.check(path, t.Elem())
	case reflect.Map:
		if !keyable(t.Key()) {
			c.add(path, "map keys of type %s cannot be encoded as JSON: allowed are strings, whole numbers and encoding.TextMarshaler", t.Key())
		}
		c.check(path, t.Elem())
	case reflect.Struct:
		c.seen[t] = true
		c.fields(path, t)
	}
}

func (c *dataChecker) fields(path string, t reflect.Type) {
	names := map[string]string{}
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		name, _, _ := strings.Cut(tag, ",")
		embedded := f.Anonymous && name == ""
		if tag == "-" || (!f.IsExported() && !embedded) {
			continue
		}
		at := f.Name
		if path != "" {
			at = path + "." + f.Name
		}
		if !embedded {
			if name == "" {
				name = f.Name
			}
			// encoding/json leaves one or both out, without an error.
			if other, twice := names[name]; twice {
				c.add(at, "JSON name %q is field %s's too: give each field its own, or one is not encoded", name, other)
			}
			names[name] = f.Name
		}
		c.check(at, f.Type)
	}
}

// encodesItself reports whether encoding/json calls a method instead of looking
// into the type.
func encodesItself(t reflect.Type) bool {
	return jsonfields.EncodesItself(t) || jsonfields.EncodesAsText(t)
}

func keyable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String,
		reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return true
	default:
		return t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
	}
}
