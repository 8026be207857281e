package templatediff

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files")

// assemble writes each stack's resources as a cloud assembly.
func assemble(t *testing.T, stacks map[string]map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	artifacts := map[string]any{}
	for name, resources := range stacks {
		artifacts[name] = map[string]any{"type": "aws:cloudformation:stack", "properties": map[string]any{"templateFile": name + ".template.json"}}
		artifacts[name+".assets"] = map[string]any{"type": "cdk:asset-manifest", "properties": map[string]any{"file": "x"}}
		writeJSON(t, filepath.Join(dir, name+".template.json"), map[string]any{"Resources": resources})
	}
	writeJSON(t, filepath.Join(dir, "manifest.json"), map[string]any{"version": "54.0.0", "artifacts": artifacts})
	return dir
}

func writeJSON(t *testing.T, file string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// parts are the folders of a case: two assemblies, each stack a file.
func parts(t *testing.T, dir string) Assembly {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	stacks := map[string]map[string]any{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var resources map[string]any
		if err := json.Unmarshal(b, &resources); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		stacks[strings.TrimSuffix(filepath.Base(f), ".json")] = resources
	}
	a, err := Load(assemble(t, stacks))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Each folder of testdata is a case: before/ and after/ hold the resources of stacks,
// text.txt, markdown.md and diff.json what is said of them.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/*")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, dir := range cases {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			d := Compare(parts(t, filepath.Join(dir, "before")), parts(t, filepath.Join(dir, "after")))
			for name, write := range map[string]func(*bytes.Buffer) error{
				"text.txt":    func(b *bytes.Buffer) error { return d.Text(b) },
				"markdown.md": func(b *bytes.Buffer) error { return d.Markdown(b, 0) },
				"diff.json":   func(b *bytes.Buffer) error { return d.JSON(b) },
			} {
				var got bytes.Buffer
				if err := write(&got); err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(dir, name)
				if *update {
					if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if got.String() != string(want) {
					t.Errorf("%s (go test -update writes it):\n%s", file, &got)
				}
			}
		})
	}
}

