package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/vinci-go/vinci/internal/place"
)

// Type is an event definition, whatever its data type.
type Type interface {
	Selector
	Name() string      // user.created
	Version() int      // the newest schema version
	DefinedAt() string // file:line
}

// Definition is an event type with the Go type of its data. It is immutable and
// safe for concurrent use. Make it with [Define].
type Definition[T any] struct {
	name    string
	version int
	place   string
	err     error
}

// Option changes a definition.
type Option func(*options)

type options struct{ version int }

// Version says which shape T is; the default is 1. Count it up when T changes so
// that an older program could not read it.
func Version(n int) Option { return func(o *options) { o.version = n } }

// Define makes an event type. name is word.word in lower case, at most
// [MaxType] characters: what it is about, then what happened. T is a struct that
// encodes as a JSON object.
//
// Define does not fail: everything that is wrong is in Err, with the place of
// the call, so that a program can report all its wrong definitions at once.
func Define[T any](name string, opts ...Option) *Definition[T] {
	o := options{version: 1}
	for _, opt := range opts {
		opt(&o)
	}
	d := &Definition[T]{name: name, version: o.version, place: place.Caller()}
	var errs []error
	wrong := func(member, reason string) {
		errs = append(errs, &Error{Kind: KindDefinition, Op: "define", Type: clip(name), Member: member, DefinedAt: d.place, Reason: reason})
	}
	if reason := checkType(name); reason != "" {
		wrong("", reason)
	}
	if o.version < 1 {
		wrong("", fmt.Sprintf("schema version %d: allowed are whole numbers from 1", o.version))
	}
	for _, p := range checkData(reflect.TypeFor[T]()) {
		wrong(p.field, p.reason)
	}
	d.err = errors.Join(errs...)
	return d
}

// Name is the event type: user.created.
func (d *Definition[T]) Name() string { return d.name }

// Version is the newest schema version, from 1.
func (d *Definition[T]) Version() int { return d.version }

// DefinedAt is the file:line of the definition, relative to its module.
func (d *Definition[T]) DefinedAt() string { return d.place }

// Matches reports whether eventType is this type.
func (d *Definition[T]) Matches(eventType string) bool { return eventType == d.name }

// Rule is the exact match of this type.
func (d *Definition[T]) Rule() Rule {
	if d.err != nil {
		return Rule{}
	}
	return Rule{Exact: d.name}
}

// String is the event type.
func (d *Definition[T]) String() string { return d.name }

// Err reports everything that is wrong with the definition, nil when it may be
// used. Each part of it is an *[Error] of [KindDefinition].
func (d *Definition[T]) Err() error { return d.err }

// Record is a fact with no aggregate: the log gives it a stream of its own.
// What is wrong with it is in the record's Err, and a commit returns that.
func (d *Definition[T]) Record(data T) Record {
	r := Record{Type: d.name, SchemaVersion: d.version}
	if d.err != nil {
		r.Err = d.err
		return r
	}
	b, err := json.Marshal(data)
	if err != nil {
		r.Err = &Error{Kind: KindInvalid, Op: "record", Type: d.name, Reason: fmt.Sprintf("a value of type %T cannot be encoded as JSON", data), Err: err}
		return r
	}
	r.Data = b
	return r
}

// At places the event in a stream, behind the version that is expected there.
func (d *Definition[T]) At(stream string, expected Expected) At[T] {
	return At[T]{def: d, stream: stream, expected: expected}
}

// At is an event type placed in a stream. Make it with [Definition.At].
type At[T any] struct {
	def      *Definition[T]
	stream   string
	expected Expected
}

// Record is the event to be committed. What is wrong with it, or with its place,
// is in the record's Err, and a commit returns that.
func (a At[T]) Record(data T) Record {
	r := a.def.Record(data)
	r.Stream, r.Expected = a.stream, a.expected
	if r.Err != nil {
		return r
	}
	// An empty stream would silently become a fact with no aggregate.
	if err := CheckStream(a.stream); err != nil {
		r.Err = &Error{Kind: KindInvalid, Op: "record", Type: r.Type, Reason: "its stream cannot be one", Err: err}
	} else if a.expected < Append {
		r.Err = &Error{Kind: KindInvalid, Op: "record", Type: r.Type, Reason: fmt.Sprintf("expected version %d: allowed are event.Append, event.New and event.Expect(n) with n from 1", a.expected)}
	}
	return r
}

// Decode reads an envelope of this type. Members of the data that T does not
// have are tolerated.
//
// Errors are an *[Error]: [KindNewerVersion] when the data was written by a
// newer program than this one, [KindUndecodable] when the envelope is of another
// type or its data cannot be a T, [KindDefinition] when the definition is wrong.
func (d *Definition[T]) Decode(e Envelope) (Event[T], error) {
	ev := Event[T]{Metadata: e.Metadata}
	fail := func(kind Kind, reason string, cause error) (Event[T], error) {
		return Event[T]{}, &Error{Kind: kind, Op: "decode", Type: d.name, ID: e.ID, Reason: reason, Err: cause}
	}
	switch {
	case d.err != nil:
		return Event[T]{}, d.err
	case e.Type != d.name:
		return fail(KindUndecodable, fmt.Sprintf("the event is a %q", clip(e.Type)), nil)
	case e.SchemaVersion > d.version:
		return fail(KindNewerVersion, fmt.Sprintf("the event has schema version %d, this program knows up to %d: deploy the program that knows it", e.SchemaVersion, d.version), nil)
	case e.SchemaVersion < d.version:
		return fail(KindUndecodable, fmt.Sprintf("the event has schema version %d, this program knows only %d", e.SchemaVersion, d.version), nil)
	}
	// null and scalars would decode into a zero T without an error.
	if data := bytes.TrimLeft(e.Data, " \t\r\n"); len(data) == 0 || data[0] != '{' {
		return fail(KindUndecodable, "its data is no JSON object", nil)
	}
	if err := json.Unmarshal(e.Data, &ev.Data); err != nil {
		return fail(KindUndecodable, fmt.Sprintf("its data is no %T", ev.Data), err)
	}
	return ev, nil
}

// Interface guards.
var _ Type = (*Definition[struct{}])(nil)
