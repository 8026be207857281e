package ormtest

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

// numbers are what DynamoDB takes: up to 38 digits, and not so far apart that
// the reference arithmetic gets slow.
var numbers = rapid.StringMatching(`-?[0-9]{1,19}(\.[0-9]{1,19})?(e-?[0-4]?[0-9])?`)

func rat(t *rapid.T, s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		t.Fatalf("%q is no number", s)
	}
	return r
}

func TestNumbersAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		x, y := rat(t, a), rat(t, b)
		if got, want := compareNumbers(a, b), x.Cmp(y); got != want {
			t.Fatalf("%s compared with %s is %d, want %d", a, b, got, want)
		}
		if n := normalNumber(a); rat(t, n).Cmp(x) != 0 {
			t.Fatalf("%s in plain form is %s", a, n)
		}
		if (normalNumber(a) == normalNumber(b)) != (x.Cmp(y) == 0) {
			t.Fatalf("plain forms of %s and %s are %s and %s", a, b, normalNumber(a), normalNumber(b))
		}
		if sum, err := addNumbers(a, b); err == nil && rat(t, sum).Cmp(new(big.Rat).Add(x, y)) != 0 {
			t.Fatalf("%s + %s is %s", a, b, sum)
		}
	})
}

func TestParseNumber(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "0.00": "0", "1": "1", "+1": "1", "-1": "-1", "001": "1", "1.50": "1.5", ".5": "0.5", "5.": "5", "1e3": "1000", "12E-1": "1.2",
		"1e125": "1" + zeros(125), "9.9e-130": "0." + zeros(129) + "99",
		"99999999999999999999999999999999999999": "99999999999999999999999999999999999999",
	} {
		n, err := parseNumber(in)
		if err != nil || n.String() != want {
			t.Errorf("%s is read as %s, %v; want %s", in, n, err, want)
		}
	}
	for _, in := range []string{"", "-", "e1", "1e", "1e1.5", "0x1", "1_000", "NaN", "Infinity", "1e126", "1e-131", "1.000000000000000000000000000000000000001", "--1", "1 "} {
		if n, err := parseNumber(in); err == nil {
			t.Errorf("%q is read as %s, want an error", in, n)
		}
	}
}

func zeros(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = '0'
	}
	return string(b)
}
