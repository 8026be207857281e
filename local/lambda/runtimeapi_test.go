package lambda

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestRawRuntime: runtimes that are not aws-lambda-go.
func TestRawRuntime(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bootstrap"), "./testdata/raw")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	run := func(mode string) (*Service, *sink) {
		return start(t, Options{MaxEnvironments: 1}, echo(env("MODE", mode), func(c *FunctionConfig) { c.Dir = dir }))
	}
	for mode, want := range map[string]string{
		"unanswered":  "[403]",
		"wrong id":    "[400 400]",
		"two pollers": "[]",
		"":            "[]",
	} {
		t.Run(mode, func(t *testing.T) {
			s, _ := run(mode)
			for range 20 {
				if r := invoke(t, s, request{}); r.FunctionError != "" || string(r.Payload) != want {
					t.Errorf("got %s %s; want %s", r.FunctionError, r.Payload, want)
				}
			}
		})
	}
	t.Run("init error", func(t *testing.T) {
		s, _ := run("init error")
		if d := describe(t, invoke(t, s, request{})); d != (described{"Config.Missing", "no TABLE"}) {
			t.Errorf("got %+v", d)
		}
	})
	t.Run("text error", func(t *testing.T) {
		s, _ := run("text error")
		if d := describe(t, invoke(t, s, request{})); d != (described{"Runtime.Unknown", "it broke"}) {
			t.Errorf("got %+v", d)
		}
	})
	t.Run("twice", func(t *testing.T) {
		s, logs := run("twice")
		if r := invoke(t, s, request{}); string(r.Payload) != "[]" {
			t.Errorf("got %s", r.Payload)
		}
		contains(t, []string{logs.all()}, "again: 400")
	})
}
