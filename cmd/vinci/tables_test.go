package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/internal/tablelock"
	"github.com/vinci-go/vinci/local/synth"
	"github.com/vinci-go/vinci/orm"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

// golden compares what was printed with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *updateGolden {
		moduletest.Write(t, file, got)
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s(go test -update writes it anew)", file, got, want)
	}
}

func TestTablesList(t *testing.T) {
	dir := fakeApp(t, ticket(), counter())
	out, _ := try(t, "tables", "--dir", dir)
	golden(t, "list.txt", out)
	if again, _ := try(t, "tables", "list", "--dir", dir); again != out {
		t.Errorf("list prints something else:\n%s", again)
	}
	out, _ = try(t, "tables", "--json", "--dir", dir)
	var got []*orm.Schema
	if err := json.Unmarshal([]byte(out), &got); err != nil || len(got) != 2 || got[1].Indexes[0].Include[0] != "mail" {
		t.Errorf("%v:\n%s", err, out)
	}
	if out, _ = try(t, "tables", "--dir", fakeApp(t)); !strings.Contains(out, "has no tables") {
		t.Errorf("no tables: %s", out)
	}
}

func TestTablesShow(t *testing.T) {
	dir := fakeApp(t, ticket(), counter())
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	out, _ := try(t, "tables", "show", "tickets", "--dir", dir)
	golden(t, "show.txt", out) // with a line about the endpoint where nothing answers
	out, _ = try(t, "tables", "show", "tickets", "--json", "--dir", dir)
	var got orm.Schema
	if err := json.Unmarshal([]byte(out), &got); err != nil || got.Name != "tickets" {
		t.Errorf("%v:\n%s", err, out)
	}
}

