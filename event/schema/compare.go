package schema

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Kind says what a change does.
type Kind string

// The kinds of change; those above the line break readers.
const (
	Removed     Kind = "removed"      // a field is gone
	Retyped     Kind = "retyped"      // a field has another type
	NewRequired Kind = "new required" // a new field that is always there
	Required    Kind = "required"     // a field that could be missing or null cannot any more
	Optional    Kind = "optional"     // a field that was always there can be missing or null
	Tightened   Kind = "tightened"    // fewer values are allowed

	Added     Kind = "added"     // a new field that can be missing
	Loosened  Kind = "loosened"  // more values are allowed
	Described Kind = "described" // only text for people changed
)

// Breaking reports whether a change of this kind needs a new version.
func (k Kind) Breaking() bool {
	switch k {
	case Added, Loosened, Described:
		return false
	default:
		return true
	}
}

// Change is one difference between two schemas.
type Change struct {
	Kind Kind   `json:"kind"`
	Path string `json:"path"` // of the field: lines[].sku; empty for the data as a whole
	What string `json:"what"` // what was, what is
	Mend string `json:"mend"` // how it could be made without a new version; empty when it breaks nothing or there is no way
}

// String is the change for people.
func (c Change) String() string {
	s := c.What
	if c.Path != "" {
		s = fmt.Sprintf("field %q %s", c.Path, c.What)
	}
	if c.Mend != "" {
		s += ": " + c.Mend
	}
	return s
}

// Compare says what changed from one schema of this package to another, in order
// of the fields. Nothing is what it says of schemas that mean the same. The error
// is about bytes that are no such schema.
func Compare(old, now []byte) ([]Change, error) { return compare(old, now, false) }

// compare is [Compare]. Reading: now is only what old data is read into.
func compare(old, now []byte, reading bool) ([]Change, error) {
	o, err := parse(old)
	if err != nil {
		return nil, fmt.Errorf("the old schema: %w", err)
	}
	n, err := parse(now)
	if err != nil {
		return nil, fmt.Errorf("the new schema: %w", err)
	}
	c := comparer{old: o.Defs, now: n.Defs, reading: reading, anything: &node{}, seen: map[[2]*node]bool{}}
	c.compare("", o, n)
	return c.changes, nil
}

type comparer struct {
	old, now map[string]*node
	reading  bool
	anything *node             // stands for a node that is not there
	seen     map[[2]*node]bool // pairs that were compared or are being: references make circles
	changes  []Change
}

func (c *comparer) add(k Kind, path, mend, format string, args ...any) {
	c.changes = append(c.changes, Change{Kind: k, Path: path, What: fmt.Sprintf(format, args...), Mend: mend})
}

// compare goes through two nodes, either of which may be absent: that allows any
// value.
func (c *comparer) compare(path string, o, n *node) {
	o, oldNull := c.resolve(o, c.old)
	n, nowNull := c.resolve(n, c.now)
	pair := [2]*node{o, n}
	if c.seen[pair] {
		return
	}
	c.seen[pair] = true
	if c.reading && o.By != "" && n.By == "" && len(o.Type) > 0 { // a text can be read as one, whatever wrote it
		plain := *o
		plain.By, o = "", &plain
	}
	if was, is := o.kind(), n.kind(); was != is {
		c.add(Retyped, path, "", "was %s and is %s", was, is)
		return // what is in it says no more
	}
	if oldNull != nowNull && len(o.Type) > 0 {
		if nowNull {
			c.add(Optional, path, "", "was never null and can be now")
		} else {
			c.add(Required, path, "", "could be null and cannot be now")
		}
	}
	c.properties(path, o, n)
	c.rules(path, o, n)
	if o.Items != nil || n.Items != nil {
		c.compare(path+"[]", o.Items, n.Items)
	}
	if o.AdditionalProperties != nil || n.AdditionalProperties != nil {
		c.compare(path+"{}", o.AdditionalProperties, n.AdditionalProperties)
	}
	if (o.PropertyNames != nil || n.PropertyNames != nil) && !(c.reading && n.PropertyNames == nil) {
		text := &node{Type: names{"string"}}
		c.compare(path+"{name}", orElse(o.PropertyNames, text), orElse(n.PropertyNames, text))
	}
	if o.ContentSchema != nil || n.ContentSchema != nil {
		c.compare(path, o.ContentSchema, n.ContentSchema)
	}
	if o.Description != n.Description {
		c.add(Described, path, "", "has another description")
	}
}

func orElse(n, other *node) *node {
	if n == nil {
		return other
	}
	return n
}

// resolve follows references and takes null apart. A reference that leads
// nowhere allows any value.
func (c *comparer) resolve(n *node, defs map[string]*node) (_ *node, null bool) {
	for range len(defs) + 2 { // a chain of references is shorter, a circle ends
		switch {
		case n == nil:
			return c.anything, null
		case len(n.AnyOf) > 0:
			null = null || len(n.AnyOf) > 1
			n = n.AnyOf[0]
		case n.Ref != "":
			n = defs[strings.TrimPrefix(n.Ref, "#/$defs/")]
		default:
			return n, null || slices.Contains(n.Type, "null")
		}
	}
	return c.anything, null
}

// kind is the type in words, without null.
func (n *node) kind() string {
	types := slices.DeleteFunc(slices.Sorted(slices.Values(n.Type)), func(t string) bool { return t == "null" })
	s := strings.Join(slices.Compact(types), " or ")
	switch {
	case s == "" && n.By != "":
		s = "a value as " + n.By + " encodes itself"
	case s == "":
		s = "any value"
	case n.By != "":
		s += " as " + n.By + " encodes itself"
	}
	if n.formatIsType() {
		s += " of " + n.Format
	}
	if n.ContentEncoding != "" {
		s += " in " + n.ContentEncoding
	}
	if n.ContentMediaType != "" {
		s += " of " + n.ContentMediaType
	}
	return s
}

// formatIsType reports whether the format comes from the Go type and not from a
// rule: values of another format cannot be read.
func (n *node) formatIsType() bool { return n.Format == "date-time" || n.Format == "uint64" }

func (c *comparer) properties(path string, o, n *node) {
	all := maps.Clone(o.Properties)
	if all == nil {
		all = map[string]*node{}
	}
	maps.Copy(all, n.Properties)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, before := o.Properties[name]
		is, after := n.Properties[name]
		at := name
		if path != "" {
			at = path + "." + name
		}
		wasRequired, isRequired := slices.Contains(o.Required, name), slices.Contains(n.Required, name)
		switch {
		case !after:
			c.add(Removed, at, "keep it, and fill it as before", "is removed")
			continue
		case !before && isRequired:
			c.add(NewRequired, at, fmt.Sprintf("let it be left out, with `json:\"%s,omitempty\"` and without a rule that its empty value breaks", name), "is new and always there, and stored events do not have it")
			continue
		case !before:
			c.add(Added, at, "", "is new and can be missing")
			continue
		case !wasRequired && isRequired:
			c.add(Required, at, "leave `omitempty` where it was", "could be missing and cannot now, and stored events may lack it")
		case wasRequired && !isRequired:
			c.add(Optional, at, "take `omitempty` or `omitzero` away again", "was always there and can be missing now")
		}
		c.compare(at, was, is)
	}
}
