package plan

import (
	"fmt"
	"slices"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// Reserved are the names of the framework's own tables.
var reserved = []string{names.TableEvents, names.TableDeliveries, names.TableState}

func (c *checker) checkTables() {
	if c.HasLog() {
		for _, d := range c.Framework.All() {
			if err := d.Err(); err != nil {
				c.addErr(fmt.Sprintf("the framework's table %q", d.Schema().Name), err, d.Schema().DefinedAt)
			}
		}
	}
	where := map[string]string{}
	for _, t := range c.Tables {
		if t.Definition == nil || t.Definition.Schema() == nil {
			c.add(Problem{
				What: "AddTable got no table", Where: t.At,
				Allowed: "a definition made with orm.Define", Mend: "pass the table's variable, as in app.AddTable(tables.Users)",
			})
			continue
		}
		s := t.Definition.Schema()
		at := s.DefinedAt
		if at == "" {
			at = t.At
		}
		subject := fmt.Sprintf("table %q", s.Name)
		err := t.Definition.Err()
		if err != nil {
			c.addErr(subject, err, at)
		} else if bad := names.Check(s.Name); bad != nil {
			c.addErr(subject, bad, at)
		}
		if slices.Contains(reserved, s.Name) {
			c.add(Problem{
				What: subject + ": the name belongs to a table of the framework", Where: at,
				Allowed: "any name but events, deliveries and state", Mend: "rename the table in orm.Define",
			})
		}
		if other, ok := c.tables[s.Name]; ok {
			if other.Schema() == s {
				c.add(Problem{
					What: subject + ": added twice", Where: both(where[s.Name], t.At),
					Allowed: "one AddTable a table", Mend: "remove one of the two calls",
				})
			} else {
				c.add(Problem{
					What: subject + ": two tables have this name", Where: both(other.Schema().DefinedAt, s.DefinedAt),
					Allowed: "one table a name", Mend: "rename one of them in orm.Define",
				})
			}
			continue
		}
		c.tables[s.Name], where[s.Name] = t.Definition, t.At
		c.length("table", c.Name.Table(s.Name), names.MaxTable, "DynamoDB", subject, at)
	}
}

// length compares a computed name with AWS's limit for it.
func (c *checker) length(kind, name string, limit int, service, subject, at string) {
	if over := len(name) - limit; over > 0 {
		c.add(Problem{
			What:    fmt.Sprintf("%s: the %s would be called %q, %d characters", subject, kind, name, len(name)),
			Where:   at,
			Allowed: fmt.Sprintf("%s allows %d characters", service, limit),
			Mend:    fmt.Sprintf("shorten its name, the application's or the deployment's id, by %d in all", over),
		})
	}
}

func (c *checker) checkEvents() {
	where := map[string]string{}
	for _, e := range c.Events {
		if e.Type == nil {
			c.add(Problem{
				What: "AddEvents got no event", Where: e.At,
				Allowed: "a definition made with event.Define", Mend: "pass the event's variable, as in app.AddEvents(users.Created)",
			})
			continue
		}
		name := e.Type.Name()
		subject := fmt.Sprintf("event %q", name)
		if err := e.Type.Err(); err != nil {
			c.addErr(subject, err, e.Type.DefinedAt())
		}
		if other, ok := c.events[name]; ok {
			if other == e.Type {
				c.add(Problem{
					What: subject + ": added twice", Where: both(where[name], e.At),
					Allowed: "each event once in AddEvents", Mend: "remove one of the two",
				})
			} else {
				c.add(Problem{
					What: subject + ": two events have this name", Where: both(other.DefinedAt(), e.Type.DefinedAt()),
					Allowed: "one event.Define a name", Mend: "rename one of them, or use one definition in both places",
				})
			}
			continue
		}
		c.events[name], where[name] = e.Type, e.At
		if !c.EventBus {
			c.add(Problem{
				What: subject + ": the application has no event bus and no log to keep it", Where: e.At,
				Allowed: "events in an application with ApplicationProps.EventBus: true", Mend: "set EventBus: true, or do not add the event",
			})
		}
	}
}

// isFramework reports whether d is one of the framework's own tables.
func (c *checker) isFramework(d orm.Definition) bool {
	for _, f := range c.Framework.All() {
		if f != nil && f.Schema() == d.Schema() {
			return true
		}
	}
	return false
}
