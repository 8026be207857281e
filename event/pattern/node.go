package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// kind is the JSON type of a value.
type kind uint8

const (
	kindString kind = iota
	kindNumber
	kindLiteral // true, false, null
	kindObject
	kindArray
)

// node is a JSON value of a pattern. The order and the repetition of members
// are kept, which a map would lose.
type node struct {
	kind    kind
	text    string // a string's value, a number's or literal's spelling
	members []member
	items   []node
}

type member struct {
	name  string
	value node
}

// parseTree reads one JSON document whole.
func parseTree(b []byte) (node, error) {
	if !utf8.Valid(b) {
		return node{}, errors.New("it is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	n, err := parseNode(d)
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return node{}, fmt.Errorf("it is not JSON: %w (at byte %d)", err, d.InputOffset())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return node{}, fmt.Errorf("there is more after the JSON value (at byte %d)", d.InputOffset())
	}
	return n, nil
}

func parseNode(d *json.Decoder) (node, error) {
	t, err := d.Token()
	if err != nil {
		return node{}, err
	}
	switch t := t.(type) {
	case string:
		return node{kind: kindString, text: t}, nil
	case json.Number:
		return node{kind: kindNumber, text: t.String()}, nil
	case bool:
		if t {
			return node{kind: kindLiteral, text: "true"}, nil
		}
		return node{kind: kindLiteral, text: "false"}, nil
	case json.Delim:
		if t == '{' {
			return parseMembers(d)
		}
		return parseItems(d)
	default: // the decoder gives nil for null
		return node{kind: kindLiteral, text: "null"}, nil
	}
}

func parseMembers(d *json.Decoder) (node, error) {
	n := node{kind: kindObject}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return node{}, err
		}
		v, err := parseNode(d)
		if err != nil {
			return node{}, err
		}
		n.members = append(n.members, member{name: t.(string), value: v})
	}
	_, err := d.Token() // the closing brace
	return n, err
}

func parseItems(d *json.Decoder) (node, error) {
	n := node{kind: kindArray}
	for d.More() {
		v, err := parseNode(d)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, v)
	}
	_, err := d.Token() // the closing bracket
	return n, err
}

// String names the value in an error.
func (n node) String() string {
	switch n.kind {
	case kindObject:
		return "an object"
	case kindArray:
		return "an array"
	case kindString:
		return fmt.Sprintf("%q", n.text)
	default:
		return n.text
	}
}
