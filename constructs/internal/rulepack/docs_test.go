package rulepack

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/privilege"
)

// table is the part of docs/rules.md that is made from the rules.
func table() string {
	var b strings.Builder
	b.WriteString("| rule | what it asks for | why | how to justify |\n|---|---|---|---|\n")
	for _, r := range Rules() {
		justify := "`app.Allow`"
		switch {
		case r.Hard:
			justify = "not at all: AWS refuses it"
		case r.Lasting:
			justify = "the table's settings, or `app.Allow`; not asked for in an ephemeral deployment"
		case r.Granular:
			justify = "`app.Allow`, one finding each"
		}
		fmt.Fprintf(&b, "| [`%s`](%s) | %s | %s | %s |\n", r.ID, r.Page, r.What, r.Why, justify)
	}
	b.WriteString("\nWhat may be allowed on every resource, and why:\n\n| action | why |\n|---|---|\n")
	for _, u := range privilege.AnyResource() {
		fmt.Fprintf(&b, "| [`%s`](%s) | %s |\n", u.Action, u.Page, u.Reason)
	}
	return b.String()
}

// TestDocs: docs/rules.md says what the rules are, and no other.
func TestDocs(t *testing.T) {
	const (
		file  = "../../../docs/rules.md"
		begin = "<!-- rules: written by go test ./constructs/internal/rulepack -update -->\n"
		end   = "<!-- end of rules -->\n"
	)
	text := load(t, file)
	before, rest, ok := strings.Cut(text, begin)
	got, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the table of rules", file)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+table()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		got = table()
	}
	if got != table() {
		t.Errorf("the table of %s is not current (go test ./constructs/internal/rulepack -update writes it again)", file)
	}
}

// TestRulesAreWhole: every rule has an id of its own, a reason and a page of AWS's.
func TestRulesAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules() {
		if seen[r.ID] || !strings.HasPrefix(r.ID, "vinci/") || r.What == "" || r.Why == "" || !strings.HasPrefix(r.Page, "https://docs.aws.amazon.com/") || r.check == nil {
			t.Errorf("rule %+v", r)
		}
		if r.Hard && (r.Granular || r.Lasting) {
			t.Errorf("rule %s has no exceptions that could be told apart or left out", r.ID)
		}
		seen[r.ID] = true
	}
}
