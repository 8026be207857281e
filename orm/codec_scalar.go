package orm

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// scalar is a type whose values are one text: strings, numbers, times, and types
// with MarshalText. As such they are attributes, members of sets and keys of
// maps.
type scalar struct {
	number bool // N, not S
	write  func(p unsafe.Pointer) (string, error)
	read   func(p unsafe.Pointer, text string) error
}

var errUTF8 = errors.New("the text is no valid UTF-8, and DynamoDB stores nothing else as a string: use []byte")

// scalarOf finds the scalar form of a type; ok is false when it has none.
func scalarOf(rt reflect.Type) (s scalar, ok bool) {
	switch {
	case rt == decimalType:
		return scalar{true, writeDecimal, readDecimal}, true
	case rt == timeType:
		return scalar{false, writeTime, readTime}, true
	case rt.Implements(textMarshaler):
		return scalar{false, textWriter(rt), textReader(rt)}, true
	}
	switch rt.Kind() {
	case reflect.String:
		return scalar{false, writeString, readString}, true
	case reflect.Int:
		return signed[int](), true
	case reflect.Int8:
		return signed[int8](), true
	case reflect.Int16:
		return signed[int16](), true
	case reflect.Int32:
		return signed[int32](), true
	case reflect.Int64:
		return signed[int64](), true
	case reflect.Uint:
		return unsigned[uint](), true
	case reflect.Uint8:
		return unsigned[uint8](), true
	case reflect.Uint16:
		return unsigned[uint16](), true
	case reflect.Uint32:
		return unsigned[uint32](), true
	case reflect.Uint64:
		return unsigned[uint64](), true
	case reflect.Float32:
		return float[float32](), true
	case reflect.Float64:
		return float[float64](), true
	}
	return scalar{}, false
}

func writeString(p unsafe.Pointer) (string, error) {
	s := *(*string)(p)
	if !utf8.ValidString(s) {
		return "", errUTF8
	}
	return s, nil
}

func readString(p unsafe.Pointer, text string) error {
	*(*string)(p) = text
	return nil
}

func signed[T int | int8 | int16 | int32 | int64]() scalar {
	bits := int(unsafe.Sizeof(T(0))) * 8
	return scalar{true,
		func(p unsafe.Pointer) (string, error) { return strconv.FormatInt(int64(*(*T)(p)), 10), nil },
		func(p unsafe.Pointer, text string) error {
			n, err := strconv.ParseInt(text, 10, bits)
			if err != nil {
				n, err = strconv.ParseInt(plain(text), 10, bits)
			}
			if err != nil {
				return unfitNumber(text, fmt.Sprintf("a whole number of %d bits, %d to %d", bits, int64(-1)<<(bits-1), int64(1)<<(bits-1)-1))
			}
			*(*T)(p) = T(n)
			return nil
		}}
}

func unsigned[T uint | uint8 | uint16 | uint32 | uint64]() scalar {
	bits := int(unsafe.Sizeof(T(0))) * 8
	return scalar{true,
		func(p unsafe.Pointer) (string, error) { return strconv.FormatUint(uint64(*(*T)(p)), 10), nil },
		func(p unsafe.Pointer, text string) error {
			n, err := strconv.ParseUint(text, 10, bits)
			if err != nil {
				n, err = strconv.ParseUint(plain(text), 10, bits)
			}
			if err != nil {
				return unfitNumber(text, fmt.Sprintf("a whole number of %d bits, 0 to %d", bits, uint64(math.MaxUint64)>>(64-bits)))
			}
			*(*T)(p) = T(n)
			return nil
		}}
}

// plain writes a number that has an exponent or a fraction of zeros as others
// store it, 1e2 or 1.0, like a whole one.
func plain(text string) string {
	if d, err := ParseDecimal(text); err == nil {
		return d.String()
	}
	return text
}

func unfitNumber(text, allowed string) error {
	return fmt.Errorf("it is stored as the number %s, which the field cannot hold: it takes %s", text, allowed)
}

func float[T float32 | float64]() scalar {
	return scalar{true,
		func(p unsafe.Pointer) (string, error) { return formatFloat(float64(*(*T)(p))) },
		func(p unsafe.Pointer, text string) error {
			n, err := strconv.ParseFloat(text, 64)
			f := T(n)
			if err != nil || math.IsNaN(n) || math.IsInf(float64(f), 0) {
				return unfitNumber(text, fmt.Sprintf("a float of %d bits", unsafe.Sizeof(f)*8))
			}
			*(*T)(p) = f
			return nil
		}}
}

