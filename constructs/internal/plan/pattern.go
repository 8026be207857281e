package plan

import (
	"slices"
	"strings"

	"github.com/vinci-go/vinci/event"
)

// Pattern is the EventBridge event pattern of a subscription: the application as
// source, and one alternative a selector for detail-type, in sorted order so
// that it does not depend on the order of the selectors.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
func Pattern(app string, selectors []event.Selector) map[string]any {
	var rules []event.Rule
	for _, s := range selectors {
		if s != nil && s.Err() == nil {
			rules = append(rules, s.Rule())
		}
	}
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
	return map[string]any{"source": []any{app}, "detail-type": types}
}

func join(words []string) string { return strings.Join(words, ", ") }
