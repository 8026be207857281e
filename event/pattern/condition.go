package pattern

import (
	"fmt"
	"net/netip"
)

type op uint8

const (
	opExact      op = iota // text, addr
	opNumber               // number, or its spelling when it is no binary64
	opLiteral              // text
	opPrefix               // texts
	opSuffix               // texts
	opFold                 // texts: equals-ignore-case
	opPrefixFold           // texts
	opSuffixFold           // texts
	opWildcard             // wildcards
	opRange                // numeric
	opCIDR                 // network
	opExists
	opAbsent
	opAnyBut        // texts or numbers, negated as the others are
	opAnyButNumbers // numbers
)

// condition is one test of one value. Its fields are those that its op needs.
type condition struct {
	op        op
	not       bool     // anything-but: the test must fail
	texts     []string // one of them
	numbers   []number
	wildcards []wildcard
	addr      netip.Addr // opExact: the text is an IP address
	network   netip.Prefix
	bounds    bounds
}

type bounds struct {
	low, high         float64
	hasLow, hasHigh   bool
	openLow, openHigh bool // the bound itself is outside
}

func (b bounds) contain(f float64) bool {
	if b.hasLow && (f < b.low || b.openLow && f == b.low) {
		return false
	}
	return !b.hasHigh || f < b.high || !b.openHigh && f == b.high
}

func compileCondition(n node) (condition, error) {
	switch n.kind {
	case kindString:
		c := condition{op: opExact, texts: []string{n.text}}
		c.addr, _ = parseAddr(n.text)
		return c, nil
	case kindNumber:
		return condition{op: opNumber, numbers: []number{parseNumber([]byte(n.text))}}, nil
	case kindLiteral:
		return condition{op: opLiteral, texts: []string{n.text}}, nil
	case kindArray:
		return condition{}, fmt.Errorf("an alternative is an array: allowed is a string, a number, true, false, null or an operator like {\"prefix\": \"a\"}")
	}
	if len(n.members) != 1 {
		return condition{}, fmt.Errorf("an operator object has %d members: exactly one is allowed, like {\"prefix\": \"a\"}", len(n.members))
	}
	return compileOperator(n.members[0].name, n.members[0].value)
}

func compileOperator(name string, v node) (condition, error) {
	switch name {
	case "prefix", "suffix":
		if v.kind == kindObject {
			return compileAffixFold(name, v)
		}
		return compileTexts(name, v, false)
	case "equals-ignore-case", "wildcard":
		return compileTexts(name, v, false)
	case "numeric":
		return compileNumeric(v)
	case "cidr":
		return compileCIDR(v)
	case "exists":
		if v.kind == kindLiteral && v.text == "true" {
			return condition{op: opExists}, nil
		}
		if v.kind == kindLiteral && v.text == "false" {
			return condition{op: opAbsent}, nil
		}
		return condition{}, fmt.Errorf("exists is %s: allowed is true or false", v)
	case "anything-but":
		return compileAnythingBut(v)
	}
	return condition{}, fmt.Errorf("unknown operator %q: allowed are prefix, suffix, equals-ignore-case, wildcard, numeric, cidr, exists, anything-but", name)
}

func compileAffixFold(name string, v node) (condition, error) {
	if len(v.members) != 1 || v.members[0].name != "equals-ignore-case" {
		return condition{}, fmt.Errorf("%s takes a string or {\"equals-ignore-case\": \"text\"}", name)
	}
	c, err := compileTexts(name+" equals-ignore-case", v.members[0].value, false)
	c.op = opPrefixFold
	if name == "suffix" {
		c.op = opSuffixFold
	}
	return c, err
}

// compileTexts reads the text of a string operator, or the texts where a list
// is allowed, which is inside anything-but only.
func compileTexts(name string, v node, list bool) (condition, error) {
	items := []node{v}
	if list && v.kind == kindArray {
		items = v.items
		if len(items) == 0 {
			return condition{}, fmt.Errorf("%s has an empty list", name)
		}
	}
	c := condition{op: textOps[name]}
	for _, item := range items {
		if item.kind != kindString {
			return condition{}, fmt.Errorf("%s is %s: a string is allowed", name, item)
		}
		if c.op == opWildcard {
			w, err := compileWildcard(item.text)
			if err != nil {
				return condition{}, err
			}
			c.wildcards = append(c.wildcards, w)
			continue
		}
		c.texts = append(c.texts, item.text)
	}
	return c, nil
}

