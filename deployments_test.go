package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/constructs"
	"github.com/vinci-go/vinci/internal/moduletest"
)

func TestMain(m *testing.M) {
	os.Setenv("CDK_VALIDATION", "false") // 3 s and 400 MB; make synth has it on
	for _, key := range []string{"CDK_OUTDIR", "CONTEXT_OVERFLOW_LOCATION_ENV", "CDK_DEFAULT_ACCOUNT", "CDK_DEFAULT_REGION"} {
		os.Unsetenv(key)
	}
	code := m.Run()
	jsii.Close()
	os.Exit(code)
}

// made is what the templates of one deployment say.
type made struct {
	protected, stacks int
	retained, tables  int
	names             map[string]string // of queues, tables, topics and buses, to their stacks
}

// synthesized is the reference application in a deployment, for this machine's
// processor: the functions are compiled for it anyway. dir is a copy of the module:
// another test may build the functions of this one at the same time.
func synthesized(t *testing.T, dir, deployment string) made {
	t.Helper()
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	t.Setenv("CDK_CONTEXT_JSON", fmt.Sprintf(`{"deployment":%q,"architecture":%q}`, deployment, architecture))
	out := filepath.Join(dir, "out")
	defer os.RemoveAll(out) // 100 MB of functions
	if err := application().Synthesize(t.Context(), &constructs.SynthOptions{Dir: dir, OutDir: out}); err != nil {
		t.Fatal(err)
	}
	m := made{names: map[string]string{}}
	var manifest struct {
		Artifacts map[string]struct {
			Type       string
			Properties struct {
				TemplateFile          string
				TerminationProtection bool
			}
		}
	}
	read(t, filepath.Join(out, "manifest.json"), &manifest)
	for stack, a := range manifest.Artifacts {
		if a.Type != "aws:cloudformation:stack" {
			continue
		}
		m.stacks++
		if a.Properties.TerminationProtection {
			m.protected++
		}
		m.names["stack "+stack] = stack
		var template struct {
			Resources map[string]struct {
				Type                                string
				Properties                          map[string]any
				DeletionPolicy, UpdateReplacePolicy string
			}
		}
		read(t, filepath.Join(out, a.Properties.TemplateFile), &template)
		for _, r := range template.Resources {
			if strings.HasPrefix(r.DeletionPolicy, "Retain") || strings.HasPrefix(r.UpdateReplacePolicy, "Retain") {
				m.retained++
			}
			if r.Type == "AWS::DynamoDB::GlobalTable" {
				m.tables++
			}
			for _, key := range []string{"QueueName", "TableName", "TopicName", "DashboardName", "AlarmName", "ArchiveName", "FunctionName", "LogGroupName", "BucketName"} {
				if name, ok := r.Properties[key].(string); ok {
					m.names[r.Type+" "+name] = stack
				}
			}
			if name, ok := r.Properties["Name"].(string); ok {
				m.names[r.Type+" "+name] = stack
			}
		}
	}
	return m
}

func read(t *testing.T, file string, v any) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// TestDeployments has three of the application in one account: the one of a pull
// request deletes cleanly, prod is protected, and no two share a name.
func TestDeployments(t *testing.T) {
	dir := moduletest.Copy(t, ".")
	owner := map[string]string{}
	for _, deployment := range []string{"dev", "pr123", "prod"} {
		m := synthesized(t, dir, deployment)
		if m.stacks < 10 || m.tables < 10 {
			t.Fatalf("%s has %d stacks with %d tables", deployment, m.stacks, m.tables)
		}
		if protected := deployment == "prod"; protected && m.protected != m.stacks || !protected && m.protected > 0 {
			t.Errorf("%s: %d of %d stacks are protected", deployment, m.protected, m.stacks)
		}
		if deployment == "pr123" && m.retained > 0 {
			t.Errorf("%s leaves %d resources when it is deleted", deployment, m.retained)
		}
		if deployment != "pr123" && m.retained < m.tables {
			t.Errorf("%s keeps %d resources when it is deleted, and has %d tables", deployment, m.retained, m.tables)
		}
		for name, stack := range m.names {
			if other, taken := owner[name]; taken {
				t.Errorf("%s is in %s and in %s", name, other, stack)
			}
			owner[name] = stack
		}
	}
}
