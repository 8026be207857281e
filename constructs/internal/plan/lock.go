package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/vinci-go/vinci/internal/tablelock"
	"github.com/vinci-go/vinci/orm"
)

// deploymentLocal is what `vinci dev` runs (local/synth.Deployment). Its tables are
// no CloudFormation's: the local runtime makes every change at once.
const deploymentLocal = "local"

// CheckLock compares the tables with tables.lock.json and reports what no
// deployment can do in one go. Without the file nothing was agreed, and nothing
// is refused. behind is what to tell where the file does not say what the tables
// are: it keeps nobody from deploying, but what is not agreed is not compared
// later; empty where it does. Call it after [Plan.Check], which says what is wrong
// with a definition: such a one is not compared.
func (p *Plan) CheckLock() (refused Problems, behind string) {
	if p.Local() {
		return nil, ""
	}
	c := &checker{Plan: p}
	lock, err := tablelock.Read(filepath.Join(p.Dir, tablelock.File))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if len(p.definitions()) == 0 {
			return nil, ""
		}
		return nil, "there is no " + tablelock.File + lockAndCommit
	case err != nil:
		c.add(Problem{What: c.short(err.Error()), Where: tablelock.File})
		return c.problems, ""
	}
	where := map[string]string{}
	var schemas []*orm.Schema
	for _, d := range p.definitions() {
		if d == nil || d.Schema() == nil || d.Err() != nil {
			continue
		}
		if _, twice := where[d.Schema().Name]; !twice {
			where[d.Schema().Name] = d.Schema().DefinedAt
			schemas = append(schemas, d.Schema())
		}
	}
	for _, f := range tablelock.Compare(lock, tablelock.Of(schemas)) {
		if f.Kind != tablelock.Refused {
			if behind == "" { // one tells; the command tells all
				behind = fmt.Sprintf("%s is behind (table %s: %s)%s", tablelock.File, f.Table, f.What, lockAndCommit)
			}
			continue
		}
		c.add(Problem{
			What:    fmt.Sprintf("table %q: %s", f.Table, f.What),
			Where:   both(where[f.Table], tablelock.File),
			Allowed: "what one deployment can do to the tables of " + tablelock.File,
			Mend:    steps(f.Steps) + fmt.Sprintf("\nor, if no deployment has table %q as that file says: `vinci tables lock --force`", f.Table),
		})
	}
	return c.problems, behind
}

const lockAndCommit = ": run `vinci tables lock` and commit the file, so that a change that one deployment cannot make is refused here"

// steps numbers the steps of a mend, one a line.
func steps(all []string) string {
	lines := make([]string, len(all))
	for i, step := range all {
		lines[i] = fmt.Sprintf("%d. %s", i+1, step)
	}
	return strings.Join(lines, "\n")
}