// textOps is never written to.
var textOps = map[string]op{"prefix": opPrefix, "suffix": opSuffix, "equals-ignore-case": opFold, "wildcard": opWildcard}

func compileAnythingBut(v node) (condition, error) {
	if v.kind == kindObject {
		if len(v.members) != 1 {
			return condition{}, fmt.Errorf("anything-but has an object with %d members: exactly one is allowed", len(v.members))
		}
		name, arg := v.members[0].name, v.members[0].value
		if _, ok := textOps[name]; !ok {
			return condition{}, fmt.Errorf("anything-but does not take %q: allowed are prefix, suffix, equals-ignore-case, wildcard", name)
		}
		c, err := compileTexts(name, arg, true)
		if err != nil {
			return condition{}, fmt.Errorf("anything-but: %w", err)
		}
		if c.op == opPrefix || c.op == opSuffix {
			for _, t := range c.texts {
				if t == "" {
					return condition{}, fmt.Errorf("anything-but: an empty %s would match nothing", name)
				}
			}
		}
		c.not = true
		return c, nil
	}
	items := []node{v}
	if v.kind == kindArray {
		items = v.items
	}
	c := condition{not: true}
	for _, item := range items {
		switch item.kind {
		case kindString:
			c.texts = append(c.texts, item.text)
		case kindNumber:
			n := parseNumber([]byte(item.text))
			if !n.exact {
				return condition{}, fmt.Errorf("anything-but: %s cannot be compared: allowed is a number that a binary64 holds exactly as written", item)
			}
			c.numbers = append(c.numbers, n)
		default:
			return condition{}, fmt.Errorf("anything-but is %s: allowed are strings, numbers, or an object with prefix, suffix, equals-ignore-case or wildcard", item)
		}
	}
	switch {
	case len(items) == 0:
		return condition{}, fmt.Errorf("anything-but has an empty list")
	case len(c.texts) > 0 && len(c.numbers) > 0:
		return condition{}, fmt.Errorf("anything-but mixes strings and numbers: all of one type are allowed")
	}
	c.op = opAnyBut
	if len(c.numbers) > 0 {
		c.op = opAnyButNumbers
	}
	return c, nil
}

func compileNumeric(v node) (condition, error) {
	const allowed = "allowed is [\"=\", n], one of >, >=, <, <= with a number, or a range like [\">\", 0, \"<=\", 5]"
	if v.kind != kindArray || len(v.items) != 2 && len(v.items) != 4 {
		return condition{}, fmt.Errorf("numeric is malformed: %s", allowed)
	}
	var nums []float64
	var ops []string
	for i := 0; i < len(v.items); i += 2 {
		o, val := v.items[i], v.items[i+1]
		if o.kind != kindString || val.kind != kindNumber {
			return condition{}, fmt.Errorf("numeric has %s, %s: %s", o, val, allowed)
		}
		n := parseNumber([]byte(val.text))
		if !n.exact {
			return condition{}, fmt.Errorf("numeric: %s cannot be compared: allowed is a number that a binary64 holds exactly as written", val)
		}
		ops, nums = append(ops, o.text), append(nums, n.value)
	}
	c := condition{op: opRange}
	switch b := &c.bounds; ops[0] {
	case "=":
		*b = bounds{low: nums[0], high: nums[0], hasLow: true, hasHigh: true}
	case ">", ">=":
		b.low, b.hasLow, b.openLow = nums[0], true, ops[0] == ">"
	case "<", "<=":
		b.high, b.hasHigh, b.openHigh = nums[0], true, ops[0] == "<"
	default:
		return condition{}, fmt.Errorf("numeric has the operator %q: %s", ops[0], allowed)
	}
	if len(ops) == 1 {
		return c, nil
	}
	if ops[0] != ">" && ops[0] != ">=" || ops[1] != "<" && ops[1] != "<=" {
		return condition{}, fmt.Errorf("numeric has %s before %s: a range starts with > or >= and ends with < or <=", ops[0], ops[1])
	}
	if nums[0] >= nums[1] {
		return condition{}, fmt.Errorf("numeric: the lower bound %s is not below the upper bound %s", v.items[1], v.items[3])
	}
	c.bounds.high, c.bounds.hasHigh, c.bounds.openHigh = nums[1], true, ops[1] == "<"
	return c, nil
}
