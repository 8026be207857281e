package pattern

import (
	"encoding/binary"
	"slices"
)

// maxComplexity is the number of prefixes of wildcards at which a field is too
// complex. EventBridge does not document its number: it refuses *:*:*:*:*:event-bus/*,
// of which ten prefixes match ":::::", and takes patterns with seven.
const maxComplexity = 10

// errComplex is EventBridge's text.
const errComplex = "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character"

// maxSets bounds the search for the worst text. A field for which it does not
// suffice is taken.
const maxSets = 20_000

// prefix is the beginning of one or more wildcards: a node of their tree.
type prefix struct {
	next map[byte]int // by the byte that follows
	star int          // the node of the * that follows, 0 for none
	loop bool         // it ends in *
}

// tooComplex reports whether there is a text that maxComplexity of the wildcards'
// prefixes match at a time: so many places a matcher would have to keep.
func tooComplex(all []wildcard) bool {
	tree := []prefix{{}}
	add := func(at int, c byte, star bool) int {
		if star && tree[at].star != 0 {
			return tree[at].star
		}
		if n, ok := tree[at].next[c]; !star && ok {
			return n
		}
		tree = append(tree, prefix{loop: star})
		n := len(tree) - 1
		if star {
			tree[at].star = n
		} else {
			if tree[at].next == nil {
				tree[at].next = map[byte]int{}
			}
			tree[at].next[c] = n
		}
		return n
	}
	stars := 0
	for _, w := range all {
		at := 0
		for i, part := range w.parts {
			if i > 0 {
				at = add(at, 0, true)
				stars++
			}
			for _, c := range part {
				at = add(at, c, false)
			}
		}
	}
	if stars == 0 {
		return false
	}
	return searchWorst(tree)
}

// searchWorst goes through the sets of prefixes that texts can match.
func searchWorst(tree []prefix) bool {
	closed := func(set []int) []int { // a * may stand for nothing
		for i := 0; i < len(set); i++ {
			if s := tree[set[i]].star; s != 0 && !slices.Contains(set, s) {
				set = append(set, s)
			}
		}
		slices.Sort(set)
		return set
	}
	seen := map[string]bool{}
	todo := [][]int{closed([]int{0})}
	for len(todo) > 0 && len(seen) < maxSets {
		set := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		tried := map[byte]bool{}
		for _, n := range set {
			for c := range tree[n].next {
				if tried[c] {
					continue
				}
				tried[c] = true
				var after []int
				for _, m := range set {
					if tree[m].loop {
						after = append(after, m)
					}
					if to, ok := tree[m].next[c]; ok && !slices.Contains(after, to) {
						after = append(after, to)
					}
				}
				after = closed(after)
				if len(after) >= maxComplexity {
					return true
				}
				var key []byte
				for _, m := range after {
					key = binary.AppendUvarint(key, uint64(m))
				}
				if !seen[string(key)] {
					seen[string(key)] = true
					todo = append(todo, after)
				}
			}
		}
	}
	return false
}