// formatFloat refuses what DynamoDB cannot hold. A float has at most 17
// significant digits of DynamoDB's 38, so only its size counts.
func formatFloat(f float64) (string, error) {
	if f == 0 {
		return "0", nil // -0 too, which DynamoDB takes for the same number
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if a := math.Abs(f); a >= 1e-130 && a < 1e126 {
		return text, nil
	}
	return text, checkNumber(text)
}

// checkOffset refuses a time whose zone's offset is not of whole minutes, as
// some zones had before 1972: RFC 3339 cannot write it, and the text would be
// another instant.
func checkOffset(t *time.Time) error {
	if _, offset := t.Zone(); offset%60 != 0 {
		return fmt.Errorf("the time's zone is %d s off UTC, and RFC 3339 knows whole minutes only: convert it with UTC()", offset)
	}
	return nil
}

func writeTime(p unsafe.Pointer) (string, error) {
	t := (*time.Time)(p)
	if err := checkOffset(t); err != nil {
		return "", err
	}
	var buf [len(time.RFC3339Nano)]byte
	text, err := t.AppendText(buf[:0])
	return string(text), err
}

func readTime(p unsafe.Pointer, text string) error {
	return (*time.Time)(p).UnmarshalText([]byte(text))
}

// readUnix reads epoch seconds, which every time.Time field takes.
func readUnix(p unsafe.Pointer, text string) error {
	sec, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return unfitNumber(text, "whole epoch seconds")
	}
	*(*time.Time)(p) = time.Unix(sec, 0).UTC()
	return nil
}

// encodeUnix leaves the zero time out.
func encodeUnix(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
	t := (*time.Time)(p)
	if t.IsZero() {
		return nil, nil
	}
	return a.number(strconv.FormatInt(t.Unix(), 10)), nil
}

func textWriter(rt reflect.Type) func(unsafe.Pointer) (string, error) {
	return func(p unsafe.Pointer) (string, error) {
		text, err := reflect.NewAt(rt, p).Interface().(encoding.TextMarshaler).MarshalText()
		if err == nil && !utf8.Valid(text) {
			err = errUTF8
		}
		return string(text), err
	}
}

func textReader(rt reflect.Type) func(unsafe.Pointer, string) error {
	return func(p unsafe.Pointer, text string) error {
		u, ok := reflect.NewAt(rt, p).Interface().(encoding.TextUnmarshaler)
		if !ok {
			return fmt.Errorf("%s %s", rt, errTextOneDirection)
		}
		return u.UnmarshalText([]byte(text))
	}
}

func writeDecimal(p unsafe.Pointer) (string, error) { return (*Decimal)(p).String(), nil }

func readDecimal(p unsafe.Pointer, text string) (err error) {
	*(*Decimal)(p), err = ParseDecimal(text)
	return err
}

// encodeScalar makes the attribute. An empty text is left out unless the options
// keep it; a string's may become NULL, a text type's not.
func encodeScalar(rt reflect.Type, s scalar, flags codecFlags) encoder {
	if s.number {
		return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
			n, err := s.write(p)
			if err != nil {
				return nil, err
			}
			return a.number(n), nil
		}
	}
	null := flags&flagNull != 0 && !rt.Implements(textMarshaler)
	if rt.Kind() == reflect.String && !rt.Implements(textMarshaler) && flags&(flagNull|flagAllowEmpty) == 0 { // nearly every string
		return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
			text := *(*string)(p)
			switch {
			case text == "":
				return nil, nil
			case !utf8.ValidString(text):
				return nil, errUTF8
			}
			return a.text(text), nil
		}
	}
	return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
		text, err := s.write(p)
		switch {
		case err != nil:
			return nil, err
		case text != "" || flags&flagAllowEmpty != 0:
			return a.text(text), nil
		case null:
			return &types.AttributeValueMemberNULL{Value: true}, nil
		}
		return nil, nil
	}
}

func decodeScalar(rt reflect.Type, s scalar) decoder {
	switch {
	case rt == timeType:
		return func(p unsafe.Pointer, av types.AttributeValue) error {
			switch v := av.(type) {
			case *types.AttributeValueMemberS:
				return readTime(p, v.Value)
			case *types.AttributeValueMemberN:
				return readUnix(p, v.Value)
			}
			return unfit(rt, p, av)
		}
	case s.number:
		return func(p unsafe.Pointer, av types.AttributeValue) error {
			if v, ok := av.(*types.AttributeValueMemberN); ok {
				return s.read(p, v.Value)
			}
			return unfit(rt, p, av)
		}
	}
	return func(p unsafe.Pointer, av types.AttributeValue) error {
		if v, ok := av.(*types.AttributeValueMemberS); ok {
			return s.read(p, v.Value)
		}
		return unfit(rt, p, av)
	}
}
