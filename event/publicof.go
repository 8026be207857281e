package event

import (
	"fmt"
	"reflect"

	"github.com/vinci-go/vinci/internal/place"
)

// PublicOf is a public event as others read it: a definition of the outward shape that
// [Public] gives t, with its name and version, for an application that consumes the
// events of another and imports its definitions.
//
//	var Placed = event.PublicOf[shop.PublicOrder](shop.Placed)
//
// P is the type that the function of t's Public returns. A subscription to it says with
// bus.From whose events they are. opts may be [Description], and [Since] and [Upcast] for
// the outward shapes of earlier versions, which events of that time have.
//
// Whoever does not import the publisher's definitions writes the same with [Define].
func PublicOf[P any](t Type, opts ...Option) *Definition[P] {
	at := place.Caller()
	refuse := func(format string, args ...any) *Definition[P] {
		d := &Definition[P]{place: at}
		if t != nil {
			d.name = t.Name()
		}
		d.err = &Error{Kind: KindDefinition, Op: "define", Type: clip(d.name), DefinedAt: at, Reason: "event.PublicOf: " + fmt.Sprintf(format, args...)}
		return d
	}
	switch p := reflect.TypeFor[P](); {
	case t == nil:
		return refuse("it is given no event: pass the publisher's definition")
	case t.Err() != nil:
		return refuse("the publisher's definition (%s) is wrong: %v", t.DefinedAt(), t.Err())
	case t.PublicType() == nil:
		return refuse("the event (%s) is internal, so that nobody else gets it: event.Public in its definition makes it public", t.DefinedAt())
	case t.PublicType() != p:
		return refuse("what others see of the event (%s) is %s, not %s", t.DefinedAt(), t.PublicType(), p)
	}
	all := append([]Option{Description(t.Description())}, opts...)
	// The version of the shape is the publisher's to say, so it comes after them.
	all = append(all, Version(t.PublicVersion()))
	var said options
	for _, opt := range opts {
		if opt != nil { // which define reports
			opt(&said)
		}
	}
	if !said.sinceSet && len(said.steps) == 0 {
		all = append(all, Since(t.PublicVersion()))
	}
	return define[P](t.Name(), at, all)
}
