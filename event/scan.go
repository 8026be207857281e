package event

// scanner walks through the members of one JSON object without looking into
// their values: an envelope is read once, and its data not at all. It trusts the
// bytes to be valid JSON.
type scanner struct {
	b     []byte
	i     int
	key   []byte // the member's name, without quotes; unescaped only if it had no escape
	value []byte // the member's value as it is written
}

// object steps into the object, false when there is none.
func (s *scanner) object() bool {
	s.blanks()
	if s.i >= len(s.b) || s.b[s.i] != '{' {
		return false
	}
	s.i++
	return true
}

// next steps to the next member, false at the object's end.
func (s *scanner) next() bool {
	s.blanks()
	if s.i < len(s.b) && s.b[s.i] == ',' {
		s.i++
		s.blanks()
	}
	if s.i >= len(s.b) || s.b[s.i] != '"' {
		return false
	}
	start := s.i
	s.text()
	s.key = s.b[start+1 : s.i-1]
	if escaped(s.key) {
		// Escapes in a name are allowed and never needed; the rare sender that
		// uses them must not lose a member.
		if name, err := unquote(s.b[start:s.i]); err == nil {
			s.key = []byte(name)
		}
	}
	s.blanks()
	s.i++ // the colon
	s.blanks()
	start = s.i
	s.skip()
	s.value = s.b[start:s.i]
	return true
}

func escaped(key []byte) bool {
	for _, c := range key {
		if c == '\\' {
			return true
		}
	}
	return false
}

func (s *scanner) blanks() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		default:
			return
		}
	}
}

// text steps over a string.
func (s *scanner) text() {
	s.i++
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '\\':
			s.i += 2
		case '"':
			s.i++
			return
		default:
			s.i++
		}
	}
}

// skip steps over one value of any kind.
func (s *scanner) skip() {
	depth := 0
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case '"':
			s.text()
		case '{', '[':
			depth++
			s.i++
		case '}', ']':
			depth--
			s.i++
		case ',', ':', ' ', '\t', '\r', '\n':
			s.i++
		default:
			s.scalar()
		}
		if depth == 0 {
			return
		}
	}
}

// scalar steps over a number, true, false or null.
func (s *scanner) scalar() {
	for s.i < len(s.b) {
		switch s.b[s.i] {
		case ',', '}', ']', ' ', '\t', '\r', '\n':
			return
		default:
			s.i++
		}
	}
}
