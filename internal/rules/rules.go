package rules

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-playground/validator/v10"
)

// embedded stands for a struct whose fields belong to the one around it.
const embedded = "\x00"

// New makes a validator whose errors name a field as it is named where it is
// stored: by the part before the comma of the tag that tagName names, else as in
// Go. It is safe for concurrent use. Read the name with [Path].
func New(tagName string) *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(sf reflect.StructField) string {
		name, _, _ := strings.Cut(sf.Tag.Get(tagName), ",")
		switch {
		case name == "" && sf.Anonymous:
			return embedded
		case name == "" || name == "-":
			return sf.Name
		}
		return name
	})
	return v
}

// Path is the field that a rule was broken by, from the struct that was checked:
// address.lines[2]. Of a list that was checked by itself it is the element, [2],
// and of another value that was, nothing.
func Path(f validator.FieldError) string {
	path := f.Namespace()
	if _, inside, ok := strings.Cut(path, "."); ok { // behind the name of the struct's type
		path = inside
	}
	return strings.ReplaceAll(path, embedded+".", "")
}

// Problem is a validate tag that is written wrong, or a struct in which one is.
type Problem struct {
	Field  string // in Go's names, with those it is in; empty for the struct itself
	Reason string
}

// Try finds what is wrong with the validate tags of a struct and of all structs
// inside it, also of those behind pointers and in lists, which the validator
// meets only when there is one.
//
// The validator panics on a rule it does not know when it first meets the
// struct, and on a bad parameter when it first compares a value with it. Both
// are found here, by trying each rule on a zero value.
func Try(v *validator.Validate, rt reflect.Type) []Problem {
	t := trier{v: v, seen: map[reflect.Type]bool{}}
	t.structs("", rt)
	return t.problems
}

type trier struct {
	v        *validator.Validate
	seen     map[reflect.Type]bool
	problems []Problem
}

func (t *trier) problem(field, format string, args ...any) {
	t.problems = append(t.problems, Problem{field, fmt.Sprintf(format, args...)})
}

func (t *trier) structs(where string, rt reflect.Type) {
	if t.seen[rt] {
		return
	}
	t.seen[rt] = true
	switch rt.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		t.structs(where, rt.Elem())
		return
	case reflect.Struct:
	default:
		return
	}
	before := len(t.problems)
	for i := range rt.NumField() {
		sf := rt.Field(i)
		if !sf.IsExported() && !sf.Anonymous {
			continue // the validator does not look at it
		}
		name := strings.TrimPrefix(where+"."+sf.Name, ".")
		if tag := sf.Tag.Get("validate"); tag != "" && tag != "-" {
			t.field(name, sf.Type, tag)
		}
		t.structs(name, sf.Type)
	}
	if len(t.problems) > before { // it would say the same again
		return
	}
	if err := attempt(func() { _ = t.v.Struct(reflect.New(rt).Interface()) }); err != nil {
		t.problem(where, "a validate tag in %s: %v", rt, err)
	}
}

// field tries each rule of one field by itself.
func (t *trier) field(name string, rt reflect.Type, tag string) {
	key := reflect.Type(nil)
	for rule := range strings.SplitSeq(tag, ",") {
		switch rule {
		case "dive":
			switch rt = indirect(rt); rt.Kind() {
			case reflect.Map:
				rt, key = rt.Elem(), rt.Key()
			case reflect.Slice, reflect.Array:
				rt, key = rt.Elem(), nil
			default:
				t.problem(name, "validate:%q: dive is for slices, arrays and maps, this is %s", tag, rt)
				return
			}
			continue
		case "keys":
			if key == nil { // the validator panics, but for an empty slice
				t.problem(name, "validate:%q: keys is for the keys of a map and stands behind dive, this is %s", tag, rt)
				return
			}
			rt, key = key, rt
			continue
		case "endkeys":
			if key != nil {
				rt, key = key, rt
			}
			continue
		}
		for alternative := range strings.SplitSeq(rule, "|") {
			if why := tryRule(t.v, rt, alternative); why != "" {
				t.problem(name, "validate:%q: %s", tag, why)
			}
		}
	}
}

// Has reports whether a struct in a value of type rt has validate tags.
func Has(rt reflect.Type) bool { return has(rt, nil) }

func has(rt reflect.Type, within []reflect.Type) bool {
	if slices.Contains(within, rt) {
		return false
	}
	within = append(within, rt)
	switch rt.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return has(rt.Elem(), within)
	case reflect.Struct:
		for i := range rt.NumField() {
			if _, ok := rt.Field(i).Tag.Lookup("validate"); ok || has(rt.Field(i).Type, within) {
				return true
			}
		}
	}
	return false
}

// tryRule says what is wrong with one rule, nothing when it is fine.
func tryRule(v *validator.Validate, rt reflect.Type, rule string) string {
	name, _, _ := strings.Cut(rule, "=")
	switch {
	case name == "":
		return "an empty rule: take the extra comma away"
	case name == "validateFn":
		return "validateFn calls methods by name, which makes every function's binary bigger by megabytes: check it in code instead"
	case comparesFields(rule):
		return "" // tried on the whole struct
	}
	zero := reflect.New(rt).Elem()
	if rt.Kind() == reflect.Pointer { // a nil pointer ends the checks early
		zero = reflect.New(indirect(rt)).Elem()
	}
	try := func() { _ = v.Var(zero.Interface(), rule) }
	if zero.Kind() == reflect.Struct && zero.Type() != reflect.TypeFor[time.Time]() { // whose rules are run within a struct only
		holder := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "V", Type: zero.Type(), Tag: reflect.StructTag("validate:" + strconv.Quote(rule))}}))
		try = func() { _ = v.Struct(holder.Interface()) }
	}
	if err := attempt(try); err != nil {
		if strings.Contains(err.Error(), "Undefined validation function") {
			return fmt.Sprintf("unknown rule %q: the rules are those of github.com/go-playground/validator/v10", name)
		}
		return fmt.Sprintf("rule %q does not fit %s: %v", rule, rt, err)
	}
	return ""
}

// comparesFields reports whether a rule looks at other fields of the struct.
func comparesFields(rule string) bool {
	for alternative := range strings.SplitSeq(rule, "|") {
		name, _, _ := strings.Cut(alternative, "=")
		if strings.Contains(name, "field") || strings.HasPrefix(name, "required_") || strings.HasPrefix(name, "excluded_") || strings.HasPrefix(name, "skip_") {
			return true
		}
	}
	return false
}

// Alone are those of a validate tag that need no other field.
func Alone(rule string) string {
	var out []string
	for one := range strings.SplitSeq(rule, ",") {
		if !comparesFields(one) {
			out = append(out, one)
		}
	}
	return strings.Join(out, ",")
}

// attempt turns a panic of the validator into an error.
func attempt(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	f()
	return nil
}

// Unsatisfied is the error of one rule that does not hold.
func Unsatisfied(f validator.FieldError) error {
	rule := f.Tag()
	if f.Param() != "" {
		rule += "=" + f.Param()
	}
	return fmt.Errorf("must satisfy %q", rule)
}

func indirect(rt reflect.Type) reflect.Type {
	for rt.Kind() == reflect.Pointer {
		rt = rt.Elem()
	}
	return rt
}
