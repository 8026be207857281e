package pattern

// membership says that something lies in one element of one array of the event.
type membership struct {
	array, index int
	outer        int // the element that the array itself is in, or -1
}

// choice is an element that the fields matched so far are in.
type choice struct{ array, index int }

// state is the scratch space of one match.
type state struct {
	values  [][]value // by the path's number
	members []membership
	chosen  []choice
	matched []bool // by the pattern's number
}

func (st *state) add(id int, v value) { st.values[id] = append(st.values[id], v) }

func (st *state) enter(array, index, outer int) int {
	st.members = append(st.members, membership{array: array, index: index, outer: outer})
	return len(st.members) - 1
}

// reset drops the event, of which values hold parts.
func (st *state) reset() {
	for i := range st.values {
		clear(st.values[i])
		st.values[i] = st.values[i][:0]
	}
	st.members = st.members[:0]
	st.chosen = st.chosen[:0]
	clear(st.matched)
}

// satisfies reports whether all clauses of a hold together.
func (st *state) satisfies(a *alternative) bool {
	if len(st.members) > 0 {
		return st.search(a, 0)
	}
	// No field is inside an array of objects: the clauses cannot get in each
	// other's way.
	for i := range a.clauses {
		if !st.holds(&a.clauses[i]) {
			return false
		}
	}
	return true
}

func (st *state) holds(c *clause) bool {
	values := st.values[c.id]
	if c.absent && len(values) == 0 {
		return true
	}
	for i := range values {
		if c.match(&values[i]) {
			return true
		}
	}
	return false
}

// search finds a value for the clause from on, and for those behind it, such
// that no two values are in different elements of the same array.
func (st *state) search(a *alternative, from int) bool {
	if from == len(a.clauses) {
		return true
	}
	c := &a.clauses[from]
	if c.absent && st.missing(c.id) && st.search(a, from+1) {
		return true
	}
	before := len(st.chosen)
	tried := -2 // the element whose values need no second try
	for i := range st.values[c.id] {
		v := &st.values[c.id][i]
		if v.member == tried || !st.consistent(v.member) || !c.match(v) {
			continue
		}
		tried = v.member
		st.choose(v.member)
		if st.search(a, from+1) {
			return true
		}
		if len(st.chosen) == before && !a.absent {
			return false // nothing was narrowed: any other value can only narrow more
		}
		st.chosen = st.chosen[:before]
	}
	return false
}

// missing reports whether no value of the path lies within what is chosen.
func (st *state) missing(id int) bool {
	for i := range st.values[id] {
		if st.consistent(st.values[id][i].member) {
			return false
		}
	}
	return true
}

// consistent reports whether member, and all that it is in, are elements that
// were chosen, or of arrays where nothing was chosen yet.
func (st *state) consistent(member int) bool {
	for ; member >= 0; member = st.members[member].outer {
		m := st.members[member]
		for _, c := range st.chosen {
			if c.array == m.array && c.index != m.index {
				return false
			}
		}
	}
	return true
}

func (st *state) choose(member int) {
next:
	for ; member >= 0; member = st.members[member].outer {
		m := st.members[member]
		for _, c := range st.chosen {
			if c.array == m.array {
				continue next
			}
		}
		st.chosen = append(st.chosen, choice{array: m.array, index: m.index})
	}
}
