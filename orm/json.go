package orm

import (
	"bytes"
	"encoding"
	"encoding/json"
	"reflect"
)

// JSON is a document that DynamoDB need not look into: V's JSON text, stored as
// one string. It is smaller than the same value as a map, and no condition,
// update or index can reach into it.
//
// An absent attribute is V's zero value, and so is what `,omitempty` leaves out.
// What encoding/json changes is changed here too: text that is no UTF-8 is
// mended, and numbers in an interface come back as float64.
type JSON[V any] struct{ Value V }

var (
	_ encoding.TextMarshaler   = JSON[int]{}
	_ encoding.TextUnmarshaler = (*JSON[int])(nil)
	_ json.Marshaler           = JSON[int]{}
	_ json.Unmarshaler         = (*JSON[int])(nil)
)

// MarshalText writes the stored form: compact JSON.
func (j JSON[V]) MarshalText() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // three bytes a character more, for nothing
	if err := e.Encode(j.Value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// UnmarshalText reads the stored form into a new V.
func (j *JSON[V]) UnmarshalText(text []byte) error {
	var v V
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	j.Value = v
	return nil
}

// MarshalJSON writes V as it is, without a wrapper.
func (j JSON[V]) MarshalJSON() ([]byte, error) { return json.Marshal(j.Value) }

// UnmarshalJSON reads a V.
func (j *JSON[V]) UnmarshalJSON(data []byte) error { return j.UnmarshalText(data) }

// IsZero reports whether the document is V's zero value.
func (j JSON[V]) IsZero() bool { return reflect.ValueOf(&j.Value).Elem().IsZero() }
