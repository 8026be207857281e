package rules

import (
	"fmt"
	"reflect"
	"strings"

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
// address.lines[2].
func Path(f validator.FieldError) string {
	_, path, _ := strings.Cut(f.Namespace(), ".")
	return strings.ReplaceAll(path, embedded+".", "")
}

// Try says what is wrong with the validate tag of a field of type rt, nothing
// when it is fine. Rules that look at other fields are not tried: for those run
// the validator once on an empty struct, in [Attempt].
//
// The validator panics on a rule it does not know when it first meets the
// struct, and on a bad parameter when it first compares a value with it. Both
// are found here, by trying each rule on a zero value.
func Try(v *validator.Validate, rt reflect.Type, tag string) []string {
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
		case "keys", "endkeys":
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
	switch rt.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return has(rt.Elem(), within)
	case reflect.Struct:
		for _, t := range within {
			if t == rt {
				return false
			}
		}
		within = append(within, rt)
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
	case ComparesFields(rule):
		return "" // tried on the whole struct
	}
	zero := reflect.New(rt).Elem()
	if rt.Kind() == reflect.Pointer { // a nil pointer ends the checks early
		zero = reflect.New(indirect(rt)).Elem()
	}
	if err := Attempt(func() { _ = v.Var(zero.Interface(), rule) }); err != nil {
		if strings.Contains(err.Error(), "Undefined validation function") {
			return fmt.Sprintf("unknown rule %q: the rules are those of github.com/go-playground/validator/v10", name)
		}
		return fmt.Sprintf("rule %q does not fit %s: %v", rule, rt, err)
	}
	return ""
}

// ComparesFields reports whether a rule looks at other fields of the struct.
func ComparesFields(rule string) bool {
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
		if !ComparesFields(one) {
			out = append(out, one)
		}
	}
	return strings.Join(out, ",")
}

// Attempt turns a panic of the validator into an error.
func Attempt(f func()) (err error) {
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
