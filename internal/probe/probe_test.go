package probe_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/probe"
)

type inner struct{ Leaf string }

type outer struct {
	First string
	In    *inner
	Self  *outer
}

func all(reflect.Type) bool { return true }

func TestCall(t *testing.T) {
	o, p, err := probe.Call(func(o *outer) *string { return &o.Self.Self.In.Leaf }, all)
	if err != nil || p != &o.Self.Self.In.Leaf {
		t.Errorf("%v, %v", p, err)
	}
	if o, p, err := probe.Call(func(o *outer) *string { return &o.First }, all); err != nil || p != &o.First || o.In != nil {
		t.Errorf("%v, %v, or more is filled than was asked for: %+v", p, err, o)
	}
	for want, f := range map[string]func(*outer) *string{
		"invalid memory address": func(o *outer) *string { return &o.In.Leaf }, // may not be looked into
		"index out of range":     func(*outer) *string { return &[]string{}[len(t.Name())] },
	} {
		_, _, err := probe.Call(f, func(t reflect.Type) bool { return t != reflect.TypeFor[inner]() })
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "panics on an empty probe_test.outer") {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	defer func() {
		if r := recover(); r != "own" {
			t.Errorf("panics with %v, want the function's own panic", r)
		}
	}()
	probe.Call(func(*outer) *string { panic("own") }, all)
}
