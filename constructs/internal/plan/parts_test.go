package plan

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/internal/stacklock"
)

// many adds subscriptions s00, s01, and so on, all in one group.
func many(p *Plan, from, to int) {
	for i := from; i < to; i++ {
		p.Handlers = append(p.Handlers, Handler{
			Subscription: subscription(fmt.Sprintf("s%02d", i), want(created)), DeadLetterQueue: true,
			Function: Function{Folder: fmt.Sprintf("lambdas/s%02d", i)}, At: "app.go:9",
		})
	}
}

// lockParts writes the lock as `vinci stacks lock --new` does.
func lockParts(t *testing.T, p *Plan) {
	t.Helper()
	a, err := p.parts()
	if err != nil {
		t.Fatal(err)
	}
	p.placed = nil
	writeParts(t, p, string(a.Lock().Encode()))
}

func writeParts(t *testing.T, p *Plan, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.Dir, stacklock.File), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// inOrders puts every subscription of that name and after into another group.
func grouped(p *Plan) {
	p.Group = func(d *bus.Definition) string {
		if d.Name >= "t" {
			return "others"
		}
		return StackSubscriptions
	}
}

// partsOf are the ways in which subscriptions and the lock of the stacks differ, each
// with a golden file where that is refused.
var partsOf = map[string]struct {
	prepare func(*testing.T, *Plan)
	refused bool
	behind  bool
}{
	"parts_few":  {func(t *testing.T, p *Plan) { many(p, 0, 10) }, false, false},
	"parts_near": {func(t *testing.T, p *Plan) { many(p, 0, stacklock.Room-2) }, false, true},
	"parts_near_locked": {func(t *testing.T, p *Plan) {
		many(p, 0, stacklock.Room-2)
		lockParts(t, p)
	}, false, false},
	"parts_without_lock": {func(t *testing.T, p *Plan) { many(p, 0, stacklock.Room+1) }, true, false},
	"parts_locked": {func(t *testing.T, p *Plan) {
		many(p, 0, 3*stacklock.Room)
		lockParts(t, p)
	}, false, false},
	"parts_one_more": {func(t *testing.T, p *Plan) {
		many(p, 1, stacklock.Room-1) // with the plan's own two it is full
		lockParts(t, p)
		many(p, 0, 1)
		many(p, 50, 52)
	}, true, false},
	"parts_one_more_divided": {func(t *testing.T, p *Plan) {
		many(p, 0, 2*stacklock.Room-10)
		lockParts(t, p)
		many(p, 90, 92)
	}, true, false},
	"parts_removed": {func(t *testing.T, p *Plan) {
		many(p, 0, 2*stacklock.Room)
		lockParts(t, p)
		p.Handlers = p.Handlers[:5]
	}, false, false},
	"parts_moved": {func(t *testing.T, p *Plan) {
		many(p, 0, 2*stacklock.Room)
		lockParts(t, p)
		p.Group = func(*bus.Definition) string { return "others" }
	}, false, false},
	"parts_merged": {func(t *testing.T, p *Plan) {
		many(p, 0, 40)
		var lines []string
		for _, h := range p.Handlers {
			lines = append(lines, h.Subscription.Name+" subscriptions\n")
		}
		writeParts(t, p, strings.Join(lines, ""))
	}, true, false},
	"parts_merge_conflict": {func(t *testing.T, p *Plan) {
		writeParts(t, p, "<<<<<<< HEAD\ncount_total subscriptions\n=======\n")
	}, true, false},
	"parts_twice": {func(t *testing.T, p *Plan) {
		writeParts(t, p, "count_total subscriptions\ncount_total subscriptions_2\nSend-Welcome subscriptions\n")
	}, true, false},
}

func TestCheckParts(t *testing.T) {
	for name, test := range partsOf {
		t.Run(name, func(t *testing.T) {
			p := validPlan(t)
			p.Name.ID = "dev"
			grouped(p)
			test.prepare(t, p)
			problems, behind := p.CheckParts()
			if test.refused != (len(problems) > 0) || test.behind != (behind != "") {
				t.Fatalf("refused is %v, want %v; behind is %q, want %v:\n%v", len(problems) > 0, test.refused, behind, test.behind, problems)
			}
			if behind != "" {
				golden(t, name, behind+"\n")
			}
			if !test.refused {
				return
			}
			got := problems.Error() + "\n"
			if strings.Contains(got, p.Dir) {
				t.Errorf("a message names a folder of this machine:\n%s", got)
			}
			golden(t, name, got)
		})
	}
}

// TestPartsLocal: on the laptop nothing has to be locked.
func TestPartsLocal(t *testing.T) {
	p := validPlan(t)
	p.Name.ID = deploymentLocal
	many(p, 0, 300)
	if problems, behind := p.CheckParts(); len(problems) > 0 || behind != "" {
		t.Errorf("deployment local is refused:\n%v%s", problems, behind)
	}
	p.SetDefaults()
	stacks := map[string]int{}
	for _, h := range p.Handlers {
		stacks[p.StackOf(h.Subscription)]++
	}
	if len(stacks) != 13 || stacks["subscriptions"] != stacklock.Room || stacks["subscriptions_13"] != 2 {
		t.Errorf("302 subscriptions are in stacks %v", stacks)
	}
}

// TestPartsClash: a further stack of a group may not have the name of another's.
func TestPartsClash(t *testing.T) {
	p := validPlan(t)
	p.Context = Context{"deployment": deploymentLocal}
	many(p, 0, stacklock.Room+1)
	p.Group = func(*bus.Definition) string { return "reports" }
	p.Stacks[0].Name = "reports_2"
	var found bool
	for _, problem := range p.Check() {
		found = found || strings.Contains(problem.What, `stack "shop-local-reports-2"`)
	}
	if !found {
		t.Error("two stacks of one name were not found")
	}
}
