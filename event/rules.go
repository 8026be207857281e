package event

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/go-playground/validator/v10"

	"github.com/vinci-go/vinci/internal/jsonfields"
	"github.com/vinci-go/vinci/internal/rules"
)

// ruleset are the validate tags of a data type.
type ruleset struct {
	validate *validator.Validate // nil: there are none
	quick    rules.Quick
}

// compileRules tries every validate tag in t, a struct, so that one that is
// written wrong is found when the program starts.
func compileRules(t reflect.Type) (ruleset, []problem) {
	if !rules.Has(t) {
		return ruleset{}, nil
	}
	v := rules.New("json")
	problems := tryRules(v, "", t, map[reflect.Type]bool{})
	if len(problems) == 0 { // else it would say the same again
		if err := rules.Attempt(func() { _ = v.Struct(reflect.New(t).Interface()) }); err != nil {
			problems = append(problems, problem{"", fmt.Sprintf("a validate tag in %s: %v", t, err)})
		}
	}
	return ruleset{validate: v, quick: rules.CompileQuick(t)}, problems
}

// tryRules tries the tags of t and of the structs inside it. It goes where the
// validator goes, so also into what is not encoded.
func tryRules(v *validator.Validate, path string, t reflect.Type, seen map[reflect.Type]bool) []problem {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return tryRules(v, path, t.Elem(), seen)
	case reflect.Struct:
	default:
		return nil
	}
	if seen[t] || jsonfields.EncodesItself(t) && !rules.Has(t) {
		return nil
	}
	seen[t] = true
	var problems []problem
	for i := range t.NumField() {
		f := t.Field(i)
		at := f.Name
		if path != "" {
			at = path + "." + f.Name
		}
		if tag := f.Tag.Get("validate"); tag != "" && tag != "-" {
			for _, why := range rules.Try(v, f.Type, tag) {
				problems = append(problems, problem{at, why})
			}
		}
		problems = append(problems, tryRules(v, at, f.Type, seen)...)
	}
	return problems
}

// check runs the rules on what data, a pointer, points at: one error of
// [KindValidation] a field, made from what is the same in all of them.
func (r *ruleset) check(data any, common Error) error {
	if r.validate == nil || r.quick.Accepts(reflect.ValueOf(data).UnsafePointer()) {
		return nil
	}
	err := r.validate.Struct(data)
	var broken validator.ValidationErrors
	if !errors.As(err, &broken) {
		return err
	}
	var errs []error
	for _, b := range broken {
		one := common
		one.Kind, one.Member, one.Reason = KindValidation, rules.Path(b), rules.Unsatisfied(b).Error()
		errs = append(errs, &one)
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}
