package probe

import (
	"fmt"
	"reflect"
	"runtime"
)

// How far structs that point at structs are followed. The deepest document
// DynamoDB takes has 32 levels.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const (
	MaxDepth   = 32
	maxStructs = 10_000
)

// Call calls f with an empty value and returns that and what f returned. As long
// as f runs into a nil pointer, it is called again with the pointers to structs
// one level deeper filled, those that opens says may be looked into: only what is
// on somebody's way is ever made, and a type that holds itself has an end.
//
// The error is about an f that panics all the same. A panic that is no
// runtime.Error is f's own, and goes on.
func Call[T, V any](f func(*T) *V, opens func(reflect.Type) bool) (*T, *V, error) {
	value := new(T)
	g := grower{opens: opens}
	for depth := 0; ; depth++ {
		ptr, failed := call(f, value)
		if failed == nil {
			return value, ptr, nil
		}
		if depth == MaxDepth || g.made > maxStructs || !g.grow(reflect.ValueOf(value).Elem()) {
			return nil, nil, fmt.Errorf("the function panics on an empty %s: %w: return the address of a field, with nothing but structs and pointers to structs on the way", reflect.TypeFor[T](), failed)
		}
	}
}

// call turns a nil pointer that f follows into an error.
func call[T, V any](f func(*T) *V, value *T) (ptr *V, failed runtime.Error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			failed = r
		default:
			panic(r)
		}
	}()
	return f(value), nil
}

type grower struct {
	opens func(reflect.Type) bool
	made  int
}

// grow fills the nil pointers to structs that rv holds, those of one level; false
// when there are none.
func (g *grower) grow(rv reflect.Value) bool {
	switch {
	case rv.Kind() == reflect.Pointer && rv.IsNil():
		if !rv.CanSet() || !g.looksInto(rv.Type().Elem()) {
			return false
		}
		rv.Set(reflect.New(rv.Type().Elem()))
		g.made++
		return true
	case rv.Kind() == reflect.Pointer:
		return g.grow(rv.Elem())
	case !g.looksInto(rv.Type()):
		return false
	}
	grown := false
	for i := range rv.NumField() {
		if g.made > maxStructs {
			break
		}
		grown = g.grow(rv.Field(i)) || grown
	}
	return grown
}

func (g *grower) looksInto(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && g.opens(t)
}
