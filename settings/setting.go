package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/internal/place"
)

// Kind is what a setting's values are like.
type Kind string

// The kinds of setting.
const (
	Bool     Kind = "bool"
	Int      Kind = "int"      // any of Go's whole numbers
	Float    Kind = "float"    // float64 or float32
	Text     Kind = "text"     // a string, or a type of one
	Duration Kind = "duration" // a time.Duration; written as 1h30m
	Object   Kind = "object"   // a struct; written as a JSON object
)

// maxName keeps the stream of a setting's history below the 100 characters of a
// stream's id.
const maxName = 60

// Definition is a setting whatever its type: what grants, constructs and tools take.
// Only [Define] makes one.
type Definition interface {
	// Name is the setting's own, without application and deployment.
	Name() string
	// Kind says how a person types a value.
	Kind() Kind
	// GoType is the type of its values as Go writes it, for people.
	GoType() string
	// Description says what the setting is for, in a sentence.
	Description() string
	DefinedAt() string        // file:line, relative to its module
	Default() json.RawMessage // as it would be stored
	// Parse reads what a person has typed: true, 100, 0.5, 1h30m, a text as it is, or a
	// JSON object. It returns the value as it is stored, or says what is wrong with it.
	Parse(text string) (json.RawMessage, error)
	// Err reports everything that is wrong with the definition, nil when it may be used.
	Err() error

	use(raw json.RawMessage) (any, error) // what is stored, as a T that the check has passed
	standard() any                        // the default, as a T
}

// Setting is a value of type T that can be changed while the application runs. It
// never changes itself and is safe for concurrent use. Make it with [Define].
type Setting[T any] struct {
	name, description, at string
	kind                  Kind
	initial               T
	raw                   json.RawMessage // the default
	checks                []func(T) error
	err                   error
}

var _ Definition = (*Setting[int])(nil)

// Option is about the values that a setting may have.
type Option[T any] struct{ check func(T) error }

// Check refuses values for which f has an error, which should say what is allowed. f
// is called with values from the table and from people, by several goroutines at
// once; it changes nothing.
func Check[T any](f func(T) error) Option[T] { return Option[T]{f} }

// Define defines a setting. It never panics for a wrong definition: [Setting.Err] then
// says what is wrong with it, so that one synth can show the mistakes of all
// definitions at once.
//
// name is lower-case letters, digits and underscores, begins with a letter, has at
// most 60 of them, and is unique in the application. A setting that is renamed is a
// new one, which nobody has set. description says to whoever changes it what it does.
//
// T is bool, a whole number, a float, a string, a type of one of these, time.Duration,
// or a struct whose fields encoding/json writes and reads again as they were. initial
// is the value until somebody sets another. It is no source of single fields: one that
// a stored object does not have, as it was set before the program had that field, is
// its type's zero value. Let that mean what was before, or give the field a setting of
// its own; a [Check] that refuses it puts the whole of initial in the object's place.
func Define[T any](name, description string, initial T, opts ...Option[T]) *Setting[T] {
	s := &Setting[T]{name: name, description: description, at: place.Caller(), initial: initial, kind: kindOf(reflect.TypeFor[T]())}
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, &Error{Kind: KindDefinition, Setting: name, Err: fmt.Errorf(format, args...)})
	}
	if err := names.Check(name); err != nil {
		wrong("%w", err)
	} else if len(name) > maxName {
		wrong("its name has %d characters, and at most %d are allowed", len(name), maxName)
	}
	if description == "" {
		wrong("it has no description: say what it does, for whoever changes it")
	}
	for i, o := range opts {
		if o.check == nil {
			wrong("option %d is empty: use settings.Check, settings.Between or settings.OneOf", i)
			continue
		}
		s.checks = append(s.checks, o.check)
	}
	if s.kind == "" {
		wrong("its type is %s: allowed are bool, whole numbers, floats, strings, time.Duration and structs; put anything else into a field of a struct", s.GoType())
	} else if err := s.setDefault(); err != nil {
		wrong("its default cannot be one: %w", err)
	}
	s.err = errors.Join(errs...)
	return s
}

// setDefault takes the default over as it would be stored: what is read back must be
// what was given.
func (s *Setting[T]) setDefault() error {
	raw, err := s.Encode(s.initial)
	if err != nil {
		return err
	}
	back, err := s.decode(raw, true)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(back, s.initial) {
		return fmt.Errorf("as JSON it is %s, which reads as %+v: a field that JSON does not keep cannot be in a setting", raw, back)
	}
	// A type with a form of its own in JSON (slog.Level, time.Time) is of no kind.
	again, err := s.parse(Show(s.kind, raw))
	if err != nil || !bytes.Equal(again, raw) {
		return fmt.Errorf("%s has a form of its own in JSON, %s: use a plain %s", s.GoType(), raw, s.kind)
	}
	s.raw = raw
	return nil
}

// kindOf is "" for types that no setting has.
func kindOf(t reflect.Type) Kind {
	if t == reflect.TypeFor[time.Duration]() {
		return Duration
	}
	switch t.Kind() {
	case reflect.Bool:
		return Bool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Int
	case reflect.Float32, reflect.Float64:
		return Float
	case reflect.String:
		return Text
	case reflect.Struct:
		return Object
	}
	return ""
}

// Name implements [Definition].
func (s *Setting[T]) Name() string { return s.name }

// Kind implements [Definition].
func (s *Setting[T]) Kind() Kind { return s.kind }

// GoType implements [Definition].
func (s *Setting[T]) GoType() string { return reflect.TypeFor[T]().String() }

// Description implements [Definition].
func (s *Setting[T]) Description() string { return s.description }

// DefinedAt implements [Definition].
func (s *Setting[T]) DefinedAt() string { return s.at }

// Default implements [Definition].
func (s *Setting[T]) Default() json.RawMessage { return append(json.RawMessage(nil), s.raw...) }

// Err implements [Definition].
func (s *Setting[T]) Err() error {
	if s == nil {
		return &Error{Kind: KindDefinition, Err: errors.New("the setting is nil: make it with settings.Define")}
	}
	return s.err
}

// Get is the setting's value now, as far as r knows: see the package's description.
// r may be nil, as in a test of what reads a setting: that is a reader which finds that
// nobody has set anything.
//
// The error is of [KindDefinition] when the setting is defined wrong, and of [KindRead]
// when it was never read in this process and cannot be read now; or the context's.
func (s *Setting[T]) Get(ctx context.Context, r *Reader) (T, error) {
	var zero T
	if err := s.Err(); err != nil {
		return zero, err
	}
	v := s.standard()
	if r != nil {
		known, err := r.value(ctx, s)
		if err != nil {
			return zero, err
		}
		v = known
	}
	if s.kind != Object {
		return v.(T), nil
	}
	// What a struct points to is the caller's own: he may change it.
	return s.decode(v.(json.RawMessage), false)
}

// standard implements [Definition].
func (s *Setting[T]) standard() any {
	if s.kind == Object {
		return s.raw
	}
	return s.initial
}

// use implements [Definition]: of an object it is the JSON, which reads as a T.
func (s *Setting[T]) use(raw json.RawMessage) (any, error) {
	v, err := s.decode(raw, false)
	if err == nil {
		err = s.check(v)
	}
	if err != nil {
		return nil, err
	}
	if s.kind == Object {
		return raw, nil
	}
	return v, nil
}
