package local

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/vinci-go/vinci/local/assembly"
)

// The properties of a resource type are written down as a Go struct, one for
// each type. A field has the property's name (or the name in its tag) and one of
// these types:
//
//	string, int, float64, bool   a served property; a pointer tells absent from zero
//	struct, slice, map           served, and as strict inside
//	json.RawMessage              served, and read by whoever knows its language (policies, patterns)
//	noEffect                     known and without effect here; the tag `why` says why, and a note is made
//	label                        known and without effect on AWS either (tags, descriptions)
//
// Anything else in the template is an error: a property that were skipped in
// silence would work here and not on AWS, or the other way round.
type (
	noEffect struct{}
	label    struct{}
)

var (
	noEffectType = reflect.TypeFor[noEffect]()
	labelType    = reflect.TypeFor[label]()
	rawType      = reflect.TypeFor[json.RawMessage]()
)

// decode reads the resource's properties into a struct, and reports everything
// that does not fit. It says whether all did.
func decode(rep *report, res *assembly.Resource, into any) bool {
	before := len(rep.errs)
	d := decoder{rep: rep, res: res}
	d.object("", res.Properties, reflect.ValueOf(into).Elem())
	return len(rep.errs) == before
}

type decoder struct {
	rep *report
	res *assembly.Resource
}

func (d decoder) fail(path, format string, args ...any) { d.rep.fail(d.res, path, format, args...) }

// object reads properties into the struct v.
func (d decoder) object(path string, properties map[string]any, v reflect.Value) {
	fields := map[string]reflect.StructField{}
	for f := range v.Type().Fields() {
		name, option, _ := strings.Cut(f.Tag.Get("cfn"), ",")
		if name == "" {
			name = f.Name
		}
		fields[name] = f
		if _, ok := properties[name]; !ok && option == "required" {
			d.fail(join(path, name), "is missing")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		at := join(path, name)
		f, ok := fields[name]
		switch {
		case !ok:
			d.fail(at, "is not served here; known are %s", strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		case f.Type == labelType:
		case f.Type == noEffectType:
			d.rep.noEffect(d.res, generic(at), f.Tag.Get("why"))
		default:
			d.value(at, properties[name], v.FieldByIndex(f.Index))
		}
	}
}

// value reads one value into v.
func (d decoder) value(path string, value any, v reflect.Value) {
	if v.Type() == rawType {
		raw, err := json.Marshal(value)
		if err != nil {
			d.fail(path, "cannot be written as JSON: %v", err)
			return
		}
		v.SetBytes(raw)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(path, value, v.Elem())
	case reflect.Struct:
		if object, ok := value.(map[string]any); ok {
			d.object(path, object, v)
			return
		}
		d.fail(path, "is %s, and must be an object", kindOf(value))
	case reflect.Slice:
		list, ok := value.([]any)
		if !ok {
			d.fail(path, "is %s, and must be a list", kindOf(value))
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		for i, e := range list {
			d.value(fmt.Sprintf("%s[%d]", path, i), e, v.Index(i))
		}
	case reflect.Map:
		object, ok := value.(map[string]any)
		if !ok {
			d.fail(path, "is %s, and must be an object", kindOf(value))
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for _, name := range slices.Sorted(maps.Keys(object)) {
			e := reflect.New(v.Type().Elem()).Elem()
			d.value(join(path, name), object[name], e)
			v.SetMapIndex(reflect.ValueOf(name), e)
		}
	default:
		d.scalar(path, value, v)
	}
}

// scalar reads text, numbers and booleans. Like CloudFormation it takes "12" for
// 12 and "true" for true, and the other way round.
func (d decoder) scalar(path string, value any, v reflect.Value) {
	var text string
	switch value := value.(type) {
	case string:
		text = value
	case json.Number:
		text = value.String()
	case bool:
		text = strconv.FormatBool(value)
	default:
		d.fail(path, "is %s, and must be %s", kindOf(value), wanted(v.Kind()))
		return
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int:
		var n int64
		if n, err = strconv.ParseInt(text, 10, 64); err == nil {
			v.SetInt(n)
		}
	case reflect.Float64:
		var n float64
		if n, err = strconv.ParseFloat(text, 64); err == nil {
			v.SetFloat(n)
		}
	case reflect.Bool:
		var b bool
		if b, err = strconv.ParseBool(text); err == nil {
			v.SetBool(b)
		}
	default:
		panic(fmt.Sprintf("local: a property struct has a field of type %s", v.Type()))
	}
	if err != nil {
		d.fail(path, "is %q, and must be %s", text, wanted(v.Kind()))
	}
}

func wanted(k reflect.Kind) string {
	switch k {
	case reflect.String:
		return "text"
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	default:
		return "true or false"
	}
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// generic drops indexes from a property's path, so that notes about all elements
// of a list are one: Replicas[0].Region becomes Replicas.Region.
func generic(path string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(path, "[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, path, _ = strings.Cut(rest, "]")
	}
}
