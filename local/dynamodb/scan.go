package dynamodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// The gateway looks into every request, and three times into a transaction, for
// a few names and keys. With encoding/json that was a fifth of this process's
// work for an event, so these functions walk over the text and decode only what
// is asked for. They want valid JSON, which parse checks, and names exactly as
// they are: DynamoDB tells Key from key.

var errSyntax = errors.New("it is no JSON object")

// object is the text of a JSON object that is known to be valid, or of null.
type object []byte

// parse checks that b is valid JSON and an object.
func parse(b []byte) (object, error) {
	b = space(b)
	if len(b) == 0 || b[0] != '{' || !json.Valid(b) {
		return nil, errSyntax
	}
	return b, nil
}

// members calls f with each member, in the order of the text. There are none in
// what is no object.
func (o object) members(f func(name, value []byte)) {
	b := inside(o, '{')
	for len(b) > 0 {
		n := endOf(b)
		name := unquote(b[:n])
		b = skip(b[n:], ':')
		n = endOf(b)
		f(name, b[:n:n])
		b = skip(b[n:], ',')
	}
}

// get is the value of a member: the last of that name, as encoding/json takes it;
// nil when there is none or it is null.
func (o object) get(name string) (value object) {
	o.members(func(n, v []byte) {
		if string(n) == name {
			value = v
		}
	})
	if string(value) == "null" {
		return nil
	}
	return value
}

// text is the string that the member holds, and whether it holds one.
func (o object) text(name string) (string, bool) {
	v := o.get(name)
	if len(v) == 0 || v[0] != '"' {
		return "", false
	}
	return string(unquote(v)), true
}

// name is the string that the member holds, "" when there is no such member.
func (o object) name(member string) (string, error) {
	v := o.get(member)
	if v != nil && v[0] != '"' {
		return "", fmt.Errorf("%s is %.40s and must be a string", member, v)
	}
	if v == nil {
		return "", nil
	}
	return string(unquote(v)), nil
}

// elements calls f with each element of an array.
func (o object) elements(f func(value []byte)) {
	b := inside(o, '[')
	for len(b) > 0 {
		n := endOf(b)
		f(b[:n:n])
		b = skip(b[n:], ',')
	}
}

// inside is the text between the brackets of a value that opens so, else nothing.
func inside(b []byte, open byte) []byte {
	if len(b) < 2 || b[0] != open {
		return nil
	}
	return space(b[1 : len(b)-1])
}

func space(b []byte) []byte { return bytes.Trim(b, " \t\r\n") }

// skip goes over a separator and the space around it; at the end of the text
// there is none.
func skip(b []byte, separator byte) []byte {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) > 0 && b[0] == separator {
		b = bytes.TrimLeft(b[1:], " \t\r\n")
	}
	return b
}

// endOf is where the value ends that b begins with.
func endOf(b []byte) int {
	switch b[0] {
	case '"':
		return endOfText(b)
	case '{', '[':
		depth := 0
		for i := 0; i < len(b); i++ {
			switch b[i] {
			case '"':
				i += endOfText(b[i:]) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
		return len(b)
	default: // a number, true, false, null
		if i := bytes.IndexAny(b, " \t\r\n,:]}"); i >= 0 {
			return i
		}
		return len(b)
	}
}

func endOfText(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// unquote decodes a string, as encoding/json does. Few have escapes: the result
// of the others is a part of b.
func unquote(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 && utf8.Valid(b) {
		return b[1 : len(b)-1]
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		panic("dynamodb: a string of valid JSON cannot be decoded: " + err.Error())
	}
	return []byte(s)
}
