package pattern

import (
	"fmt"
	"slices"
	"strings"
)

// maxAlternatives bounds what the $or of one pattern may multiply out to, as
// EventBridge does.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
const maxAlternatives = 1000

// clause is what one path must satisfy: one of the conditions, or absence.
type clause struct {
	path       string // segments joined by dots
	id         int    // the path's number in the set that matches
	conditions []condition
	absent     bool // {"exists": false} is among the alternatives
}

// alternative is one way to match: all its clauses hold. $or multiplies
// alternatives.
type alternative struct {
	clauses []clause // by path
	absent  bool     // one of the clauses accepts absence
}

// Pattern is a compiled event pattern. It is immutable and safe for concurrent
// use.
type Pattern struct {
	source       string
	alternatives []alternative
	set          *Set // of this pattern alone
}

// Compile reads an event pattern. Every error is an [*Error] of kind
// [ErrInvalid].
func Compile(pattern []byte) (*Pattern, error) {
	root, err := parseTree(pattern)
	if err != nil {
		return nil, &Error{Reason: err.Error()}
	}
	if root.kind != kindObject {
		return nil, &Error{Reason: fmt.Sprintf("it is %s, not an object", root)}
	}
	alternatives, err := compileObject([]alternative{{}}, "", root, false)
	if err != nil {
		return nil, err
	}
	for i := range alternatives {
		// EventBridge looks at fields in the order of their paths.
		slices.SortFunc(alternatives[i].clauses, func(a, b clause) int { return strings.Compare(a.path, b.path) })
	}
	p := &Pattern{source: string(pattern), alternatives: alternatives}
	p.set = NewSet(p)
	return p, nil
}

// String is the pattern as it was written.
func (p *Pattern) String() string { return p.source }

// HasWildcard reports whether the pattern uses the operator wildcard, also inside
// of anything-but. EventBridge allows 30 rules of that kind on a bus.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
func (p *Pattern) HasWildcard() bool {
	for _, a := range p.alternatives {
		for _, c := range a.clauses {
			for _, cond := range c.conditions {
				if cond.op == opWildcard {
					return true
				}
			}
		}
	}
	return false
}

// Match reports whether the event satisfies the pattern. event is the whole
// event as JSON; an error is of kind [ErrEvent].
func (p *Pattern) Match(event []byte) (bool, error) {
	var buf [1]int
	matched, err := p.set.Match(event, buf[:0])
	return len(matched) > 0, err
}

// compileObject adds the object's fields to each alternative. inOr says that
// the object is, or is inside, an element of $or.
func compileObject(alternatives []alternative, path string, n node, inOr bool) ([]alternative, error) {
	if len(n.members) == 0 {
		return nil, &Error{Path: path, Reason: "{} is not allowed: leave the field out to match any event"}
	}
	for _, m := range n.members {
		var err error
		if m.name == "$or" {
			alternatives, err = compileOr(alternatives, path, m.value)
		} else {
			alternatives, err = compileField(alternatives, join(path, m.name), m, inOr)
		}
		if err != nil {
			return nil, err
		}
	}
	return alternatives, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func compileField(alternatives []alternative, path string, m member, inOr bool) ([]alternative, error) {
	if inOr && reserved(m.name) {
		return nil, &Error{Path: path, Reason: fmt.Sprintf("%q cannot be a field inside $or: it names an operator; operators stand in a field's array, as in \"field\": [{%q: ...}]", m.name, m.name)}
	}
	switch m.value.kind {
	case kindObject:
		return compileObject(alternatives, path, m.value, inOr)
	case kindArray:
		c, err := compileClause(path, m.value)
		if err != nil {
			return nil, err
		}
		for i := range alternatives {
			a := &alternatives[i]
			if slices.ContainsFunc(a.clauses, func(other clause) bool { return other.path == path }) {
				return nil, &Error{Path: path, Reason: "the path is named twice: put all its alternatives into one array"}
			}
			a.clauses = append(a.clauses, c)
			a.absent = a.absent || c.absent
		}
		return alternatives, nil
	default:
		return nil, &Error{Path: path, Reason: fmt.Sprintf("%s stands alone: a field's value is an array of alternatives, [%s], or an object", m.value, m.value)}
	}
}

// compileOr multiplies the alternatives by the elements of $or.
func compileOr(alternatives []alternative, path string, n node) ([]alternative, error) {
	at := join(path, "$or")
	if n.kind != kindArray {
		return nil, &Error{Path: at, Reason: fmt.Sprintf("the value is %s: $or takes an array of objects", n)}
	}
	if len(n.items) < 2 {
		return nil, &Error{Path: at, Reason: fmt.Sprintf("it has %d elements: $or takes an array of at least two objects", len(n.items))}
	}
	var all []alternative
	for _, item := range n.items {
		if item.kind != kindObject {
			return nil, &Error{Path: at, Reason: fmt.Sprintf("an element is %s: $or takes an array of objects", item)}
		}
		branch := make([]alternative, len(alternatives))
		for i, a := range alternatives {
			branch[i] = alternative{clauses: slices.Clone(a.clauses), absent: a.absent}
		}
		branch, err := compileObject(branch, path, item, true)
		if err != nil {
			return nil, err
		}
		all = append(all, branch...)
		if len(all) > maxAlternatives {
			return nil, &Error{Path: at, Reason: fmt.Sprintf("$or multiplies out to more than %d combinations, which is the most that is allowed", maxAlternatives)}
		}
	}
	return all, nil
}

func compileClause(path string, n node) (clause, error) {
	if len(n.items) == 0 {
		return clause{}, &Error{Path: path, Reason: "[] is not allowed: an array of alternatives has at least one"}
	}
	c := clause{path: path}
	for _, item := range n.items {
		cond, err := compileCondition(item)
		if err != nil {
			return clause{}, &Error{Path: path, Reason: err.Error()}
		}
		if cond.op == opAbsent {
			c.absent = true
		} else {
			c.conditions = append(c.conditions, cond)
		}
	}
	var wild []wildcard
	for i := range c.conditions {
		wild = append(wild, c.conditions[i].wildcards...)
	}
	if tooComplex(wild) {
		return clause{}, &Error{Path: path, Reason: errComplex}
	}
	return c, nil
}

// reserved names cannot be fields inside $or: operators, and words that
// EventBridge keeps for operators to come.
func reserved(name string) bool {
	switch name {
	case "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
		"=", "<", "<=", ">", ">=",
		"regex", "not-wildcard", "not-equals-ignore-case",
		"date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range",
		"ip-address-in-range", "ip-address-not-in-range":
		return true
	}
	return false
}
