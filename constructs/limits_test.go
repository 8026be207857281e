package constructs

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/constructs/internal/rulepack"
	"github.com/vinci-go/vinci/internal/stacklock"
	"github.com/vinci-go/vinci/orm"
)

// big is an application of any size, in a module of its own.
type big struct {
	app  *Application
	dir  string
	next int
}

func newBig(t *testing.T) *big {
	t.Helper()
	b := &big{dir: t.TempDir(), app: NewApplication(&ApplicationProps{AppName: "shop", EventBus: true, Context: map[string]string{"deployment": "dev"}})}
	b.app.build = fakeBuild
	b.app.AddEvents(userCreated)
	return b
}

// function makes the folder of a function.
func (b *big) function(t *testing.T) (name, folder string) {
	t.Helper()
	name = fmt.Sprintf("f%03d", b.next)
	b.next++
	folder = "functions/" + name
	if err := os.MkdirAll(filepath.Join(b.dir, folder), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, folder, "main.go"), []byte("package main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return name, folder
}

func (b *big) subscriptions(t *testing.T, n int, deadLetters bool) {
	t.Helper()
	for range n {
		name, folder := b.function(t)
		b.app.AddEventHandler(bus.Subscription(name, bus.To(userCreated)), &EventHandlerProps{Function: folder, DeadLetterQueue: deadLetters})
	}
}

func (b *big) tables(n int) {
	for i := range n {
		b.app.AddTable(orm.Define[stat, string](fmt.Sprintf("t%03d", i)))
	}
}

func (b *big) tableHandler(t *testing.T) {
	t.Helper()
	name, folder := b.function(t)
	table := orm.Define[stat, string]("followed", orm.Stream())
	b.app.AddTable(table)
	b.app.AddTableHandler(capture.Define(name, table), &TableHandlerProps{Function: folder})
}

func (b *big) api(t *testing.T, routes int) {
	t.Helper()
	name, folder := b.function(t)
	var all []string
	for i := range routes {
		all = append(all, fmt.Sprintf("GET /r%d", i))
	}
	b.app.AddAPI(&APIProps{Name: name, Function: folder, Routes: IAM(all...)})
}

// count is how many resources of each type an assembly has.
type count map[string]int

func (c count) total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}

// plus is the sum of c and n times another.
func (c count) plus(other count, n int) count {
	sum := maps.Clone(c)
	for kind, k := range other {
		sum[kind] += n * k
	}
	return sum
}

