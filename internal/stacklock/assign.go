package stacklock

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Room is how many subscriptions a stack is filled with. CloudFormation takes 500
// resources a stack and these have 400: so a full one can still be deployed when two
// branches each added one, or when a later version of Vinci makes a resource more of each.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const Room = 25

// Member is a subscription and the group that the application's layout gives it.
type Member struct {
	Name  string
	Group string // the name of the group's first stack
}

// Assignment is where the subscriptions of an application are.
type Assignment struct {
	lock   *Lock
	stacks map[string]string
	groups []Group
}

// Group is what is to be said of a group.
type Group struct {
	Name     string
	Members  []string // sorted
	Unlocked []string // members that the lock does not name, sorted
	// MustLock: where the unlocked are follows from which others there are, so
	// they may only be deployed when they are locked.
	MustLock bool
	// Unknown: of the unlocked some may be deployed, in the group's first stack, and
	// nobody here knows which.
	Unknown bool
}

// Part is the name of a group's stack: that of the group, then with _2, _3.
func Part(group string, n int) string {
	if n == 1 {
		return group
	}
	return fmt.Sprintf("%s_%d", group, n)
}

// Assign puts each member into a stack. A stack is given no new member when it has
// as many as room says. The lock's lines of subscriptions that are not members count: some
// deployment may still have them, and they may come back.
func Assign(l *Lock, members []Member, room int) *Assignment {
	a := &Assignment{lock: l, stacks: map[string]string{}}
	load := map[string]int{}
	for _, stack := range l.stacks {
		load[stack]++
	}
	sorted := slices.SortedFunc(slices.Values(members), func(x, y Member) int {
		return cmp.Or(cmp.Compare(x.Group, y.Group), cmp.Compare(x.Name, y.Name))
	})
	for len(sorted) > 0 {
		n := slices.IndexFunc(sorted, func(m Member) bool { return m.Group != sorted[0].Group })
		if n < 0 {
			n = len(sorted)
		}
		a.groups = append(a.groups, a.place(sorted[0].Group, sorted[:n], load, room))
		sorted = sorted[n:]
	}
	return a
}

// place puts the members of one group into its stacks.
func (a *Assignment) place(group string, members []Member, load map[string]int, room int) Group {
	g := Group{Name: group}
	for _, m := range members {
		g.Members = append(g.Members, m.Name)
		if stack, ok := a.lock.Stack(m.Name); ok {
			a.stacks[m.Name] = stack
		} else {
			g.Unlocked = append(g.Unlocked, m.Name)
		}
	}
	if len(g.Unlocked) == 0 {
		return g
	}
	divided := a.divided(group)
	g.MustLock = divided || load[group]+len(g.Unlocked) > room
	// As long as all fitted they may have been deployed without a lock.
	g.Unknown = g.MustLock && !divided && load[group] < room
	n := 1
	for _, name := range g.Unlocked {
		for load[Part(group, n)] >= room {
			n++
		}
		a.stacks[name] = Part(group, n)
		load[Part(group, n)]++
	}
	return g
}

// divided reports whether the lock names a further stack of a group.
func (a *Assignment) divided(group string) bool {
	for _, stack := range a.lock.stacks {
		rest, ok := strings.CutPrefix(stack, group+"_")
		if !ok {
			continue
		}
		if n, err := strconv.Atoi(rest); err == nil && n > 1 && Part(group, n) == stack {
			return true
		}
	}
	return false
}

// Stack is the stack of a member.
func (a *Assignment) Stack(member string) string { return a.stacks[member] }

// Groups are all groups, sorted by name.
func (a *Assignment) Groups() []Group { return a.groups }

// Lock is the lock with every member in it.
func (a *Assignment) Lock() *Lock { return a.lock.With(a.stacks) }
