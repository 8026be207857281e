package plan

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

// checker collects problems while it walks a plan.
type checker struct {
	*Plan
	problems Problems

	tables map[string]orm.Definition // by name, the application's own
	events map[string]event.Type     // by name, the application's own

	foreign map[string]map[string]event.Type // of other applications, by application and name
	values  map[string]settings.Definition
}

// Check reports everything that is wrong with the plan, in a fixed order. It
// reads the function folders and nothing else, and compiles nothing.
func (p *Plan) Check() Problems {
	c := &checker{Plan: p, tables: map[string]orm.Definition{}, events: map[string]event.Type{}, foreign: map[string]map[string]event.Type{}, values: map[string]settings.Definition{}}
	c.checkDeployment()
	c.checkSettings()
	c.checkTables()
	c.checkEvents()
	c.checkBuses()
	c.checkValues()
	c.checkHandlers()
	c.checkCaptures()
	c.checkAPIs()
	c.checkStacks()
	c.checkFunctions()
	return c.problems
}

func (c *checker) add(p Problem) {
	p.Where = c.short(p.Where)
	c.problems = append(c.problems, p)
}

// addErr adds each mistake that a definition reports about itself.
func (c *checker) addErr(subject string, err error, where string) {
	for _, e := range leaves(err) {
		p := Problem{What: c.short(e.Error()), Where: c.short(where)}
		// Definitions may say themselves what and where they are: do not say it twice.
		if p.Where != "" {
			p.What = strings.TrimPrefix(p.What, p.Where+": ")
		}
		bare := strings.ReplaceAll(subject, `"`, "")
		_, name, _ := strings.Cut(bare, " ")
		for _, said := range []string{bare, "define " + name, "wrong definition"} {
			p.What = strings.TrimPrefix(p.What, said+": ")
		}
		if !strings.HasPrefix(p.What, subject) {
			p.What = subject + ": " + p.What
		}
		c.problems = append(c.problems, p)
	}
}

// short takes the folder of this machine out of a text.
func (c *checker) short(text string) string {
	if c.Dir == "" {
		return text
	}
	return strings.ReplaceAll(text, strings.TrimSuffix(c.Dir, string(filepath.Separator))+string(filepath.Separator), "")
}

// both names two places of one clash.
func both(first, second string) string {
	if first == "" || first == second {
		return second
	}
	return fmt.Sprintf("%s and %s", first, second)
}
