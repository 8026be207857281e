package ormtest

import (
	"cmp"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// A DynamoDB number has up to 38 significant digits and a magnitude from 1e-130
// to 9.99e125.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
const (
	maxDigits   = 38
	maxExponent = 125
	minExponent = -130
)

// number is digits times ten to the exponent; zero has no digits.
type number struct {
	negative bool
	digits   string // without zeros at either end
	exponent int
}

func parseNumber(s string) (number, error) {
	bad := func() error { return fmt.Errorf("%q is not a number", s) }
	var n number
	rest := s
	if strings.HasPrefix(rest, "-") || strings.HasPrefix(rest, "+") {
		n.negative = rest[0] == '-'
		rest = rest[1:]
	}
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		e, err := strconv.Atoi(rest[i+1:])
		if err != nil {
			return n, bad()
		}
		n.exponent, rest = e, rest[:i]
	}
	whole, fraction, _ := strings.Cut(rest, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return n, bad()
	}
	n.exponent -= len(fraction)
	trimmed := strings.TrimRight(digits, "0")
	n.exponent += len(digits) - len(trimmed)
	n.digits = strings.TrimLeft(trimmed, "0")
	if n.digits == "" {
		return number{}, nil
	}
	if len(n.digits) > maxDigits {
		return n, fmt.Errorf("%q has %d significant digits, allowed are %d", s, len(n.digits), maxDigits)
	}
	if first := n.exponent + len(n.digits) - 1; first > maxExponent || first < minExponent {
		return n, fmt.Errorf("%q is out of range: allowed are 1e%d to 9.99e%d", s, minExponent, maxExponent)
	}
	return n, nil
}

// String is the plain decimal form, as DynamoDB returns numbers.
func (n number) String() string {
	if n.digits == "" {
		return "0"
	}
	s := n.digits
	switch {
	case n.exponent >= 0:
		s += strings.Repeat("0", n.exponent)
	case -n.exponent >= len(s):
		s = "0." + strings.Repeat("0", -n.exponent-len(s)) + s
	default:
		s = s[:len(s)+n.exponent] + "." + s[len(s)+n.exponent:]
	}
	if n.negative {
		s = "-" + s
	}
	return s
}

// scaled is the number times ten to the -exponent, which must not be above the
// number's own.
func (n number) scaled(exponent int) *big.Int {
	out := new(big.Int)
	if n.digits == "" {
		return out
	}
	out.SetString(n.digits+strings.Repeat("0", n.exponent-exponent), 10)
	if n.negative {
		out.Neg(out)
	}
	return out
}

// normalNumber is the plain form of a number, and s itself when it is none.
func normalNumber(s string) string {
	if plainInteger(s) {
		return s
	}
	n, err := parseNumber(s)
	if err != nil {
		return s
	}
	return n.String()
}

// plainInteger reports whether s is certainly in its plain form already.
func plainInteger(s string) bool {
	if s == "" || len(s) > maxDigits || s[0] == '0' && len(s) > 1 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func compareNumbers(a, b string) int {
	if plainInteger(a) && plainInteger(b) { // keys, the usual case
		if len(a) != len(b) {
			return cmp.Compare(len(a), len(b))
		}
		return strings.Compare(a, b)
	}
	x, errX := parseNumber(a)
	y, errY := parseNumber(b)
	if errX != nil || errY != nil {
		return strings.Compare(a, b) // neither can be stored
	}
	e := min(x.exponent, y.exponent)
	return x.scaled(e).Cmp(y.scaled(e))
}

func addNumbers(a, b string) (string, error) {
	x, err := parseNumber(a)
	if err != nil {
		return "", err
	}
	y, err := parseNumber(b)
	if err != nil {
		return "", err
	}
	e := min(x.exponent, y.exponent)
	sum := new(big.Int).Add(x.scaled(e), y.scaled(e))
	n, err := parseNumber(sum.String() + "e" + strconv.Itoa(e))
	if err != nil {
		return "", fmt.Errorf("%s + %s: %w", a, b, err)
	}
	return n.String(), nil
}
