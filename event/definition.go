package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/vinci-go/vinci/internal/place"
)

// Type is an event definition, whatever its data type.
type Type interface {
	Selector
	Name() string        // user.created
	Version() int        // the newest schema version
	Since() int          // the oldest one that this program reads
	Description() string // what happened, for people; may be empty
	DefinedAt() string   // file:line
	// DataType is the Go type of the newest version's data.
	DataType() reflect.Type
	// Shape is the Go type that data of a version is read into, nil when this
	// program does not read that version.
	Shape(version int) reflect.Type
	// PublicType is the Go type of the data that others see, nil when the event
	// is internal; see [Public].
	PublicType() reflect.Type
	// PublicVersion is the schema version of PublicType, 0 when the event is
	// internal.
	PublicVersion() int
	// Upcast is the event in its newest shape, as [Definition.Decode] reads it.
	Upcast(Envelope) (Envelope, error)
}

// Definition is an event type with the Go type of its data. It is immutable and
// safe for concurrent use. Make it with [Define].
type Definition[T any] struct {
	name        string
	description string
	place       string
	history     history
	rules       ruleset
	public      *outward // nil: internal
	err         error
}

// Option changes a definition.
type Option func(*options)

type options struct {
	version     int
	since       int
	sinceSet    bool
	steps       []step
	public      []*outward
	description string
}

// Description says what happened, for people: catalogues and schemas show it.
func Description(text string) Option { return func(o *options) { o.description = text } }

// Define makes an event type. name is word.word in lower case, at most
// [MaxType] characters: what it is about, then what happened. T is a struct that
// encodes as a JSON object.
//
// The rules of T's validate tags, those of github.com/go-playground/validator/v10,
// are run when a record is made and when an event is decoded. Tightening one
// makes old events undecodable: give the new shape a new [Version].
//
// Define does not fail: everything that is wrong is in Err, with the place of
// the call, so that a program can report all its wrong definitions at once.
func Define[T any](name string, opts ...Option) *Definition[T] {
	return define[T](name, place.Caller(), opts)
}

func define[T any](name, at string, opts []Option) *Definition[T] {
	o := options{version: 1}
	d := &Definition[T]{name: name, place: at}
	var problems []problem
	for i, opt := range opts {
		if opt == nil {
			problems = append(problems, problem{"", fmt.Sprintf("option %d is nil", i)})
			continue
		}
		opt(&o)
	}
	if reason := checkType(name); reason != "" {
		problems = append(problems, problem{"", reason})
	}
	t := reflect.TypeFor[T]()
	var more []problem
	d.history, more = newHistory(&o, t)
	problems = append(problems, more...)
	more = checkData(t)
	if len(more) == 0 {
		d.rules, more = compileRules(t)
	}
	problems = append(problems, more...)
	d.description = o.description
	switch len(o.public) {
	case 0:
	case 1:
		p := *o.public[0] // an option may be used in two definitions
		d.public = &p
		problems = append(problems, p.check(t)...)
	default:
		problems = append(problems, problem{"", "event.Public is there twice: an event has one public shape"})
	}
	var errs []error
	for _, p := range problems {
		errs = append(errs, &Error{Kind: KindDefinition, Op: "define", Type: clip(name), Member: p.field, DefinedAt: d.place, Reason: p.reason})
	}
	d.err = errors.Join(errs...)
	return d
}

// Name is the event type: user.created.
func (d *Definition[T]) Name() string { return d.name }

// Version is the newest schema version, from 1.
func (d *Definition[T]) Version() int { return d.history.version }

// Since is the oldest schema version that this program reads, from 1.
func (d *Definition[T]) Since() int { return d.history.since }

// Description is what the option [Description] says.
func (d *Definition[T]) Description() string { return d.description }

// DataType is T.
func (d *Definition[T]) DataType() reflect.Type { return reflect.TypeFor[T]() }

// Shape is the type that data of a version is read into: T for the newest one,
// what an [Upcast] takes for an older one, nil for one that is not read.
func (d *Definition[T]) Shape(version int) reflect.Type {
	return d.history.shape(version, reflect.TypeFor[T]())
}

// PublicType is what the function of [Public] returns, nil when the event is
// internal.
func (d *Definition[T]) PublicType() reflect.Type {
	if d.public == nil {
		return nil
	}
	return d.public.out
}

// PublicVersion is the version that [Public] says, 0 when the event is internal.
func (d *Definition[T]) PublicVersion() int {
	if d.public == nil {
		return 0
	}
	return d.public.version
}

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