// What is named is asked for: that it does not answer is an error. The running
// vinci dev is only looked for.
func TestTablesShowOfWhatDoesNotAnswer(t *testing.T) {
	dir := fakeApp(t, ticket())
	t.Setenv("AWS_REGION", "")
	for _, args := range [][]string{{"--endpoint", "http://127.0.0.1:1"}, {"--deployment", "dev"}} {
		out, _, err := vinci(t, "", append([]string{"tables", "show", "tickets", "--dir", dir}, args...)...)
		if err == nil || !strings.Contains(out, "tickets  Tickets <of> all tenants") || strings.Contains(out, "no count") {
			t.Errorf("%v: %v:\n%s", args, err, out)
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	out, _ := try(t, "tables", "show", "tickets", "--dir", dir)
	contains(t, "without a runtime", out, `^no count and no items: nothing answers at http://127\.0\.0\.1:1: start the local runtime`)
}

// A name that is no command, and arguments where there are none, say what there is.
func TestCommandMistakes(t *testing.T) {
	for says, args := range map[string][]string{
		`there is no command vinci "tabels": did you mean "tables"? (there are: `: {"tabels"},
		`there is no command vinci "publish" (there are: `:                        {"publish"},
		"vinci dev takes no arguments, got here":                                  {"dev", "here"},
		"vinci tables list takes no arguments, got users":                         {"tables", "list", "users"},
		"vinci tables lock takes no arguments, got users":                         {"tables", "lock", "users"},
	} {
		if _, _, err := vinci(t, "", args...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", args, err, says)
		}
	}
	if out, _ := try(t); !strings.Contains(out, "Available Commands:") {
		t.Errorf("vinci alone: %s", out)
	}
}

func TestTablesMistakes(t *testing.T) {
	dir := fakeApp(t, ticket())
	for says, args := range map[string][]string{
		`did you mean "tickets"? (there are: tickets)`: {"show", "ticket"},
		`did you mean "show"`:                          {"shwo"},
		"the table's name is missing":                  {"export"},
		"one table at a time, got a b":                 {"show", "a", "b"},
		"got 1 arguments":                              {"import", "tickets"},
		"no such file":                                 {"import", "tickets", "/no/such/file"},
		"--deployment is missing":                      {"diff"},
		"unknown flag: --nothing":                      {"list", "--nothing"},
		`deployment id "Dev"`:                          {"export", "tickets", "--deployment", "Dev"},
	} {
		if _, _, err := vinci(t, "", append(append([]string{"tables"}, args...), "--dir", dir)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q", args, err, says)
		}
	}
	if _, _, err := vinci(t, "", "tables", "--dir", t.TempDir()); !errors.Is(err, synth.NoApp) {
		t.Errorf("no app: %v", err)
	}
}

func TestTablesLock(t *testing.T) {
	dir := fakeApp(t, ticket(), counter())
	file := filepath.Join(dir, tablelock.File)
	var flags []string
	lock := func(want ...string) {
		t.Helper()
		out, _ := try(t, append([]string{"tables", "lock", "--dir", dir}, flags...)...)
		contains(t, "vinci tables lock", out, want...)
		l, err := tablelock.Read(file)
		if err != nil || len(l.Tables) == 0 {
			t.Errorf("%+v, %v", l, err)
		}
	}
	lock(`^tables\.lock\.json is written with 2 tables: commit it$`)
	lock(`^tables\.lock\.json is as it was$`)
	changed := ticket()
	changed.Indexes = changed.Indexes[1:]
	changed.Sort = "at"
	define(t, dir, changed, counter(), &orm.Schema{Name: "more", Hash: "name", Attributes: counter().Attributes})
	// What one deployment cannot do is refused, and leaves the file alone.
	agreed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	stays := func(args []string, says, prints string) {
		t.Helper()
		out, _, err := vinci(t, "", append([]string{"tables", "lock", "--dir", dir}, args...)...)
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
		contains(t, "vinci tables lock", out, prints)
		if now, err := os.ReadFile(file); err != nil || string(now) != string(agreed) {
			t.Errorf("the lock is\n%s\nand was\n%s\n(%v)", now, agreed, err)
		}
	}
	stays(nil, "tables.lock.json stays as it was, with 1 change that one deployment cannot make", `^refused  table tickets: its key changes from`)
	flags = []string{"--force"}
	lock(`^ok       table more: the table is new$`, `^refused  table tickets: its key changes from tenant \(S\), number \(N\) to tenant \(S\), at \(S\)`, `^ +1\. \S`, `is written: commit it$`)
	flags = nil
	lock(`is as it was`)
	// What cannot be compared is not replaced, whatever is said.
	for text, says := range map[string]string{
		"<<<<<<< HEAD\n": "git checkout --ours", "{\"version\":9}": "version 9", "{": "git checkout -- tables.lock.json",
	} {
		moduletest.Write(t, file, text)
		agreed = []byte(text)
		stays(nil, says, "")
		stays([]string{"--force"}, says, "")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, err := vinci(t, "", "tables", "lock", "--dir", dir); err == nil {
		t.Error("a folder is taken for the lock")
	}
}

const deployedTemplate = `{"Resources":{
	"Queue":{"Type":"AWS::SQS::Queue","Properties":{"QueueName":"shop-dev-tickets"}},
	"Table":{"Type":"AWS::DynamoDB::GlobalTable","Properties":{"TableName":"TABLE",
		"AttributeDefinitions":[{"AttributeName":"KEY","AttributeType":"TYPE"}],
		"KeySchema":[{"AttributeName":"KEY","KeyType":"HASH"}]}}}}`

func template(table, key string) string {
	kind := map[string]string{"name": "S", "n": "N"}[key]
	return strings.NewReplacer("TABLE", table, "KEY", key, "\"TYPE\"", `"`+kind+`"`).Replace(deployedTemplate)
}

func TestTablesDiff(t *testing.T) {
	dir := fakeApp(t, counter())
	run := func(c *cloudFormation) (string, error) {
		t.Helper()
		c.start(t)
		out, _, err := vinci(t, "", "tables", "diff", "--deployment", "dev", "--dir", dir)
		return out, err
	}
	// Others' stacks are among the list; those of an application shop-dev look like
	// this one's, and their tables do not.
	same := &cloudFormation{
		stacks: []string{"other", "shop-prod-table-counters", "shop-dev-table-counters", "shop-dev-x-table-counters", "shop-devel-table-counters"},
		templates: map[string]string{
			"shop-dev-table-counters":   template("shop-dev-counters", "name"),
			"shop-dev-x-table-counters": template("shop-dev-x-counters", "n"),
		},
	}
	out, err := run(same)
	if err != nil || !strings.Contains(out, "the tables are those of deployment dev at http") {
		t.Errorf("the same: %q, %v", out, err)
	}
	if slices.Contains(same.asked, "DELETE_COMPLETE") || !slices.Contains(same.asked, "UPDATE_ROLLBACK_COMPLETE") {
		t.Errorf("it asked for stacks in %v", same.asked)
	}
	out, err = run(&cloudFormation{stacks: []string{"shop-dev-table-counters"}, templates: map[string]string{"shop-dev-table-counters": template("shop-dev-counters", "n")}})
	if err == nil || !strings.Contains(err.Error(), "1 change that one deployment cannot make") || !strings.Contains(out, "refused  table counters: its key changes from n (N) to name (S)") {
		t.Errorf("another key: %q, %v", out, err)
	}
	out, err = run(&cloudFormation{stacks: []string{"shop-dev-api"}, templates: map[string]string{"shop-dev-api": `{"Resources":{}}`}})
	if err != nil || !strings.Contains(out, "ok       table counters: the table is new") {
		t.Errorf("a new table: %q, %v", out, err)
	}
	if out, err = run(&cloudFormation{}); err != nil || !strings.Contains(out, "has no stacks: all tables are new there") {
		t.Errorf("nothing is deployed: %q, %v", out, err)
	}
	if _, err = run(&cloudFormation{stacks: []string{"shop-dev-x"}, templates: map[string]string{"shop-dev-x": "AWSTemplateFormatVersion: 2010-09-09"}}); err == nil || !strings.Contains(err.Error(), "stack shop-dev-x") {
		t.Errorf("a template that is no JSON: %v", err)
	}
	if _, err = run(&cloudFormation{stacks: []string{"shop-dev-x"}}); err == nil || !strings.Contains(err.Error(), "get the template of stack shop-dev-x") {
		t.Errorf("a stack that has just gone: %v", err)
	}
	if _, err = run(&cloudFormation{failures: map[string]string{"ListStacks": "AccessDenied"}}); err == nil || !strings.Contains(err.Error(), "list the stacks") || !strings.Contains(err.Error(), "AccessDenied") {
		t.Errorf("denied: %v", err)
	}
	t.Setenv("AWS_REGION", "")
	if _, _, err := vinci(t, "", "tables", "diff", "--deployment", "dev", "--dir", dir); err == nil || !strings.Contains(err.Error(), "AWS_REGION is not set") {
		t.Errorf("no region: %v", err)
	}
}

// Progress of an export or import: the lines that have gone through.
func TestLines(t *testing.T) {
	var out bytes.Buffer
	p := newLines(&out, "read")
	p.size, p.every = 8, 0
	got := make([]byte, 4)
	r := p.reader(strings.NewReader("a\nb\nc\nd\n"))
	for range 2 {
		if _, err := r.Read(got); err != nil {
			t.Fatal(err)
		}
	}
	p.end()
	if want := "read 2 items (50 %)\nread 4 items (100 %)\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	out.Reset()
	p = newLines(&out, "exported")
	p.terminal, p.every = true, 0
	if _, err := p.writer(&bytes.Buffer{}).Write([]byte("x\n")); err != nil {
		t.Fatal(err)
	}
	p.end()
	if want := "\r\x1b[Kexported 1 item\r\x1b[K"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}
