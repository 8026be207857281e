package rulepack

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files and the table of docs/rules.md again")

// write makes an assembly of templates by stack name.
func write(t *testing.T, templates map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	artifacts := map[string]any{}
	for name, text := range templates {
		save(t, filepath.Join(dir, name+".template.json"), text)
		artifacts[name] = map[string]any{"type": "aws:cloudformation:stack", "properties": map[string]any{"templateFile": name + ".template.json"}}
	}
	b, err := json.Marshal(map[string]any{"artifacts": artifacts})
	if err != nil {
		t.Fatal(err)
	}
	save(t, filepath.Join(dir, ManifestFile), string(b))
	return dir
}

func save(t *testing.T, file, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func judge(t *testing.T, dir string, o Options) *Verdict {
	t.Helper()
	v, err := Judge(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// many repeats a resource with a number in its id.
func many(n int, resource string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%q: %s", fmt.Sprintf("R%d", i), resource))
	}
	return strings.Join(all, ", ")
}

func quoted(n int) string { return `"` + strings.Repeat("x", n) + `"` }

// large are templates that are not worth a file: what is wrong with them is their
// size.
var large = map[string]string{
	"vinci/rule-pattern": `{"Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": {"EventPattern": {"source": [` + quoted(2036) + `]}}}}}`,
	"vinci/bus-rules": `{"Resources": {"Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "shop-dev-bus"}},
		` + many(301, `{"Type": "AWS::Events::Rule", "Properties": {"EventBusName": {"Ref": "Bus"}, "EventPattern": {"source": ["a"]}}}`) + `}}`,
	"vinci/bus-wildcards": `{"Resources": {
		` + many(31, `{"Type": "AWS::Events::Rule", "Properties": {"EventBusName": "shop-dev-bus", "EventPattern": {"detail": {"name": [{"wildcard": "a*b"}]}}}}`) + `}}`,
	"vinci/function-environment": `{"Resources": {
		"Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
		"Function": {"Type": "AWS::Lambda::Function", "Properties": {"LoggingConfig": {"LogGroup": {"Ref": "Logs"}}, "Environment": {"Variables": {"A": ` + quoted(4000) + `, "REGION": {"Ref": "AWS::Region"}, "B": ` + quoted(80) + `}}}}}}`,
	"vinci/role-size": `{"Resources": {
		"Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": ` + quoted(10000) + `}]}}]}},
		"Policy": {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": "Role"}], "PolicyDocument": {"Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": ` + quoted(200) + `}]}}}}}`,
	"vinci/name-length":     `{"Resources": {"Rule": {"Type": "AWS::Events::Rule", "Properties": {"Name": ` + quoted(65) + `}}}}`,
	"vinci/stack-resources": `{"Resources": {` + many(501, `{"Type": "AWS::SNS::Topic"}`) + `}}`,
	"vinci/stack-size":      `{"Description": ` + quoted(1_000_000) + `}`,
	"vinci/stack-sections":  `{"Outputs": {` + many(201, `{"Value": "a"}`) + `}, "Parameters": {` + many(202, `{"Type": "String"}`) + `}, "Mappings": {` + many(203, `{}`) + `}}`,
}

// TestRules plants what each rule finds, and compares what is said with a golden
// file. Nothing else is wrong with these templates.
func TestRules(t *testing.T) {
	for _, rule := range Rules() {
		t.Run(rule.ID, func(t *testing.T) {
			name := strings.TrimPrefix(rule.ID, "vinci/")
			text, ok := large[rule.ID]
			if !ok {
				text = load(t, filepath.Join("testdata", "bad", name+".json"))
			}
			v := judge(t, write(t, map[string]string{"shop-dev-own": text}), Options{Prefix: "shop-dev-"})
			for _, p := range v.Problems {
				if !strings.HasPrefix(p.What, rule.ID+": ") {
					t.Errorf("found besides:\n%s\n%s", p.What, p.Where)
				}
				if p.Where == "" || p.Allowed == "" || p.Mend == "" {
					t.Errorf("a part is missing: %+v", p)
				}
				if justifiable := strings.Contains(p.Mend, "app.Allow("); justifiable == rule.Hard {
					t.Errorf("hard is %v, and the mend line is %s", rule.Hard, p.Mend)
				}
			}
			if len(v.Problems) == 0 {
				t.Fatal("nothing was found")
			}
			got := strings.ReplaceAll(v.Problems.Error(), strings.Repeat("x", 65), "xx...") + "\n"
			golden := filepath.Join("testdata", "problems", name+".txt")
			if *update {
				save(t, golden, got)
			}
			if want := load(t, golden); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestBadFiles: every template in testdata is read by a rule's test.
func TestBadFiles(t *testing.T) {
	err := filepath.WalkDir("testdata/bad", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if _, ok := lookup("vinci/" + strings.TrimSuffix(d.Name(), ".json")); !ok {
			t.Errorf("%s is for no rule", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