// synth locks the stacks as `vinci stacks lock --new` does, synthesizes, and counts, in
// each stack.
func (b *big) synth(t *testing.T) map[string]count {
	t.Helper()
	var members []stacklock.Member
	for _, h := range b.app.plan.Handlers {
		members = append(members, stacklock.Member{Name: h.Subscription.Name, Group: plan.StackSubscriptions})
	}
	lock := stacklock.Assign(&stacklock.Lock{}, members, stacklock.Room).Lock()
	if err := stacklock.Write(filepath.Join(b.dir, stacklock.File), lock); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if err := b.app.Synthesize(t.Context(), &SynthOptions{Dir: b.dir, OutDir: out}); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(out, "*.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	stacks := map[string]count{}
	for _, file := range files {
		var template struct {
			Resources map[string]struct{ Type string }
		}
		decode(t, file, &template)
		c := count{}
		for _, r := range template.Resources {
			c[r.Type]++
		}
		stacks[strings.TrimSuffix(filepath.Base(file), ".template.json")] = c
	}
	return stacks
}

func (b *big) count(t *testing.T) count {
	t.Helper()
	all := count{}
	for _, c := range b.synth(t) {
		all = all.plus(c, 1)
	}
	return all
}

// ones is what one of each kind adds to an application.
type ones struct{ base, table, tableHandler, subscription, withoutDLQ, api, route count }

func countOnes(t *testing.T) ones {
	t.Helper()
	of := func(add func(*big)) count {
		b := newBig(t)
		add(b)
		return b.count(t)
	}
	var o ones
	o.base = of(func(*big) {})
	more := func(add func(*big)) count { return of(add).plus(o.base, -1) }
	o.table = more(func(b *big) { b.tables(1) })
	o.tableHandler = more(func(b *big) { b.tableHandler(t) }).plus(o.table, -1)
	o.subscription = more(func(b *big) { b.subscriptions(t, 1, true) })
	o.withoutDLQ = more(func(b *big) { b.subscriptions(t, 1, false) })
	o.route = of(func(b *big) { b.api(t, 2) }).plus(of(func(b *big) { b.api(t, 1) }), -1)
	o.api = more(func(b *big) { b.api(t, 1) }).plus(o.route, -1)
	return o
}

// application is an application with n subscriptions, a table for every three of them
// and an API of 30 routes.
func (o ones) application(n int) count {
	return o.base.plus(o.subscription, n).plus(o.table, n/3).plus(o.api, 1).plus(o.route, 30)
}

// columns of the tables in docs/limits.md.
var columns = []struct{ title, kind string }{
	{"roles", "AWS::IAM::Role"}, {"functions", "AWS::Lambda::Function"}, {"log groups", "AWS::Logs::LogGroup"},
	{"rules", "AWS::Events::Rule"}, {"queues", "AWS::SQS::Queue"}, {"alarms", "AWS::CloudWatch::Alarm"}, {"tables", "AWS::DynamoDB::GlobalTable"},
}

func header(first string) string {
	line, rule := "| "+first+" | resources |", "|---|---|"
	for _, c := range columns {
		line, rule = line+" "+c.title+" |", rule+"---|"
	}
	return line + "\n" + rule + "\n"
}

func row(what string, c count) string {
	line := fmt.Sprintf("| %s | %d |", what, c.total())
	for _, column := range columns {
		line += fmt.Sprintf(" %d |", c[column.kind])
	}
	return line + "\n"
}

// TestLimitsPage counts, from synthesized templates, what docs/limits.md says of resources.
func TestLimitsPage(t *testing.T) {
	o := countOnes(t)
	text := header("one") + row("application with a bus, nothing in it", o.base) + row("table, up to four global indexes", o.table) +
		row("table handler", o.tableHandler) + row("subscription with a dead-letter queue", o.subscription) + row("subscription without", o.withoutDLQ) +
		row("HTTP API", o.api) + row("route of it", o.route)
	replaceTable(t, "| one |", text)
	text = header("subscriptions")
	for _, n := range []int{10, 100, 300} {
		text += row(fmt.Sprint(n), o.application(n))
	}
	replaceTable(t, "| subscriptions |", text)

	// What the plan goes by when it divides subscriptions over stacks.
	for deadLetters, counted := range map[bool]count{true: o.subscription, false: o.withoutDLQ} {
		if n := (plan.Handler{DeadLetterQueue: deadLetters}).Resources(); n != counted.total() {
			t.Errorf("a subscription (dead-letter queue: %v) has %d resources, and package plan says %d", deadLetters, counted.total(), n)
		}
	}
	if n := stacklock.Room * o.subscription.total(); n > 400 {
		t.Errorf("a full stack has %d resources: stacklock.Room leaves no room for more", n)
	}
}

// TestLimitsThatAreChecked: of the limits in docs/limits.md those that a rule holds the
// templates to are told as checked, and are the rule's.
func TestLimitsThatAreChecked(t *testing.T) {
	page := string(read(t, filepath.Join("..", "docs", "limits.md")))
	for limit, rule := range map[string]string{
		"resources a stack": "vinci/stack-resources", "size of a template": "vinci/stack-size", "rules a bus": "vinci/bus-rules", "rules with `wildcard` a bus": "vinci/bus-wildcards",
		"size of a pattern": "vinci/rule-pattern", "inline policies of a role, together": "vinci/role-size", "environment of a function": "vinci/function-environment",
		"name of a queue": "vinci/name-length",
	} {
		if !slices.ContainsFunc(rulepack.Rules(), func(r rulepack.Rule) bool { return r.ID == rule }) {
			t.Errorf("there is no rule %s", rule)
		}
		rows := 0
		for line := range strings.Lines(page) {
			cells := strings.Split(line, " | ")
			if name := strings.TrimPrefix(cells[0], "| "); len(cells) != 5 || name != limit && !strings.HasSuffix(name, ": "+limit) {
				continue
			}
			rows++
			if !strings.HasPrefix(cells[3], "yes") {
				t.Errorf("%s: checked is %q, and there is the rule %s", limit, cells[3], rule)
			}
		}
		if rows != 1 {
			t.Errorf("%d rows of %s, want 1", rows, limit)
		}
	}
}

// replaceTable compares a table of docs/limits.md, from the line that begins with
// first to the next empty line, or writes it.
func replaceTable(t *testing.T, first, want string) {
	t.Helper()
	file := filepath.Join("..", "docs", "limits.md")
	page := string(read(t, file))
	begin := strings.Index(page, "\n"+first) + 1
	if begin == 0 {
		t.Fatalf("docs/limits.md has no table %q", first)
	}
	end := begin + strings.Index(page[begin:]+"\n\n", "\n\n") + 1
	if page[begin:end] == want {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(page[:begin]+want+page[end:]), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("docs/limits.md says\n%s\nand counted is (go test ./constructs -run LimitsPage -update writes it)\n%s", page[begin:end], want)
}

// TestMany synthesizes many subscriptions and tables: every stack stays below
// CloudFormation's limits. With VINCI_FULL it is the size that docs/limits.md speaks of.
func TestMany(t *testing.T) {
	subscriptions, tables := 60, 20
	if os.Getenv("VINCI_FULL") != "" {
		subscriptions, tables = 300, 100
	}
	b := newBig(t)
	b.subscriptions(t, subscriptions, true)
	b.tables(tables)
	b.api(t, 300)
	stacks := b.synth(t)
	divided := 0
	for _, name := range slices.Sorted(maps.Keys(stacks)) {
		c := stacks[name]
		if n := c.total(); n >= 500 {
			t.Errorf("stack %s has %d resources", name, n)
		}
		if n := c["AWS::Events::Rule"]; strings.HasPrefix(name, "shop-dev-subscriptions") {
			divided++
			if n > stacklock.Room {
				t.Errorf("stack %s has %d subscriptions", name, n)
			}
		}
	}
	if want := (subscriptions + stacklock.Room - 1) / stacklock.Room; divided != want {
		t.Errorf("the subscriptions are in %d stacks, want %d", divided, want)
	}
}

// TestTooMany: without a lock a group that is too big is refused before anything is
// made; on the laptop it is divided.
func TestTooMany(t *testing.T) {
	b := newBig(t)
	b.subscriptions(t, stacklock.Room+1, true)
	err := b.app.Synthesize(t.Context(), &SynthOptions{Dir: b.dir, OutDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "vinci stacks lock --new") {
		t.Errorf("error is %v, want one that names the command", err)
	}
	b.app.context = map[string]string{"deployment": "local"}
	out := t.TempDir()
	if err := b.app.Synthesize(t.Context(), &SynthOptions{Dir: b.dir, OutDir: out}); err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]json.RawMessage
	}
	decode(t, filepath.Join(out, "shop-local-subscriptions-2.template.json"), &template)
	if len(template.Resources) == 0 {
		t.Error("the second stack is empty")
	}
}
