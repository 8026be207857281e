package stacklock

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func members(group string, names ...string) []Member {
	var all []Member
	for _, name := range names {
		all = append(all, Member{Name: name, Group: group})
	}
	return all
}

func locked(pairs ...string) *Lock {
	all := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return (&Lock{}).With(all)
}

func TestAssign(t *testing.T) {
	for name, test := range map[string]struct {
		lock    *Lock
		members []Member
		want    map[string]string
		must    bool
		unknown bool
	}{
		"fits without a lock": {&Lock{}, members("g", "a", "b", "c"), map[string]string{"a": "g", "b": "g", "c": "g"}, false, false},
		"does not fit":        {&Lock{}, members("g", "d", "a", "b", "c"), map[string]string{"a": "g", "b": "g", "c": "g", "d": "g_2"}, true, true},
		"new one in a full stack": {
			locked("b", "g", "c", "g", "d", "g"), members("g", "a", "b", "c", "d"),
			map[string]string{"a": "g_2", "b": "g", "c": "g", "d": "g"}, true, false,
		},
		"new one in a stack with room, beside another": {
			locked("b", "g", "c", "g_2"), members("g", "a", "b", "c"), map[string]string{"a": "g", "b": "g", "c": "g_2"}, true, false,
		},
		"what was removed keeps its place": {
			locked("a", "g", "b", "g", "x", "g"), members("g", "a", "b", "c"), map[string]string{"a": "g", "b": "g", "c": "g_2"}, true, false,
		},
		"the layout changed": {locked("a", "g", "b", "g_2"), members("h", "a", "b"), map[string]string{"a": "g", "b": "g_2"}, false, false},
		"some may be deployed": {
			locked("a", "g", "b", "g"), members("g", "a", "b", "c", "d"), map[string]string{"a": "g", "b": "g", "c": "g", "d": "g_2"}, true, true,
		},
		"not a stack of this group": {
			locked("a", "g_x", "b", "g_02", "c", "g_1"), members("g", "d"), map[string]string{"d": "g"}, false, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := Assign(test.lock, test.members, 3)
			if !maps.Equal(a.stacks, test.want) {
				t.Errorf("stacks are %v, want %v", a.stacks, test.want)
			}
			g := a.Groups()[0]
			if g.MustLock != test.must || g.Unknown != test.unknown {
				t.Errorf("must lock %v, unknown %v; want %v, %v", g.MustLock, g.Unknown, test.must, test.unknown)
			}
			if again := Assign(a.Lock(), test.members, 3); !maps.Equal(again.stacks, a.stacks) || again.Groups()[0].MustLock {
				t.Errorf("locked, it is %v", again.stacks)
			}
		})
	}
}

// TestNobodyMoves: whatever is added, removed, regrouped, locked, merged and deployed,
// in whatever order, a subscription that is deployed stays in its stack, and no stack
// has more than it takes. What is refused is not deployed; and what nobody can know is
// asked from what is deployed, as `vinci stacks lock --deployment` does.
func TestNobodyMoves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const room = 2
		lock := &Lock{}
		now := map[string]string{}      // subscription → group
		deployed := map[string]string{} // subscription → stack
		all := func() []Member {
			var list []Member
			for _, name := range slices.Sorted(maps.Keys(now)) {
				list = append(list, Member{Name: name, Group: now[name]})
			}
			return list
		}
		name := rapid.Custom(func(t *rapid.T) string { return fmt.Sprintf("s%d", rapid.IntRange(0, 7).Draw(t, "n")) })
		group := rapid.SampledFrom([]string{"g", "h"})
		relock := func(l *Lock) *Lock {
			a := Assign(l, all(), room)
			if slices.ContainsFunc(a.Groups(), func(g Group) bool { return g.Unknown }) {
				known := map[string]string{}
				for s, stack := range deployed {
					if _, ok := l.Stack(s); !ok && now[s] != "" {
						known[s] = stack
					}
				}
				a = Assign(l.With(known), all(), room)
			}
			return a.Lock()
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				n := name.Draw(t, "name")
				if _, ok := now[n]; ok {
					return
				}
				// One that was never locked is forgotten when it is removed: it may come back when
				// every deployment has been deployed without it.
				if _, isLocked := lock.Stack(n); !isLocked && deployed[n] != "" {
					return
				}
				now[n] = group.Draw(t, "group")
			},
			"remove": func(t *rapid.T) { delete(now, name.Draw(t, "name")) },
			"regroup what is locked": func(t *rapid.T) {
				n := name.Draw(t, "name")
				if _, ok := lock.Stack(n); ok && now[n] != "" {
					now[n] = group.Draw(t, "group")
				}
			},
			"lock": func(t *rapid.T) { lock = relock(lock) },
			"prune": func(t *rapid.T) { // when every deployment is without them
				var gone []string
				for _, s := range lock.Subscriptions() {
					if now[s] == "" && deployed[s] == "" {
						gone = append(gone, s)
					}
				}
				lock = lock.Without(gone)
			},
			"deploy": func(t *rapid.T) {
				a := Assign(lock, all(), room)
				if slices.ContainsFunc(a.Groups(), func(g Group) bool { return g.MustLock }) {
					return // refused
				}
				next, load := map[string]string{}, map[string]int{}
				for s := range now {
					next[s] = a.Stack(s)
					load[a.Stack(s)]++
					if was, ok := deployed[s]; ok && was != a.Stack(s) {
						t.Fatalf("subscription %s moved from %s to %s", s, was, a.Stack(s))
					}
				}
				for stack, n := range load {
					if n > room {
						t.Fatalf("stack %s has %d subscriptions", stack, n)
					}
				}
				deployed = next
			},
		})
	})
}

// TestMerge: two branches that each add to one lock are merged line by line; nobody
// moves, and no stack has more than both sides put into it.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const room = 4
		add := func(prefix string, n int) []Member {
			var all []Member
			for i := range n {
				all = append(all, Member{Name: fmt.Sprintf("%s%02d", prefix, i), Group: "g"})
			}
			return all
		}
		base := add("b", rapid.IntRange(0, 12).Draw(t, "base"))
		ours := add("o", rapid.IntRange(0, 5).Draw(t, "ours"))
		theirs := add("t", rapid.IntRange(0, 5).Draw(t, "theirs"))
		common := Assign(&Lock{}, base, room).Lock()
		left := Assign(common, append(slices.Clone(base), ours...), room).Lock()
		right := Assign(common, append(slices.Clone(base), theirs...), room).Lock()
		merged, err := Decode(append(left.Encode(), right.Encode()...))
		if err != nil {
			t.Fatal(err)
		}
		everything := slices.Concat(base, ours, theirs)
		a := Assign(merged, everything, room)
		if !a.Lock().Equal(merged) {
			t.Fatal("a merge of two locks that are complete is not complete")
		}
		load := map[string]int{}
		for _, m := range everything {
			load[a.Stack(m.Name)]++
			for _, side := range []*Lock{left, right} {
				if stack, ok := side.Stack(m.Name); ok && stack != a.Stack(m.Name) {
					t.Fatalf("%s moved from %s to %s", m.Name, stack, a.Stack(m.Name))
				}
			}
		}
		for stack, n := range load {
			if n > 2*room {
				t.Fatalf("stack %s has %d subscriptions", stack, n)
			}
		}
	})
}
