package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/moduletest"
)

// assembly writes a cloud assembly of one stack with one queue.
func assembly(t *testing.T, queue string) string {
	t.Helper()
	dir := t.TempDir()
	moduletest.Write(t, filepath.Join(dir, "manifest.json"), `{"artifacts":{"s":{"type":"aws:cloudformation:stack","properties":{"templateFile":"s.json"}}}}`)
	moduletest.Write(t, filepath.Join(dir, "s.json"), fmt.Sprintf(`{"Resources":{"Q":{"Type":"AWS::SQS::Queue","Properties":%s}}}`, queue))
	return dir
}

func TestDiff(t *testing.T) {
	base := assembly(t, `{"QueueName":"a"}`)
	tests := []struct {
		name, other string
		flags       []string
		out, err    string // what each must hold; no error when err is empty
	}{
		{"the same", `{"QueueName":"a"}`, []string{"--fail-on", "change"}, "the templates are the same", ""},
		{"in place", `{"QueueName":"a","DelaySeconds":1}`, []string{"--fail-on", "replace"}, "~ Q  AWS::SQS::Queue", ""},
		{"any change", `{"QueueName":"a","DelaySeconds":1}`, []string{"--fail-on", "change"}, "DelaySeconds: none -> 1", "--fail-on change: 0 resources added, 1 changed"},
		{"replaced", `{"QueueName":"b"}`, []string{"--fail-on", "replace"}, "REPLACED for QueueName", "--fail-on replace"},
		{"replaced, and nobody minds", `{"QueueName":"b"}`, nil, "REPLACED for QueueName", ""},
		{"dangerous", `{"QueueName":"b"}`, []string{"--fail-on", "danger", "--format", "markdown"}, "#### Needs a look", "--fail-on danger"},
		{"as JSON", `{"QueueName":"b"}`, []string{"--format", "json"}, `"replaced": "yes"`, ""},
		{"format", `{}`, []string{"--format", "yaml"}, "", `there is no format "yaml"`},
		{"reason", `{}`, []string{"--fail-on", "replaced"}, "", `did you mean "replace"?`},
		{"limit", `{}`, []string{"--max-bytes", "10"}, "", "--max-bytes 10: at least 1000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			root := newRoot()
			root.SetOut(&out)
			root.SetArgs(append([]string{"diff", base, assembly(t, tt.other)}, tt.flags...))
			err := root.ExecuteContext(t.Context())
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if !strings.Contains(out.String(), tt.out) {
				t.Errorf("it lacks %q:\n%s", tt.out, &out)
			}
		})
	}
}

func TestDiffArguments(t *testing.T) {
	for _, args := range [][]string{{"diff"}, {"diff", "a"}, {"diff", t.TempDir(), t.TempDir()}} {
		root := newRoot()
		root.SetArgs(args)
		root.SetOut(&bytes.Buffer{})
		if err := root.ExecuteContext(t.Context()); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
