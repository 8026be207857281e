package iam

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"
)

// condition is one operator applied to one key, for example
// "StringEquals": {"dynamodb:EnclosingOperation": "TransactWriteItems"}.
type condition struct {
	operator string // as written, for messages
	key      string // as written
	folded   string // lower case: keys are compared without regard to case
	values   []string

	test     test
	negated  bool
	ifExists bool
	set      setOperator
}

type setOperator int

const (
	single setOperator = iota
	forAll
	forAny
)

// test compares one value of the policy with one of the request.
type test func(want, got string) bool

// operators are those served here. The negated ones are the opposite of the test
// they name.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func lookupOperator(name string) (t test, negated, ok bool) {
	switch name {
	case "StringEquals", "StringNotEquals":
		t = func(want, got string) bool { return want == got }
	case "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase":
		t = strings.EqualFold
	case "StringLike", "StringNotLike":
		t = like
	// ArnEquals and ArnLike behave identically, wildcards included: IAM says so.
	case "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike":
		t = likeARN
	case "Bool":
		t = strings.EqualFold
	default:
		if t = orderedTest(name); t == nil {
			return nil, false, false
		}
	}
	return t, strings.Contains(name, "Not"), true
}

// orderedTest is the test of an operator on numbers or dates, nil for any other.
// A value of the request that is neither matches nothing.
func orderedTest(name string) test {
	kind, comparison, compare := "", "", (func(want, got string) (int, bool))(nil)
	if rest, ok := strings.CutPrefix(name, "Numeric"); ok {
		kind, comparison, compare = "Numeric", rest, compareNumbers
	} else if rest, ok := strings.CutPrefix(name, "Date"); ok {
		kind, comparison, compare = "Date", rest, compareDates
	}
	if kind == "" {
		return nil
	}
	var holds func(order int) bool // of the request's value against the policy's
	switch comparison {
	case "Equals", "NotEquals":
		holds = func(order int) bool { return order == 0 }
	case "LessThan":
		holds = func(order int) bool { return order < 0 }
	case "LessThanEquals":
		holds = func(order int) bool { return order <= 0 }
	case "GreaterThan":
		holds = func(order int) bool { return order > 0 }
	case "GreaterThanEquals":
		holds = func(order int) bool { return order >= 0 }
	default:
		return nil
	}
	return func(want, got string) bool {
		order, ok := compare(want, got)
		return ok && holds(order)
	}
}

// compareNumbers compares by value, without rounding: 10 is 1e1.
func compareNumbers(want, got string) (int, bool) {
	w, ok := number(want)
	if !ok {
		return 0, false
	}
	g, ok := number(got)
	if !ok {
		return 0, false
	}
	return g.Cmp(w), true
}

