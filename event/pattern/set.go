package pattern

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Set matches one event against many patterns. The event is read once, and
// patterns that need a certain text somewhere, as most do of detail-type, are
// looked at only when the event has it. A Set is immutable and safe for
// concurrent use.
type Set struct {
	patterns int
	root     *step
	paths    int
	indexed  []index    // alternatives that need one of some texts at a path
	rest     []numbered // all others
	pool     sync.Pool  // of *state
}

// numbered is an alternative with the number of its pattern.
type numbered struct {
	alternative
	pattern int
}

// index is the alternatives that need one of some texts at one path.
type index struct {
	path   int
	byText map[string][]numbered
}

// NewSet makes a set of patterns, which keep their places: [Set.Match] answers
// with indexes into the arguments.
func NewSet(patterns ...*Pattern) *Set {
	s := &Set{patterns: len(patterns), root: newStep()}
	var all []numbered
	for i, p := range patterns {
		for _, a := range p.alternatives {
			clauses := slices.Clone(a.clauses) // the numbers of paths are this set's
			for j := range clauses {
				clauses[j].id = s.number(clauses[j].path)
			}
			all = append(all, numbered{alternative{clauses: clauses, absent: a.absent}, i})
		}
	}
	s.index(all)
	s.pool.New = func() any {
		return &state{values: make([][]value, s.paths), matched: make([]bool, s.patterns)}
	}
	return s
}

// number finds or makes the place of a path in the tree.
func (s *Set) number(path string) int {
	at := s.root
	for segment := range strings.SplitSeq(path, ".") {
		if at.next == nil {
			at.next = map[string]*step{}
		}
		if at.next[segment] == nil {
			at.next[segment] = newStep()
		}
		at = at.next[segment]
	}
	if at.id < 0 {
		at.id = s.paths
		s.paths++
	}
	return at.id
}

// index files each alternative under that one of its paths where it shares its
// texts with the fewest others.
func (s *Set) index(all []numbered) {
	type key struct {
		path int
		text string
	}
	shared := map[key]int{}
	for i := range all {
		for j := range all[i].clauses {
			c := &all[i].clauses[j]
			for _, text := range c.anchors() {
				shared[key{c.id, text}]++
			}
		}
	}
	places := map[int]int{} // of a path in s.indexed
	for _, a := range all {
		best, least := (*clause)(nil), 0
		for j := range a.clauses {
			c := &a.clauses[j]
			sum := 0
			for _, text := range c.anchors() {
				sum += shared[key{c.id, text}]
			}
			if sum > 0 && (best == nil || sum < least) {
				best, least = c, sum
			}
		}
		if best == nil {
			s.rest = append(s.rest, a)
			continue
		}
		place, ok := places[best.id]
		if !ok {
			place = len(s.indexed)
			places[best.id] = place
			s.indexed = append(s.indexed, index{path: best.id, byText: map[string][]numbered{}})
		}
		texts := best.anchors()
		slices.Sort(texts)
		for _, text := range slices.Compact(texts) {
			s.indexed[place].byText[text] = append(s.indexed[place].byText[text], a)
		}
	}
}

// anchors are the texts of which the clause needs one, nil when something else
// can satisfy it too.
func (c *clause) anchors() []string {
	if c.absent {
		return nil
	}
	var texts []string
	for _, cond := range c.conditions {
		if cond.op != opExact || cond.addr.IsValid() {
			return nil
		}
		texts = append(texts, cond.texts[0])
	}
	return texts
}

// Match appends to dst the indexes of the patterns that the event satisfies, in
// ascending order. event is the whole event as JSON; an error is of kind
// [ErrEvent]. It does not keep event.
func (s *Set) Match(event []byte, dst []int) ([]int, error) {
	if err := checkEvent(event); err != nil {
		return dst, err
	}
	st := s.pool.Get().(*state)
	sc := scanner{data: event, out: st}
	sc.space()
	sc.object(s.root, -1)

	for i := range s.rest {
		st.try(&s.rest[i])
	}
	for i := range s.indexed {
		ix := &s.indexed[i]
		for _, v := range st.values[ix.path] {
			if v.kind != kindString {
				continue
			}
			candidates := ix.byText[string(v.text)]
			for j := range candidates {
				st.try(&candidates[j])
			}
		}
	}
	for i, ok := range st.matched {
		if ok {
			dst = append(dst, i)
		}
	}
	st.reset()
	s.pool.Put(st)
	return dst, nil
}

func (st *state) try(a *numbered) {
	if st.matched[a.pattern] {
		return
	}
	st.chosen = st.chosen[:0]
	st.matched[a.pattern] = st.satisfies(&a.alternative)
}

func checkEvent(event []byte) error {
	switch {
	case !utf8.Valid(event):
		return fmt.Errorf("%w: it is not UTF-8", ErrEvent)
	case !json.Valid(event):
		return fmt.Errorf("%w: it is not JSON", ErrEvent)
	}
	if trimmed := bytes.TrimLeft(event, " \t\r\n"); trimmed[0] != '{' {
		return fmt.Errorf("%w: it is another JSON value", ErrEvent)
	}
	return nil
}
