package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// Version says which shape T is; the default is 1. Count it up when T changes so
// that an older program could not read it, and say with [Upcast] how the older
// shape becomes the new one.
func Version(n int) Option { return func(o *options) { o.version = n } }

// Since says that versions before n never existed, or that no event of them is
// left in any log. Without it the first version is the lowest one that an [Upcast]
// begins at, and [Version] itself when that is 1. An event of an earlier version
// is undecodable.
func Since(n int) Option {
	return func(o *options) { o.since, o.sinceSet = n, true }
}

// Upcast is the step from one version of an event's data to the next: f makes
// the shape of version from+1 out of that of version from. Events stay in the log
// as they were written; steps are applied, one after the other, wherever an event
// is read.
//
// The steps of a definition lead without a gap from its first version to
// [Version]. What one of them returns is what the next one takes, and the last
// one returns the definition's own type. All of that is checked by [Define].
//
// f must be pure: the same answer for the same data, nothing read from elsewhere,
// for it runs at every reading, in any program, at once in several goroutines. An
// error of f, or a panic, makes the event undecodable ([KindUndecodable]), which
// a consumer does not try again: prefer a default to an error.
func Upcast[A, B any](from int, f func(A) (B, error)) Option {
	s := step{
		from: from, in: reflect.TypeFor[A](), out: reflect.TypeFor[B](), missing: f == nil,
		decode: func(data []byte) (any, error) {
			var a A
			err := json.Unmarshal(data, &a)
			return a, err
		},
		apply: func(a any) (any, error) { return f(a.(A)) },
	}
	return func(o *options) { o.steps = append(o.steps, s) }
}

// step is one version to the next.
type step struct {
	from    int
	in, out reflect.Type
	missing bool // the function is nil
	decode  func(data []byte) (any, error)
	apply   func(in any) (out any, err error)
}

// history is how a definition's data came to its newest shape.
type history struct {
	since, version int
	steps          []step // of versions since, since+1, ... version-1
}

// newHistory checks versions and steps against each other and against t, the
// newest shape.
func newHistory(o *options, t reflect.Type) (h history, problems []problem) {
	wrong := func(format string, args ...any) {
		problems = append(problems, problem{"", fmt.Sprintf(format, args...)})
	}
	h = history{since: o.since, version: o.version, steps: slices.Clone(o.steps)}
	slices.SortStableFunc(h.steps, func(a, b step) int { return a.from - b.from })
	if o.version < 1 {
		wrong("schema version %d: allowed are whole numbers from 1", o.version)
		return h, problems
	}
	switch {
	case o.sinceSet && (o.since < 1 || o.since > o.version):
		wrong("event.Since(%d): allowed are versions from 1 to the newest, %d", o.since, o.version)
		return h, problems
	case o.sinceSet:
	case len(h.steps) > 0:
		h.since = h.steps[0].from
	case o.version == 1:
		h.since = 1
	default:
		wrong("version %d has nothing that reads version %d: add event.Upcast(%d, …), or event.Since(%d) when no such event was ever written", o.version, o.version-1, o.version-1, o.version)
		return h, problems
	}
	next, shape := h.since, reflect.Type(nil)
	for _, s := range h.steps {
		switch {
		case s.missing:
			wrong("event.Upcast(%d): its function is nil", s.from)
		case s.from < 1 || s.from >= h.version:
			wrong("event.Upcast(%d): a step begins at a version from 1 to %d, as the newest is %d", s.from, h.version-1, h.version)
			return h, problems
		case s.from < h.since:
			wrong("event.Upcast(%d): event.Since(%d) says that version %d never existed: take one of them away", s.from, h.since, s.from)
			return h, problems
		case s.from < next:
			wrong("event.Upcast(%d) is there twice: a version has one step to the next", s.from)
			return h, problems
		case s.from > next:
			wrong("there is a gap: no event.Upcast begins at version %d, the one before version %d", next, next+1)
			return h, problems
		case shape != nil && shape != s.in:
			wrong("event.Upcast(%d) takes %s, and event.Upcast(%d) returns %s: what a step returns is what the next one takes", s.from, s.in, s.from-1, shape)
		}
		for _, p := range checkData(s.in) {
			problems = append(problems, problem{p.field, fmt.Sprintf("event.Upcast(%d): %s", s.from, p.reason)})
		}
		next, shape = s.from+1, s.out
	}
	switch {
	case next < h.version:
		wrong("there is a gap: no event.Upcast begins at version %d, and the newest is %d", next, h.version)
	case shape != nil && shape != t:
		wrong("event.Upcast(%d) returns %s, and version %d is %s: the last step returns the definition's own type", h.version-1, shape, h.version, t)
	}
	return h, problems
}

// shape is the Go type of a version's data, nil when there is no such version.
func (h *history) shape(version int, newest reflect.Type) reflect.Type {
	switch i := version - h.since; {
	case version == h.version:
		return newest
	case i >= 0 && i < len(h.steps):
		return h.steps[i].in
	default:
		return nil
	}
}

// upcast is the data of an older event in the newest shape.
func (h *history) upcast(e *Envelope) (any, *Error) {
	fail := func(reason string, cause error) (any, *Error) {
		return nil, &Error{Kind: KindUndecodable, Op: "upcast", Type: e.Type, Version: e.SchemaVersion, ID: e.ID, Reason: reason, Err: cause}
	}
	if e.SchemaVersion < h.since {
		return fail(fmt.Sprintf("this program reads versions from %d: add event.Upcast(%d, …) to the definition", h.since, e.SchemaVersion), nil)
	}
	if !isObject(e.Data) {
		return fail("its data is no JSON object", nil)
	}
	steps := h.steps[e.SchemaVersion-h.since:]
	v, err := steps[0].decode(e.Data)
	if err != nil {
		return fail(fmt.Sprintf("its data is no %s", steps[0].in), err)
	}
	for _, s := range steps {
		if v, err = s.run(v); err != nil {
			return fail(fmt.Sprintf("the step from version %d to %d failed", s.from, s.from+1), err)
		}
	}
	return v, nil
}

// run turns a panic of the step into an error: one event must not end a program
// that reads thousands.
func (s *step) run(in any) (out any, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("it panicked: %v", r)
		}
	}()
	return s.apply(in)
}

// isObject: null and scalars would decode into a zero struct without an error.
func isObject(data []byte) bool {
	data = bytes.TrimLeft(data, " \t\r\n")
	return len(data) > 0 && data[0] == '{'
}
