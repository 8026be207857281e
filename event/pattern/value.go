package pattern

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// value is one scalar of an event at a path that some pattern names.
type value struct {
	kind   kind
	text   []byte // a string's value; a number's or literal's spelling
	number number // of a number, without its spelling
	member int    // the innermost array element it is in, an index into state.members, or -1
}

func (c *clause) match(v *value) bool {
	for i := range c.conditions {
		if c.conditions[i].match(v) {
			return true
		}
	}
	return false
}

func (c *condition) match(v *value) bool {
	switch c.op {
	case opExists:
		return true
	case opNumber:
		return v.kind == kindNumber && c.numbers[0].equal(v)
	case opLiteral:
		return v.kind == kindLiteral && c.texts[0] == string(v.text)
	case opRange:
		return v.kind == kindNumber && v.number.exact && c.bounds.contain(v.number.value)
	case opAnyButNumbers:
		if v.kind == kindNumber {
			for i := range c.numbers {
				if c.numbers[i].equal(v) {
					return false
				}
			}
		}
		return true
	}
	return (v.kind == kindString && c.matchText(v.text)) != c.not
}

// matchText is for the operators on strings, before anything-but turns it round.
func (c *condition) matchText(text []byte) bool {
	switch c.op {
	case opCIDR:
		a, ok := parseAddr(string(text))
		return ok && c.network.Contains(a)
	case opWildcard:
		for _, w := range c.wildcards {
			if w.match(text) {
				return true
			}
		}
		return false
	case opExact:
		if c.texts[0] == string(text) {
			return true
		}
		if !c.addr.IsValid() {
			return false
		}
		a, ok := parseAddr(string(text))
		return ok && a == c.addr
	}
	for _, want := range c.texts {
		if c.op.holds(text, want) {
			return true
		}
	}
	return false
}

func (o op) holds(text []byte, want string) bool {
	switch o {
	case opPrefix:
		return len(text) >= len(want) && string(text[:len(want)]) == want
	case opSuffix:
		return len(text) >= len(want) && string(text[len(text)-len(want):]) == want
	case opFold:
		return equalFold(text, want)
	case opPrefixFold:
		return equalFold(head(text, utf8.RuneCountInString(want)), want)
	case opSuffixFold:
		return equalFold(tail(text, utf8.RuneCountInString(want)), want)
	default: // opAnyBut
		return string(text) == want
	}
}

// equalFold allocates nothing for short texts: most of what is compared.
func equalFold(text []byte, want string) bool { return strings.EqualFold(string(text), want) }

// head is the first n runes of text, or all of it. The case of a letter can
// change its length in bytes, never the number of runes.
func head(text []byte, n int) []byte {
	i := 0
	for ; n > 0 && i < len(text); n-- {
		_, size := utf8.DecodeRune(text[i:])
		i += size
	}
	return text[:i]
}

func tail(text []byte, n int) []byte {
	i := len(text)
	for ; n > 0 && i > 0; n-- {
		_, size := utf8.DecodeLastRune(text[:i])
		i -= size
	}
	return text[i:]
}

// unquote is the value of a JSON string that is known to be valid, given
// without its quotes.
func unquote(raw []byte, escaped bool) []byte {
	if !escaped {
		return raw
	}
	return unescape(bytes.Clone(raw))
}
