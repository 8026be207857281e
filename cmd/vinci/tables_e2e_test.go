package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/orm"
)

// vinci runs the tool in this process and returns what it printed.
func vinci(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	root := newRoot()
	var out, errs bytes.Buffer
	root.SetIn(strings.NewReader(stdin))
	root.SetOut(&out)
	root.SetErr(&errs)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

// try is vinci that must succeed.
func try(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	stdout, stderr, err := vinci(t, "", args...)
	if err != nil {
		t.Fatalf("vinci %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout, stderr
}

// contains fails the test when the text lacks one of the patterns.
func contains(t *testing.T, what, text string, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		if !regexp.MustCompile(`(?m)` + p).MatchString(text) {
			t.Errorf("%s lacks %q:\n%s", what, p, text)
		}
	}
}

// lookIntoTables is what a developer does with the tables while vinci dev runs in
// dir, with three users registered.
func lookIntoTables(t *testing.T, dir string) {
	out, _ := try(t, "tables", "--dir", dir)
	contains(t, "the list", out, `^users  Registered users`, `^  key         user_id$`, `^  unique      email \(normalized\)$`, `^mail_domains$`, `^  index       by_type: bucket, time; KEYS_ONLY$`)

	out, _ = try(t, "tables", "list", "--json", "--dir", dir)
	var schemas []*orm.Schema
	if err := json.Unmarshal([]byte(out), &schemas); err != nil || len(schemas) < 5 {
		t.Errorf("%d schemas, %v:\n%s", len(schemas), err, out)
	}

	out, _ = try(t, "tables", "show", "users", "--dir", dir)
	contains(t, "show", out, `^  status +S +string +default "pending"`, `^  count       3 items, counted just now$`, `^  items       user_id = "\w+", email = "\w+@example\.com"`)
	if strings.Contains(out, "unique#") || strings.Contains(out, "unique_owner") {
		t.Errorf("the items of unique values are shown:\n%s", out)
	}

	t.Log("export, import")
	file := filepath.Join(t.TempDir(), "users.jsonl")
	_, said := try(t, "tables", "export", "users", "--output", file, "--dir", dir)
	contains(t, "export", said, `^exported 6 items of table user-system-local-users$`) // three users, three addresses
	lines, err := os.ReadFile(file)
	if err != nil || bytes.Count(lines, []byte("\n")) != 6 {
		t.Fatalf("the export has\n%s, %v", lines, err)
	}
	out, _ = try(t, "tables", "export", "users", "--dir", dir)
	if out != string(lines) {
		t.Errorf("the export to standard output is another:\n%s", out)
	}
	more := strings.ReplaceAll(string(lines), "example.com", "example.org")
	more = regexp.MustCompile(`("user_id":\{"S":")([0-9a-f]{8})`).ReplaceAllString(more, "${1}b$2")
	if _, said, err := vinci(t, more, "tables", "import", "users", "-", "--dir", dir); err != nil || !strings.Contains(said, "imported 6 items into table user-system-local-users\n") {
		t.Errorf("import: %v, %s", err, said)
	}
	if _, _, err := vinci(t, "{}\n", "tables", "import", "users", "-", "--dir", dir); !errors.Is(err, orm.KindValidation) || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a wrong line: %v", err)
	}

	t.Log("migrate")
	out, _ = try(t, "migrate", "--dir", dir)
	contains(t, "no migrations", out, `there are no migrations`)
	source, err := os.ReadFile(filepath.Join("testdata", "migrations", "upper_names", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	main := filepath.Join(dir, "migrations", "upper_names", "main.go")
	moduletest.Write(t, main, string(source))
	if out, _ = try(t, "migrate", "--dir", dir); out != "upper_names\n" {
		t.Errorf("the migrations are %q", out)
	}
	out, _ = try(t, "migrate", "upper_names", "--dry-run", "--dir", dir)
	contains(t, "dry run", out, `^update users "\w+": set name = "SOMEBODY" if name = "Somebody"$`, `to change 6`)
	checkpoint := filepath.Join(dir, ".vinci", "migrations", "local", "upper_names.json")
	if _, err := os.Stat(checkpoint); !os.IsNotExist(err) {
		t.Errorf("a dry run left a checkpoint: %v", err)
	}
	out, said = try(t, "migrate", "upper_names", "--rate", "-1", "--segments", "2", "--dir", dir)
	contains(t, "migrate", out+said, `table users of deployment local, as fast as it goes, 2 segments`, `looked at 6, changed 6, skipped 0, failed 0`)
	out, _ = try(t, "tables", "show", "users", "--dir", dir)
	contains(t, "show", out, `6 items`, `name = "SOMEBODY"`)
	if strings.Contains(out, `"Somebody"`) {
		t.Errorf("a name is left:\n%s", out)
	}
	out, _ = try(t, "migrate", "upper_names", "--dir", dir)
	contains(t, "a second run", out, `has finished before`)
	out, _ = try(t, "migrate", "upper_names", "--restart", "--dir", dir)
	contains(t, "restart", out, `looked at 6, changed 0, skipped 6, failed 0`)

	t.Log("stop a migration, and go on")
	ctx, cancel := context.WithCancel(t.Context())
	live, done := newTranscript(), make(chan error, 1)
	go func() {
		root := newRoot()
		root.SetOut(live)
		root.SetErr(live)
		root.SetArgs([]string{"migrate", "upper_names", "--restart", "--rate", "0.01", "--dir", dir})
		done <- root.ExecuteContext(ctx)
	}()
	live.wait(t, 0, `at most 0\.01 items a second`)
	cancel()
	var code exitCode
	if err := <-done; !errors.As(err, &code) || code != 130 || !strings.Contains(live.String(), "stopped; the next run goes on from here") {
		t.Errorf("stopped: %v, %s", err, live)
	}
	out, said = try(t, "migrate", "upper_names", "--rate", "-1", "--dir", dir)
	contains(t, "going on", out+said, `going on after \d+ items`, `looked at 6, changed 0, skipped 6, failed 0`)

	t.Log("make mistakes")
	mistake := func(says string, args ...string) {
		t.Helper()
		if _, _, err := vinci(t, "", append(args, "--dir", dir)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("vinci %s: %v, want %q", strings.Join(args, " "), err, says)
		}
	}
	mistake(`did you mean "users"`, "tables", "show", "usrs")
	mistake(`did you mean "upper_names"`, "migrate", "upper_name")
	mistake("the table's name is missing", "tables", "show")
	mistake("nothing answers at http://127.0.0.1:1", "tables", "export", "users", "--endpoint", "http://127.0.0.1:1")
	if _, said, err := vinci(t, "", "migrate", "upper_names", "--dir", dir, "--", "--no-such-flag"); !errors.As(err, &code) || code != 2 || !strings.Contains(said, "no-such-flag") {
		t.Errorf("a flag that the migration does not have: %v, %s", err, said)
	}
	moduletest.Replace(t, main, "return nil, nil", "return nil, nothing")
	mistake("undefined: nothing", "migrate", "upper_names")
	if err := os.RemoveAll(filepath.Join(dir, "migrations")); err != nil {
		t.Fatal(err)
	}
}
