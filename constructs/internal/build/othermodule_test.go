package build

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// An application in another module builds the framework's own function from the
// version of Vinci that its go.mod names, with a tool line to keep it there.
func TestRelayFromAnotherModule(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := map[string]string{"lambdas/hello/main.go": hello}
	// The same dependencies as Vinci's own, so that nothing is to be looked up.
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(b)
	}
	write(t, dir, files)
	const relay, timers = "github.com/vinci-go/vinci/cmd/vinci-relay", "github.com/vinci-go/vinci/cmd/vinci-timers"
	edit := exec.Command("go", "mod", "edit", "-module", "example.com/shop",
		"-require", "github.com/vinci-go/vinci@v0.0.0", "-replace", "github.com/vinci-go/vinci="+root, "-tool", relay, "-tool", timers)
	edit.Dir = dir
	if out, err := edit.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", edit, err, out)
	}
	assets := mustBuild(t, request(dir, "./lambdas/hello", relay, timers))
	if assets["vinci-relay"] == "" || assets["vinci-timers"] == "" || assets["hello"] == "" {
		t.Errorf("assets %v, want those of all functions", assets)
	}
}
