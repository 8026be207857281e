package rules

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/go-playground/validator/v10"
)

type chain struct {
	Name string `json:"name" validate:"required"`
	Next *chain `json:"next"`
}

type Base struct {
	Kind string `json:"kind" validate:"oneof=a b"`
}

func TestTry(t *testing.T) {
	v := New("json")
	for _, tt := range []struct {
		of          any
		field, want string // "" for right
	}{
		{struct{}{}, "", ""},
		{chain{}, "", ""},
		{struct {
			A map[string][]int `validate:"max=3,dive,keys,min=1,endkeys,dive,gt=0|lt=-5"`
			B int              `validate:"gtefield=C"`
			C int              `validate:"-"`
			d int              `validate:"nonsense"`
		}{}, "", ""},
		{struct {
			A string `validate:"requierd"`
		}{}, "A", `unknown rule "requierd"`},
		{struct {
			A []*struct {
				B int `validate:"max=x"`
			}
		}{}, "A.B", `rule "max=x" does not fit int`},
		{struct {
			A int `validate:"dive,min=1"`
		}{}, "A", "dive is for slices"},
		{struct {
			A []int `validate:"dive,keys,min=1,endkeys"`
		}{}, "A", "keys is for the keys of a map"},
		{struct {
			A string `validate:"max=3|,min=1"`
		}{}, "A", "an empty rule"},
		{struct {
			A string `validate:"validateFn"`
		}{}, "A", "calls methods by name"},
		{struct {
			A chain `validate:"min=3"`
		}{}, "A", `rule "min=3" does not fit`},
	} {
		problems := Try(v, reflect.TypeOf(tt.of))
		switch {
		case tt.want == "" && len(problems) > 0:
			t.Errorf("%T: %v", tt.of, problems)
		case tt.want != "" && (len(problems) == 0 || problems[0].Field != tt.field || !strings.Contains(problems[0].Reason, tt.want)):
			t.Errorf("%T: %v, want %s: %s", tt.of, problems, tt.field, tt.want)
		}
	}
	_ = struct{ d int }{d: 1}.d
}

func TestPath(t *testing.T) {
	type order struct {
		Base
		Lines []chain `json:"lines" validate:"dive"`
		Plain int     `json:"-" validate:"min=1"`
	}
	v := New("json")
	path := func(err error) string {
		var broken validator.ValidationErrors
		if !errors.As(err, &broken) {
			return ""
		}
		var all []string
		for _, b := range broken {
			all = append(all, Path(b)+" "+Unsatisfied(b).Error())
		}
		return strings.Join(all, "; ")
	}
	got := path(v.Struct(order{Lines: []chain{{"a", nil}, {"b", &chain{}}}}))
	const want = `kind must satisfy "oneof=a b"; lines[1].next.name must satisfy "required"; Plain must satisfy "min=1"`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := path(v.Var([]int{1, 0}, "dive,required")), `[1] must satisfy "required"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := path(v.Var("", "required")), ` must satisfy "required"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestHasAndAlone(t *testing.T) {
	for want, all := range map[bool][]reflect.Type{
		true:  {reflect.TypeFor[chain](), reflect.TypeFor[[]*chain](), reflect.TypeFor[map[string][2]Base](), reflect.TypeFor[struct{ Base }]()},
		false: {reflect.TypeFor[int](), reflect.TypeFor[struct{ A int }](), reflect.TypeFor[[]string]()},
	} {
		for _, rt := range all {
			if Has(rt) != want {
				t.Errorf("%s has rules: %v", rt, !want)
			}
		}
	}
	if got := Alone("required,gtefield=A,max=3,required_with=B,min=1|eqfield=C"); got != "required,max=3" {
		t.Errorf("alone are %s", got)
	}
}
