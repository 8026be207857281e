package scenario_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/local/synth"
	"github.com/vinci-go/vinci/scenario"
)

// TestDenial takes one permission away and runs the application: the call that
// needs it is denied at the gateway, in AWS's words and with the declaration to
// make; nothing else is.
func TestDenial(t *testing.T) {
	dir, err := synth.Run(t.Context(), synth.Options{Dir: "..", Out: ".vinci/cdk.out"})
	if err != nil {
		t.Fatal(err)
	}
	assembly := t.TempDir()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	replaced := 0
	for _, e := range entries {
		from, to := filepath.Join(dir, e.Name()), filepath.Join(assembly, e.Name())
		if e.IsDir() {
			if err := os.CopyFS(to, os.DirFS(from)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		raw, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(e.Name(), "-subscriptions-") && strings.HasSuffix(e.Name(), ".template.json") {
			raw = withoutWrites(t, raw, &replaced)
		}
		if err := os.WriteFile(to, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if replaced != 1 {
		t.Fatalf("%d statements changed, want one", replaced)
	}
	var rec recording
	stage := startRecorded(t, assembly, &rec)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	alice := register(ctx, t, stage, "alice")
	created, err := stage.Event(ctx, "user/"+alice, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := stage.Delivered(ctx, created.ID, users.SendWelcome, bus.Succeeded); err != nil {
		t.Fatal(err)
	}
	if err := stage.Call(ctx, "POST", "/users/"+alice+"/activate", nil, &struct{}{}, 200); err != nil {
		t.Fatal(err)
	}
	if err := stage.Delivered(ctx, "user/"+alice+"@2", users.CountActive, bus.Succeeded); err != nil {
		t.Fatal(err)
	}
	table := "arn:aws:dynamodb:us-east-1:000000000000:table/" + scenario.Deployment.Table("user_stats")
	told := ""
	for told == "" {
		for _, line := range stage.Runtime.Lines(users.CountTotal.Name) {
			var record struct{ Error string }
			// Lines that are no JSON are Lambda's own.
			if json.Unmarshal([]byte(line.Text), &record) == nil && strings.Contains(record.Error, "AccessDenied") {
				told = record.Error
			}
		}
		if ctx.Err() != nil {
			t.Fatalf("the function told nothing: %v", stage.Runtime.Lines(users.CountTotal.Name))
		}
		time.Sleep(10 * time.Millisecond) // between two looks at a log that nothing signals
	}
	for _, want := range []string{
		"User: arn:aws:sts::000000000000:assumed-role/",
		" is not authorized to perform: dynamodb:UpdateItem on resource: " + table + " because no identity-based policy allows the dynamodb:UpdateItem action",
		`missing statement: {"Effect":"Allow","Action":"dynamodb:UpdateItem","Resource":"` + table + `"`,
		`add bus.Writes(<the definition of table "user_stats">) to subscription "count_total"`,
	} {
		if !strings.Contains(told, want) {
			t.Errorf("the error is\n%s\nit lacks\n%s", told, want)
		}
	}
	rec.stop()
	for _, d := range rec.denied {
		if !strings.Contains(d, `"dynamodb:UpdateItem","Resource":"`+table) {
			t.Errorf("denied as well: %s", d)
		}
	}
}

// withoutWrites takes UpdateItem out of what the function of count_total may do to
// the tables that it writes.
func withoutWrites(t *testing.T, raw []byte, replaced *int) []byte {
	t.Helper()
	var template map[string]any
	if err := json.Unmarshal(raw, &template); err != nil {
		t.Fatal(err)
	}
	for id, r := range template["Resources"].(map[string]any) {
		r := r.(map[string]any)
		if r["Type"] != "AWS::IAM::Role" || !strings.HasPrefix(id, "counttotal") {
			continue
		}
		for _, p := range r["Properties"].(map[string]any)["Policies"].([]any) {
			for _, s := range p.(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
				s := s.(map[string]any)
				if s["Sid"] != "WriteTables" {
					continue
				}
				was := s["Action"].([]any)
				s["Action"] = slices.DeleteFunc(slices.Clone(was), func(a any) bool { return a == "dynamodb:UpdateItem" })
				*replaced += len(was) - len(s["Action"].([]any))
			}
		}
	}
	raw, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
