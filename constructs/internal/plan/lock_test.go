package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/tablelock"
	"github.com/vinci-go/vinci/local/synth"
	"github.com/vinci-go/vinci/orm"
)

// agree writes the lock of the plan's tables as they are now.
func agree(t *testing.T, p *Plan) {
	t.Helper()
	if err := tablelock.Write(filepath.Join(p.Dir, tablelock.File), tablelock.Of(p.Schemas())); err != nil {
		t.Fatal(err)
	}
}

// change replaces the plan's first table, which others' tests share.
func change(p *Plan, f func(*orm.Schema)) {
	s := *users.schema
	s.Attributes = append(s.Attributes[:1:1], orm.AttributeSchema{Name: "mail", Type: "S"}, orm.AttributeSchema{Name: "name", Type: "S"})
	f(&s)
	p.Tables[0].Definition = table{schema: &s}
}

func by(name, hash string) orm.IndexSchema {
	return orm.IndexSchema{Name: name, Hash: hash, Projection: orm.ProjectAll}
}

// locked are the ways in which an application differs from its lock, each with a
// golden file where that is refused.
var locked = map[string]struct {
	change  func(*Plan)
	refused bool
}{
	"lock_same":          {func(*Plan) {}, false},
	"lock_table_added":   {func(p *Plan) { addTable(p, newTable("orders", "o.go:1")) }, false},
	"lock_table_removed": {func(p *Plan) { p.Tables = p.Tables[1:] }, false},
	"lock_bus_removed":   {func(p *Plan) { p.EventBus = false }, false},
	"lock_one_index":     {func(p *Plan) { change(p, func(s *orm.Schema) { s.Indexes = []orm.IndexSchema{by("by_mail", "mail")} }) }, false},
	"lock_two_indexes": {func(p *Plan) {
		change(p, func(s *orm.Schema) { s.Indexes = []orm.IndexSchema{by("by_mail", "mail"), by("by_name", "name")} })
	}, true},
	"lock_key": {func(p *Plan) { change(p, func(s *orm.Schema) { s.Hash = "mail" }) }, true},
	"lock_framework": {func(p *Plan) {
		s := *p.Framework.Events.Schema()
		s.Attributes = append(s.Attributes[:1:1], orm.AttributeSchema{Name: "x", Type: "N"}, orm.AttributeSchema{Name: "y", Type: "N"})
		s.Indexes = []orm.IndexSchema{by("by_x", "x"), by("by_y", "y")}
		p.Framework.Events = table{schema: &s}
	}, true},
	"lock_wrong_definitions": {func(p *Plan) {
		p.Tables[0].Definition = nil
		p.Tables[1].Definition = table{&orm.Schema{Name: "user_stats"}, twoErrors()}
		addTable(p, users)
		addTable(p, newTable("users", "tables/x.go:1")) // the second of a name is not compared
		s := *users.schema
		s.Hash, s.Attributes = "other", []orm.AttributeSchema{{Name: "other", Type: "S"}}
		addTable(p, table{schema: &s})
	}, false},
	"lock_several": {func(p *Plan) {
		change(p, func(s *orm.Schema) { s.Hash = "mail" })
		s := *stats.schema
		s.Sort, s.Attributes = "at", append(s.Attributes[:1:1], orm.AttributeSchema{Name: "at", Type: "N"})
		p.Tables[1].Definition = table{schema: &s}
	}, true},
	"lock_merge_conflict": {func(p *Plan) {
		if err := os.WriteFile(filepath.Join(p.Dir, tablelock.File), []byte("<<<<<<< HEAD\n{}\n"), 0o644); err != nil {
			panic(err)
		}
	}, true},
}

// TestDeploymentLocal: it is the deployment that is made for the laptop.
func TestDeploymentLocal(t *testing.T) {
	if deploymentLocal != synth.Deployment {
		t.Errorf("%q is not checked, and the laptop runs %q", deploymentLocal, synth.Deployment)
	}
}

func TestCheckLock(t *testing.T) {
	for name, test := range locked {
		t.Run(name, func(t *testing.T) {
			p := validPlan(t)
			p.Name.ID = "dev"
			agree(t, p)
			test.change(p)
			problems, behind := p.CheckLock()
			if same := name == "lock_same"; !test.refused && name != "lock_wrong_definitions" && same != (behind == "") {
				t.Errorf("what it says of a lock that is behind: %q", behind)
			}
			if test.refused != (len(problems) > 0) {
				t.Fatalf("refused is %v, want %v:\n%v", len(problems) > 0, test.refused, problems)
			}
			if !test.refused {
				return
			}
			got := problems.Error() + "\n"
			if strings.Contains(got, p.Dir) {
				t.Errorf("a message names a folder of this machine:\n%s", got)
			}
			golden(t, name, got)

			// On the laptop nothing is refused, and nothing is without a lock.
			p.Name.ID = deploymentLocal
			if problems, behind := p.CheckLock(); len(problems) > 0 || behind != "" {
				t.Errorf("deployment local is refused:\n%v%s", problems, behind)
			}
			p.Name.ID = "dev"
			if err := os.Remove(filepath.Join(p.Dir, tablelock.File)); err != nil {
				t.Fatal(err)
			}
			if problems, behind := p.CheckLock(); len(problems) > 0 || !strings.HasPrefix(behind, "there is no tables.lock.json: run `vinci tables lock`") {
				t.Errorf("without a lock it is refused:\n%v%s", problems, behind)
			}
		})
	}
}
