package synth_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/synth"
)

// app makes a folder with a CDK app that is the given shell command, and a Node
// beside it.
func app(t *testing.T, command string) string {
	t.Helper()
	dir := t.TempDir()
	cdk, err := json.Marshal(map[string]any{"app": command, "context": map[string]any{"flag": true}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cdk.json"), string(cdk))
	write(t, filepath.Join(dir, "node_modules", ".bin", "node"), "#!/bin/sh\n")
	return dir
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestRun(t *testing.T) {
	dir := app(t, `printf %s "$CDK_CONTEXT_JSON" > "$CDK_OUTDIR/context"; printf %s "$CDK_VALIDATION ${PATH%%:*} $PWD" > "$CDK_OUTDIR/rest"`)
	out, err := synth.Run(t.Context(), synth.Options{Dir: dir, Out: "out/assembly"})
	if err != nil {
		t.Fatal(err)
	}
	if out != filepath.Join(dir, "out", "assembly") {
		t.Errorf("assembly in %s", out)
	}
	b, err := os.ReadFile(filepath.Join(out, "context"))
	if err != nil {
		t.Fatal(err)
	}
	var context map[string]any
	if err := json.Unmarshal(b, &context); err != nil {
		t.Fatal(err)
	}
	architecture := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	for key, want := range map[string]any{"flag": true, "deployment": "local", "architecture": architecture, "aws:cdk:enable-path-metadata": true} {
		if context[key] != want {
			t.Errorf("context %s is %v, want %v", key, context[key], want)
		}
	}
	rest, err := os.ReadFile(filepath.Join(out, "rest"))
	if err != nil {
		t.Fatal(err)
	}
	if want := "false " + filepath.Join(dir, "node_modules", ".bin") + " " + dir; string(rest) != want {
		t.Errorf("the app saw %q, want %q", rest, want)
	}
}

func TestRunFails(t *testing.T) {
	broken := t.TempDir()
	write(t, filepath.Join(broken, "cdk.json"), "{")
	noApp := t.TempDir()
	write(t, filepath.Join(noApp, "cdk.json"), "{}")
	noNode := t.TempDir()
	write(t, filepath.Join(noNode, "cdk.json"), `{"app":"true"}`)
	tests := []struct {
		name, dir string
		kind      synth.Kind
		says      string
	}{
		{"no cdk.json", t.TempDir(), synth.NoApp, "holds no cdk.json"},
		{"broken cdk.json", broken, synth.NoApp, "cdk.json"},
		{"no app", noApp, synth.NoApp, `no "app"`},
		{"no node", noNode, synth.NoNode, "npm ci"},
		{"the app fails", app(t, "echo what is wrong >&2; exit 3"), synth.Failed, "what is wrong"},
		{"the app fails without a word", app(t, "exit 3"), synth.Failed, "exit status 3"},
		{"the app is killed", app(t, "echo what is wrong >&2; kill -9 $$"), synth.Failed, "what is wrong: signal: killed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := synth.Run(t.Context(), synth.Options{Dir: tt.dir, Out: "out"})
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want %q that says %q", err, tt.kind, tt.says)
			}
		})
	}
}

// An app that is asked for its definitions gets the context, no Node, and no
// folder of an assembly that anybody keeps.
func TestDefinitions(t *testing.T) {
	dir := app(t, `printf %s "$CDK_CONTEXT_JSON" > "$VINCI_DEFINITIONS"; printf %s "$CDK_OUTDIR" > outdir`)
	if err := os.RemoveAll(filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	if err := synth.Definitions(t.Context(), synth.Options{Dir: dir, Out: "definitions.json", Deployment: "dev"}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "definitions.json"))
	if err != nil || !strings.Contains(string(b), `"deployment":"dev"`) {
		t.Errorf("the app wrote %s, %v", b, err)
	}
	out, err := os.ReadFile(filepath.Join(dir, "outdir"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(string(out)); !os.IsNotExist(err) {
		t.Errorf("the assembly's folder %s is left: %v", out, err)
	}
	for command, says := range map[string]string{
		"echo what is wrong >&2; exit 1": "what is wrong",
		"true":                           "wrote no definitions",
	} {
		err := synth.Definitions(t.Context(), synth.Options{Dir: app(t, command), Out: "definitions.json"})
		if !errors.Is(err, synth.Failed) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", command, err, says)
		}
	}
}

// The app's own words are the last: no exit status after them, neither that of
// go run nor the app's.
func TestRunSaysItOnce(t *testing.T) {
	_, err := synth.Run(t.Context(), synth.Options{Dir: app(t, "echo what is wrong >&2; echo exit status 1 >&2; exit 1"), Out: "out"})
	if err == nil || !strings.HasSuffix(err.Error(), ":\nwhat is wrong") {
		t.Errorf("error %v", err)
	}
}

// Ctrl-C must end the app and what the app started.
func TestRunIsCancelled(t *testing.T) {
	dir := app(t, `sleep 600 & echo $! > "$CDK_OUTDIR/pid"; mv "$CDK_OUTDIR/pid" "$CDK_OUTDIR/ready"; wait`)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := synth.Run(ctx, synth.Options{Dir: dir, Out: "out"})
		done <- err
	}()
	var pid []byte
	for pid == nil {
		select {
		case err := <-done:
			t.Fatalf("ended early: %v", err)
		case <-time.After(5 * time.Millisecond): // between two looks for the file
			pid, _ = os.ReadFile(filepath.Join(dir, "out", "ready"))
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
	for alive(strings.TrimSpace(string(pid))) {
		select {
		case <-t.Context().Done():
			t.Fatal("what the app started goes on running")
		case <-time.After(5 * time.Millisecond): // between two looks at /proc
		}
	}
}

// alive reports whether a process runs; one that has ended and waits to be
// reaped does not.
func alive(pid string) bool {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return false
	}
	text := string(b)
	return !strings.HasPrefix(text[strings.LastIndexByte(text, ')')+1:], " Z")
}

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.assets.json"), `{"files":{"1":{"source":{"path":"asset.1"}},"t":{"source":{"path":"a.template.json"}}}}`)
	write(t, filepath.Join(dir, "b.assets.json"), `{"files":{"2":{"source":{"path":"asset.2"}}}}`)
	for _, name := range []string{"asset.1", "asset.2", "asset.old", "other"} {
		write(t, filepath.Join(dir, name, "bootstrap"), "")
	}
	if err := synth.Prune(dir); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "asset.1", "bootstrap"), filepath.Join(dir, "asset.2", "bootstrap"), filepath.Join(dir, "other", "bootstrap")}
	if strings.Join(left, " ") != strings.Join(want, " ") {
		t.Errorf("left %v, want %v", left, want)
	}
}
