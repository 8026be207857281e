package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/internal/release"
)

// onPath puts a program before all others.
func onPath(t *testing.T, name, body string) {
	t.Helper()
	dir := t.TempDir()
	moduletest.Write(t, filepath.Join(dir, name), "#!/bin/sh\n"+body)
	if err := os.Chmod(filepath.Join(dir, name), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

// What becomes of a deployment is in package internal/release; here is what the
// command makes of it.
func TestDeploy(t *testing.T) {
	dir := t.TempDir()
	moduletest.Write(t, filepath.Join(dir, "manifest.json"), `{"artifacts":{"shop-pr1-api":{"type":"aws:cloudformation:stack",
		"properties":{"tags":{"vinci:application":"shop","vinci:deployment":"pr1"}}}}}`)
	onPath(t, "cdk", `echo "cdk $1 $5"; echo '{}' > "${10}"`)
	onPath(t, "aws", `[ "$4" = shop-pr1/ ] && echo '{"MetricAlarms":[{"AlarmName":"shop-pr1/api/Errors"}]}'`)
	tests := []struct {
		name string
		args []string
		out  string
		is   error
		err  string
	}{
		{"good", []string{"--deployment", "pr1", "--watch", "20ms", "--every", "10ms", "--smoke", `echo "smoke of $VINCI_APP $VINCI_DEPLOYMENT"`}, "smoke of shop pr1", nil, ""},
		{"alarms of before", []string{"--deployment", "pr1", "--watch", "20ms", "--every", "10ms"}, "these fire already and cause no roll-back: shop-pr1/api/Errors", nil, ""},
		{"not good, and no way back", []string{"--deployment", "pr1", "--no-alarms", "--smoke", "exit 7"}, "cdk deploy", exitCode(3), "exit status 3"},
		{"refused", []string{"--deployment", "pr2"}, "", release.Refused, "is of deployment pr1 and not of pr2"},
		{"no deployment", nil, "", nil, "--deployment is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			root := newRoot()
			root.SetOut(&out)
			root.SetErr(&out)
			root.SetArgs(append([]string{"deploy", "--assembly", dir}, tt.args...))
			err := root.ExecuteContext(t.Context())
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if !strings.Contains(out.String(), tt.out) {
				t.Errorf("it lacks %q:\n%s", tt.out, &out)
			}
		})
	}
}
