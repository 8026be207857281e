package orm

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// appendItem writes an item in DynamoDB's JSON, always in the same way: its
// attributes, and the members of sets, in order.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.LowLevelAPI.html
func appendItem(b []byte, item map[string]types.AttributeValue) ([]byte, error) {
	b = append(b, '{')
	for i, name := range slices.Sorted(maps.Keys(item)) {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendText(b, name); err != nil {
			return b, err
		}
		b = append(b, ':')
		if b, err = appendValue(b, item[name]); err != nil {
			return b, fmt.Errorf("attribute %s: %w", name, err)
		}
	}
	return append(b, '}'), nil
}

func appendValue(b []byte, av types.AttributeValue) ([]byte, error) {
	var err error
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		b, err = appendText(append(b, `{"S":`...), v.Value)
	case *types.AttributeValueMemberN:
		b, err = appendNumber(append(b, `{"N":`...), v.Value)
	case *types.AttributeValueMemberB:
		b = appendBytes(append(b, `{"B":`...), v.Value)
	case *types.AttributeValueMemberBOOL:
		b = strconv.AppendBool(append(b, `{"BOOL":`...), v.Value)
	case *types.AttributeValueMemberNULL:
		b = append(b, `{"NULL":true`...)
	case *types.AttributeValueMemberM:
		b, err = appendItem(append(b, `{"M":`...), v.Value)
	case *types.AttributeValueMemberL:
		b, err = appendList(append(b, `{"L":`...), v.Value, appendValue)
	case *types.AttributeValueMemberSS:
		b, err = appendList(append(b, `{"SS":`...), slices.Sorted(slices.Values(v.Value)), appendText)
	case *types.AttributeValueMemberNS:
		b, err = appendList(append(b, `{"NS":`...), slices.Sorted(slices.Values(v.Value)), appendNumber)
	case *types.AttributeValueMemberBS:
		b, err = appendList(append(b, `{"BS":`...), slices.SortedFunc(slices.Values(v.Value), bytes.Compare), func(b []byte, v []byte) ([]byte, error) {
			return appendBytes(b, v), nil
		})
	default:
		return b, fmt.Errorf("a value of type %T is none of DynamoDB's", av)
	}
	return append(b, '}'), err
}

func appendList[E any](b []byte, list []E, one func([]byte, E) ([]byte, error)) ([]byte, error) {
	b = append(b, '[')
	for i, e := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = one(b, e); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendBytes(b, v []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, v)
	return append(b, '"')
}

// appendNumber writes the number's text as it is, so that no digit is lost.
func appendNumber(b []byte, s string) ([]byte, error) {
	if _, err := parseNumeral(s); err != nil {
		return b, err
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"'), nil
}

var errNoText = errors.New("the text is not valid UTF-8, which JSON cannot carry: store it as bytes")

// appendText writes a JSON string and escapes no more than JSON asks for.
func appendText(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return b, errNoText
	}
	const hex = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, s[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\t':
			b = append(b, `\t`...)
		case '\r':
			b = append(b, `\r`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, hex[c>>4], hex[c&15])
		}
		from = i + 1
	}
	b = append(b, s[from:]...)
	return append(b, '"'), nil
}
