package pattern

import (
	"bytes"
	"fmt"
)

// wildcard is a text with gaps: between two parts anything may stand.
type wildcard struct {
	parts [][]byte // at least one; the first is anchored to the start, the last to the end
}

func compileWildcard(s string) (wildcard, error) {
	var w wildcard
	part := []byte{}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '*':
			if i+1 < len(s) && s[i+1] == '*' {
				return wildcard{}, fmt.Errorf("wildcard %q has ** at %d: one * matches any run of characters already", s, i)
			}
			w.parts = append(w.parts, part)
			part = []byte{}
		case '\\':
			if i+1 == len(s) || s[i+1] != '*' && s[i+1] != '\\' {
				return wildcard{}, fmt.Errorf(`wildcard %q has a lone \ at %d: allowed are \* and \\`, s, i)
			}
			i++
			part = append(part, s[i])
		default:
			part = append(part, s[i])
		}
	}
	w.parts = append(w.parts, part)
	return w, nil
}

// match takes each part at the earliest place it fits, which leaves the most
// room for those that follow.
func (w wildcard) match(text []byte) bool {
	first, last := w.parts[0], w.parts[len(w.parts)-1]
	if len(w.parts) == 1 {
		return bytes.Equal(text, first)
	}
	if len(text) < len(first)+len(last) || !bytes.HasPrefix(text, first) || !bytes.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range w.parts[1 : len(w.parts)-1] {
		i := bytes.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}
