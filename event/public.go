package event

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// Public makes an event visible outside of its application, in a shape of its
// own: f makes of the data what others may see, and version counts P's changes as
// [Version] counts T's. Without Public an event is internal: it is in the log and
// reaches the application's own subscriptions only.
//
// f is called when the record is made, so what others see of an event never
// changes afterwards. It must be pure and safe for concurrent use; its panic is
// the record's error. P's validate tags hold as T's do.
func Public[T, P any](f func(T) P, version int) Option {
	p := &outward{in: reflect.TypeFor[T](), out: reflect.TypeFor[P](), version: version, missing: f == nil}
	p.apply = func(data any) any {
		out := f(*data.(*T))
		return &out
	}
	return func(o *options) { o.public = append(o.public, p) }
}

// outward is the public shape of an event.
type outward struct {
	in, out reflect.Type
	version int
	missing bool // the function is nil
	apply   func(data any) any
	rules   ruleset
}

// check finds what is wrong with the shape for data of type t, and compiles its
// rules.
func (p *outward) check(t reflect.Type) (problems []problem) {
	wrong := func(format string, args ...any) {
		problems = append(problems, problem{"", "event.Public: " + fmt.Sprintf(format, args...)})
	}
	if p.missing {
		wrong("its function is nil")
	}
	if p.version < 1 {
		wrong("version %d: allowed are whole numbers from 1", p.version)
	}
	if p.in != t {
		wrong("its function takes %s, and the event's data is %s", p.in, t)
	}
	inside := checkData(p.out)
	if len(inside) == 0 {
		p.rules, inside = compileRules(p.out)
	}
	for _, i := range inside {
		problems = append(problems, problem{i.field, "event.Public: " + i.reason})
	}
	return problems
}

// encode makes the public data of data, a pointer.
func (p *outward) encode(data any, eventType string) (b json.RawMessage, err error) {
	common := Error{Kind: KindInvalid, Op: "record the public shape of", Type: eventType, Version: p.version}
	defer func() {
		if r := recover(); r != nil {
			common.Reason = fmt.Sprintf("the function of event.Public panicked: %v", r)
			b, err = nil, &common
		}
	}()
	out := p.apply(data)
	if err := p.rules.check(out, common); err != nil {
		return nil, err
	}
	b, err = json.Marshal(out)
	if err != nil {
		common.Reason, common.Err = fmt.Sprintf("a value of type %s cannot be encoded as JSON", p.out), err
		return nil, &common
	}
	return b, nil
}
