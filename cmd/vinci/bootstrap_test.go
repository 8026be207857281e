package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBootstrapGitHub(t *testing.T) {
	tests := []struct {
		name string
		args []string
		says []string // of the template
		err  string
	}{
		{"all environments", []string{"--repo", "octo/Shop", "--app", "shop"},
			[]string{`"RolePreview"`, `"RoleProduction"`, "repo:octo/Shop:environment:staging", `"AWS::IAM::OIDCProvider"`, "table/shop-pr1*-deliveries"}, ""},
		{"one environment", []string{"--repo", "octo/Shop", "--app", "shop", "--environment", "prod-eu=prodeu", "--ids", "1/2"},
			[]string{`"RoleProdEu"`, "repo:octo@1/Shop@2:environment:prod-eu", "shop/prodeu.tar.gz"}, ""},
		{"the application's own name", []string{"--repo", "octo/Shop", "--dir", fakeApp(t, ticket())}, []string{"table/shop-staging-deliveries"}, ""},
		{"no repository", []string{"--app", "shop"}, nil, "--repo OWNER/REPO is missing"},
		{"wrong ids", []string{"--repo", "octo/Shop", "--app", "shop", "--ids", "1"}, nil, "OWNER_ID/REPO_ID"},
		{"wrong environment", []string{"--repo", "octo/Shop", "--app", "shop", "--environment", "Prod"}, nil, `deployment id "Prod"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			file := filepath.Join(t.TempDir(), "github.json")
			for _, to := range [][]string{nil, {"--out", file}} {
				root := newRoot()
				root.SetOut(&out)
				root.SetErr(&bytes.Buffer{})
				root.SetArgs(append(append([]string{"bootstrap", "github"}, tt.args...), to...))
				err := root.ExecuteContext(t.Context())
				if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
			}
			for _, want := range tt.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it lacks %s:\n%s", want, &out)
				}
			}
			if tt.err == "" {
				if b, err := os.ReadFile(file); err != nil || string(b) != out.String() {
					t.Errorf("the file is not what is printed (%v)", err)
				}
			}
		})
	}
}
