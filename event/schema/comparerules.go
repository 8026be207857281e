package schema

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// rules compares what a value of the type must satisfy.
func (c *comparer) rules(path string, o, n *node) {
	c.format(path, o.Format, n.Format)
	c.enum(path, o.Enum, n.Enum)
	c.bound(path, "minimum", number(o.Minimum), number(n.Minimum), 1)
	c.bound(path, "maximum", number(o.Maximum), number(n.Maximum), -1)
	c.bound(path, "exclusiveMinimum", number(o.ExclusiveMinimum), number(n.ExclusiveMinimum), 1)
	c.bound(path, "exclusiveMaximum", number(o.ExclusiveMaximum), number(n.ExclusiveMaximum), -1)
	c.bound(path, "minLength", count(o.MinLength), count(n.MinLength), 1)
	c.bound(path, "maxLength", count(o.MaxLength), count(n.MaxLength), -1)
	c.bound(path, "minItems", count(o.MinItems), count(n.MinItems), 1)
	c.bound(path, "maxItems", count(o.MaxItems), count(n.MaxItems), -1)
	c.bound(path, "minProperties", count(o.MinProperties), count(n.MinProperties), 1)
	c.bound(path, "maxProperties", count(o.MaxProperties), count(n.MaxProperties), -1)
	switch {
	case n.UniqueItems && !o.UniqueItems:
		c.tightened(path, "must have no element twice now")
	case o.UniqueItems && !n.UniqueItems:
		c.add(Loosened, path, "", "may have an element twice now")
	}
	for _, r := range n.Rules {
		if !slices.Contains(o.Rules, r) {
			c.tightened(path, "must satisfy %q now", r)
		}
	}
	for _, r := range o.Rules {
		if !slices.Contains(n.Rules, r) {
			c.add(Loosened, path, "", "need not satisfy %q now", r)
		}
	}
}

func (c *comparer) tightened(path, format string, args ...any) {
	c.add(Tightened, path, "leave the rule as it was, and check what is new in code, where events are made", format, args...)
}

func (c *comparer) format(path, o, n string) {
	switch {
	case o == n:
	case n == "":
		c.add(Loosened, path, "", "need not have the format %s now", o)
	default:
		c.tightened(path, "must have the format %s now", n)
	}
}

func (c *comparer) enum(path string, o, n []json.RawMessage) {
	has := func(all []json.RawMessage, v json.RawMessage) bool {
		return slices.ContainsFunc(all, func(other json.RawMessage) bool { return bytes.Equal(other, v) })
	}
	switch {
	case o == nil && n != nil:
		c.tightened(path, "must be one of %s now", bytes.Join(raw(n), []byte(", ")))
		return
	case o != nil && n == nil:
		c.add(Loosened, path, "", "may have any value now")
		return
	}
	for _, v := range o {
		if !has(n, v) {
			c.tightened(path, "must not be %s now", v)
		}
	}
	for _, v := range n {
		if !has(o, v) {
			c.add(Loosened, path, "", "may be %s now", v)
		}
	}
}

func raw(all []json.RawMessage) [][]byte {
	out := make([][]byte, len(all))
	for i, v := range all {
		out[i] = v
	}
	return out
}

// limit is a bound that may be absent.
type limit struct {
	text  string // "" when absent
	value float64
}

func number(n *json.Number) limit {
	if n == nil {
		return limit{}
	}
	return limit{string(*n), value(*n)}
}

func count(n *int64) limit {
	if n == nil {
		return limit{}
	}
	v := json.Number(strconv.FormatInt(*n, 10))
	return number(&v)
}

// bound compares one bound. up is 1 for a lower bound, which tightens as it
// grows, and -1 for an upper one.
func (c *comparer) bound(path, keyword string, o, n limit, up float64) {
	switch {
	case o.text == n.text || o.text != "" && n.text != "" && o.value == n.value:
	case n.text == "":
		c.add(Loosened, path, "", "has no %s any more, it was %s", keyword, o.text)
	case o.text == "":
		c.tightened(path, "has %s %s now", keyword, n.text)
	case (n.value-o.value)*up > 0:
		c.tightened(path, "has %s %s now, it was %s", keyword, n.text, o.text)
	default:
		c.add(Loosened, path, "", "has %s %s now, it was %s", keyword, n.text, o.text)
	}
}
