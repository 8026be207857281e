package constructs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestRoles lists every statement of every role and queue of the test application
// and compares the list with its golden file: a permission that is new shows in
// a review as a line of its own.
func TestRoles(t *testing.T) {
	out := synth(t, testApp(false, map[string]string{"deployment": "dev"}))
	files, err := filepath.Glob(filepath.Join(out, "*.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	roles := 0
	for _, file := range files {
		var template template
		decode(t, file, &template)
		for _, id := range slices.Sorted(maps.Keys(template.Resources)) {
			r := template.Resources[id]
			if r.Type != "AWS::IAM::Role" {
				if r.Type == "AWS::IAM::Policy" || r.Type == "AWS::IAM::ManagedPolicy" {
					t.Errorf("%s: %s %s: permissions belong into the role", filepath.Base(file), r.Type, id)
				}
				continue
			}
			roles++
			if r.Properties["ManagedPolicyArns"] != nil {
				t.Errorf("role %s has managed policies", id)
			}
			fmt.Fprintf(&text, "%s %s\n", strings.TrimSuffix(filepath.Base(file), ".template.json"), id)
			for _, s := range statements(t, r.Properties["Policies"]) {
				checkNarrow(t, id, s)
				fmt.Fprintf(&text, "  %s %s %s", s.Effect, s.Sid, strings.Join(s.Action, " "))
				for _, resource := range s.Resource {
					fmt.Fprintf(&text, "\n    on %s", arn(resource))
				}
				if s.Condition != nil {
					condition, _ := json.Marshal(s.Condition)
					fmt.Fprintf(&text, "\n    when %s", condition)
				}
				text.WriteByte('\n')
			}
		}
	}
	if roles != 8 { // three subscriptions, the table handler, the API, the relay, the timers, the report
		t.Errorf("%d roles, want one a function: 8", roles)
	}
	compare(t, filepath.Join("testdata", "golden", "roles.txt"), text.Bytes())
}

type template struct {
	Resources map[string]struct {
		Type       string
		Properties map[string]any
	}
}

type statement struct {
	Sid, Effect string
	Action      []string
	Resource    []any
	Condition   map[string]any
}

// statements reads the inline policies of a role.
func statements(t *testing.T, policies any) []statement {
	t.Helper()
	b, err := json.Marshal(policies)
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		PolicyDocument struct{ Statement []statement }
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatalf("policies of a role: %v", err)
	}
	var result []statement
	for _, p := range all {
		result = append(result, p.PolicyDocument.Statement...)
	}
	return result
}

// widened are the statements whose resource is *, each with its reason.
var widened = map[string]string{
	"WriteTrace": "X-Ray's actions know no resources: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html",
}

// checkNarrow refuses wildcards: no action and no resource may have one. (The
// ARN of a log group that CloudFormation gives ends in ":*", its streams; it is
// an attribute here.)
func checkNarrow(t *testing.T, role string, s statement) {
	t.Helper()
	for _, action := range s.Action {
		if strings.Contains(action, "*") {
			t.Errorf("role %s: action %s has a wildcard", role, action)
		}
	}
	for _, resource := range s.Resource {
		if strings.Contains(arn(resource), "*") && (arn(resource) != "*" || widened[s.Sid] == "") {
			t.Errorf("role %s: resource %s has a wildcard", role, arn(resource))
		}
	}
}

// arn is a resource of a statement in short: a computed ARN, or an attribute of
// a resource beside it.
func arn(resource any) string {
	switch r := resource.(type) {
	case string:
		return r
	case map[string]any:
		if text, ok := r["Fn::Sub"].(string); ok {
			return strings.ReplaceAll(text, "arn:${AWS::Partition}:", "")
		}
		if path, ok := r["Fn::GetAtt"].([]any); ok {
			return fmt.Sprintf("%v.%v", path...)
		}
	}
	return fmt.Sprintf("%v", resource)
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
