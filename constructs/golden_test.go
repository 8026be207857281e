package constructs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var assetHash = regexp.MustCompile(`[0-9a-f]{64}`)

// TestTemplates compares every template of the test application, in a lasting
// and in an ephemeral deployment, with its golden file.
func TestTemplates(t *testing.T) {
	for name, context := range map[string]map[string]string{
		"dev":   {"deployment": "dev"},
		"pr123": {"deployment": "pr123", "vinci:ephemeral": "true", "architecture": "x86_64"},
	} {
		t.Run(name, func(t *testing.T) {
			out := synth(t, testApp(false, context))
			compareTemplates(t, filepath.Join("testdata", "golden", name), templates(t, out))
		})
	}
}

// compareTemplates compares a folder of golden files with what was found, or
// writes it.
func compareTemplates(t *testing.T, golden string, found map[string][]byte) {
	t.Helper()
	if *update {
		if err := os.RemoveAll(golden); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(golden, 0o755); err != nil {
			t.Fatal(err)
		}
		for file, got := range found {
			if err := os.WriteFile(filepath.Join(golden, file), got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := os.ReadDir(golden)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range want {
		if _, ok := found[file.Name()]; !ok {
			t.Errorf("%s was not written", file.Name())
		}
	}
	for file, got := range found {
		want, err := os.ReadFile(filepath.Join(golden, file))
		if err != nil {
			t.Errorf("%v (go test ./constructs -update writes it)", err)
			continue
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from %s (go test ./constructs -update writes it again):\n%s", file, golden, firstDifference(string(got), string(want)))
		}
	}
}

// templates reads the templates and the order of the stacks from an assembly,
// with asset hashes replaced: they change with every Go release.
func templates(t *testing.T, out string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	files, err := filepath.Glob(filepath.Join(out, "*.template.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no template in %s: %v", out, err)
	}
	for _, file := range files {
		found[filepath.Base(file)] = assetHash.ReplaceAll(read(t, file), []byte("HASH"))
	}
	var manifest struct {
		Artifacts map[string]struct {
			Type         string
			Dependencies []string
		}
	}
	decode(t, filepath.Join(out, "manifest.json"), &manifest)
	var lines []string
	for name, a := range manifest.Artifacts {
		if a.Type == "aws:cloudformation:stack" {
			after := slices.DeleteFunc(a.Dependencies, func(d string) bool { return strings.HasSuffix(d, ".assets") })
			slices.Sort(after)
			lines = append(lines, fmt.Sprintf("%s after %s", name, strings.Join(after, " ")))
		}
	}
	slices.Sort(lines)
	found["order.txt"] = []byte(strings.Join(lines, "\n") + "\n")
	return found
}

// TestSameBytes synthesizes twice, from two folders and with the calls in two
// orders, and compares every byte of both assemblies.
func TestSameBytes(t *testing.T) {
	context := map[string]string{"deployment": "dev"}
	first, second := synth(t, testApp(false, context)), synth(t, testApp(true, context))
	a, b := tree(t, first), tree(t, second)
	for name, content := range a {
		if b[name] != content {
			t.Errorf("%s differs:\n%s", name, firstDifference(b[name], content))
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			t.Errorf("%s is only in the second assembly", name)
		}
	}
}

// TestAssets: each function's asset is its program and nothing else, executable.
func TestAssets(t *testing.T) {
	out := synth(t, testApp(false, map[string]string{"deployment": "dev"}))
	assets, err := filepath.Glob(filepath.Join(out, "asset.*"))
	if err != nil || len(assets) != 8 { // three subscriptions, the table handler, the API, the relay, the timers, the report
		t.Fatalf("assets are %v (%v), want 8", assets, err)
	}
	for _, asset := range assets {
		files, err := os.ReadDir(asset)
		if err != nil || len(files) != 1 || files[0].Name() != "bootstrap" {
			t.Errorf("%s holds %v (%v), want bootstrap alone", filepath.Base(asset), files, err)
			continue
		}
		if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: mode %v (%v), want 0755", filepath.Base(asset), info.Mode(), err)
		}
	}
}

// TestNothingOfThisMachine looks for paths and clocks in the assembly.
func TestNothingOfThisMachine(t *testing.T) {
	out := synth(t, testApp(false, map[string]string{"deployment": "dev"}))
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range tree(t, out) {
		for _, word := range []string{filepath.Dir(wd), os.TempDir() + "/", "CDKMetadata", "Fn::ImportValue", "Fn::GetStackOutput", `"Export"`} {
			if strings.Contains(content, word) {
				t.Errorf("%s contains %q", name, word)
			}
		}
	}
}

func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			all[name] = string(read(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decode(t *testing.T, file string, v any) {
	t.Helper()
	if err := json.Unmarshal(read(t, file), v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// firstDifference shows where two texts begin to differ.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		line := func(lines []string) string {
			if i < len(lines) {
				return lines[i]
			}
			return "(end)"
		}
		if line(g) != line(w) {
			return fmt.Sprintf("line %d:\n got %s\nwant %s", i+1, line(g), line(w))
		}
	}
	return "(no difference)"
}
