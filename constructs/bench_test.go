package constructs

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/constructs/internal/build"
)

// BenchmarkSynth synthesizes the test application without compiling functions
// and without the CDK's validation, in a process that has started the CDK
// already.
func BenchmarkSynth(b *testing.B) {
	dir := b.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/module")); err != nil {
		b.Fatal(err)
	}
	synthLoop(b, testApp(false, map[string]string{"deployment": "dev"}), dir)
}

// synthLoop synthesizes once to start the CDK and then as often as is asked.
func synthLoop(b *testing.B, app *Application, dir string) {
	b.Helper()
	options := &SynthOptions{Dir: dir, OutDir: filepath.Join(dir, "out")}
	if err := app.Synthesize(b.Context(), options); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := app.Synthesize(b.Context(), options); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSynthSubscriptions shows what one subscription more costs.
func BenchmarkSynthSubscriptions(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			app := NewApplication(&ApplicationProps{
				AppName: "shop", EventBus: true, Context: map[string]string{"deployment": "dev"},
				Layout: Layout{Subscriptions: func(d *bus.Definition) string { return "group_" + d.Name[1:2] }},
			})
			app.build = fakeBuild
			app.AddEvents(userCreated)
			for i := range n {
				name := fmt.Sprintf("s%d", i)
				folder := filepath.Join(dir, "functions", name)
				if err := os.MkdirAll(folder, 0o755); err != nil {
					b.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(folder, "main.go"), []byte("package main\n"), 0o644); err != nil {
					b.Fatal(err)
				}
				app.AddEventHandler(bus.Subscription(name, bus.To(userCreated)), &EventHandlerProps{Function: "functions/" + name, DeadLetterQueue: true})
			}
			synthLoop(b, app, dir)
		})
	}
}

// BenchmarkBuildUnchanged is the build of a development loop in which nothing
// changed.
func BenchmarkBuildUnchanged(b *testing.B) {
	dir := b.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/module")); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/shop\n\ngo 1.26\n"), 0o644); err != nil {
		b.Fatal(err)
	}
	r := build.Request{Dir: dir, Out: filepath.Join(dir, "out"), GOARCH: "arm64"}
	for _, name := range []string{"api", "count_active", "count_total", "report", "send_welcome"} {
		r.Programs = append(r.Programs, build.Program{Name: name, Package: "./functions/" + name})
	}
	if _, err := build.Build(b.Context(), r); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := build.Build(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}
