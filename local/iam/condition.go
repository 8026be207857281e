package iam

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
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
		return nil, false, false
	}
	return t, strings.Contains(name, "Not"), true
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
				return nil, fmt.Errorf("condition operator %q is not served locally: served are StringEquals, StringEqualsIgnoreCase, StringLike, ArnEquals, ArnLike, their Not forms, and Bool, "+
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
