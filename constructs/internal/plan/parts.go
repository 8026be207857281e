package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/internal/stacklock"
)

// CloudFormation takes 500 resources a stack.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
const (
	maxResources = 500

	// Resources of a subscription; a test of package constructs counts them.
	subscriptionResources = 16
	withoutDeadLetters    = 2 // fewer: a queue, its policy and its alarm
)

// Resources is how many resources a subscription has in CloudFormation.
func (h Handler) Resources() int {
	if h.DeadLetterQueue {
		return subscriptionResources
	}
	return subscriptionResources - withoutDeadLetters
}

// GroupOf is the group that the layout gives a subscription: the name of the group's
// first stack.
func (p *Plan) GroupOf(d *bus.Definition) string {
	if p.Group == nil {
		return StackSubscriptions
	}
	return p.Group(d)
}

// StackOf names a subscription's stack: that of its group, or where the lock of the
// stacks says it is.
func (p *Plan) StackOf(d *bus.Definition) string {
	a, _ := p.parts()
	return a.Stack(d.Name)
}

// parts says where the subscriptions are, and what is wrong with the lock; it reads
// the lock once. Without a lock that can be read it is what it would be without any.
func (p *Plan) parts() (*stacklock.Assignment, error) {
	if p.placed == nil {
		lock, err := stacklock.Read(filepath.Join(p.Dir, stacklock.File))
		if err != nil {
			lock = &stacklock.Lock{}
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		p.placed = &placed{stacklock.Assign(lock, p.members(), stacklock.Room), err}
	}
	return p.placed.Assignment, p.placed.err
}

type placed struct {
	*stacklock.Assignment
	err error // of reading the lock
}

func (p *Plan) members() []stacklock.Member {
	var all []stacklock.Member
	for _, h := range p.Handlers {
		if h.Subscription != nil {
			all = append(all, stacklock.Member{Name: h.Subscription.Name, Group: p.GroupOf(h.Subscription)})
		}
	}
	return all
}

// CheckParts reports what keeps subscriptions from being deployed where the lock of the
// stacks, or its absence, puts them. behind is what to tell of a lock that does not
// name all, or of a group that will soon need one; empty: nothing. Call it after
// [Plan.Check].
func (p *Plan) CheckParts() (refused Problems, behind string) {
	c := &checker{Plan: p}
	a, err := p.parts()
	if err != nil {
		c.add(Problem{What: c.short(err.Error()), Where: stacklock.File})
		return c.problems, ""
	}
	c.checkFull()
	if p.Local() {
		return c.problems, "" // nothing of it is CloudFormation's
	}
	for _, g := range a.Groups() {
		switch {
		case g.Unknown:
			c.add(Problem{
				What:    fmt.Sprintf("subscriptions grouped as %q: there are %d, more than one stack takes, and %s does not say which are in the first", g.Name, len(g.Members), stacklock.File),
				Where:   stacklock.File,
				Allowed: allowedParts,
				Mend: steps([]string{
					"no deployment has any of them: `vinci stacks lock --new`; otherwise `vinci stacks lock --deployment ID`, which asks CloudFormation, naming every deployment that has some",
					"commit " + stacklock.File,
				}),
			})
		case g.MustLock:
			c.add(Problem{
				What:    fmt.Sprintf("subscriptions grouped as %q: %s does not say where %s are", g.Name, stacklock.File, join(g.Unlocked)),
				Where:   stacklock.File,
				Allowed: allowedParts,
				Mend:    "run `vinci stacks lock` and commit " + stacklock.File,
			})
		case behind == "" && len(g.Unlocked) > 0 && len(g.Members) > stacklock.Room*4/5:
			behind = fmt.Sprintf("one stack takes %d subscriptions, and %q has %d: run `vinci stacks lock` and commit %s, so that it is known which are in the first when there are more",
				stacklock.Room, g.Name, len(g.Members), stacklock.File)
		}
	}
	return c.problems, behind
}

var allowedParts = fmt.Sprintf("%d subscriptions a stack; where there are several, each is in the one that the lock says: a deployed queue cannot move to another", stacklock.Room)

// checkFull finds stacks that CloudFormation would refuse, as they come of a merge in
// which both sides added to one stack.
func (c *checker) checkFull() {
	type stack struct{ subscriptions, resources int }
	all := map[string]stack{}
	for _, h := range c.Handlers {
		if h.Subscription != nil {
			s := all[c.StackOf(h.Subscription)]
			all[c.StackOf(h.Subscription)] = stack{s.subscriptions + 1, s.resources + h.Resources()}
		}
	}
	var names []string
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if s := all[name]; s.resources > maxResources {
			c.add(Problem{
				What:    fmt.Sprintf("stack %q: its %d subscriptions have %d resources", name, s.subscriptions, s.resources),
				Where:   stacklock.File,
				Allowed: fmt.Sprintf("CloudFormation allows %d resources a stack", maxResources),
				Mend:    "take the lines of those that no deployment has yet out of " + stacklock.File + ", and run `vinci stacks lock`: it puts them into another stack",
			})
		}
	}
}
