package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// MaxSize is how many bytes of JSON a value may have. It is read by every process that
// asks for it, again and again.
const MaxSize = 32 << 10

// Encode is a value as it is stored, which package ops writes. The error says what the
// setting's checks have against it, or that JSON does not take it.
func (s *Setting[T]) Encode(v T) (json.RawMessage, error) {
	if err := s.check(v); err != nil {
		return nil, err
	}
	var raw []byte
	var err error
	if d, ok := any(v).(time.Duration); ok {
		raw, err = json.Marshal(d.String())
	} else {
		raw, err = json.Marshal(v)
	}
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxSize {
		return nil, fmt.Errorf("it has %d bytes, and at most %d are allowed", len(raw), MaxSize)
	}
	return raw, nil
}

// decode reads what is stored. Strictly read, an object has no fields that T does not
// have; otherwise they are passed over, as one that a newer version of the program has
// written may have them.
func (s *Setting[T]) decode(raw json.RawMessage, strict bool) (v T, err error) {
	var zero T
	if len(raw) > MaxSize {
		return zero, fmt.Errorf("it has %d bytes, and at most %d are allowed", len(raw), MaxSize)
	}
	if bytes.Equal(bytes.TrimSpace(raw), []byte("null")) {
		return zero, errors.New("it is null") // which encoding/json would take for no change
	}
	if s.kind == Duration {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return zero, errors.New("it is no duration: allowed are texts such as 90s and 1h30m")
		}
		d, err := time.ParseDuration(text)
		if err != nil {
			return zero, fmt.Errorf("%q is no duration: allowed are texts such as 90s and 1h30m", text)
		}
		return any(d).(T), nil
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if strict {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(&v); err != nil {
		return zero, fmt.Errorf("it is no %s: %w", s.GoType(), err)
	}
	if _, err := d.Token(); err != io.EOF {
		return zero, errors.New("something stands behind the value")
	}
	return v, nil
}

// Parse implements [Definition].
func (s *Setting[T]) Parse(text string) (json.RawMessage, error) {
	if err := s.Err(); err != nil {
		return nil, err
	}
	return s.parse(text)
}

func (s *Setting[T]) parse(text string) (json.RawMessage, error) {
	raw, err := s.literal(text)
	if err != nil {
		return nil, err
	}
	v, err := s.decode(raw, true)
	if err != nil {
		return nil, err
	}
	return s.Encode(v)
}

// literal is a text as JSON of the setting's kind.
func (s *Setting[T]) literal(text string) (json.RawMessage, error) {
	if !utf8.ValidString(text) {
		return nil, errors.New("it is no UTF-8")
	}
	switch s.kind {
	case Bool:
		if text != "true" && text != "false" {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
	case Int:
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return json.Marshal(n)
		}
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no whole number", text)
		}
		return json.Marshal(n)
	case Float:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("%q is no number", text)
		}
		return json.Marshal(f)
	case Text, Duration:
		return json.Marshal(text)
	case Object:
		if raw := json.RawMessage(text); !json.Valid(raw) || !isObject(raw) {
			return nil, fmt.Errorf("it is no JSON object, such as %s", s.raw)
		}
	}
	return json.RawMessage(text), nil
}

func isObject(raw json.RawMessage) bool {
	return bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{"))
}

// Show is a stored value as a person types it: what [Definition.Parse] reads.
func Show(kind Kind, raw json.RawMessage) string {
	var text string
	if (kind == Text || kind == Duration) && json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}
