package scenario_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/local/synth"
)

// The time-outs of a hurried assembly, in seconds: of functions, and how long a queue
// hides what a killed process had in hand, six times as long.
const (
	hurriedTimeout = 2
	hurriedHidden  = "12"
)

// hurried synthesizes the application, and shortens in a copy of the assembly the
// time-outs of every subscription. The functions are the application's own.
func hurried(t *testing.T) (assembly string) {
	t.Helper()
	made, err := synth.Run(t.Context(), synth.Options{Dir: "..", Out: ".vinci/cdk.out"})
	if err != nil {
		t.Fatal(err)
	}
	assembly = t.TempDir()
	entries, err := os.ReadDir(made)
	if err != nil {
		t.Fatal(err)
	}
	shortened := 0
	for _, entry := range entries {
		from, to := filepath.Join(made, entry.Name()), filepath.Join(assembly, entry.Name())
		if from, err = filepath.Abs(from); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(entry.Name(), "-subscriptions-") || !strings.HasSuffix(entry.Name(), ".template.json") {
			link(t, from, to)
			continue
		}
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		text, n := hurry(t, text)
		shortened += n
		if err := os.WriteFile(to, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if shortened == 0 {
		t.Fatal("no time-out was found to be shortened")
	}
	return assembly
}

// link makes the same file, or the same files in a folder of its own.
func link(t *testing.T, from, to string) {
	t.Helper()
	inside, err := filepath.Glob(filepath.Join(from, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(inside) == 0 {
		if err := os.Symlink(from, to); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range inside {
		link(t, file, filepath.Join(to, filepath.Base(file)))
	}
}

// hurry shortens the time-outs of a template and says how many.
func hurry(t *testing.T, text []byte) ([]byte, int) {
	t.Helper()
	var template map[string]any
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range template["Resources"].(map[string]any) {
		resource := r.(map[string]any)
		properties, _ := resource["Properties"].(map[string]any)
		switch resource["Type"] {
		case "AWS::Lambda::Function":
			variables := properties["Environment"].(map[string]any)["Variables"].(map[string]any)
			if variables[bus.EnvVisibilityTimeout] != nil {
				properties["Timeout"], variables[bus.EnvVisibilityTimeout] = hurriedTimeout, hurriedHidden
				n++
			}
		case "AWS::SQS::Queue":
			if properties["VisibilityTimeout"] != nil {
				properties["VisibilityTimeout"] = json.Number(hurriedHidden)
			}
		}
	}
	out, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	return out, n
}
