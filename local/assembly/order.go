package assembly

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// orderStacks puts each stack after those it depends on; by name otherwise.
func orderStacks(sources []stackSource) ([]stackSource, error) {
	byName := map[string]stackSource{}
	var names []string
	for _, s := range sources {
		if other, ok := byName[s.name]; ok {
			return nil, fmt.Errorf("%w: two stacks are named %s (%s and %s)", ErrInvalid, s.name, other.file, s.file)
		}
		byName[s.name] = s
		names = append(names, s.name)
	}
	slices.Sort(names)
	ordered, cycle := order(names, func(name string) []string {
		deps := slices.Clone(byName[name].dependsOn)
		slices.Sort(deps)
		return deps
	})
	if cycle != nil {
		return nil, fmt.Errorf("%w: stacks depend on each other in a circle: %s", ErrInvalid, strings.Join(cycle, " -> "))
	}
	var out []stackSource
	for _, name := range ordered {
		out = append(out, byName[name])
	}
	return out, nil
}

// orderResources puts each of the stack's resources after those it refers to.
func (s *stack) orderResources(ids []string) []string {
	ordered, cycle := order(ids, func(id string) []string {
		refs := map[string]bool{}
		t := s.template.Resources[id]
		switch deps := t.DependsOn.(type) {
		case string:
			refs[deps] = true
		case []any:
			for _, d := range deps {
				if text, ok := d.(string); ok {
					refs[text] = true
				}
			}
		}
		collectRefs(t.Properties, refs)
		return slices.Sorted(maps.Keys(refs))
	})
	if cycle != nil {
		at{stack: s, id: cycle[0]}.fail(ErrInvalid, "resources refer to each other in a circle: %s", strings.Join(cycle, " -> "))
		return nil
	}
	return ordered
}

// collectRefs finds every logical id that v refers to. Names that are none
// (pseudo parameters, parameters) do no harm: nothing is ordered after them.
func collectRefs(v any, refs map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			collectRefs(e, refs)
		}
	case map[string]any:
		for name, e := range v {
			switch text, list := asText(e), asList(e); name {
			case "Ref":
				refs[text] = true
			case "Fn::GetAtt":
				id, _, _ := strings.Cut(text, ".")
				refs[id] = true
				if len(list) > 0 {
					refs[asText(list[0])] = true
				}
			case "Fn::Sub":
				if len(list) > 0 {
					text = asText(list[0])
				}
				for _, part := range splitSub(text) {
					id, _, _ := strings.Cut(part.variable, ".")
					refs[id] = true
				}
			}
			collectRefs(e, refs)
		}
	}
}

func asText(v any) string { s, _ := v.(string); return s }
func asList(v any) []any  { l, _ := v.([]any); return l }

// order is a depth-first topological sort that keeps the given order where
// there is no dependency. Dependencies outside names are passed over. The
// second result is a cycle when there is one.
func order(names []string, dependencies func(string) []string) (ordered, cycle []string) {
	const (
		open = 1
		done = 2
	)
	member := map[string]bool{}
	for _, n := range names {
		member[n] = true
	}
	state := map[string]int{}
	var stack []string
	var visit func(string) bool
	visit = func(name string) bool {
		switch state[name] {
		case done:
			return true
		case open:
			cycle = append(slices.Clone(stack[slices.Index(stack, name):]), name)
			return false
		}
		state[name] = open
		stack = append(stack, name)
		for _, d := range dependencies(name) {
			if member[d] && !visit(d) {
				return false
			}
		}
		stack = stack[:len(stack)-1]
		state[name] = done
		ordered = append(ordered, name)
		return true
	}
	for _, n := range names {
		if !visit(n) {
			return nil, cycle
		}
	}
	return ordered, nil
}
