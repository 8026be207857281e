package assembly

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

var testEnv = Environment{Account: "000000000000", Region: "us-east-1"}

// TestLoadGolden resolves an assembly as aws-cdk-lib 2.270 wrote it.
func TestLoadGolden(t *testing.T) {
	a, err := Load("testdata/cdk", testEnv)
	if err != nil {
		t.Fatal(err)
	}
	root := a.Dir
	for _, r := range a.Resources {
		if r.AssetDir != "" {
			if r.AssetDir, err = filepath.Rel(root, r.AssetDir); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := json.MarshalIndent(map[string]any{"stacks": a.Stacks, "resources": a.Resources}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	const golden = "testdata/cdk.golden.json"
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("resolved assembly differs from %s (run with -update and look at the difference):\n%s", golden, got)
	}
}

// TestLoadOrder checks the promise of Assembly.Resources on a real assembly.
func TestLoadOrder(t *testing.T) {
	a, err := Load("testdata/cdk", testEnv)
	if err != nil {
		t.Fatal(err)
	}
	position := map[string]int{}
	for i, r := range a.Resources {
		position[r.Type+" "+r.Stack] = i
	}
	for _, pair := range [][2]string{
		{"AWS::Events::EventBus app-local-bus", "AWS::Lambda::Function app-local-table-users"},
		{"AWS::DynamoDB::GlobalTable app-local-table-users", "AWS::Lambda::EventSourceMapping app-local-table-users"},
		{"AWS::SQS::Queue app-local-sub", "AWS::Events::Rule app-local-sub"},
		{"AWS::Lambda::Function app-local-api", "AWS::ApiGatewayV2::Route app-local-api"},
	} {
		if position[pair[0]] >= position[pair[1]] {
			t.Errorf("%s is not before %s", pair[0], pair[1])
		}
	}
}

// TestLoadAddresses: queue URLs and API endpoints can point at a local server.
func TestLoadAddresses(t *testing.T) {
	env := testEnv
	env.QueueURL = func(name string) string { return "http://127.0.0.1:1/" + name }
	env.APIEndpoint = func(id string) string { return "http://127.0.0.1:2/" + id }
	dir := writeAssembly(t, `{"Resources": {
		"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}},
		"A": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "api"}}
	}, "Outputs": {"Queue": {"Value": {"Ref": "Q"}}, "API": {"Value": {"Fn::GetAtt": ["A", "ApiEndpoint"]}}}}`)
	a, err := Load(dir, env)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Stacks[0].Outputs["Queue"]; got != "http://127.0.0.1:1/q" {
		t.Errorf("queue URL = %s", got)
	}
	if got := a.Stacks[0].Outputs["API"]; !strings.HasPrefix(got, "http://127.0.0.1:2/") {
		t.Errorf("API endpoint = %s", got)
	}
}

func TestLoadNested(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "manifest.json", `{"version": "54.0.0", "artifacts": {
		"assembly-Prod": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}}}`)
	write(t, dir, "assembly-Prod/manifest.json", `{"version": "54.0.0", "artifacts": {
		"ProdS.assets": {"type": "cdk:asset-manifest", "properties": {"file": "S.assets.json"}},
		"ProdS": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region",
			"dependencies": ["ProdS.assets"], "properties": {"templateFile": "S.template.json", "stackName": "Prod-S"},
			"metadata": {"/Prod/S/F/Resource": [{"type": "aws:cdk:logicalId", "data": "F"}, {"type": "aws:cdk:warning", "data": {"x": 1}}]}}}}`)
	write(t, dir, "assembly-Prod/S.assets.json", `{"files": {"h": {"source": {"path": "../asset.h", "packaging": "zip"}, "destinations": {"d": {"objectKey": "h.zip"}}}}}`)
	write(t, dir, "assembly-Prod/S.template.json", `{"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {"Code": {"S3Bucket": "b", "S3Key": "h.zip"}}}}}`)
	a, err := Load(dir, testEnv)
	if err != nil {
		t.Fatal(err)
	}
	f := a.Resources[0]
	if f.Stack != "Prod-S" || f.Name != "Prod-S-F" || f.Where() != "Prod/S/F" || f.AssetDir != filepath.Join(a.Dir, "asset.h") {
		t.Errorf("got %+v", f)
	}
}

func TestLoadErrors(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  []string
		kind  error
	}{
		{"no manifest", nil, []string{"has no manifest.json: synthesize"}, ErrInvalid},
		{"not JSON", map[string]string{"manifest.json": "{"}, []string{"manifest.json", "unexpected end"}, ErrInvalid},
		{"newer schema", map[string]string{"manifest.json": `{"version": "55.0.0"}`}, []string{"55.0.0", "up to 54"}, ErrInvalid},
		{"odd version", map[string]string{"manifest.json": `{"version": "x"}`}, []string{`"x"`}, ErrInvalid},
		{"everything at once", map[string]string{
			"manifest.json": `{"version": "54.0.0", "artifacts": {
				"a": {"type": "aws:cloudformation:stack", "environment": "aws://123456789012/unknown-region", "properties": {"templateFile": "t.json"}},
				"b": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/eu-west-1", "properties": {"templateFile": "t.json"}},
				"c": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "properties": {"templateFile": "gone.json"}},
				"d": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "properties": {}},
				"e": {"type": "cdk:cloud-assembly", "properties": {"directoryName": "gone"}}}}`,
			"t.json": `{}`,
		}, []string{"123456789012", "eu-west-1", "gone.json", "stack d: ", "names no template", "nested assembly e"}, ErrInvalid},
		{"stacks in a circle", map[string]string{
			"manifest.json": `{"version": "54.0.0", "artifacts": {
				"a": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "dependencies": ["b"], "properties": {"templateFile": "t.json"}},
				"b": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "dependencies": ["a"], "properties": {"templateFile": "t.json"}}}}`,
			"t.json": `{}`,
		}, []string{"a -> b -> a"}, ErrInvalid},
		{"two stacks of one name", map[string]string{
			"manifest.json": `{"version": "54.0.0", "artifacts": {
				"a": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "properties": {"templateFile": "t.json", "stackName": "x"}},
				"b": {"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region", "properties": {"templateFile": "t.json", "stackName": "x"}}}}`,
			"t.json": `{}`,
		}, []string{"two stacks are named x"}, ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range tt.files {
				write(t, dir, name, text)
			}
			_, err := Load(dir, testEnv)
			if !errors.Is(err, tt.kind) {
				t.Fatalf("error %v is not of kind %v", err, tt.kind)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeAssembly makes an assembly of stacks S0, S1, … each depending on those before.
func writeAssembly(t *testing.T, templates ...string) string {
	t.Helper()
	dir := t.TempDir()
	artifacts := map[string]any{}
	var before []string
	for i, text := range templates {
		name := "S" + string(rune('0'+i))
		write(t, dir, name+".template.json", text)
		artifacts[name] = map[string]any{
			"type": "aws:cloudformation:stack", "environment": "aws://unknown-account/unknown-region",
			"dependencies": append([]string{}, before...), "properties": map[string]any{"templateFile": name + ".template.json"},
		}
		before = append(before, name)
	}
	data, err := json.Marshal(map[string]any{"version": "54.0.0", "artifacts": artifacts})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "manifest.json", string(data))
	return dir
}
