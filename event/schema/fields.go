package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Field is one field of an event's data, for people.
type Field struct {
	Path        string `json:"path"`     // lines[].sku
	Type        string `json:"type"`     // string, integer or null, array of object
	Optional    bool   `json:"optional"` // it can be missing
	Rules       string `json:"rules,omitempty"`
	Description string `json:"description,omitempty"`
}

// Fields lists the fields of a schema of this package in order of their names,
// each followed by those inside it. What a type that holds itself has inside is
// listed once.
func Fields(b []byte) ([]Field, error) {
	root, err := parse(b)
	if err != nil {
		return nil, err
	}
	l := lister{comparer: comparer{anything: &node{}}, defs: root.Defs}
	n, _ := l.resolve(root, root.Defs)
	l.list("", n, nil)
	return l.fields, nil
}

type lister struct {
	comparer // resolves references
	defs     map[string]*node
	fields   []Field
}

func (l *lister) list(path string, n *node, within []*node) {
	if slices.Contains(within, n) {
		return
	}
	within = append(within[:len(within):len(within)], n)
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		raw := n.Properties[name]
		p, null := l.resolve(raw, l.defs)
		at := name
		if path != "" {
			at = path + "." + name
		}
		f := Field{Path: at, Type: l.typeText(p, null), Optional: !slices.Contains(n.Required, name), Rules: p.ruleText(), Description: p.Description}
		if raw != nil && raw != p && raw.Description != "" {
			f.Description = raw.Description
		}
		l.fields = append(l.fields, f)
		for inside := p; inside != nil; {
			switch {
			case inside.Items != nil:
				at += "[]"
				inside, _ = l.resolve(inside.Items, l.defs)
				continue
			case inside.AdditionalProperties != nil && inside.Properties == nil:
				at += "{}"
				inside, _ = l.resolve(inside.AdditionalProperties, l.defs)
				continue
			}
			l.list(at, inside, within)
			break
		}
	}
}

func (l *lister) typeText(n *node, null bool) string {
	s := n.kind()
	switch {
	case n.Items != nil:
		inner, innerNull := l.resolve(n.Items, l.defs)
		s += " of " + l.typeTextOnce(inner, innerNull)
	case n.AdditionalProperties != nil && n.Properties == nil:
		inner, innerNull := l.resolve(n.AdditionalProperties, l.defs)
		s = "map of " + l.typeTextOnce(inner, innerNull)
	}
	if null {
		s += " or null"
	}
	return s
}

// typeTextOnce goes one level deep only: a list may hold itself.
func (l *lister) typeTextOnce(n *node, null bool) string {
	s := n.kind()
	if null {
		s += " or null"
	}
	return s
}

// ruleText is what a value must satisfy, in the words of the schema.
func (n *node) ruleText() string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if n.Enum != nil {
		var values []string
		for _, v := range n.Enum {
			values = append(values, string(v))
		}
		add("one of %s", strings.Join(values, ", "))
	}
	if n.Format != "" && !n.formatIsType() {
		add("%s", n.Format)
	}
	for _, b := range []struct {
		word string
		is   limit
	}{
		{"minimum", number(n.Minimum)}, {"maximum", number(n.Maximum)},
		{"above", number(n.ExclusiveMinimum)}, {"below", number(n.ExclusiveMaximum)},
		{"minLength", count(n.MinLength)}, {"maxLength", count(n.MaxLength)},
		{"minItems", count(n.MinItems)}, {"maxItems", count(n.MaxItems)},
		{"minProperties", count(n.MinProperties)}, {"maxProperties", count(n.MaxProperties)},
	} {
		if b.is.text != "" {
			add("%s %s", b.word, b.is.text)
		}
	}
	if n.UniqueItems {
		add("no element twice")
	}
	return strings.Join(append(all, n.Rules...), ", ")
}
