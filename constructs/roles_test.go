package constructs

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/privilege"
)

// TestRoles lists every statement of every role of the test application and compares
// the list with its golden file: a permission that is new shows in a review as a line
// of its own. None has a wildcard that is not on the written list.
func TestRoles(t *testing.T) {
	out := synth(t, testApp(false, map[string]string{"deployment": "dev"}))
	files, err := filepath.Glob(filepath.Join(out, "*.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	roles := 0
	for _, file := range files {
		found, err := privilege.Roles(read(t, file))
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		for _, role := range found {
			roles++
			if role.Managed {
				t.Errorf("role %s has managed policies", role.ID)
			}
			for _, w := range role.Wildcards() {
				t.Errorf("role %s has a wildcard: %s", role.ID, w)
			}
			fmt.Fprintf(&text, "%s %s\n%s", strings.TrimSuffix(filepath.Base(file), ".template.json"), role.ID, role)
		}
	}
	if roles != 8 { // three subscriptions, the table handler, the API, the relay, the timers, the report
		t.Errorf("%d roles, want one a function: 8", roles)
	}
	compare(t, filepath.Join("testdata", "golden", "roles.txt"), text.Bytes())
}

// compare compares with a golden file, or writes it.
func compare(t *testing.T, golden string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, golden); !bytes.Equal(got, want) {
		t.Errorf("%s (go test ./constructs -update writes it again):\n%s", golden, firstDifference(string(got), string(want)))
	}
}

// arn is a resource of a statement in short: a computed ARN, or an attribute of
// a resource beside it.
func arn(resource any) string {
	return strings.ReplaceAll(privilege.Text(resource), "arn:${AWS::Partition}:", "")
}
