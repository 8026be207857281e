package orm

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// numeral is a number's text taken apart: 0.digits * 10^exponent. Equal numbers
// have equal numerals, however they are written.
type numeral struct {
	negative bool
	digits   string // without zeros at its ends; empty: the number is zero
	exponent int
}

// parseNumeral takes a number as DynamoDB sends it, with an exponent or without.
func parseNumeral(s string) (numeral, error) {
	var n numeral
	wrong := func() error { return fmt.Errorf("%q is no number", s) }
	mantissa, power, scientific := strings.Cut(strings.ToLower(s), "e")
	if scientific {
		e, err := strconv.Atoi(power)
		if err != nil || e > 1000 || e < -1000 {
			return n, wrong()
		}
		n.exponent = e
	}
	mantissa, n.negative = strings.CutPrefix(mantissa, "-")
	whole, fraction, point := strings.Cut(mantissa, ".")
	if strings.Trim(whole+fraction, "0123456789") != "" || whole == "" || point && fraction == "" {
		return n, wrong()
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	n.exponent += len(digits) - len(fraction)
	n.digits = strings.TrimRight(digits, "0")
	if n.digits == "" {
		return numeral{}, nil
	}
	return n, nil
}

// check refuses numbers that DynamoDB cannot hold.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
func (n numeral) check() error {
	switch e := n.exponent - 1; {
	case n.digits == "":
	case len(n.digits) > 38:
		return fmt.Errorf("the number has %d significant digits, DynamoDB keeps 38", len(n.digits))
	case e > 125 || e < -130:
		return fmt.Errorf("the number is about 1e%d, DynamoDB holds 1e-130 to 9.99e125", e)
	}
	return nil
}

// compare is negative when n is below o.
func (n numeral) compare(o numeral) int {
	sign := func(n numeral) int {
		switch {
		case n.digits == "":
			return 0
		case n.negative:
			return -1
		}
		return 1
	}
	if c := cmp.Compare(sign(n), sign(o)); c != 0 || n.digits == "" {
		return c
	}
	c := cmp.Compare(n.exponent, o.exponent)
	if c == 0 {
		c = strings.Compare(n.digits, o.digits) // of one exponent, so as text is right
	}
	return c * sign(n)
}

// compareKeys orders two values of one key attribute as DynamoDB does: numbers
// by value, strings and bytes by their bytes.
func compareKeys(a, b types.AttributeValue) int {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		if b, ok := b.(*types.AttributeValueMemberS); ok {
			return strings.Compare(a.Value, b.Value)
		}
	case *types.AttributeValueMemberB:
		if b, ok := b.(*types.AttributeValueMemberB); ok {
			return bytes.Compare(a.Value, b.Value)
		}
	case *types.AttributeValueMemberN:
		if b, ok := b.(*types.AttributeValueMemberN); ok {
			x, errX := parseNumeral(a.Value)
			y, errY := parseNumeral(b.Value)
			if errX == nil && errY == nil {
				return x.compare(y)
			}
		}
	}
	return -1 // of different types: equal to nothing
}

// keyID is a text that two keys of a table share only when they are the same
// key.
func (s *Schema) keyID(item Item) string {
	id := valueID(item[s.Hash])
	if s.Sort != "" {
		id = strconv.Itoa(len(id)) + ":" + id + valueID(item[s.Sort])
	}
	return id
}

func valueID(av types.AttributeValue) string {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	case *types.AttributeValueMemberN:
		n, err := parseNumeral(v.Value)
		if err != nil {
			return v.Value
		}
		if n.negative {
			return "-" + n.digits + "e" + strconv.Itoa(n.exponent)
		}
		return n.digits + "e" + strconv.Itoa(n.exponent)
	}
	return ""
}
