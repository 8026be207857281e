package pattern

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks an event that is known to be valid JSON, and keeps only the
// values at paths that the set names. It never looks inside anything else.
type scanner struct {
	data  []byte
	pos   int
	out   *state
	array int // arrays seen: each gets a number of its own
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// string reads a string and leaves the scanner behind it.
func (s *scanner) string() (raw []byte, escaped bool) {
	s.pos++ // the quote
	start := s.pos
	for {
		switch s.data[s.pos] {
		case '"':
			raw = s.data[start:s.pos]
			s.pos++
			return raw, escaped
		case '\\':
			escaped = true
			s.pos += 2
		default:
			s.pos++
		}
	}
}

// scalar reads a number, true, false or null.
func (s *scanner) scalar() []byte {
	start := s.pos
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ',', '}', ']', ' ', '\t', '\n', '\r':
			return s.data[start:s.pos]
		}
		s.pos++
	}
	return s.data[start:s.pos]
}

func (s *scanner) skip() {
	depth := 0
	for {
		switch s.data[s.pos] {
		case '"':
			s.string()
		case '{', '[':
			depth++
			s.pos++
			s.space()
			continue
		case '}', ']':
			depth--
			s.pos++
		case ',', ':', ' ', '\t', '\n', '\r':
			s.pos++
			continue
		default:
			s.scalar()
		}
		if depth == 0 {
			return
		}
	}
}

// object walks an object. at is where its path stands in the set's tree; member
// is the array element that it is in.
func (s *scanner) object(at *step, member int) {
	s.pos++
	for {
		s.space()
		if s.data[s.pos] == '}' {
			s.pos++
			return
		}
		raw, escaped := s.string()
		next := at.find(unquote(raw, escaped))
		s.space()
		s.pos++ // the colon
		s.space()
		if next == nil {
			s.skip()
		} else {
			s.value(next, member)
		}
		s.space()
		if s.data[s.pos] == ',' {
			s.pos++
		}
	}
}

// list walks an array. Only elements that are objects or arrays are remembered
// as membership: scalars of one array are alternatives and may come together.
func (s *scanner) list(at *step, member int) {
	s.pos++
	id := s.array
	s.array++
	for index := 0; ; index++ {
		s.space()
		switch s.data[s.pos] {
		case ']':
			s.pos++
			return
		case '{', '[':
			s.value(at, s.out.enter(id, index, member))
		default:
			s.value(at, member)
		}
		s.space()
		if s.data[s.pos] == ',' {
			s.pos++
		}
	}
}

func (s *scanner) value(at *step, member int) {
	switch s.data[s.pos] {
	case '{':
		if len(at.next) == 0 {
			s.skip()
			return
		}
		s.object(at, member)
	case '[':
		s.list(at, member)
	case '"':
		raw, escaped := s.string()
		if at.id >= 0 {
			s.out.add(at.id, value{kind: kindString, text: unquote(raw, escaped), member: member})
		}
	case 't', 'f', 'n':
		if text := s.scalar(); at.id >= 0 {
			s.out.add(at.id, value{kind: kindLiteral, text: text, member: member})
		}
	default:
		if text := s.scalar(); at.id >= 0 {
			s.out.add(at.id, value{kind: kindNumber, text: text, number: parseValue(text), member: member})
		}
	}
}

// step is one segment of the paths that a set names.
type step struct {
	next map[string]*step
	id   int // the number of the path that ends here, or -1
}

func newStep() *step { return &step{id: -1} }

// find follows a field's name. A dot in it is no different from nesting.
func (t *step) find(name []byte) *step {
	for {
		dot := bytes.IndexByte(name, '.')
		if dot < 0 {
			return t.next[string(name)]
		}
		if t = t.next[string(name[:dot])]; t == nil {
			return nil
		}
		name = name[dot+1:]
	}
}

// unescape resolves the escapes of a JSON string in place.
func unescape(b []byte) []byte {
	out := b[:0]
	for i := 0; i < len(b); {
		if b[i] != '\\' {
			out = append(out, b[i])
			i++
			continue
		}
		c := b[i+1]
		i += 2
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(b[i:])
			i += 4
			if utf16.IsSurrogate(r) {
				pair := utf8.RuneError
				if i+6 <= len(b) && b[i] == '\\' && b[i+1] == 'u' {
					pair = utf16.DecodeRune(r, hex4(b[i+2:]))
				}
				if r = pair; r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
			continue
		}
		out = append(out, c)
	}
	return out
}

func hex4(b []byte) rune {
	var r rune
	for _, c := range b[:4] {
		r <<= 4
		switch {
		case c <= '9':
			r |= rune(c - '0')
		case c <= 'F':
			r |= rune(c-'A') + 10
		default:
			r |= rune(c-'a') + 10
		}
	}
	return r
}
