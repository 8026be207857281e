package httpapi

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	defaultStage = "$default"
	defaultRoute = "$default"
	anyMethod    = "ANY"
)

var (
	methods      = []string{anyMethod, "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "DELETE"}
	variableName = regexp.MustCompile(`^[a-zA-Z0-9._:-]+$`)
)

// table finds the route of a request.
type table struct {
	paths    []*path // the most specific first
	fallback *Route  // $default
}

// path is a path pattern with a route for each method.
type path struct {
	segments []segment
	byMethod map[string]Route
}

type segment struct {
	kind segmentKind
	text string // the literal, or the variable's name
}

// segmentKind orders segments by how specific they are.
type segmentKind int

const (
	literal segmentKind = iota
	variable
	greedy
)

// match is a route with the values of its path variables.
type match struct {
	route     Route
	variables map[string]string
}

func (t *table) add(r Route) error {
	if r.Key == defaultRoute {
		if t.fallback != nil {
			return errors.New("there are two of it")
		}
		t.fallback = &r
		return nil
	}
	method, pattern, ok := strings.Cut(r.Key, " ")
	if !ok || !slices.Contains(methods, method) {
		return fmt.Errorf("a route key is %q or a method and a path; methods are %s", defaultRoute, strings.Join(methods, ", "))
	}
	segments, err := parsePath(pattern)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(t.paths, func(p *path) bool { return comparePaths(p.segments, segments) == 0 })
	if i < 0 {
		t.paths = append(t.paths, &path{segments, map[string]Route{method: r}})
		return nil
	}
	p := t.paths[i]
	if !slices.Equal(p.segments, segments) {
		return fmt.Errorf("another route has the same path with other names of its variables")
	}
	if _, taken := p.byMethod[method]; taken {
		return errors.New("there are two of it")
	}
	p.byMethod[method] = r
	return nil
}

func parsePath(pattern string) ([]segment, error) {
	if !strings.HasPrefix(pattern, "/") {
		return nil, fmt.Errorf("its path %q does not begin with /", pattern)
	}
	if pattern == "/" {
		return nil, nil
	}
	var segments []segment
	names := map[string]bool{}
	parts := strings.Split(pattern[1:], "/")
	for i, part := range parts {
		s := segment{literal, part}
		if name, ok := strings.CutPrefix(part, "{"); ok {
			if name, ok = strings.CutSuffix(name, "}"); !ok {
				return nil, fmt.Errorf("path segment %q has no }", part)
			}
			s = segment{variable, name}
			if plain, ok := strings.CutSuffix(name, "+"); ok {
				s = segment{greedy, plain}
				if i != len(parts)-1 {
					return nil, fmt.Errorf("the greedy variable %q is not the last segment", part)
				}
			}
			if !variableName.MatchString(s.text) || names[s.text] {
				return nil, fmt.Errorf("path variable %q has no good name, or one that was used before", part)
			}
			names[s.text] = true
		}
		if part == "" || s.kind == literal && strings.ContainsAny(part, "{}?#") {
			return nil, fmt.Errorf("path segment %q is empty or has one of {}?#; a path does not end with /", part)
		}
		segments = append(segments, s)
	}
	return segments, nil
}

// comparePaths orders the more specific path first, and is 0 for paths that
// take the same requests.
func comparePaths(a, b []segment) int {
	for i := range min(len(a), len(b)) {
		c := cmp.Compare(a[i].kind, b[i].kind)
		if c == 0 && a[i].kind == literal {
			c = cmp.Compare(a[i].text, b[i].text)
		}
		if c != 0 {
			return c
		}
	}
	// Different lengths: they take the same requests only if greedy, and a greedy
	// segment is the last, so the order does not matter.
	return cmp.Compare(len(b), len(a))
}

func (t *table) sort() {
	slices.SortFunc(t.paths, func(a, b *path) int { return comparePaths(a.segments, b.segments) })
}

// find returns the route for a decoded path.
func (t *table) find(method, decoded string) (match, bool) {
	var parts []string
	if decoded != "/" {
		parts = strings.Split(strings.TrimPrefix(decoded, "/"), "/")
	}
	for _, p := range t.paths {
		variables, ok := p.take(parts)
		if !ok {
			continue
		}
		if r, ok := p.byMethod[method]; ok {
			return match{r, variables}, true
		}
		if r, ok := p.byMethod[anyMethod]; ok {
			return match{r, variables}, true
		}
	}
	if t.fallback != nil {
		return match{*t.fallback, nil}, true
	}
	return match{}, false
}

// take matches the parts of a path and returns the values of the variables.
func (p *path) take(parts []string) (map[string]string, bool) {
	var variables map[string]string
	set := func(name, value string) {
		if variables == nil {
			variables = map[string]string{}
		}
		variables[name] = value
	}
	for i, s := range p.segments {
		if i >= len(parts) {
			return nil, false
		}
		switch {
		case s.kind == greedy:
			rest := strings.Join(parts[i:], "/")
			if rest == "" {
				return nil, false
			}
			set(s.text, rest)
			return variables, true
		case s.kind == variable && parts[i] != "":
			set(s.text, parts[i])
		case s.kind != literal || s.text != parts[i]:
			return nil, false
		}
	}
	return variables, len(parts) == len(p.segments)
}
