package orm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-playground/validator/v10"
)

// rules checks every validate tag and makes the validator that runs them.
//
// The validator panics on a rule it does not know when it first meets the
// struct, and on a bad parameter when it first compares a value with it. Both
// are found here, by trying each rule on a zero value.
func (d *definer) rules() {
	if d.plan.raw {
		return // the rules are for Go values
	}
	ruled := false
	for i := range d.plan.fields {
		f := &d.plan.fields[i]
		inside := hasRules(f.typ, nil)
		f.inside = inside && indirect(f.typ).Kind() == reflect.Struct
		ruled = ruled || f.rule != "" || inside
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
	d.structRules(v, "", d.item, map[reflect.Type]bool{})
	d.plan.validate = v
	for i := range d.plan.fields {
		f := &d.plan.fields[i]
		f.alone = aloneRules(f.rule)
		if len(d.problems) == before && f.def.IsValid() {
			if err := d.plan.checkRules(f, f.def); err != nil {
				d.problem(f.goName, fmt.Sprintf("its default does not pass its own validate tag: it %v", err))
			}
		}
	}
	d.plan.quick, _ = quickChecks(d.item, 0)
}

// structRules tries the rules of a struct and of all structs inside it, also of
// those behind pointers and in lists, which the validator meets only when there
// is one.
func (d *definer) structRules(v *validator.Validate, where string, rt reflect.Type, seen map[reflect.Type]bool) {
	switch rt.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		if seen[rt] {
			return
		}
		seen[rt] = true
		d.structRules(v, where, rt.Elem(), seen)
		return
	case reflect.Struct:
	default:
		return
	}
	if seen[rt] {
		return
	}
	seen[rt] = true
	before := len(d.problems)
	for i := range rt.NumField() {
		sf := rt.Field(i)
		if !sf.IsExported() && !sf.Anonymous {
			continue // the validator does not look at it
		}
		name := strings.TrimPrefix(where+"."+sf.Name, ".")
		if rule := sf.Tag.Get("validate"); rule != "" && rule != "-" {
			d.fieldRules(v, name, sf.Type, rule)
		}
		d.structRules(v, name, sf.Type, seen)
	}
	if len(d.problems) > before { // it would say the same again
		return
	}
	if err := attempt(func() { _ = v.Struct(reflect.New(rt).Interface()) }); err != nil {
		d.problem(where, fmt.Sprintf("a validate tag in %s: %v", rt, err))
	}
}

// hasRules reports whether a struct inside the item has validate tags.
func hasRules(rt reflect.Type, within []reflect.Type) bool {
	if slices.Contains(within, rt) {
		return false
	}
	within = append(within, rt)
	switch rt.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return hasRules(rt.Elem(), within)
	case reflect.Struct:
		for i := range rt.NumField() {
			if _, ok := rt.Field(i).Tag.Lookup("validate"); ok || hasRules(rt.Field(i).Type, within) {
				return true
			}
		}
	}
	return false
}

// fieldRules tries each rule of one field by itself.
func (d *definer) fieldRules(v *validator.Validate, name string, rt reflect.Type, rules string) {
	key := reflect.Type(nil)
	for rule := range strings.SplitSeq(rules, ",") {
		switch rule {
		case "dive":
			switch rt = indirect(rt); rt.Kind() {
			case reflect.Map:
				rt, key = rt.Elem(), rt.Key()
			case reflect.Slice, reflect.Array:
				rt, key = rt.Elem(), nil
			default:
				d.problem(name, fmt.Sprintf("validate:%q: dive is for slices, arrays and maps, this is %s", rules, rt))
				return
			}
			continue
		case "keys":
			if key == nil { // the validator panics, but for an empty slice
				d.problem(name, fmt.Sprintf("validate:%q: keys is for the keys of a map and stands behind dive, this is %s", rules, rt))
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
			if why := tryRule(v, rt, alternative); why != "" {
				d.problem(name, fmt.Sprintf("validate:%q: %s", rules, why))
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
	case comparesFields(rule):
		return "" // tried on the whole struct
	}
	zero := reflect.New(rt).Elem()
	if rt.Kind() == reflect.Pointer { // a nil pointer ends the checks early
		zero = reflect.New(indirect(rt)).Elem()
	}
	try := func() { _ = v.Var(zero.Interface(), rule) }
	if zero.Kind() == reflect.Struct && zero.Type() != timeType { // whose rules are run within a struct only
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

// aloneRules are those of a validate tag that need no other field.
func aloneRules(rule string) string {
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

// check runs the enum and validate tags on item, a pointer to the struct: one
// error an attribute. stored is the item encoded, for its key.
func (p *plan) check(op string, stored Item, item any) error {
	var errs []error
	bad := func(attribute string, err error) {
		errs = append(errs, &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(stored), Attribute: attribute, Err: err})
	}
	rv := reflect.ValueOf(item).Elem()
	for _, f := range p.enums {
		var err error
		if p.raw {
			err = f.storedInEnum((*item.(*Item))[f.name])
		} else {
			err = f.inEnum(rv.FieldByIndex(f.index))
		}
		if err != nil {
			bad(f.name, err)
		}
	}
	if p.validate != nil && !p.obvious(reflect.ValueOf(item).UnsafePointer()) {
		err := p.validate.Struct(item)
		var failed validator.ValidationErrors
		if !errors.As(err, &failed) && err != nil {
			return err
		}
		for _, f := range failed {
			_, attribute, _ := strings.Cut(f.Namespace(), ".")
			bad(attribute, unsatisfied(f))
		}
	}
	return errors.Join(errs...)
}

func unsatisfied(f validator.FieldError) error {
	rule := f.Tag()
	if f.Param() != "" {
		rule += "=" + f.Param()
	}
	return fmt.Errorf("must satisfy %q", rule)
}

// checkValue checks one value of a field by itself: its enum, and those of its
// rules that need no other field. The error names neither table nor attribute,
// the caller does.
func (p *plan) checkValue(f *field, v reflect.Value) error {
	if f.enum != nil {
		if err := f.inEnum(v); err != nil {
			return err
		}
	}
	return p.checkRules(f, v)
}

// checkRules is checkValue without the enum.
func (p *plan) checkRules(f *field, v reflect.Value) error {
	if p.validate == nil {
		return nil
	}
	var err error
	switch {
	case f.alone != "":
		err = p.validate.Var(v.Interface(), f.alone)
	case f.inside && (v.Kind() == reflect.Struct || !v.IsNil()):
		err = p.validate.Struct(v.Interface())
	}
	return allUnsatisfied(err)
}

// checkElements checks the elements of a list or set by those of the field's
// rules that are for each of them, which stand behind dive.
func (p *plan) checkElements(f *field, v reflect.Value) error {
	_, each, ok := strings.Cut(","+f.alone+",", ",dive,")
	if p.validate == nil || !ok {
		return nil
	}
	return allUnsatisfied(p.validate.Var(v.Interface(), strings.TrimSuffix("dive,"+each, ",")))
}

// allUnsatisfied says of each rule of a value where in it it does not hold.
func allUnsatisfied(err error) error {
	var failed validator.ValidationErrors
	if !errors.As(err, &failed) {
		return err
	}
	var errs []error
	for _, one := range failed {
		err := unsatisfied(one)
		where := one.Namespace() // "Type.field" of a struct, "[1]" of a list
		if _, inner, ok := strings.Cut(where, "."); ok {
			where = inner
		}
		if where != "" {
			err = fmt.Errorf("%s: %w", where, err)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