// Pattern is the EventBridge pattern of this type.
func (d *Definition[T]) Pattern() []byte { return patternOf(d.Rule(), nil) }

// String is the event type.
func (d *Definition[T]) String() string { return d.name }

// Err reports everything that is wrong with the definition, nil when it may be
// used. Each part of it is an *[Error] of [KindDefinition].
func (d *Definition[T]) Err() error { return d.err }

// Record is a fact with no aggregate: the log gives it a stream of its own.
// What is wrong with it is in the record's Err, and a commit returns that: a
// field that breaks a rule is of [KindValidation].
func (d *Definition[T]) Record(data T) Record {
	r := Record{Type: d.name, SchemaVersion: d.history.version}
	if d.err != nil {
		r.Err = d.err
		return r
	}
	if r.Err = d.rules.check(&data, Error{Op: "record", Type: d.name, Version: r.SchemaVersion}); r.Err != nil {
		return r
	}
	b, err := json.Marshal(&data)
	if err != nil {
		r.Err = &Error{Kind: KindInvalid, Op: "record", Type: d.name, Reason: fmt.Sprintf("a value of type %T cannot be encoded as JSON", data), Err: err}
		return r
	}
	if d.public != nil {
		if r.Public, r.Err = d.public.encode(&data, d.name); r.Err != nil {
			return r
		}
		r.PublicVersion = d.public.version
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

// Decode reads an envelope of this type; data of an older version is brought to
// the newest shape first. Members of the data that T does not have are tolerated.
//
// Errors are an *[Error]: [KindNewerVersion] when the data was written by a
// newer program than this one, [KindUndecodable] when the envelope is of another
// type, its data cannot be a T or cannot be brought to its newest shape,
// [KindValidation] when it breaks a rule of T's tags (several of these may be
// joined), [KindDefinition] when the definition is wrong.
func (d *Definition[T]) Decode(e Envelope) (Event[T], error) {
	// What was upcast is encoded and read again, so that it is the same whether
	// it was upcast here or by Upcast.
	e, err := d.Upcast(e)
	if err != nil {
		return Event[T]{}, err
	}
	ev := Event[T]{Metadata: e.Metadata}
	fail := func(reason string, cause error) (Event[T], error) {
		return Event[T]{}, &Error{Kind: KindUndecodable, Op: "decode", Type: d.name, Version: e.SchemaVersion, ID: e.ID, Reason: reason, Err: cause}
	}
	if !isObject(e.Data) {
		return fail("its data is no JSON object", nil)
	}
	if err := json.Unmarshal(e.Data, &ev.Data); err != nil {
		return fail(fmt.Sprintf("its data is no %T", ev.Data), err)
	}
	if err := d.rules.check(&ev.Data, Error{Op: "decode", Type: d.name, Version: e.SchemaVersion, ID: e.ID}); err != nil {
		return Event[T]{}, err
	}
	return ev, nil
}

// Upcast is the event in its newest shape, with SchemaVersion set to that: what
// [Definition.Decode] reads. Data of the newest version is not looked at. e
// itself does not change. Errors are those of Decode, but rules are not run.
func (d *Definition[T]) Upcast(e Envelope) (Envelope, error) {
	fail := func(kind Kind, reason string, cause error) (Envelope, error) {
		return Envelope{}, &Error{Kind: kind, Op: "decode", Type: d.name, ID: e.ID, Reason: reason, Err: cause}
	}
	switch newest := d.history.version; {
	case d.err != nil:
		return Envelope{}, d.err
	case e.Type != d.name:
		return fail(KindUndecodable, fmt.Sprintf("the event is a %q", clip(e.Type)), nil)
	case e.SchemaVersion > newest:
		return fail(KindNewerVersion, fmt.Sprintf("the event has schema version %d, this program knows up to %d: deploy the program that knows it", e.SchemaVersion, newest), nil)
	case e.SchemaVersion == newest:
		return e, nil
	}
	data, failed := d.history.upcast(&e)
	if failed != nil {
		return Envelope{}, failed
	}
	b, err := json.Marshal(data)
	if err != nil {
		return fail(KindUndecodable, fmt.Sprintf("what event.Upcast makes of version %d cannot be encoded as JSON", e.SchemaVersion), err)
	}
	e.Data, e.SchemaVersion = b, d.history.version
	return e, nil
}

// Interface guards.
var _ Type = (*Definition[struct{}])(nil)
