package constructs

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestFeatureFlags compares the context of cdk.json with the flags that the CDK
// recommends at the version in go.mod: a new version may bring new ones, and one
// that is not set makes the command line nag.
func TestFeatureFlags(t *testing.T) {
	var config struct {
		Context map[string]any
	}
	decode(t, filepath.Join("..", "cdk.json"), &config)
	var want map[string]any
	if err := json.Unmarshal(fromCDK(t, "package/recommended-feature-flags.json"), &want); err != nil {
		t.Fatal(err)
	}
	// It sends what the constructs are used with to AWS: an application's own
	// decision.
	want["@aws-cdk/core:enableAdditionalMetadataCollection"] = false
	for flag, value := range want {
		if got, ok := config.Context[flag]; !ok {
			t.Errorf("cdk.json lacks %q: %v", flag, value)
		} else if !reflect.DeepEqual(got, value) {
			t.Errorf("cdk.json has %q: %v, want %v", flag, got, value)
		}
	}
	for flag := range config.Context {
		if _, ok := want[flag]; !ok && strings.HasPrefix(flag, "@aws-cdk") {
			t.Errorf("cdk.json has %q, which this version of the CDK does not recommend", flag)
		}
	}
}

// fromCDK reads a file of the CDK library that the Go module embeds.
func fromCDK(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-cdk-go/awscdk/v2").Output()
	if err != nil {
		t.Fatalf("find the CDK's module: %v", err)
	}
	packages, err := filepath.Glob(filepath.Join(string(bytes.TrimSpace(dir)), "jsii", "aws-cdk-lib-*.tgz"))
	if err != nil || len(packages) != 1 {
		t.Fatalf("the CDK's module holds the packages %v (%v), want one", packages, err)
	}
	file, err := os.Open(packages[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(unzipped); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			t.Fatalf("%s is not in %s", name, packages[0])
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Name == name {
			content, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return content
		}
	}
}
