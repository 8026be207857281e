package local

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// scratch is the folder of the test application's one binary; "" until it is
// needed.
var scratch string

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		child(dir)
	}
	code := m.Run()
	if scratch != "" {
		if err := os.RemoveAll(scratch); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// bootstrap builds the binary once.
var bootstrap = sync.OnceValues(func() (string, error) {
	var err error
	if scratch, err = os.MkdirTemp("", "vinci-local-test-"); err != nil {
		return "", err
	}
	path := filepath.Join(scratch, "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "./testdata/function")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the test function: %w\n%s", err, out)
	}
	return path, nil
})

// lambdaArchitecture is this machine's, as Lambda calls it.
func lambdaArchitecture() string {
	if runtime.GOARCH == "amd64" {
		return "x86_64"
	}
	return runtime.GOARCH
}

// app writes the test application's assembly into a new folder. edits are pairs
// of old and new text; each old text must be there.
func app(t testing.TB, edits ...string) string {
	t.Helper()
	dir := t.TempDir()
	edits = append([]string{`["ARCHITECTURE"]`, `["` + lambdaArchitecture() + `"]`}, edits...)
	found := make([]bool, len(edits))
	files, err := filepath.Glob("testdata/app/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		for i := 0; i < len(edits); i += 2 {
			if strings.Contains(text, edits[i]) {
				found[i] = true
				text = strings.ReplaceAll(text, edits[i], edits[i+1])
			}
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(file)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(edits); i += 2 {
		if !found[i] {
			t.Fatalf("the test application does not hold %q", edits[i])
		}
	}
	asset := filepath.Join(dir, "asset.c0de")
	if err := os.Mkdir(asset, 0o755); err != nil {
		t.Fatal(err)
	}
	binary, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(binary, filepath.Join(asset, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	return dir
}
