package orm

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/go-playground/validator/v10"

	"github.com/vinci-go/vinci/internal/rules"
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
		inside := rules.Has(f.typ)
		f.inside = inside && indirect(f.typ).Kind() == reflect.Struct
		ruled = ruled || f.rule != "" || inside
	}
	if !ruled {
		return
	}
	v := rules.New("dynamo")
	before := len(d.problems)
	for _, p := range rules.Try(v, d.item) {
		d.problem(p.Field, p.Reason)
	}
	d.plan.validate = v
	for i := range d.plan.fields {
		f := &d.plan.fields[i]
		f.alone = rules.Alone(f.rule)
		if len(d.problems) == before && f.def.IsValid() {
			if err := d.plan.checkRules(f, f.def); err != nil {
				d.problem(f.goName, fmt.Sprintf("its default does not pass its own validate tag: it %v", err))
			}
		}
	}
	d.plan.quick = rules.CompileQuick(d.item)
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
	if p.validate != nil && !p.quick.Accepts(reflect.ValueOf(item).UnsafePointer()) {
		err := p.validate.Struct(item)
		var failed validator.ValidationErrors
		if !errors.As(err, &failed) && err != nil {
			return err
		}
		for _, f := range failed {
			bad(rules.Path(f), rules.Unsatisfied(f))
		}
	}
	return errors.Join(errs...)
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
		err := rules.Unsatisfied(one)
		if where := rules.Path(one); where != "" {
			err = fmt.Errorf("%s: %w", where, err)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
