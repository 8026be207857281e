package orm

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-playground/validator/v10"
)

// rules checks every validate tag and makes the validator that runs them.
//
// The validator panics on a rule it does not know when it first meets the
// struct, and on a bad parameter when it first compares a value with it. Both
// are found here, by trying each rule on a zero value.
func (d *definer) rules() {
	ruled := false
	for i := range d.plan.fields {
		f := &d.plan.fields[i]
		ruled = ruled || f.rule != "" || hasRules(f.typ, nil)
	}
	if !ruled {
		return
	}
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(sf reflect.StructField) string {
		name, _, _ := strings.Cut(sf.Tag.Get("dynamo"), ",")
		if name == "" || name == "-" {
			return sf.Name
		}
		return name
	})
	before := len(d.problems)
	for i := range d.plan.fields {
		if f := &d.plan.fields[i]; f.rule != "" {
			d.fieldRules(v, f)
		}
	}
	if len(d.problems) == before { // else it would say the same again
		if err := attempt(func() { _ = v.Struct(reflect.New(d.item).Interface()) }); err != nil {
			d.problem("", fmt.Sprintf("a validate tag in %s: %v", d.item, err))
		}
	}
	d.plan.validate = v
}

// hasRules reports whether a struct inside the item has validate tags.
func hasRules(rt reflect.Type, within []reflect.Type) bool {
	switch rt.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return hasRules(rt.Elem(), within)
	case reflect.Struct:
		for _, t := range within {
			if t == rt {
				return false
			}
		}
		within = append(within, rt)
		for i := range rt.NumField() {
			if _, ok := rt.Field(i).Tag.Lookup("validate"); ok || hasRules(rt.Field(i).Type, within) {
				return true
			}
		}
	}
	return false
}

// fieldRules tries each rule of one field by itself.
func (d *definer) fieldRules(v *validator.Validate, f *field) {
	rt, key := f.typ, reflect.Type(nil)
	for rule := range strings.SplitSeq(f.rule, ",") {
		switch rule {
		case "dive":
			switch rt = indirect(rt); rt.Kind() {
			case reflect.Map:
				rt, key = rt.Elem(), rt.Key()
			case reflect.Slice, reflect.Array:
				rt, key = rt.Elem(), nil
			default:
				d.problem(f.goName, fmt.Sprintf("validate:%q: dive is for slices, arrays and maps, this is %s", f.rule, rt))
				return
			}
			continue
		case "keys":
			if key != nil {
				rt, key = key, rt
			}
			continue
		case "endkeys":
			if key != nil {
				rt, key = key, rt
			}
			continue
		}
		for alternative := range strings.SplitSeq(rule, "|") {
			if why := tryRule(v, rt, alternative); why != "" {
				d.problem(f.goName, fmt.Sprintf("validate:%q: %s", f.rule, why))
			}
		}
	}
}

// tryRule says what is wrong with one rule, nothing when it is fine.
func tryRule(v *validator.Validate, rt reflect.Type, rule string) string {
	name, _, _ := strings.Cut(rule, "=")
	switch {
	case name == "":
		return "an empty rule: take the extra comma away"
	case name == "validateFn":
		return "validateFn calls methods by name, which makes every function's binary bigger by megabytes: check it in code instead"
	case strings.Contains(name, "field"), strings.HasPrefix(name, "required_"), strings.HasPrefix(name, "excluded_"), strings.HasPrefix(name, "skip_"):
		return "" // compares with other fields: tried on the whole struct
	}
	zero := reflect.New(rt).Elem()
	if rt.Kind() == reflect.Pointer { // a nil pointer ends the checks early
		zero = reflect.New(indirect(rt)).Elem()
	}
	if err := attempt(func() { _ = v.Var(zero.Interface(), rule) }); err != nil {
		if strings.Contains(err.Error(), "Undefined validation function") {
			return fmt.Sprintf("unknown rule %q: the rules are those of github.com/go-playground/validator/v10", name)
		}
		return fmt.Sprintf("rule %q does not fit %s: %v", rule, rt, err)
	}
	return ""
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

// check runs the validate tags on item, a pointer to the struct.
func (p *plan) check(op, key string, item any) error {
	if p.validate == nil {
		return nil
	}
	err := p.validate.Struct(item)
	var failed validator.ValidationErrors
	if !errors.As(err, &failed) {
		return err
	}
	var errs []error
	for _, f := range failed {
		_, attribute, _ := strings.Cut(f.Namespace(), ".")
		rule := f.Tag()
		if f.Param() != "" {
			rule += "=" + f.Param()
		}
		errs = append(errs, &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: key, Attribute: attribute,
			Err: fmt.Errorf("must satisfy %q", rule)})
	}
	return errors.Join(errs...)
}
