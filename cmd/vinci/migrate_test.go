package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/vinci-go/vinci/internal/moduletest"
)

// The first Ctrl-C reaches the migration once, although this process learns of it
// twice; the second one reaches it, too.
func TestPassOn(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	signals, ended, sent := make(chan os.Signal), make(chan struct{}), make(chan os.Signal)
	over := make(chan struct{})
	go func() {
		defer close(over)
		passOn(ctx, signals, ended, func(s os.Signal) { sent <- s })
	}()
	cancel()
	if s := <-sent; s != os.Interrupt {
		t.Errorf("sent %v", s)
	}
	signals <- os.Interrupt // the same Ctrl-C
	signals <- syscall.SIGTERM
	if s := <-sent; s != syscall.SIGTERM {
		t.Errorf("sent %v, want the second signal only", s)
	}
	close(ended)
	<-over
}

func TestRunChild(t *testing.T) {
	if err := runChild(t.Context(), exec.Command("true")); err != nil {
		t.Errorf("success: %v", err)
	}
	var code exitCode
	if err := runChild(t.Context(), exec.Command("sh", "-c", "exit 7")); !errors.As(err, &code) || code != 7 {
		t.Errorf("exit 7: %v", err)
	}
	if err := runChild(t.Context(), exec.Command("/no/such/program")); err == nil || errors.As(err, &code) {
		t.Errorf("no program: %v", err)
	}
	if err := runChild(t.Context(), exec.Command("sh", "-c", "kill -9 $$")); err == nil || !strings.Contains(err.Error(), "goes on at its last checkpoint") {
		t.Errorf("killed: %v", err)
	}
	// One that does not catch it ends by the signal, one that does by itself.
	for script, want := range map[string]any{
		"echo ready; exec sleep 600":                                  context.Canceled,
		"trap 'exit 9' INT; echo ready; while :; do sleep 0.02; done": exitCode(9),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		out := newTranscript()
		child := exec.Command("sh", "-c", script)
		child.Stdout = out
		done := make(chan error, 1)
		go func() { done <- runChild(ctx, child) }()
		out.wait(t, 0, "ready")
		cancel()
		if err := <-done; err != want {
			t.Errorf("%s: %v, want %v", script, err, want)
		}
		if err := runChild(ctx, exec.Command("true")); !errors.Is(err, context.Canceled) {
			t.Errorf("begun after the end: %v", err)
		}
	}
}

func TestMigrateArguments(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) (string, error) {
		out, _, err := vinci(t, "", append([]string{"migrate", "--dir", dir}, args...)...)
		return out, err
	}
	if out, err := run(); err != nil || !strings.Contains(out, filepath.Join("migrations", "NAME", "main.go")) {
		t.Errorf("no migrations: %q, %v", out, err)
	}
	if _, err := run("fill"); err == nil || !strings.Contains(err.Error(), "write its main.go in migrations/fill") {
		t.Errorf("none to run: %v", err)
	}
	moduletest.Write(t, filepath.Join(dir, "migrations", "fill_status", "main.go"), "package main")
	moduletest.Write(t, filepath.Join(dir, "migrations", "add_names", "main.go"), "package main")
	moduletest.Write(t, filepath.Join(dir, "migrations", "helper", "helper.go"), "package helper")
	if out, err := run(); err != nil || out != "add_names\nfill_status\n" {
		t.Errorf("list: %q, %v", out, err)
	}
	if _, err := run("fill"); err == nil || !strings.Contains(err.Error(), `did you mean "fill_status"? (there are: add_names, fill_status)`) {
		t.Errorf("a beginning: %v", err)
	}
	if _, err := run("add_names", "fill_status"); err == nil || !strings.Contains(err.Error(), "one migration at a time") {
		t.Errorf("two: %v", err)
	}
	if _, err := run("add_names", "--", "x", "y"); err == nil || !strings.Contains(err.Error(), "cdk.json") {
		t.Errorf("arguments of its own: %v", err)
	}
}

func TestPassed(t *testing.T) {
	cmd := newMigrate()
	if err := cmd.ParseFlags([]string{"--dry-run", "--rate", "5", "--deployment", "dev", "--max-failures=1"}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(passed(cmd.Flags()), " "); got != "--dry-run=true --max-failures=1 --rate=5" {
		t.Errorf("passed %s", got)
	}
}
