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
// address.lines[2]. For a value that was checked by itself it is where in it:
// [1] of a list.
func Path(f validator.FieldError) string {
	path := f.Namespace() // Type.field of a struct
	if _, inner, ok := strings.Cut(path, "."); ok {
		path = inner
	}
	return strings.ReplaceAll(path, embedded+".", "")
}

// Problem is what is wrong with the validate tag of a field.
type Problem struct {
	Field  string // as in Go, from the outermost struct: Address.Lines; empty: of the struct as a whole
	Reason string
}

// Struct tries the rules of a struct and of all structs inside it, also of those
// behind pointers and in lists, which the validator meets only when there is one.
//
// The validator panics on a rule it does not know when it first meets the
// struct, and on a bad parameter when it first compares a value with it. Both
// are found here, by trying each rule on a zero value.
func Struct(v *validator.Validate, rt reflect.Type) []Problem {
	return tryStruct(v, "", rt, map[reflect.Type]bool{})
}

func tryStruct(v *validator.Validate, where string, rt reflect.Type, seen map[reflect.Type]bool) []Problem {
	if seen[rt] {
		return nil
	}
	switch rt.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		seen[rt] = true
		return tryStruct(v, where, rt.Elem(), seen)
	case reflect.Struct:
		seen[rt] = true
	default:
		return nil
	}
	var problems []Problem
	for i := range rt.NumField() {
		sf := rt.Field(i)
		if !sf.IsExported() && !sf.Anonymous {
			continue // the validator does not look at it
		}
		name := strings.TrimPrefix(where+"."+sf.Name, ".")
		if rule := sf.Tag.Get("validate"); rule != "" && rule != "-" {
			for _, why := range try(v, sf.Type, rule) {
				problems = append(problems, Problem{name, why})
			}
		}
		problems = append(problems, tryStruct(v, name, sf.Type, seen)...)
	}
	if len(problems) > 0 { // it would say the same again
		return problems
	}
	if err := attempt(func() { _ = v.Struct(reflect.New(rt).Interface()) }); err != nil {
		problems = append(problems, Problem{where, fmt.Sprintf("a validate tag in %s: %v", rt, err)})
	}
	return problems
}

// try says what is wrong with the validate tag of a field of type rt. Rules that
// look at other fields are tried on the whole struct.
func try(v *validator.Validate, rt reflect.Type, tag string) []string {
	var problems []string
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
				return append(problems, fmt.Sprintf("validate:%q: dive is for slices, arrays and maps, this is %s", tag, rt))
			}
			continue
		case "keys":
			if key == nil { // the validator panics, but for an empty slice
				return append(problems, fmt.Sprintf("validate:%q: keys is for the keys of a map and stands behind dive, this is %s", tag, rt))
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
			if why := tryRule(v, rt, alternative); why != "" {
				problems = append(problems, fmt.Sprintf("validate:%q: %s", tag, why))
			}
		}
	}
	return problems
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
	run := func() { _ = v.Var(zero.Interface(), rule) }
	if zero.Kind() == reflect.Struct && zero.Type() != reflect.TypeFor[time.Time]() { // whose rules are run within a struct only
		holder := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "V", Type: zero.Type(), Tag: reflect.StructTag("validate:" + strconv.Quote(rule))}}))
		run = func() { _ = v.Struct(holder.Interface()) }
	}
	if err := attempt(run); err != nil {
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
