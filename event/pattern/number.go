package pattern

import (
	"math"
	"strconv"
)

// number is a JSON number. EventBridge compares by value those that a binary64
// holds as they are written; any other equals only its own spelling, so that
// long account numbers and ids stay distinct.
type number struct {
	text  string // of a pattern's number only
	value float64
	exact bool
}

func (n number) equal(v *value) bool {
	if n.exact && v.number.exact {
		return n.value == v.number.value
	}
	return n.exact == v.number.exact && n.text == string(v.text)
}

// parseNumber reads a number that is valid JSON.
func parseNumber(text []byte) number {
	n := parseValue(text)
	n.text = string(text)
	return n
}

// parseValue is parseNumber without the spelling, so that it need not allocate.
func parseValue(text []byte) number {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(f, 0) {
		return number{}
	}
	var written, held decimal
	if !written.parse(text) {
		return number{}
	}
	// 15 significant digits always survive in the range of normal numbers.
	if written.n <= 15 && written.exp > -290 && written.exp < 290 {
		return number{value: f, exact: true}
	}
	var buf [32]byte
	if !held.parse(strconv.AppendFloat(buf[:0], f, 'e', -1, 64)) || held != written {
		return number{}
	}
	return number{value: f, exact: true}
}

// decimal is the value of a number's spelling: 0.digits times ten to the exp,
// with neither leading nor trailing zeros. Zero has no digits.
type decimal struct {
	negative bool
	digits   [17]byte // a binary64 never needs more
	n        int
	exp      int
}

// parse reports false when the number has more digits than a binary64 can need.
func (d *decimal) parse(text []byte) bool {
	*d = decimal{}
	i, point, zeros := 0, false, 0
	if i < len(text) && text[i] == '-' {
		d.negative = true
		i++
	}
	for ; i < len(text); i++ {
		c := text[i]
		if c == '.' {
			point = true
			continue
		}
		if c < '0' || c > '9' {
			break // the exponent
		}
		if !point && (d.n > 0 || zeros > 0 || c != '0') {
			d.exp++
		}
		switch {
		case c != '0':
			if d.n+zeros >= len(d.digits) {
				return false
			}
			for ; zeros > 0; zeros-- {
				d.digits[d.n] = '0'
				d.n++
			}
			d.digits[d.n] = c
			d.n++
		case d.n > 0:
			zeros++ // counts only when another digit follows
		case point:
			d.exp-- // a leading zero behind the point
		}
	}
	if i < len(text) {
		d.exp += parseExponent(text[i+1:])
	}
	if d.n == 0 {
		*d = decimal{} // zero has no sign and no magnitude
	}
	return true
}

// parseExponent stops counting where no binary64 can follow.
func parseExponent(text []byte) int {
	negative, e := false, 0
	for _, c := range text {
		switch {
		case c == '-':
			negative = true
		case c >= '0' && c <= '9' && e < 1_000_000:
			e = e*10 + int(c-'0')
		}
	}
	if negative {
		return -e
	}
	return e
}