// number reads a decimal number. A long exponent would take memory without end.
func number(s string) (*big.Rat, bool) {
	if len(s) > 40 || strings.ContainsAny(s, "/_xXpPbBoO") {
		return nil, false
	}
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(s)-i > 5 {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

func compareDates(want, got string) (int, bool) {
	w, ok := date(want)
	if !ok {
		return 0, false
	}
	g, ok := date(got)
	if !ok {
		return 0, false
	}
	return g.Compare(w), true
}

// date reads one of W3C's forms of ISO 8601, or seconds since 1970.
//
// https://www.w3.org/TR/NOTE-datetime
func date(s string) (time.Time, bool) {
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateOnly, "2006-01", "2006"} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 9999 { // four digits are a year
		return time.Unix(n, 0), true
	}
	return time.Time{}, false
}

const operatorNull = "Null"

func parseConditions(raw map[string]map[string]oneOrMany[conditionValue]) ([]condition, error) {
	var out []condition
	for _, operator := range sortedKeys(raw) {
		c := condition{operator: operator}
		base := operator
		if rest, ok := strings.CutPrefix(base, "ForAllValues:"); ok {
			c.set, base = forAll, rest
		} else if rest, ok := strings.CutPrefix(base, "ForAnyValue:"); ok {
			c.set, base = forAny, rest
		}
		if base != operatorNull {
			base, c.ifExists = strings.CutSuffix(base, "IfExists")
			var ok bool
			if c.test, c.negated, ok = lookupOperator(base); !ok {
				return nil, fmt.Errorf("condition operator %q is not served locally: served are the String, Arn, Numeric and Date operators and Bool, "+
					"each also with IfExists, ForAllValues: and ForAnyValue:, and Null", operator)
			}
		} else if c.set != single {
			return nil, fmt.Errorf("condition operator %q: Null takes no set operator", operator)
		}
		for _, key := range sortedKeys(raw[operator]) {
			k := c
			k.key, k.folded = key, strings.ToLower(key)
			for _, v := range raw[operator][key] {
				s := string(v)
				if err := noVariable(s); err != nil {
					return nil, fmt.Errorf("condition %s %s: %w", operator, key, err)
				}
				if (base == "Bool" || base == operatorNull) && !strings.EqualFold(s, "true") && !strings.EqualFold(s, "false") {
					return nil, fmt.Errorf("condition %s %s: value %q: allowed are true and false", operator, key, s)
				}
				if err := checkValue(base, s); err != nil {
					return nil, fmt.Errorf("condition %s %s: %w", operator, key, err)
				}
				k.values = append(k.values, s)
			}
			if len(k.values) == 0 {
				return nil, fmt.Errorf("condition %s %s has no value", operator, key)
			}
			out = append(out, k)
		}
	}
	return out, nil
}

// checkValue refuses a policy's value that could never match.
func checkValue(operator, s string) error {
	if strings.HasPrefix(operator, "Numeric") {
		if _, ok := number(s); !ok {
			return fmt.Errorf("value %q: want a number", s)
		}
	}
	if strings.HasPrefix(operator, "Date") {
		if _, ok := date(s); !ok {
			return fmt.Errorf("value %q: want a date, as 2026-11-20T12:00:00Z", s)
		}
	}
	return nil
}

// holds reports whether the request's values satisfy the condition.
func (c *condition) holds(n *Need) bool {
	got, present := n.value(c.folded)
	if c.test == nil { // Null
		return c.matches(strconv.FormatBool(!present || len(got) == 0))
	}
	if !present || len(got) == 0 {
		switch {
		case c.ifExists, c.set == forAll:
			return true // ForAllValues holds for an absent key: IAM warns of it, and so it is here
		case c.set == forAny:
			return false
		default:
			return c.negated // a negated operator matches an absent key
		}
	}
	switch c.set {
	case forAll:
		for _, g := range got {
			if !c.matches(g) {
				return false
			}
		}
		return true
	case forAny:
		for _, g := range got {
			if c.matches(g) {
				return true
			}
		}
		return false
	default:
		return len(got) == 1 && c.matches(got[0])
	}
}

// matches compares one value of the request: with any of the policy's values, or
// when negated with none of them.
func (c *condition) matches(got string) bool {
	if c.test == nil {
		return anyLike(strings.EqualFold, c.values, got)
	}
	return anyLike(c.test, c.values, got) != c.negated
}

func (c *condition) String() string {
	if len(c.values) == 1 {
		return fmt.Sprintf("%s %s %q", c.operator, c.key, c.values[0])
	}
	return fmt.Sprintf("%s %s %q", c.operator, c.key, c.values)
}

// conditionValue is a string, or a boolean or number that stands for its text.
type conditionValue string

func (v *conditionValue) UnmarshalJSON(raw []byte) error {
	var s string
	if err := json.Unmarshal(raw, &s); err == nil && string(raw) != "null" {
		*v = conditionValue(s)
		return nil
	}
	var b bool
	if err := json.Unmarshal(raw, &b); err == nil && string(raw) != "null" {
		*v = conditionValue(strconv.FormatBool(b))
		return nil
	}
	var f json.Number
	if err := json.Unmarshal(raw, &f); err == nil && string(raw) != "null" {
		*v = conditionValue(f.String())
		return nil
	}
	return fmt.Errorf("condition value %s: want text, a boolean or a number", raw)
}
