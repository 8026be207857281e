package orm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// template makes the text of a composite key out of other attributes:
// "ORDER#{tenant}#{order:06}".
//
// Different parts make different texts: what stands behind a part begins with a
// character (a separator) that no part has as such, because parts write it, and
// the '%' that begins an escape, as %XX.
type template struct {
	text     string   // as written
	parts    []*field // the attributes it is made of, in order
	literals []string // what stands around the parts: one more than parts
	forms    []partForm
	reserved string // the characters that parts escape
	limit    int    // bytes that the text may have
}

// partForm is how a part is written.
type partForm struct {
	kind  partKind
	width int // of a padded number; 0: not padded
}

type partKind uint8

const (
	partText   partKind = iota + 1 // S
	partNumber                     // N, a whole number
	partTime                       // S, a time in RFC 3339
	partUnix                       // N, a time in epoch seconds
)

// compose makes the text out of the stored values of its parts. missing names
// the parts that have none: then text is empty.
func (t *template) compose(values Item) (text string, missing []string, err error) {
	var b strings.Builder
	for i, f := range t.parts {
		b.WriteString(t.literals[i])
		part, err := t.forms[i].write(f, values[f.name])
		if err != nil {
			return "", nil, fmt.Errorf("part {%s}: %w", f.name, f.quiet(err))
		}
		if part == "" {
			missing = append(missing, f.name)
			continue
		}
		if part, err = t.escape(part); err != nil {
			return "", nil, fmt.Errorf("part {%s}: %w", f.name, err)
		}
		b.WriteString(part)
	}
	if len(missing) > 0 {
		return "", missing, nil
	}
	b.WriteString(t.literals[len(t.parts)])
	return b.String(), nil, nil
}

// split takes a text of the template apart into the stored values of its parts.
// It refuses every text that compose would not make of them.
func (t *template) split(text string) (Item, error) {
	wrong := func(format string, args ...any) (Item, error) {
		return nil, fmt.Errorf("the text is not as its template %q makes it: %w", t.text, fmt.Errorf(format, args...))
	}
	rest, ok := strings.CutPrefix(text, t.literals[0])
	if !ok {
		return wrong("it does not begin with %q", t.literals[0])
	}
	out := make(Item, len(t.parts))
	for i, f := range t.parts {
		part, literal := rest, t.literals[i+1]
		if literal != "" {
			first, _ := utf8.DecodeRuneInString(literal)
			end := strings.IndexRune(rest, first)
			if end < 0 || !strings.HasPrefix(rest[end:], literal) {
				return wrong("%q is missing behind part {%s}", literal, f.name)
			}
			part, rest = rest[:end], rest[end+len(literal):]
		} else {
			rest = ""
		}
		value, err := unescape(part)
		if err != nil {
			return wrong("part {%s}: %w", f.name, err)
		}
		if out[f.name], err = t.forms[i].read(value); err != nil {
			return wrong("part {%s}: %w", f.name, err)
		}
	}
	if rest != "" {
		return wrong("something stands behind its end")
	}
	again, missing, err := t.compose(out)
	switch {
	case err != nil:
		return wrong("%w", err)
	case len(missing) > 0:
		return wrong("part {%s} is empty", missing[0])
	case again != text:
		return wrong("its parts are written another way there")
	}
	return out, nil
}

// has reports whether an attribute is a part.
func (t *template) has(f *field) bool { return slices.Contains(t.parts, f) }

const hexDigits = "0123456789ABCDEF"

// escape writes a part so that none of the reserved characters stands in it.
func (t *template) escape(part string) (string, error) {
	if !utf8.ValidString(part) {
		return "", errors.New("it is no valid UTF-8, which DynamoDB's strings are")
	}
	if !strings.ContainsAny(part, t.reserved) {
		return part, nil
	}
	var b strings.Builder
	for i, r := range part {
		one := part[i : i+utf8.RuneLen(r)]
		if !strings.ContainsRune(t.reserved, r) {
			b.WriteString(one)
			continue
		}
		for j := range len(one) {
			b.WriteByte('%')
			b.WriteByte(hexDigits[one[j]>>4])
			b.WriteByte(hexDigits[one[j]&15])
		}
	}
	return b.String(), nil
}

func unescape(part string) (string, error) {
	if !strings.Contains(part, "%") {
		return part, nil
	}
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		if part[i] != '%' {
			b.WriteByte(part[i])
			continue
		}
		if i+2 >= len(part) {
			return "", errors.New("an escape is cut off: it is '%' and two digits")
		}
		high, low := strings.IndexByte(hexDigits, part[i+1]), strings.IndexByte(hexDigits, part[i+2])
		if high < 0 || low < 0 {
			return "", fmt.Errorf("an escape is '%%' and two of the digits %s", hexDigits)
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return b.String(), nil
}

// compose fills the composed attributes of an encoded item: a key of the table
// must have all its parts, a key of an index is left out without one of them.
func (p *plan) compose(op string, item Item) error {
	for _, f := range p.composed {
		av, err := f.template.whole(item)
		var missing *missingParts
		switch {
		case err == nil:
			item[f.name] = av
		case !f.inKey && errors.As(err, &missing):
			delete(item, f.name)
		default:
			return &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(item), Attribute: f.name, Err: err}
		}
	}
	return nil
}

// whole composes the value of the attribute, and checks that it can be a key.
func (t *template) whole(values Item) (*types.AttributeValueMemberS, error) {
	text, missing, err := t.compose(values)
	switch {
	case err != nil:
		return nil, err
	case len(missing) > 0:
		return nil, &missingParts{t, missing}
	case len(text) > t.limit:
		return nil, fmt.Errorf("composed by %q it is %d bytes long, allowed are %d", t.text, len(text), t.limit)
	}
	return &types.AttributeValueMemberS{Value: text}, nil
}

// missingParts is why a text cannot be composed.
type missingParts struct {
	t     *template
	names []string
}

func (e *missingParts) Error() string {
	return fmt.Sprintf("it is composed by %q, and %s is empty: give it a value", e.t.text, list(e.names))
}

// keyLimit is how many bytes a key attribute may have, wherever it is one.
func (s *Schema) keyLimit(name string) int {
	if name == s.Sort || slices.ContainsFunc(s.Indexes, func(x IndexSchema) bool { return x.Sort == name }) {
		return maxSortBytes
	}
	return maxHashBytes
}
