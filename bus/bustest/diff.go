package bustest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// json is data in lines, its members in order of their names, so that what means
// the same reads the same. Members that are ignored are a dot.
func (o *Outcome) json(data string) []string {
	d := json.NewDecoder(strings.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return []string{"  " + data}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("  ", "  ")
	if err := e.Encode(o.without(v)); err != nil {
		return []string{"  " + data}
	}
	return strings.Split("  "+strings.TrimRight(b.String(), "\n"), "\n")
}

func (o *Outcome) without(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			if slices.Contains(o.ignore, name) {
				v[name] = "·"
			} else {
				v[name] = o.without(v[name])
			}
		}
	case []any:
		for i := range v {
			v[i] = o.without(v[i])
		}
	}
	return v
}

// diff shows how to come from some events to others, each a list of lines of which
// the first says what event it is: every line with "- ", "+ ", or, when both have
// it, two blanks before it.
func diff(from, to [][]string) []string {
	var out []string
	same := func(i, j int) int {
		switch {
		case slices.Equal(from[i], to[j]):
			return 3
		case from[i][0] == to[j][0]:
			return 2
		case eventType(from[i]) == eventType(to[j]):
			return 1
		}
		return 0
	}
	align(len(from), len(to), same, func(i, j int) {
		switch {
		case j < 0:
			out = append(out, prefixed("- ", from[i])...)
		case i < 0:
			out = append(out, prefixed("+ ", to[j])...)
		default:
			out = append(out, diffLines(from[i], to[j])...)
		}
	})
	return out
}

// eventType is what an event's first line begins with.
func eventType(lines []string) string {
	name, _, _ := strings.Cut(lines[0], " ")
	return name
}

func diffLines(from, to []string) []string {
	var out []string
	same := func(i, j int) int {
		if from[i] == to[j] {
			return 1
		}
		return 0
	}
	align(len(from), len(to), same, func(i, j int) {
		switch {
		case j < 0:
			out = append(out, "- "+from[i])
		case i < 0:
			out = append(out, "+ "+to[j])
		default:
			out = append(out, "  "+from[i])
		}
	})
	return out
}

func prefixed(prefix string, lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = prefix + l
	}
	return out
}

// align goes through two lists in step: it pairs what goes together, so that the
// sum of same, which is 0 for what does not, is the greatest, and shows each pair,
// and each element that has none with -1 for the other.
func align(n, m int, same func(i, j int) int, show func(i, j int)) {
	best := make([][]int, n+1) // of the lists from i and j on
	for i := range best {
		best[i] = make([]int, m+1)
	}
	for i := n - 1; i >= 0; i-- {
		for j := m - 1; j >= 0; j-- {
			best[i][j] = max(best[i+1][j], best[i][j+1])
			if s := same(i, j); s > 0 {
				best[i][j] = max(best[i][j], best[i+1][j+1]+s)
			}
		}
	}
	i, j := 0, 0
	for i < n || j < m {
		switch {
		case i < n && j < m && same(i, j) > 0 && best[i][j] == best[i+1][j+1]+same(i, j):
			show(i, j)
			i, j = i+1, j+1
		case j == m || i < n && best[i+1][j] == best[i][j]:
			show(i, -1)
			i++
		default:
			show(-1, j)
			j++
		}
	}
}
