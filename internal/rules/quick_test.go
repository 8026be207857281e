package rules

import (
	"reflect"
	"testing"
	"time"

	"github.com/go-playground/validator/v10"
	"pgregory.net/rapid"
)

// What the quick checks accept, the validator does.
func TestQuickRules(t *testing.T) {
	oracle := validator.New(validator.WithRequiredStructEnabled())
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SampledFrom([]string{"required", "email", "required,email", "omitempty,email", "oneof=a b", "omitempty,oneof=1 a.b", "min=2", "max=2", "len=1", "gt=0", "lt=3", "gte=1,lte=2",
			"omitempty,min=2", "required,max=3", "min=-1", "eq=1", "omitempty"}).Draw(t, "rule")
		value := rapid.OneOf(
			rapid.Map(rapid.StringOfN(rapid.RuneFrom([]rune("ab.@-_+%1Z é\n\"(")), 0, 12, -1), boxed),
			rapid.Map(rapid.StringMatching(`[a-zA-Z0-9._%+-]{1,70}@([a-zA-Z0-9-]{1,9}\.){1,3}[a-zA-Z0-9-]{1,4}`), boxed),
			rapid.Map(rapid.SampledFrom([]string{"a", "b", "1", "a.b", "a b", ""}), boxed),
			rapid.Map(rapid.IntRange(-3, 4), boxed), rapid.Map(rapid.Int64(), boxed), rapid.Map(rapid.Uint8(), boxed), rapid.Map(rapid.Bool(), boxed),
			rapid.Map(rapid.Float64Range(-1, 4), boxed), rapid.Map(rapid.SliceOfN(rapid.Int(), -1, 4), boxed), rapid.Map(rapid.MapOfN(rapid.Int(), rapid.Int(), -1, 4), boxed),
			rapid.Map(rapid.Ptr(rapid.IntRange(-1, 3), true), boxed), rapid.Just[any]([]int(nil)), rapid.Just[any](map[string]int(nil)), rapid.Just[any](time.Time{}), rapid.Just[any](time.Unix(1, 0)),
			rapid.Just[any](time.Duration(1)), rapid.Just[any]([2]int{}),
		).Draw(t, "value")
		rt := reflect.TypeOf(value)
		quick := quickRules(rt, rule)
		if quick == nil {
			return
		}
		p := reflect.New(rt)
		p.Elem().Set(reflect.ValueOf(value))
		if !quick(p.UnsafePointer()) {
			return
		}
		if err := oracle.Var(value, rule); err != nil {
			t.Fatalf("%T %#v passes %q at once, and the validator says %v", value, value, rule, err)
		}
	})
}

func boxed[V any](v V) any { return v }
