package dynamodb

import (
	"bytes"
	"encoding/json"
	"slices"
)

type member struct{ name, value []byte }

// appendCanonical appends the one spelling that all spellings of a valid JSON
// value have: members by name, the elements of set attributes ({"SS": […]}) in
// order, because they have none, no space, and strings in encoding/json's form.
func appendCanonical(dst, value []byte) []byte {
	switch value[0] {
	case '{':
		return appendObject(dst, value)
	case '[':
		dst = append(dst, '[')
		object(value).elements(func(e []byte) { dst = append(appendCanonical(dst, e), ',') })
		return append(dst, ']')
	case '"':
		if bytes.IndexByte(value, '\\') < 0 {
			return append(dst, value...)
		}
		return appendString(dst, unquote(value))
	default:
		return append(dst, value...)
	}
}

func appendObject(dst []byte, o object) []byte {
	members := make([]member, 0, 16)
	o.members(func(name, value []byte) { members = append(members, member{name, value}) })
	slices.SortStableFunc(members, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	dst = append(dst, '{')
	for _, m := range members {
		dst = append(appendString(dst, m.name), ':')
		if len(members) == 1 && m.value[0] == '[' && isSet(m.name) {
			dst = appendSet(dst, m.value)
		} else {
			dst = appendCanonical(dst, m.value)
		}
		dst = append(dst, ',')
	}
	return append(dst, '}')
}

func isSet(name []byte) bool {
	return string(name) == "SS" || string(name) == "NS" || string(name) == "BS"
}

func appendSet(dst []byte, set object) []byte {
	var all [][]byte
	set.elements(func(e []byte) { all = append(all, appendCanonical(nil, e)) })
	slices.SortFunc(all, bytes.Compare)
	dst = append(dst, '[')
	for _, e := range all {
		dst = append(append(dst, e...), ',')
	}
	return append(dst, ']')
}

// appendString appends s as a JSON string.
func appendString(dst, s []byte) []byte {
	for _, c := range s {
		if c < ' ' || c == '"' || c == '\\' {
			b, err := json.Marshal(string(s))
			if err != nil {
				panic("dynamodb: a string cannot be encoded: " + err.Error()) // encoding/json encodes every string
			}
			return append(dst, b...)
		}
	}
	return append(append(append(dst, '"'), s...), '"')
}
