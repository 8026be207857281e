package orm

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// checkTemplates reads the template tags, when all attributes and keys are known.
func (d *definer) checkTemplates() {
	for i := range d.plan.fields {
		f, text := &d.plan.fields[i], d.schema.Attributes[i].Template
		if text == "" {
			continue
		}
		what := fmt.Sprintf("template:%q", text)
		before := len(d.problems)
		d.composable(f, what)
		literals, names, problem := parseTemplate(text, d.plan.byName)
		if problem != "" {
			d.problem(f.goName, what+": "+problem)
			continue
		}
		t := &template{text: text, literals: literals, reserved: "%", limit: d.schema.keyLimit(f.name)}
		for _, literal := range literals[1:] {
			if r, n := utf8.DecodeRuneInString(literal); n > 0 && !strings.ContainsRune(t.reserved, r) {
				t.reserved += string(r)
			}
		}
		for _, n := range names {
			if part, form, ok := d.part(f, n, what); ok {
				t.parts, t.forms = append(t.parts, part), append(t.forms, form)
			}
		}
		if f == d.plan.hash && strings.HasPrefix(literals[0], uniquePrefix) {
			d.problem(f.goName, fmt.Sprintf("%s: %v", what, errReservedKey))
		}
		if len(d.problems) == before {
			f.template = t
		}
	}
}

// composable checks the attribute that has the template.
func (d *definer) composable(f *field, what string) {
	if f.kind != "" && (f.kind != "S" || !d.plan.raw && (f.typ.Kind() != reflect.String || marshals(f.typ))) {
		d.problem(f.goName, fmt.Sprintf("%s makes a string, this is %s: use string", what, f.goType))
	}
	if !d.isKey(f) {
		d.problem(f.goName, fmt.Sprintf("%s is for keys, and the attribute is none: add `,hash` or `,range` to its dynamo tag, or an index tag", what))
	}
	if f.stamp != "" || f.version {
		d.problem(f.goName, fmt.Sprintf("%s: the attribute is a stamp or the version as well: take one of the two tags away", what))
	}
	d.filled(f, what)
}

// isKey reports whether a field is a key of the table or of an index.
func (d *definer) isKey(f *field) bool {
	return f == d.plan.hash || f == d.plan.sort ||
		slices.ContainsFunc(d.schema.Indexes, func(x IndexSchema) bool { return x.Sort == f.name || x.Hash == f.name && !x.Local })
}

// placeholder is one {name} or {name:06} of a template.
type placeholder struct {
	name  string
	width string // what stands behind the colon
}

// part finds an attribute that a template names and how it is written there.
func (d *definer) part(f *field, n placeholder, what string) (*field, partForm, bool) {
	before := len(d.problems)
	bad := func(format string, args ...any) {
		d.problem(f.goName, fmt.Sprintf("%s: {%s} ", what, n.name)+fmt.Sprintf(format, args...))
	}
	part, ok := d.plan.byName[n.name]
	if !ok {
		bad("is none of the table's attributes: it has %s", list(attributeNames(d.schema)))
		return nil, partForm{}, false
	}
	var form partForm
	at := slices.IndexFunc(d.schema.Attributes, func(a AttributeSchema) bool { return a.Name == part.name })
	switch {
	case part == f:
		bad("is the attribute itself: name others")
	case d.schema.Attributes[at].Template != "":
		bad("is composed by a template itself: name the attributes that it is made of")
	case part.kind == "": // its type is a problem of its own
	case strings.HasPrefix(part.goType, "*"):
		bad("is the pointer %s, which may be nil, and a part always has a value: use %s", part.goType, part.goType[1:])
	default:
		if form.kind = part.partKind(); form.kind == 0 {
			bad("is %s, stored as %s, and cannot be a part: strings, whole numbers, times and text types can", part.goType, part.kind)
		}
	}
	if part.version || part.stamp == stampUpdated {
		bad("changes with every write, and the key would with it: take it out of the template")
	}
	if n.width != "" {
		form.width = d.width(n.width, form, bad)
	}
	if part.hidden && !f.hidden {
		bad("is hidden, and this attribute would show it: add `output:\"hidden\"` here too")
	}
	if part.masked && !f.masked && !f.hidden {
		bad("is masked in logs, and this attribute would show it: add `log:\"masked\"` here too")
	}
	return part, form, len(d.problems) == before
}

