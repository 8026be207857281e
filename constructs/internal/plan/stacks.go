package plan

import (
	"fmt"

	"github.com/vinci-go/vinci/internal/names"
)

// Names of the framework's stacks, before application and deployment go in
// front.
const (
	StackAlarms        = "alarms"
	StackBus           = "bus"
	StackLog           = "log"
	StackSubscriptions = "subscriptions"
	StackDashboard     = "dashboard"
)

// StackOfTable names a table's stack. The prefix keeps a table called "bus" or
// "api" out of the way of the framework's stacks.
func StackOfTable(table string) string { return "table_" + table }

// StackOfAPI names an API's stack: "api" for the one with the default name.
func StackOfAPI(api string) string {
	if api == DefaultAPI {
		return DefaultAPI
	}
	return "api_" + api
}

// checkStacks finds two stacks of one name and names that CloudFormation would
// refuse. Underscores become hyphens in a stack's name, so two different names
// can meet there.
func (c *checker) checkStacks() {
	owners := map[string]string{}
	places := map[string]string{}
	claim := func(stack, owner, at string) {
		name := c.Name.Stack(stack)
		c.length("stack", name, names.MaxStack, "CloudFormation", owner, at)
		if other, ok := owners[name]; ok {
			if other != owner {
				c.add(Problem{
					What:    fmt.Sprintf("stack %q: %s and %s would both have it", name, other, owner),
					Where:   both(places[name], at),
					Allowed: "one stack a name; underscores become hyphens",
					Mend:    "rename one of them",
				})
			}
			return
		}
		owners[name], places[name] = owner, at
	}

	claim(StackAlarms, "the framework's alarm topic", "")
	claim(StackDashboard, "the framework's dashboards", "")
	if c.MakesBus() {
		claim(StackBus, "the framework's bus", "")
	}
	if c.HasLog() {
		claim(StackLog, "the framework's log", "")
	}
	for _, t := range c.Tables {
		if t.Definition == nil || t.Definition.Schema() == nil || names.Check(t.Definition.Schema().Name) != nil {
			continue
		}
		s := t.Definition.Schema()
		claim(StackOfTable(s.Name), fmt.Sprintf("table %q", s.Name), s.DefinedAt)
	}
	for _, h := range c.Handlers {
		if h.Subscription == nil {
			continue
		}
		if err := names.Check(c.GroupOf(h.Subscription)); err != nil {
			c.addErr(fmt.Sprintf("subscription %q: the layout's stack", h.Subscription.Name), err, h.At)
			continue
		}
		stack := c.StackOf(h.Subscription)
		claim(stack, fmt.Sprintf("subscriptions grouped as %q", stack), h.At)
	}
	for _, a := range c.APIs {
		if names.Check(a.Name) == nil {
			claim(StackOfAPI(a.Name), fmt.Sprintf("API %q", a.Name), a.At)
		}
	}
	own := map[string]string{}
	for _, s := range c.Stacks {
		if err := names.Check(s.Name); err != nil {
			c.addErr(fmt.Sprintf("stack %q", s.Name), err, s.At)
			continue
		}
		if s.Empty {
			c.add(Problem{
				What: fmt.Sprintf("stack %q: nothing makes its constructs", s.Name), Where: s.At,
				Allowed: "a function in StackProps.Build", Mend: "set Build, or remove the stack",
			})
		}
		if first, ok := own[s.Name]; ok {
			c.add(Problem{
				What: fmt.Sprintf("stack %q: two stacks have this name", s.Name), Where: both(first, s.At),
				Allowed: "one AddStack a name", Mend: "rename one of them",
			})
			continue
		}
		own[s.Name] = s.At
		claim(s.Name, fmt.Sprintf("the application's own stack %q", s.Name), s.At)
	}
}
