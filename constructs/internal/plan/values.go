package plan

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/vinci-go/vinci/settings"
)

// checkValues checks the run-time settings by themselves.
func (c *checker) checkValues() {
	where := map[string]string{}
	for _, v := range c.Values {
		if isNil(v.Definition) {
			c.add(Problem{
				What: "AddSettings got no setting", Where: v.At,
				Allowed: "a definition made with settings.Define", Mend: "pass the setting's variable, as in app.AddSettings(orders.PaymentWindow)",
			})
			continue
		}
		s := v.Definition
		subject := fmt.Sprintf("setting %q", s.Name())
		if err := s.Err(); err != nil {
			c.addErr(subject, err, s.DefinedAt())
		}
		if other, ok := c.values[s.Name()]; ok {
			if other == s {
				c.add(Problem{
					What: subject + ": added twice", Where: both(where[s.Name()], v.At),
					Allowed: "once a setting", Mend: "take one away",
				})
			} else {
				c.add(Problem{
					What: subject + ": two settings have this name", Where: both(other.DefinedAt(), s.DefinedAt()),
					Allowed: "one setting a name", Mend: "rename one of them in settings.Define",
				})
			}
			continue
		}
		c.values[s.Name()], where[s.Name()] = s, v.At
		if !c.HasLog() {
			c.add(Problem{
				What: subject + ": the application has no table that settings are in", Where: v.At,
				Allowed: "settings in an application with ApplicationProps.EventBus: true, or with AddEventsOf", Mend: "set EventBus: true, or remove the setting",
			})
		}
	}
}

// checkValue checks a run-time setting that a grant names.
func (c *checker) checkValue(s settings.Definition, subject, at string) {
	if isNil(s) {
		if !saysItself(subject) {
			c.add(Problem{
				What: subject + ": reads no setting: the definition is nil", Where: at,
				Allowed: "a definition made with settings.Define", Mend: "pass the setting's variable",
			})
		}
		return
	}
	switch own, ok := c.values[s.Name()]; {
	case !ok:
		c.add(Problem{
			What: fmt.Sprintf("%s: reads setting %q, which was not added", subject, s.Name()), Where: at,
			Allowed: "settings that were added: " + c.valueNames(), Mend: "add the setting with app.AddSettings, or remove the grant",
		})
	case own != s:
		c.add(Problem{
			What:  fmt.Sprintf("%s: reads setting %q, but another definition of that name was added", subject, s.Name()),
			Where: at, Allowed: "one definition a setting, defined at " + c.short(own.DefinedAt()), Mend: "use the same variable in both places",
		})
	}
}

func (c *checker) valueNames() string {
	if len(c.values) == 0 {
		return "none"
	}
	var all []string
	for name := range c.values {
		all = append(all, name)
	}
	slices.Sort(all)
	return join(all)
}

// isNil reports whether a definition is nil or a nil pointer, which a variable that was
// never set is.
func isNil(s settings.Definition) bool {
	return s == nil || reflect.ValueOf(s).IsNil()
}
