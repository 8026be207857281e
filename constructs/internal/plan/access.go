package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// checkAccess finds grants on what the application does not have.
func (c *checker) checkAccess(a bus.Access, subject, at string) {
	for _, d := range a.Reads {
		c.checkGrant("reads", d, subject, at)
	}
	for _, x := range a.Indexes {
		if x == nil { // what is wrong with a table, its own definition says
			c.checkGrant("reads an index of", nil, subject, at)
			continue
		}
		c.checkGrant("reads an index of", x.Definition(), subject, at)
	}
	for _, d := range a.Scans {
		c.checkGrant("scans", d, subject, at)
	}
	for _, d := range a.Writes {
		c.checkGrant("writes", d, subject, at)
	}
	for _, d := range a.Appends {
		c.checkGrant("appends to", d, subject, at)
	}
	for _, e := range a.Commits {
		c.checkEvent("commits", "bus.Commits", "log", e, subject, at)
	}
	for _, e := range a.Publishes {
		c.checkEvent("publishes", "bus.Publishes", "bus", e, subject, at)
	}
	for _, s := range a.Settings {
		c.checkValue(s, subject, at)
	}
	if saysItself(subject) {
		return
	}
	for _, d := range a.Appends {
		if d != nil && slices.ContainsFunc(a.Writes, func(w orm.Definition) bool { return w != nil && w.Schema() == d.Schema() }) {
			c.add(Problem{
				What: fmt.Sprintf("%s: appends to table %q, and writes it as well", subject, d.Schema().Name), Where: at,
				Allowed: "bus.Appends or bus.Writes for a table", Mend: "take one of the two grants away",
			})
		}
	}
}

// saysItself reports whether a subject's definition says what is wrong with its
// grants by themselves: that of a subscription or a table handler does.
func saysItself(subject string) bool {
	return strings.HasPrefix(subject, "subscription") || strings.HasPrefix(subject, captureSubject)
}

func (c *checker) checkGrant(verb string, d orm.Definition, subject, at string) {
	if d == nil || d.Schema() == nil {
		c.add(Problem{
			What: fmt.Sprintf("%s: %s no table: the definition is nil", subject, verb), Where: at,
			Allowed: "a definition made with orm.Define", Mend: "pass the table's variable",
		})
		return
	}
	name := d.Schema().Name
	if c.HasLog() && c.isFramework(d) {
		if (verb == "writes" || verb == "appends to") && !saysItself(subject) {
			c.add(Problem{
				What: fmt.Sprintf("%s: %s %q, a table of the framework", subject, verb, name), Where: at,
				Allowed: "reading it", Mend: "use bus.Reads; events are written with bus.Commits, and nothing changes them",
			})
		}
		return
	}
	switch own, ok := c.tables[name]; {
	case !ok:
		c.add(Problem{
			What: fmt.Sprintf("%s: %s table %q, which was not added", subject, verb, name), Where: at,
			Allowed: "tables that were added: " + c.tableNames(), Mend: "add the table with app.AddTable, or remove the grant",
		})
	case own.Schema() != d.Schema():
		c.add(Problem{
			What:  fmt.Sprintf("%s: %s table %q, but another definition of that name was added", subject, verb, name),
			Where: at, Allowed: "one definition a table, defined at " + c.short(own.Schema().DefinedAt), Mend: "use the same variable in both places",
		})
	}
}

func (c *checker) tableNames() string {
	if len(c.tables) == 0 {
		return "none"
	}
	var all []string
	for name := range c.tables {
		all = append(all, name)
	}
	slices.Sort(all)
	return join(all)
}

// checkEvent checks an event that a grant names.
func (c *checker) checkEvent(verb, grant, missing string, e event.Type, subject, at string) {
	if e == nil {
		c.add(Problem{
			What: fmt.Sprintf("%s: %s no event: the definition is nil", subject, verb), Where: at,
			Allowed: "a definition made with event.Define", Mend: "pass the event's variable",
		})
		return
	}
	switch own, ok := c.events[e.Name()]; {
	case !c.EventBus:
		c.add(Problem{
			What: fmt.Sprintf("%s: %s event %q, but the application has no %s", subject, verb, e.Name(), missing), Where: at,
			Allowed: grant + " in an application with ApplicationProps.EventBus: true", Mend: "set EventBus: true, or remove the grant",
		})
	case !ok:
		c.add(Problem{
			What: fmt.Sprintf("%s: %s event %q, which was not added", subject, verb, e.Name()), Where: at,
			Allowed: "events that were added: " + c.eventNames(), Mend: "add the event with app.AddEvents, or remove the grant",
		})
	case own != e:
		c.add(Problem{
			What:  fmt.Sprintf("%s: %s event %q, but another definition of that name was added", subject, verb, e.Name()),
			Where: at, Allowed: "one definition an event, defined at " + c.short(own.DefinedAt()), Mend: "use the same variable in both places",
		})
	}
}