// The table of what replaces is that of the CDK CLI, for every type in it.
func TestTableIsCloudFormations(t *testing.T) {
	f, err := os.Open("../../node_modules/aws-cdk/db.json.gz")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the CDK CLI is not installed: make install")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var db struct {
		Schema struct {
			Resource struct {
				Entities []struct {
					Type       string `json:"cloudFormationType"`
					Properties map[string]struct {
						CausesReplacement string `json:"causesReplacement"`
					} `json:"properties"`
				} `json:"entities"`
			} `json:"resource"`
		} `json:"schema"`
	}
	if err := json.NewDecoder(z).Decode(&db); err != nil {
		t.Fatal(err)
	}
	left := types()
	for _, e := range db.Schema.Resource.Entities {
		i := slices.Index(left, e.Type)
		if i < 0 {
			continue
		}
		left = slices.Delete(left, i, i+1)
		for _, name := range slices.Sorted(maps.Keys(e.Properties)) {
			want := e.Properties[name].CausesReplacement == "yes" || e.Properties[name].CausesReplacement == "maybe"
			if got, _ := Replaces(e.Type, name); got != want {
				t.Errorf("%s %s: replaces %v, the CDK CLI says %v", e.Type, name, got, want)
			}
		}
		properties, _ := replacing(e.Type)
		for _, name := range properties {
			if _, ok := e.Properties[name]; !ok {
				t.Errorf("%s has no property %s", e.Type, name)
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("not in the CDK CLI's specification: %v", left)
	}
}

// Every type that Vinci makes is in the table.
func TestTableHasTheTypesOfVinci(t *testing.T) {
	files, err := filepath.Glob("../../constructs/testdata/golden/*/*.template.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, file := range files {
		var s Stack
		if err := readJSON(file, &s); err != nil {
			t.Fatal(err)
		}
		for _, r := range s.Resources {
			if _, known := replacing(r.Type); !known {
				t.Errorf("%s: add %s to types and replacing in replace.go", file, r.Type)
			}
		}
	}
}

func TestLoad(t *testing.T) {
	_, err := Load(t.TempDir())
	if !errors.Is(err, ErrNoAssembly) || !strings.Contains(err.Error(), "cdk synth -o") {
		t.Errorf("an empty folder: %v", err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || errors.Is(err, ErrNoAssembly) {
		t.Errorf("a broken manifest: %v", err)
	}
	dir = assemble(t, map[string]map[string]any{"a": {"X": map[string]any{"Properties": map[string]any{}}}})
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "resource X has no Type") {
		t.Errorf("a resource without a type: %v", err)
	}

	// A Stage's assembly is nested, its stacks have names and metadata of their own.
	inner := assemble(t, map[string]map[string]any{"inner": {"Queue12": map[string]any{"Type": "AWS::SQS::Queue"}}})
	writeJSON(t, filepath.Join(inner, "manifest.json"), map[string]any{"artifacts": map[string]any{"x": map[string]any{
		"type": "aws:cloudformation:stack", "additionalMetadataFile": "metadata.json",
		"properties": map[string]any{"templateFile": "inner.template.json", "stackName": "prod-inner"}}}})
	writeJSON(t, filepath.Join(inner, "metadata.json"), map[string]any{
		"/prod-inner/send/Queue/Resource": []any{map[string]any{"type": "aws:cdk:logicalId", "data": "Queue12"}}})
	outer := t.TempDir()
	if err := os.Rename(inner, filepath.Join(outer, "nested")); err != nil {
		t.Fatal(err)
	}
	writeJSON(t, filepath.Join(outer, "manifest.json"), map[string]any{"artifacts": map[string]any{"stage": map[string]any{
		"type": "cdk:cloud-assembly", "properties": map[string]any{"directoryName": "nested"}}}})
	a, err := Load(outer)
	if err != nil {
		t.Fatal(err)
	}
	if r := a["prod-inner"].Resources["Queue12"]; r.path != "send/Queue" {
		t.Errorf("the path is %q", r.path)
	}
}

// A route that everybody may call is told when it comes, not only when one loses its
// authorizer.
func TestOpenRoute(t *testing.T) {
	route := func(auth string) map[string]map[string]any {
		return map[string]map[string]any{"api": {"R": map[string]any{"Type": "AWS::ApiGatewayV2::Route",
			"Properties": map[string]any{"RouteKey": "GET /users", "AuthorizationType": auth}}}}
	}
	none := map[string]map[string]any{"api": {}}
	for _, tt := range []struct {
		name          string
		before, after map[string]map[string]any
		warned        bool
	}{
		{"a new open one", none, route("NONE"), true},
		{"a new closed one", none, route("AWS_IAM"), false},
		{"it is opened", route("AWS_IAM"), route("NONE"), true},
		{"it is closed", route("NONE"), route("JWT"), false},
		{"it was open", route("NONE"), route(""), false},
		{"it goes", route("NONE"), none, false},
	} {
		before, err := Load(assemble(t, tt.before))
		if err != nil {
			t.Fatal(err)
		}
		after, err := Load(assemble(t, tt.after))
		if err != nil {
			t.Fatal(err)
		}
		d := Compare(before, after)
		var text bytes.Buffer
		if err := d.Text(&text); err != nil {
			t.Fatal(err)
		}
		if warned := strings.Contains(text.String(), "! rights: everybody may call the route GET /users"); warned != tt.warned || d.Counts().Dangers > 1 {
			t.Errorf("%s: warned is %v:\n%s", tt.name, warned, &text)
		}
	}
}

// A comment is cut at a line, within its limit, and says so.
func TestMarkdownLimit(t *testing.T) {
	resources := map[string]any{}
	for i := range 400 {
		resources[fmt.Sprintf("Q%03d", i)] = map[string]any{"Type": "AWS::SQS::Queue"}
	}
	after, err := Load(assemble(t, map[string]map[string]any{"s": resources}))
	if err != nil {
		t.Fatal(err)
	}
	d := Compare(Assembly{}, after)
	var all, cut bytes.Buffer
	if err := errors.Join(d.Markdown(&all, 0), d.Markdown(&cut, 3000)); err != nil {
		t.Fatal(err)
	}
	if cut.Len() > 3000 || cut.Len() < 2000 || !strings.Contains(cut.String(), "lines more do not fit here") {
		t.Errorf("%d bytes:\n%s", cut.Len(), &cut)
	}
	if strings.Contains(all.String(), "do not fit") || strings.Count(all.String(), "`Q") != 400 {
		t.Errorf("without a limit:\n%s", &all)
	}
}

// What a template says means nothing to Markdown.
func TestCode(t *testing.T) {
	for in, want := range map[string]string{
		"a":             "`a`",
		"a\n# b":        "`a # b`",
		"@user `rm`":    "`` @user `rm` ``",
		"``":            "``` `` ```",
		"x ``` <b> y":   "`x ``` <b> y`",
		"![](http://x)": "`![](http://x)`",
	} {
		got := code(in)
		if in == "x ``` <b> y" {
			want = "````x ``` <b> y````"
		}
		if got != want {
			t.Errorf("code(%q) = %s, want %s", in, got, want)
		}
	}
}

// anything generates a JSON value as a template may have it.
func anything(depth int) *rapid.Generator[any] {
	leaf := rapid.OneOf(
		rapid.Map(rapid.StringMatching(`[a-c]{0,2}`), func(s string) any { return s }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.IntRange(0, 2), func(n int) any { return json.Number(fmt.Sprint(n)) }),
	)
	if depth == 0 {
		return leaf
	}
	return rapid.OneOf(leaf,
		rapid.Map(rapid.SliceOfN(anything(depth-1), 0, 3), func(l []any) any { return l }),
		rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"Sid", "Name", "Ref", "A", "B"}), anything(depth-1), 0, 3), func(m map[string]any) any { return m }),
	)
}

// There are differences exactly where two values differ, and always the same ones.
func TestDifferences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anything(3).Draw(t, "a"), anything(3).Draw(t, "b")
		got := differences("P", a, b)
		if (len(got) == 0) != (text(a) == text(b)) {
			t.Fatalf("%s and %s: %v", text(a), text(b), got)
		}
		if again := differences("P", a, b); fmt.Sprint(got) != fmt.Sprint(again) {
			t.Fatalf("%v, then %v", got, again)
		}
		for _, c := range got {
			if c.Old == c.New {
				t.Fatalf("no difference: %+v", c)
			}
		}
	})
}
