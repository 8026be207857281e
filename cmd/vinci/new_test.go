package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/moduletest"
)

// runNew runs vinci new in a folder of its own, which it returns.
func runNew(t *testing.T, ctx context.Context, args ...string) (dir, stdout, stderr string, err error) {
	t.Helper()
	root, err := filepath.Abs(checkoutRoot)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	t.Chdir(dir)
	cmd := newRoot()
	var out, said bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&said)
	cmd.SetArgs(append([]string{"new", "--replace", root}, args...))
	err = cmd.ExecuteContext(ctx)
	return dir, out.String(), said.String(), err
}

// goScript is a go command that fails where it is told to: the proxy cannot be reached.
const goScript = `#!/bin/sh
case "$*" in
"mod tidy") fails=$TIDY ;;
"mod tidy -e") fails= ;;
*) fails=$LIST ;;
esac
[ -z "$fails" ] || { echo "no such host" >&2; exit 1; }
`

func TestNew(t *testing.T) {
	bin := t.TempDir()
	moduletest.Write(t, filepath.Join(bin, "go"), goScript)
	if err := os.Chmod(filepath.Join(bin, "go"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	for name, tt := range map[string]struct {
		tidy, list string // fails
		says       string // on the other output
		err        string
	}{
		"all is well":       {},
		"only tests' lack":  {tidy: "yes", says: "run go mod tidy there when the module proxy can be reached:\ngo mod tidy: exit status 1\nno such host"},
		"nothing to be had": {tidy: "yes", list: "yes", err: "till is written, but its Go modules cannot be fetched: run go mod tidy there when this is mended:\ngo mod tidy: exit status 1\nno such host"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TIDY", tt.tidy)
			t.Setenv("LIST", tt.list)
			dir, out, said, err := runNew(t, t.Context(), "till")
			if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Errorf("error %v, want %q", err, tt.err)
			}
			if !strings.Contains(said, tt.says) || tt.says == "" && said != "" {
				t.Errorf("it says %q, want %q", said, tt.says)
			}
			if next := strings.Contains(out, "cd till\n  make test"); next != (err == nil) {
				t.Errorf("it prints %q", out)
			}
			if _, err := os.Stat(filepath.Join(dir, "till", "app.go")); err != nil {
				t.Error(err)
			}
		})
	}
	t.Setenv("TIDY", "")
	dir, _, _, err := runNew(t, t.Context(), "till", "--module", "example.com/mine", "--dir", "here")
	if err != nil {
		t.Fatal(err)
	}
	if text := read(t, filepath.Join(dir, "here", "go.mod")); !strings.Contains(text, "module example.com/mine\n") {
		t.Errorf("--module is not used:\n%s", text)
	}
}

// What it prints can be pasted, whatever the folder is called.
func TestNewInAFolderWithSpaces(t *testing.T) {
	bin := t.TempDir()
	moduletest.Write(t, filepath.Join(bin, "go"), "#!/bin/sh\n")
	if err := os.Chmod(filepath.Join(bin, "go"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	for dir, want := range map[string]string{
		"src/till":     "\n  cd src/till\n",
		"my till":      "\n  cd 'my till'\n",
		"ada's till$x": "\n  cd 'ada'\\''s till$x'\n",
	} {
		t.Run(dir, func(t *testing.T) {
			if _, out, _, err := runNew(t, t.Context(), "till", "--dir", dir); err != nil || !strings.Contains(out, want) {
				t.Errorf("it prints %q, %v", out, err)
			}
		})
	}
}

func TestNewWithoutGo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, _, _, err := runNew(t, t.Context(), "till"); err == nil || !strings.Contains(err.Error(), "go is missing: install Go") {
		t.Errorf("error %v", err)
	}
}

func TestNewInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := runNew(t, ctx, "till"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// This program was built from a checkout: it must be told which framework to use.
func TestNewOfNoVersion(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct{ args, says string }{
		{"new till", "vinci new till --replace ../vinci"},
		{"new", "got 0 arguments: see --help"},
		{"new a b", "got 2 arguments: see --help"},
	} {
		cmd := newRoot()
		cmd.SetArgs(strings.Fields(tt.args))
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("vinci %s: error %v, want %q", tt.args, err, tt.says)
		}
	}
	if _, err := os.Stat("till"); !os.IsNotExist(err) {
		t.Errorf("it wrote something: %v", err)
	}
}