// maxWidth is how many digits the largest uint64 has.
const maxWidth = 20

func (d *definer) width(text string, form partForm, bad func(string, ...any)) int {
	n, err := strconv.Atoi(text)
	if err != nil || text[0] != '0' || n < 1 || n > maxWidth {
		bad("has the width %q: write 0 and a number from 1 to %d, such as {order:06}", text, maxWidth)
		return 0
	}
	if form.kind != partNumber && form.kind != 0 {
		bad("is no number and cannot be padded: take %q out", ":"+text)
	}
	return n
}

// partKind says how a field is written as a part, 0 when it cannot be one.
func (f *field) partKind() partKind {
	switch {
	case f.kind == "S" && f.isTime():
		return partTime
	case f.kind == "S":
		return partText
	case f.kind == "N" && f.isTime():
		return partUnix
	case f.kind == "N" && f.whole():
		return partNumber
	}
	return 0
}

// isTime reports whether a field is a time.Time, or a pointer to one.
func (f *field) isTime() bool {
	if f.typ != nil {
		return indirect(f.typ) == timeType
	}
	return strings.TrimPrefix(f.goType, "*") == timeType.String()
}

// whole reports whether a number is always a whole one.
func (f *field) whole() bool {
	if f.typ != nil {
		rt := f.typ
		return rt.Kind() >= reflect.Int && rt.Kind() <= reflect.Uint64
	}
	return !f.floats && f.goType != decimalType.String()
}

// parseTemplate takes a template apart: the literals, one more than the
// placeholders between them. problem says what is wrong with it.
func parseTemplate(text string, attributes map[string]*field) (literals []string, names []placeholder, problem string) {
	rest := text
	for {
		open := strings.IndexAny(rest, "{}")
		literal := rest
		if open >= 0 {
			literal = rest[:open]
		}
		if problem := checkLiteral(literal, names); problem != "" {
			return nil, nil, problem
		}
		literals = append(literals, literal)
		if open < 0 {
			break
		}
		end := strings.IndexAny(rest[open+1:], "{}")
		if rest[open] == '}' || end < 0 || rest[open+1+end] == '{' {
			return nil, nil, "its braces do not match: a part is written {attribute}"
		}
		if len(names) > 0 && literal == "" {
			return nil, nil, fmt.Sprintf("nothing stands between {%s} and the next part, so nobody could tell where one ends: put a separator between them, such as '#'", names[len(names)-1].name)
		}
		name := rest[open+1 : open+1+end]
		n := placeholder{name: name}
		if colon := strings.LastIndexByte(name, ':'); attributes[name] == nil && colon >= 0 {
			n = placeholder{name[:colon], name[colon+1:]}
			if n.width == "" {
				return nil, nil, fmt.Sprintf("{%s} has no width behind the colon: write 0 and the number of digits, such as {%s:06}", name, n.name)
			}
		}
		if slices.ContainsFunc(names, func(o placeholder) bool { return o.name == n.name }) {
			return nil, nil, fmt.Sprintf("{%s} stands there twice: take one away", n.name)
		}
		names = append(names, n)
		rest = rest[open+1+end+1:]
	}
	if len(names) == 0 {
		return nil, nil, "it names no attribute: a part is written {attribute}"
	}
	return literals, names, ""
}

// checkLiteral says what is wrong with the text behind the given placeholders.
func checkLiteral(literal string, before []placeholder) string {
	if strings.Contains(literal, "%") {
		return "'%' is for escapes in the parts and cannot stand outside of them: use another character"
	}
	if i := strings.IndexFunc(literal, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }); i >= 0 {
		return fmt.Sprintf("%q has a character that cannot be printed: use another", literal)
	}
	if first, n := utf8.DecodeRuneInString(literal); n > 0 && len(before) > 0 && (unicode.IsLetter(first) || unicode.IsDigit(first)) {
		return fmt.Sprintf("%q stands behind {%s} and begins with a letter or digit, which the part would have to escape: begin it with a separator, such as '#'", literal, before[len(before)-1].name)
	}
	return ""
}
