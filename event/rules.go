package event

import (
	"errors"
	"reflect"

	"github.com/go-playground/validator/v10"

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
	var problems []problem
	for _, p := range rules.Try(v, t) {
		problems = append(problems, problem{p.Field, p.Reason})
	}
	return ruleset{validate: v, quick: rules.CompileQuick(t)}, problems
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
