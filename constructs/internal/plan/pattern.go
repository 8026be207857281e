package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/pattern"
)

// Pattern is the EventBridge event pattern of a subscription: the source of its events
// ([bus.Definition.Source]), and what its selectors pick. Selectors that ask for the same content, as
// those do that ask for none, share one list of types; where there are several such
// lists they are the alternatives of $or. All are in sorted order, so that the
// pattern does not depend on the order of the selectors.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
func Pattern(source string, selectors []event.Selector) map[string]any {
	types := map[string][]event.Rule{} // by content
	for _, s := range selectors {
		if s == nil || s.Err() != nil {
			continue
		}
		content := content(s)
		types[content] = append(types[content], s.Rule())
	}
	var groups []map[string]any
	for _, content := range slices.Sorted(maps.Keys(types)) {
		group := decoded(content)
		group["detail-type"] = detailTypes(types[content])
		groups = append(groups, group)
	}
	whole := map[string]any{"source": []any{source}}
	if len(groups) > 1 {
		all := make([]any, len(groups))
		for i, g := range groups {
			all[i] = g
		}
		whole["$or"] = all
		return whole
	}
	whole["detail-type"] = []any{}
	for _, group := range groups {
		maps.Copy(whole, group)
	}
	return whole
}

// content is what a selector asks for besides the type, as JSON that is the same
// for the same.
func content(s event.Selector) string {
	rest := decoded(string(s.Pattern()))
	delete(rest, "detail-type")
	b, err := patternText(rest)
	if err != nil {
		panic("plan: what was read as JSON cannot be written: " + err.Error())
	}
	return string(b)
}

// patternText is a pattern as EventBridge gets it: < and > are themselves.
func patternText(m map[string]any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(m)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// decoded reads a selector's pattern. A selector without an error has one, and all
// of them are made by package event.
func decoded(text string) map[string]any {
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		panic(fmt.Sprintf("plan: a selector's pattern %s is no JSON object: %v", text, err))
	}
	return m
}

func detailTypes(rules []event.Rule) []any {
	slices.SortFunc(rules, func(a, b event.Rule) int {
		// Exact types first: an empty string sorts before every other.
		if c := strings.Compare(a.Prefix, b.Prefix); c != 0 {
			return c
		}
		if c := strings.Compare(a.Suffix, b.Suffix); c != 0 {
			return c
		}
		return strings.Compare(a.Exact, b.Exact)
	})
	types := []any{}
	for _, r := range slices.Compact(rules) {
		switch {
		case r.Exact != "":
			types = append(types, r.Exact)
		case r.Prefix != "":
			types = append(types, map[string]any{"prefix": r.Prefix})
		case r.Suffix != "":
			types = append(types, map[string]any{"suffix": r.Suffix})
		}
	}
	return types
}

// checkPattern finds a rule that could not be made, or would not be the one that
// is meant.
func (c *checker) checkPattern(d *bus.Definition, subject, at string) {
	made := Pattern(d.Source(c.Name.App), d.Selectors)
	text, err := patternText(made)
	if err != nil {
		c.addErr(subject, fmt.Errorf("event pattern: %w", err), at)
		return
	}
	if len(text) > maxPattern {
		c.add(Problem{
			What: fmt.Sprintf("%s: the rule's event pattern has %d characters", subject, len(text)), Where: at,
			Allowed: fmt.Sprintf("EventBridge allows %d", maxPattern), Mend: "want a family such as user.* in place of many single types, or make two subscriptions",
		})
	}
	if field, ok := nullIn("", made); ok {
		c.add(Problem{
			What: fmt.Sprintf("%s: the rule's event pattern compares %s with null", subject, field), Where: at,
			Allowed: "values that a CloudFormation template can hold, and null is none", Mend: "let omitempty leave the field out of the event and ask with NotExists, or filter in the handler",
		})
	}
	if types, flat := made["detail-type"].([]any); flat && len(types) == 0 {
		return // the definition's own Err says that it asks for nothing
	}
	if _, err := pattern.Compile(text); err != nil {
		c.add(Problem{
			What: fmt.Sprintf("%s: EventBridge would refuse the rule: %v", subject, err), Where: at,
			Allowed: "the operators and sizes of https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html", Mend: "give the field another JSON name, or make a subscription for each of the selectors",
		})
	}
}

// nullIn finds a null and says which field it is for.
func nullIn(path string, value any) (string, bool) {
	switch v := value.(type) {
	case nil:
		return path, true
	case []any:
		for _, x := range v {
			if at, ok := nullIn(path, x); ok {
				return at, true
			}
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			inside := path // $or is no field
			if name != "$or" {
				inside = strings.TrimPrefix(path+"."+name, ".")
			}
			if at, ok := nullIn(inside, v[name]); ok {
				return at, true
			}
		}
	}
	return "", false
}

func join(words []string) string { return strings.Join(words, ", ") }
