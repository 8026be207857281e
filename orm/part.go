package orm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// partTimeLayout is RFC 3339 with always nine digits of a second: in UTC such
// texts sort as the times do.
const partTimeLayout = "2006-01-02T15:04:05.000000000Z"

// write makes the text of a part, before escapes, out of its stored value. It is
// empty when the value is: absent, an empty string, a zero time.
func (p partForm) write(f *field, av types.AttributeValue) (string, error) {
	switch v := av.(type) {
	case nil, *types.AttributeValueMemberNULL:
		return "", nil
	case *types.AttributeValueMemberS:
		switch p.kind {
		case partText:
			return v.Value, nil
		case partTime:
			t, err := time.Parse(time.RFC3339Nano, v.Value)
			if err != nil {
				return "", fmt.Errorf("its value is no time in RFC 3339: %w", err)
			}
			return writePartTime(t)
		}
	case *types.AttributeValueMemberN:
		switch p.kind {
		case partNumber:
			return p.number(v.Value)
		case partUnix:
			n, err := strconv.ParseInt(v.Value, 10, 64)
			if err != nil {
				return "", fmt.Errorf("its value is no epoch seconds: %w", err)
			}
			return writePartTime(time.Unix(n, 0))
		}
	}
	return "", fmt.Errorf("its value is stored as %s, and the attribute is %s", typeOf(av), f.kind)
}

// read makes the stored value out of a part's text.
func (p partForm) read(text string) (types.AttributeValue, error) {
	switch p.kind {
	case partNumber:
		n, err := wholeNumber(text)
		return &types.AttributeValueMemberN{Value: n}, err
	case partTime, partUnix:
		t, err := time.Parse(partTimeLayout, text)
		if err != nil {
			return nil, fmt.Errorf("no time as %q writes it", partTimeLayout)
		}
		if p.kind == partUnix {
			return &types.AttributeValueMemberN{Value: strconv.FormatInt(t.Unix(), 10)}, nil
		}
		return &types.AttributeValueMemberS{Value: t.Format(time.RFC3339Nano)}, nil
	}
	return &types.AttributeValueMemberS{Value: text}, nil
}

func writePartTime(t time.Time) (string, error) {
	if t.IsZero() {
		return "", nil
	}
	t = t.UTC()
	if y := t.Year(); y < 0 || y > 9999 {
		return "", fmt.Errorf("year %d: RFC 3339 writes years 0 to 9999", y)
	}
	return t.Format(partTimeLayout), nil
}

// number writes a whole number, with zeros in front up to the width.
func (p partForm) number(stored string) (string, error) {
	n, err := wholeNumber(stored)
	switch {
	case err != nil || p.width == 0:
		return n, err
	case n[0] == '-':
		return "", fmt.Errorf("%s is negative, and padded numbers sort only from 0 on", n)
	case len(n) > p.width:
		return "", fmt.Errorf("%s has %d digits, and is padded to %d: more would not sort", n, len(n), p.width)
	}
	return strings.Repeat("0", p.width-len(n)) + n, nil
}

// wholeNumber writes a whole number in the one way.
func wholeNumber(s string) (string, error) {
	digits, negative := strings.CutPrefix(s, "-")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return "", errors.New("it is no whole number")
	}
	switch digits = strings.TrimLeft(digits, "0"); {
	case digits == "":
		return "0", nil
	case negative:
		return "-" + digits, nil
	}
	return digits, nil
}
