package orm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxDepth is how deep DynamoDB lets values be nested.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
const maxDepth = 32

// parseItemLine reads {"Item":{…}}. It takes nothing that would be stored as
// something else than is written: no text that is not UTF-8, no attribute twice,
// no number that DynamoDB would round.
func parseItemLine(line []byte) (Item, error) {
	if !utf8.Valid(line) {
		return nil, errors.New("it is not valid UTF-8")
	}
	if loneSurrogate(line) {
		return nil, errors.New(`it has half of a surrogate pair (as \ud800), which is no character`)
	}
	p := itemParser{json.NewDecoder(bytes.NewReader(line))}
	var item Item
	err := p.object(func(name string) (err error) {
		if name != "Item" {
			return fmt.Errorf(`it has %q: a line is {"Item":{…}} and nothing else, as a full export has it`, name)
		}
		item, err = p.attributes(0)
		return err
	})
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, errors.New("it is cut off")
	case err != nil:
		return nil, err
	case item == nil:
		return nil, errors.New(`it has no "Item": a line is {"Item":{…}}`)
	}
	if _, err := p.d.Token(); err != io.EOF {
		return nil, errors.New("something follows the item: a line is one item")
	}
	return item, nil
}

// loneSurrogate looks for what the decoder would take for U+FFFD.
func loneSurrogate(b []byte) bool {
	hex4 := func(i int) (v rune) {
		if len(b) < i+6 || b[i] != '\\' || b[i+1] != 'u' {
			return -1
		}
		for _, c := range b[i+2 : i+6] {
			switch {
			case c >= '0' && c <= '9':
				c -= '0'
			case c|0x20 >= 'a' && c|0x20 <= 'f':
				c = c | 0x20 - 'a' + 10
			default:
				return -1 // the decoder refuses it
			}
			v = v<<4 | rune(c)
		}
		return v
	}
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		switch v := hex4(i); {
		case v >= 0xd800 && v < 0xdc00:
			if low := hex4(i + 6); low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 11
		case v >= 0xdc00 && v <= 0xdfff:
			return true
		default:
			i++ // what is escaped is no escape
		}
	}
	return false
}

type itemParser struct{ d *json.Decoder }

// object reads an object and calls member after each name, to read its value.
func (p itemParser) object(member func(name string) error) error {
	if err := p.delim('{', "an object"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for p.d.More() {
		t, err := p.d.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return fmt.Errorf("%v stands where a name should", t)
		}
		if seen[name] {
			return fmt.Errorf("%q is there twice", name)
		}
		seen[name] = true
		if err := member(name); err != nil {
			return err
		}
	}
	_, err := p.d.Token()
	return err
}

func (p itemParser) delim(want json.Delim, what string) error {
	t, err := p.d.Token()
	if err == nil && t != want {
		err = fmt.Errorf("%v stands where %s should", t, what)
	}
	return err
}

// attributes reads an item, or a map's entries.
func (p itemParser) attributes(depth int) (Item, error) {
	out := Item{}
	err := p.object(func(name string) error {
		if name == "" && depth == 0 {
			return errors.New("an attribute has an empty name")
		}
		av, err := p.value(depth)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out[name] = av
		return nil
	})
	return out, err
}

// value reads {"S":"…"} and the like.
func (p itemParser) value(depth int) (types.AttributeValue, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("values are nested more than %d deep", maxDepth)
	}
	var out types.AttributeValue
	err := p.object(func(kind string) (err error) {
		if out != nil {
			return fmt.Errorf("a value has one type, and %q is a second one", kind)
		}
		out, err = p.kind(kind, depth)
		return err
	})
	if err == nil && out == nil {
		err = errors.New("a value without a type")
	}
	return out, err
}

func (p itemParser) kind(kind string, depth int) (types.AttributeValue, error) {
	switch kind {
	case "S":
		s, err := p.text()
		return &types.AttributeValueMemberS{Value: s}, err
	case "N":
		s, err := p.number()
		return &types.AttributeValueMemberN{Value: s}, err
	case "B":
		b, err := p.bytes()
		return &types.AttributeValueMemberB{Value: b}, err
	case "BOOL":
		b, err := p.bool()
		return &types.AttributeValueMemberBOOL{Value: b}, err
	case "NULL":
		b, err := p.bool()
		if err == nil && !b {
			err = errors.New("NULL is always true")
		}
		return &types.AttributeValueMemberNULL{Value: true}, err
	case "M":
		m, err := p.attributes(depth + 1)
		return &types.AttributeValueMemberM{Value: m}, err
	case "L":
		l, err := array(p, func() (types.AttributeValue, error) { return p.value(depth + 1) })
		return &types.AttributeValueMemberL{Value: l}, err
	case "SS":
		l, err := set(p, p.text, func(s string) string { return s })
		return &types.AttributeValueMemberSS{Value: l}, err
	case "NS":
		l, err := set(p, p.number, func(s string) string { return valueID(&types.AttributeValueMemberN{Value: s}) })
		return &types.AttributeValueMemberNS{Value: l}, err
	case "BS":
		l, err := set(p, p.bytes, func(b []byte) string { return string(b) })
		return &types.AttributeValueMemberBS{Value: l}, err
	}
	return nil, fmt.Errorf("%q is none of DynamoDB's types: S, N, B, BOOL, NULL, L, M, SS, NS, BS", kind)
}

func (p itemParser) text() (string, error) {
	t, err := p.d.Token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("%v stands where a text should", t)
	}
	return s, nil
}

func (p itemParser) bool() (bool, error) {
	t, err := p.d.Token()
	if err != nil {
		return false, err
	}
	b, ok := t.(bool)
	if !ok {
		return false, fmt.Errorf("%v stands where true or false should", t)
	}
	return b, nil
}

func (p itemParser) number() (string, error) {
	s, err := p.text()
	if err != nil {
		return "", err
	}
	n, err := parseNumeral(s)
	if err == nil {
		err = n.check()
	}
	return s, err
}

func (p itemParser) bytes() ([]byte, error) {
	s, err := p.text()
	if err != nil {
		return nil, err
	}
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("bytes are base64: %w", err)
	}
	return b, nil
}

func array[E any](p itemParser, one func() (E, error)) ([]E, error) {
	if err := p.delim('[', "a list"); err != nil {
		return nil, err
	}
	out := []E{}
	for p.d.More() {
		e, err := one()
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", len(out), err)
		}
		out = append(out, e)
	}
	_, err := p.d.Token()
	return out, err
}

// set reads an array whose members differ.
func set[E any](p itemParser, one func() (E, error), id func(E) string) ([]E, error) {
	out, err := array(p, one)
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, errors.New("a set cannot be empty")
	}
	seen := make(map[string]bool, len(out))
	for i, e := range out {
		if seen[id(e)] {
			return nil, fmt.Errorf("element %d: it is in the set twice", i)
		}
		seen[id(e)] = true
	}
	return out, nil
}
